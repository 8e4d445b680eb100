//! What a module says about itself, as plain data with everything parsed: the contract's `description`.

mod check;

use crate::{field_path::FieldPath, name::Kind, selector::Selector};
pub use check::DescriptionError;
use std::sync::Arc;

/// A module's description: paths and selectors are parsed; [`Description::validate`] checks the rest.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Description {
    /// For people; the identity is the manifest's name.
    pub title: String,
    /// For people.
    pub version: String,
    /// Its reconciled kinds.
    pub controllers: Vec<Controller>,
    /// Field indexes it reads by.
    pub indexes: Vec<Index>,
    /// The RBAC rules it asks for, beyond reading what it reconciles and watches.
    pub permissions: Vec<Permission>,
    /// CustomResourceDefinitions it brings along, as JSON.
    pub definitions: Vec<String>,
    /// Finalizers it sets.
    pub finalizers: Vec<String>,
    /// JSON Schema of its settings.
    pub settings_schema: Option<String>,
}

/// One kind kept in its desired state.
#[derive(Clone, Debug, PartialEq)]
pub struct Controller {
    /// Unique in the module.
    pub name: Arc<str>,
    /// The kind it reconciles.
    pub reconciles: Kind,
    /// Which objects of that kind.
    pub selection: Selection,
    /// What a change of such an object must touch to count; empty: every change.
    pub predicates: Vec<Predicate>,
    /// Further kinds it follows.
    pub watches: Vec<Watch>,
}

/// A further kind that a controller follows.
#[derive(Clone, Debug, PartialEq)]
pub struct Watch {
    /// Unique in its controller.
    pub name: Arc<str>,
    /// The kind that is followed.
    pub kind: Kind,
    /// Which objects of it.
    pub selection: Selection,
    /// How a change leads to requests.
    pub relation: Relation,
    /// What a change must touch to count; empty: every change.
    pub predicates: Vec<Predicate>,
    /// Hold only `metadata`.
    pub metadata_only: bool,
}

/// Which objects of a kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Selection {
    /// Empty: every namespace the grant covers. Sorted, no repeats.
    pub namespaces: Vec<Arc<str>>,
    /// Label selector.
    pub labels: Option<Selector>,
    /// Field selector, as the server takes it.
    pub fields: Option<Arc<str>>,
}

impl Selection {
    /// No object: no namespace is called so. An empty list would be every namespace.
    pub(crate) fn nowhere() -> Self {
        Self { namespaces: vec!["".into()], ..Self::default() }
    }
}

/// How a change of a watched object leads to requests. Evaluated before and after the change; both count.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Relation {
    /// To the controller owner, if it is of the reconciled kind.
    Controlled,
    /// To every owner of the reconciled kind.
    Owned,
    /// To the object that labels name.
    Labelled(Lookup<Box<str>>),
    /// To the object that annotations name.
    Annotated(Lookup<Box<str>>),
    /// To every reconciled object that names the changed one in this field.
    Referenced(Lookup<FieldPath>),
    /// Ask the module's `targets`.
    Mapped,
}

/// Where an object says which other object it means.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lookup<P> {
    /// Where the name stands.
    pub name: P,
    /// Where the namespace stands. None: the namespace of the object that says it; none if what it means is cluster-scoped.
    pub namespace: Option<P>,
}

/// What a change must touch to count.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Predicate {
    /// `metadata.generation`; creations and deletions always count.
    Generation,
    /// `metadata.labels`.
    Labels,
    /// `metadata.annotations`.
    Annotations,
    /// A field.
    Field(FieldPath),
}

/// A field index that reads can use.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Index {
    /// Unique in the module.
    pub name: Arc<str>,
    /// The indexed kind.
    pub kind: Kind,
    /// Every value found there is indexed.
    pub field: FieldPath,
}

/// An RBAC PolicyRule without namespaces: what a module asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Permission {
    /// API groups; `""` is the core group, `*` is all.
    pub api_groups: Vec<String>,
    /// Resources, also `deployments/status`; `*` is all.
    pub resources: Vec<String>,
    /// Empty: every name.
    pub resource_names: Vec<String>,
    /// Verbs; `*` is all.
    pub verbs: Vec<String>,
}
