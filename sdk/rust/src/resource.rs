//! What objects are to the SDK: typed ones, untyped ones, and the one a run is about.

use serde::{Serialize, de::DeserializeOwned};

use crate::json::{self, JsonError};
use crate::{Error, Kind, ObjectMeta, ObjectName, OwnerReference, Result};

/// A typed kind: any serde type with an [`ObjectMeta`]. Usually derived:
///
/// ```
/// # use windlass::{ObjectMeta, Resource};
/// # use serde::{Deserialize, Serialize};
/// #[derive(Deserialize, Serialize, Resource)]
/// #[resource("apps/v1/Deployment")]
/// struct Deployment {
///     metadata: ObjectMeta,
///     #[serde(default)]
///     status: DeploymentStatus,
/// }
/// # #[derive(Deserialize, Serialize, Default)]
/// # struct DeploymentStatus {}
/// ```
///
/// The type need hold only what the controller looks at. So take care with [`update`](crate::Context::update):
/// it replaces the whole object, and what the type does not hold is lost. Apply and patches have no such trap.
pub trait Resource: Serialize + DeserializeOwned {
    /// Group and version, such as `apps/v1`.
    const API_VERSION: &'static str;
    /// The kind, such as `Deployment`.
    const KIND: &'static str;
    /// Whether objects of the kind live in namespaces.
    const NAMESPACED: bool = true;

    /// The object's metadata.
    fn metadata(&self) -> &ObjectMeta;

    /// The object's metadata, to be changed.
    fn metadata_mut(&mut self) -> &mut ObjectMeta;
}

/// An object that can be sent and received: every [`Resource`], and the untyped [`Object`](crate::Object).
pub trait Manifest: Sized {
    /// What kind of object it is.
    fn kind(&self) -> Kind;
    /// Namespace and name.
    fn object_name(&self) -> ObjectName;
    /// Its uid; none until it is stored.
    fn uid(&self) -> Option<&str>;
    /// The version that was read.
    fn resource_version(&self) -> Option<&str>;
    /// Its finalizers.
    fn finalizers(&self) -> Vec<String>;
    /// Whether it is to go and only finalizers hold it.
    fn is_deleting(&self) -> bool;
    /// The object as the API takes it, with `apiVersion` and `kind`.
    ///
    /// # Errors
    /// If the type cannot be written as a JSON object.
    fn to_json(&self) -> Result<String>;
    /// Reads an object.
    ///
    /// # Errors
    /// Terminal, if the object does not have the type's form.
    fn from_json(text: &str) -> Result<Self>;
}

impl<T: Resource> Manifest for T {
    fn kind(&self) -> Kind {
        Kind::new(T::API_VERSION, T::KIND)
    }

    fn object_name(&self) -> ObjectName {
        self.metadata().object_name()
    }

    fn uid(&self) -> Option<&str> {
        self.metadata().uid.as_deref()
    }

    fn resource_version(&self) -> Option<&str> {
        self.metadata().resource_version.as_deref()
    }

    fn finalizers(&self) -> Vec<String> {
        self.metadata().finalizers.clone()
    }

    fn is_deleting(&self) -> bool {
        self.metadata().deletion_timestamp.is_some()
    }

    fn to_json(&self) -> Result<String> {
        add_kind(T::API_VERSION, T::KIND, &serde_json::to_string(self)?)
    }

    fn from_json(text: &str) -> Result<Self> {
        json::from_str(text).map_err(|error| unreadable(T::KIND, &error))
    }
}

/// Puts `apiVersion` and `kind`, which typed objects do not hold, before their other fields. A type that does
/// hold them says the same twice, which JSON readers take.
fn add_kind(api_version: &str, kind: &str, object: &str) -> Result<String> {
    match object.strip_prefix('{') {
        Some("}") => Ok(format!(r#"{{"apiVersion":"{api_version}","kind":"{kind}"}}"#)),
        Some(fields) if !fields.starts_with("\"apiVersion\"") => {
            Ok(format!(r#"{{"apiVersion":"{api_version}","kind":"{kind}",{fields}"#))
        }
        Some(_) => Ok(object.to_owned()),
        None => Err(Error::terminal(format!("a {kind} is not written as a JSON object"))),
    }
}

/// The server checked the object against its schema, so trying again with the same one is in vain.
fn unreadable(kind: &str, error: &JsonError) -> Error {
    Error::terminal(format!("the {kind} cannot be read as the module's type: {error}"))
}

/// What a reconciler takes as its second argument: an object, or an `Option` of one if it wants to run for
/// objects that are gone too.
pub trait Subject: Sized {
    /// The argument for a request with this object; none if the reconciler need not run.
    ///
    /// # Errors
    /// Terminal, if the object does not have the type's form.
    fn of_request(object: Option<&str>) -> Result<Option<Self>>;
}

impl<T: Manifest> Subject for T {
    fn of_request(object: Option<&str>) -> Result<Option<Self>> {
        object.map(T::from_json).transpose()
    }
}

impl<T: Manifest> Subject for Option<T> {
    fn of_request(object: Option<&str>) -> Result<Option<Self>> {
        Ok(Some(object.map(T::from_json).transpose()?))
    }
}

/// A [`Subject`] whose type says its kind.
pub trait TypedSubject: Subject {
    /// The kind to reconcile.
    fn kind() -> Kind;
}

impl<T: Resource> TypedSubject for T {
    fn kind() -> Kind {
        Kind::new(T::API_VERSION, T::KIND)
    }
}

impl<T: Resource> TypedSubject for Option<T> {
    fn kind() -> Kind {
        Kind::new(T::API_VERSION, T::KIND)
    }
}

/// A reference that makes `owner` the one that manages the object which carries it.
///
/// # Errors
/// Terminal, if the owner has no uid: it was not read from the cluster.
pub fn owner_reference(owner: &impl Manifest) -> Result<OwnerReference> {
    let kind = owner.kind();
    let name = owner.object_name().name;
    let Some(uid) = owner.uid() else {
        return Err(Error::terminal(format!("{kind} {name} has no uid yet, so it cannot own anything")));
    };
    Ok(OwnerReference {
        api_version: kind.api_version,
        kind: kind.kind,
        name,
        uid: uid.to_owned(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_object_gets_its_kind_once() {
        let check = |object: &str, expected: &str| {
            assert_eq!(add_kind("v1", "Pod", object).ok().as_deref(), Some(expected));
        };
        check("{}", r#"{"apiVersion":"v1","kind":"Pod"}"#);
        check(r#"{"metadata":{}}"#, r#"{"apiVersion":"v1","kind":"Pod","metadata":{}}"#);
        check(r#"{"apiVersion":"v1","kind":"Pod"}"#, r#"{"apiVersion":"v1","kind":"Pod"}"#);
        assert!(add_kind("v1", "Pod", "[]").is_err());
    }
}
