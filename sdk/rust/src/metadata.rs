//! `metadata` of an object, as far as controllers read and write it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{ObjectName, Timestamp};

/// The parts of `meta/v1 ObjectMeta` that controllers use. Parts that are not here (`managedFields`,
/// `selfLink`, the grace period) are the server's; it keeps them when an object is written without them.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ObjectMeta {
    /// Unique in namespace and kind. Empty only when [`generate_name`](Self::generate_name) is to make it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// None for cluster-scoped objects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// What the server makes a name of when an object is created without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generate_name: Option<String>,
    /// Unique over time; none until the server has stored the object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// Changes with every write. Opaque.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_version: Option<String>,
    /// Counts changes of the desired state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation: Option<i64>,
    /// For selectors.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// For everything else.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// The objects whose end is this one's end.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub owner_references: Vec<OwnerReference>,
    /// What must be done before the object may go.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub finalizers: Vec<String>,
    /// Set by the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub creation_timestamp: Option<Timestamp>,
    /// Set by the server when the object is to go and finalizers hold it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_timestamp: Option<Timestamp>,
}

impl ObjectMeta {
    /// Metadata of an object called `name` in `namespace`.
    #[must_use]
    pub fn new(namespace: Option<&str>, name: impl Into<String>) -> Self {
        Self { name: name.into(), namespace: namespace.map(Into::into), ..Self::default() }
    }

    /// Namespace and name.
    #[must_use]
    pub fn object_name(&self) -> ObjectName {
        ObjectName { namespace: self.namespace.clone(), name: self.name.clone() }
    }

    /// The owner that manages the object, if it has one.
    #[must_use]
    pub fn controller_owner(&self) -> Option<&OwnerReference> {
        self.owner_references.iter().find(|owner| owner.controller == Some(true))
    }
}

/// An entry of `metadata.ownerReferences`. Owners are in the namespace of the owned object, or cluster-scoped.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OwnerReference {
    /// The owner's `apiVersion`.
    pub api_version: String,
    /// The owner's kind.
    pub kind: String,
    /// The owner's name.
    pub name: String,
    /// The owner's uid. A reference to a uid that is gone makes the owned object garbage.
    pub uid: String,
    /// At most one owner of an object says true: the one that manages it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub controller: Option<bool>,
    /// With foreground deletion the owner stays until this object is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block_owner_deletion: Option<bool>,
}
