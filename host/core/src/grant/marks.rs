//! What a write says of an object's finalizers, owners and field managers: the marks by which others rely on it.
//!
//! - A *finalizer* holds an object, so adding or removing one takes `update` of `…/finalizers` in the API group that is
//!   the finalizer's domain (`example.com/hold` belongs to `example.com`), in a rule that names group and resource.
//! - An *owner reference* follows Kubernetes' OwnerReferencesPermissionEnforcement: who changes those of an object that
//!   is there must be allowed to delete it, and `blockOwnerDeletion` takes `update` of the owner's `…/finalizers`.
//! - `managedFields` are the server's: whoever writes them writes in the name of others.

use super::Rights;
use crate::{call::PatchType, grant::Scope};
use serde::Deserialize;

/// A reference to an owner, as an object has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OwnerReference {
    /// Of the owner.
    pub api_version: String,
    /// Of the owner.
    pub kind: String,
    /// Of the owner.
    pub name: String,
    /// Of the owner.
    pub uid: String,
    /// Whether it is the one that controls the object.
    pub controller: Option<bool>,
    /// Whether the owner's deletion in the foreground waits for the object.
    pub block_owner_deletion: Option<bool>,
}

/// What a write does to a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Edit<T> {
    /// It stays.
    #[default]
    None,
    /// It will be this; what else was there is gone.
    Becomes(Vec<T>),
    /// These are put to it, and those taken from it.
    By {
        /// Put to it.
        added: Vec<T>,
        /// Taken from it; of owners not known, one stands for all.
        removed: Vec<T>,
    },
}

/// What a body says of an object's marks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// `metadata.finalizers`.
    pub finalizers: Edit<String>,
    /// `metadata.ownerReferences`.
    pub owners: Edit<OwnerReference>,
    /// Whether it writes `metadata.managedFields`.
    pub managed_fields: bool,
    /// The version it is bound to.
    pub resource_version: Option<String>,
}

/// A body whose marks cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum MarksError {
    /// It is no JSON, or not of that form.
    #[error("the body is no such object: {0}")]
    Body(String),
    /// It is, and yet what it does depends on what the server has.
    #[error("{0}")]
    Unclear(&'static str),
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    metadata: Option<Metadata>,
    #[serde(rename = "$patch")]
    directive: Option<serde::de::IgnoredAny>,
    #[serde(rename = "$retainKeys")]
    retain: Option<serde::de::IgnoredAny>,
}

/// The outer option: whether the key is there; the inner: whether it is `null`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Metadata {
    #[serde(deserialize_with = "there")]
    finalizers: Option<Option<Vec<String>>>,
    #[serde(deserialize_with = "there")]
    owner_references: Option<Option<Vec<Reference>>>,
    #[serde(deserialize_with = "there")]
    managed_fields: Option<Option<serde::de::IgnoredAny>>,
    resource_version: Option<String>,
    #[serde(rename = "$patch")]
    directive: Option<serde::de::IgnoredAny>,
    #[serde(rename = "$retainKeys")]
    retain: Option<serde::de::IgnoredAny>,
    #[serde(rename = "$deleteFromPrimitiveList/finalizers")]
    dropped: Option<Vec<String>>,
}

/// A reference, or what a strategic patch says of one.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Reference {
    api_version: String,
    kind: String,
    name: String,
    uid: String,
    controller: Option<bool>,
    block_owner_deletion: Option<bool>,
    #[serde(rename = "$patch")]
    directive: Option<serde::de::IgnoredAny>,
}

impl From<Reference> for OwnerReference {
    fn from(said: Reference) -> Self {
        let Reference { api_version, kind, name, uid, controller, block_owner_deletion, .. } = said;
        Self { api_version, kind, name, uid, controller, block_owner_deletion }
    }
}

fn there<'de, T: Deserialize<'de>, D: serde::Deserializer<'de>>(
    from: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(from).map(Some)
}

impl Marks {
    /// Of a body that is the whole object: what it leaves out is gone.
    ///
    /// # Errors
    /// When it is no object.
    pub fn of_object(body: &str) -> Result<Self, MarksError> {
        let metadata = metadata(body)?;
        Ok(Self {
            finalizers: Edit::Becomes(metadata.finalizers.flatten().unwrap_or_default()),
            owners: Edit::Becomes(plain(metadata.owner_references)),
            managed_fields: metadata.managed_fields.is_some(),
            resource_version: metadata.resource_version,
        })
    }

    /// Of a patch.
    ///
    /// # Errors
    /// When it is none, or does what cannot be told from it alone.
    pub fn of_patch(patch_type: PatchType, body: &str) -> Result<Self, MarksError> {
        if patch_type == PatchType::Json {
            return super::operations::marks(body);
        }
        let metadata = metadata(body)?;
        let adds = patch_type != PatchType::Merge;
        let edit = |list: Option<Option<Vec<String>>>| match list {
            None => Edit::None,
            Some(Some(added)) if adds => Edit::By { added, removed: Vec::new() },
            Some(list) => Edit::Becomes(list.unwrap_or_default()),
        };
        let mut finalizers = edit(metadata.finalizers);
        if let (PatchType::Strategic, Some(dropped)) = (patch_type, metadata.dropped) {
            let added = match finalizers {
                Edit::By { added, .. } => added,
                _ => Vec::new(),
            };
            finalizers = Edit::By { added, removed: dropped };
        }
        let owners = match metadata.owner_references {
            None => Edit::None,
            Some(Some(list)) if adds => {
                let removed = list.iter().filter(|one| one.directive.is_some()).count();
                let added = list.into_iter().filter(|one| one.directive.is_none()).map(OwnerReference::from);
                Edit::By { added: added.collect(), removed: vec![OwnerReference::default(); removed] }
            }
            list => Edit::Becomes(plain(list)),
        };
        Ok(Self {
            finalizers,
            owners,
            managed_fields: metadata.managed_fields.is_some(),
            resource_version: metadata.resource_version,
        })
    }

    /// The finalizers that come or go, where these are there now.
    #[must_use]
    pub fn finalizers_touched<'a>(&'a self, now: &'a [String]) -> Vec<&'a str> {
        match &self.finalizers {
            Edit::None => Vec::new(),
            Edit::By { added, removed } => added.iter().chain(removed).map(String::as_str).collect(),
            Edit::Becomes(list) => {
                let came = list.iter().filter(|one| !now.contains(one));
                let went = now.iter().filter(|one| !list.contains(one));
                came.chain(went).map(String::as_str).collect()
            }
        }
    }

    /// The references that the write sets.
    #[must_use]
    pub fn owners_set(&self) -> &[OwnerReference] {
        match &self.owners {
            Edit::None => &[],
            Edit::Becomes(list) | Edit::By { added: list, .. } => list,
        }
    }

    /// Whether the references are others afterwards, where these are there now.
    #[must_use]
    pub fn owners_change(&self, now: &[OwnerReference]) -> bool {
        match &self.owners {
            Edit::None => false,
            Edit::Becomes(list) => list != now,
            Edit::By { added, removed } => !removed.is_empty() || added.iter().any(|one| !now.contains(one)),
        }
    }
}

fn metadata(body: &str) -> Result<Metadata, MarksError> {
    let body: Body = serde_json::from_str(body).map_err(|error| MarksError::Body(error.to_string()))?;
    let metadata = body.metadata.unwrap_or_default();
    let directives = [&body.directive, &body.retain, &metadata.directive, &metadata.retain];
    if directives.iter().any(|one| one.is_some()) {
        return Err(MarksError::Unclear(
            "`$patch` and `$retainKeys` of the object or its metadata are not sent; name the fields instead",
        ));
    }
    Ok(metadata)
}

fn plain(list: Option<Option<Vec<Reference>>>) -> Vec<OwnerReference> {
    list.flatten().unwrap_or_default().into_iter().map(OwnerReference::from).collect()
}

impl Rights<'_> {
    /// Whether a finalizer of objects in this namespace (none: of cluster-scoped ones) may be put and taken off.
    #[must_use]
    pub fn may_finalize(&self, finalizer: &str, namespace: Option<&str>) -> bool {
        let Some((domain, _)) = finalizer.split_once('/') else { return false };
        let within = |group: &str| {
            !group.is_empty()
                && domain.strip_suffix(group).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        self.grant.rules.iter().any(|rule| {
            let permission = &rule.permission;
            let here = match (&rule.scope, namespace) {
                (Scope::Cluster, None) | (Scope::AllNamespaces, Some(_)) => true,
                (Scope::Namespaces(list), Some(namespace)) => list.iter().any(|one| **one == *namespace),
                (Scope::Selected(selector), Some(namespace)) => {
                    self.labels.namespace_has(namespace, selector)
                }
                _ => false,
            };
            here && permission.resource_names.is_empty()
                && permission.verbs.iter().any(|verb| verb == "update" || verb == "*")
                && permission.api_groups.iter().any(|group| within(group))
                && permission.resources.iter().any(|resource| resource.ends_with("/finalizers"))
        })
    }
}

#[cfg(test)]
mod tests;
