//! Namespaces as the place objects live in: they must exist and not be ending; and their finalize subresource.

use serde_json::Value;

use super::{Body, Place, Registry, Written};
use crate::object;
use crate::query::WriteOptions;
use crate::status::{ApiError, Cause, Details, ResourceName, reason};
use crate::store::Guard;

/// Namespaces that can never be deleted.
const IMMORTAL: [&str; 3] = ["default", "kube-system", "kube-public"];
const NAMESPACES: ResourceName<'_> = ResourceName { group: "", plural: "namespaces" };

impl Registry {
    /// Refuses what may not be created: in a namespace that is missing or ending, or of a kind that is.
    pub(super) fn check_may_create(&self, place: &Place) -> Result<(), ApiError> {
        if place.resource.terminating {
            let why = "create not allowed while custom resource definition is terminating";
            return Err(ApiError::forbidden(place.resource_name(), &place.name, why));
        }
        if !place.resource.definition.namespaced {
            return Ok(());
        }
        let name = &place.namespace;
        let namespace = self.inner.store.get("namespaces", name);
        let namespace = namespace.ok_or_else(|| ApiError::not_found(NAMESPACES, name))?;
        if object::deletion_timestamp(&namespace.value()).is_some() {
            return Err(terminating(place));
        }
        Ok(())
    }

    /// What the store checks at the moment of writing: the namespace is still the one that was looked at.
    pub(super) fn namespace_guard(&self, place: &Place) -> Option<Guard> {
        if !place.resource.definition.namespaced {
            return None;
        }
        let namespace = self.inner.store.get("namespaces", &place.namespace)?;
        let key = namespace.key.clone();
        Some(Guard { resource: "namespaces".into(), key, version: namespace.version })
    }

    /// `PUT …/finalize`: the only write that changes `spec.finalizers`.
    pub async fn finalize_namespace(
        &self,
        place: &Place,
        body: Body,
        options: &WriteOptions,
    ) -> Result<Written, ApiError> {
        let mut warnings = Vec::new();
        let sent = self.decode(place, body, options.field_validation, &mut warnings)?;
        let finalizers = object::at(&sent, "spec.finalizers").cloned().unwrap_or(Value::Null);
        let version = object::resource_version(&sent).to_owned();
        let mut make = |old: &Value| {
            let mut namespace = old.clone();
            if !version.is_empty() {
                object::metadata_mut(&mut namespace)
                    .insert("resourceVersion".into(), version.as_str().into());
            }
            let spec = object::child_mut(object::as_map(&mut namespace), "spec");
            match &finalizers {
                Value::Array(list) if !list.is_empty() => {
                    spec.insert("finalizers".into(), finalizers.clone())
                }
                _ => spec.remove("finalizers"),
            };
            Ok(namespace)
        };
        let place = Place { subresource: "finalize".into(), ..place.clone() };
        self.update_with(&place, options, &mut make).await
    }
}

fn terminating(place: &Place) -> ApiError {
    let name = &place.namespace;
    let resource = place.resource_name();
    let why = format!("unable to create new content in namespace {name} because it is being terminated");
    let mut error = ApiError::forbidden(resource, &place.name, &why);
    let cause = Cause::of(
        "NamespaceTerminating",
        format!("namespace {name} is being terminated"),
        "metadata.namespace",
    );
    error.0.details.get_or_insert_with(Details::default).causes.push(cause);
    debug_assert_eq!(error.reason(), reason::FORBIDDEN);
    error
}

/// Refuses the deletion of namespaces that a cluster cannot be without.
pub(super) fn check_may_delete(place: &Place) -> Result<(), ApiError> {
    let namespaces = &*place.resource.store_name == "namespaces";
    if namespaces && IMMORTAL.contains(&&*place.name) {
        let why = "this namespace may not be deleted";
        return Err(ApiError::forbidden(NAMESPACES, &place.name, why));
    }
    Ok(())
}
