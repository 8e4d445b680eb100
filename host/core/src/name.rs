//! What things are called: kinds, objects, modules, controllers, requests, versions.

use std::{fmt, sync::Arc};

/// A kind of Kubernetes object. Cheap to clone and to hash.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind {
    /// `v1`, `apps/v1`, `example.com/v1alpha1`.
    pub api_version: Arc<str>,
    /// `ConfigMap`.
    pub kind: Arc<str>,
}

impl Kind {
    /// A kind from its two names.
    #[must_use]
    pub fn new(api_version: &str, kind: &str) -> Self {
        Self { api_version: api_version.into(), kind: kind.into() }
    }

    /// The API group; empty for the core group.
    #[must_use]
    pub fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }

    /// The version without the group: `v1`.
    #[must_use]
    pub fn version(&self) -> &str {
        self.api_version.split_once('/').map_or(&self.api_version, |(_, version)| version)
    }
}

impl fmt::Display for Kind {
    /// `apps/v1 Deployment`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.api_version, self.kind)
    }
}

/// The server's name for a kind: what stands in URLs and in RBAC rules. Only discovery knows it (M6).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Resource {
    /// The kind that is served there.
    pub kind: Kind,
    /// `deployments`.
    pub plural: Arc<str>,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
}

/// Which object of a kind. A cluster-scoped object has no namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectName {
    /// None for cluster-scoped objects.
    pub namespace: Option<Arc<str>>,
    /// `metadata.name`.
    pub name: Arc<str>,
}

impl ObjectName {
    /// The name of an object in a namespace.
    #[must_use]
    pub fn namespaced(namespace: &str, name: &str) -> Self {
        Self { namespace: Some(namespace.into()), name: name.into() }
    }

    /// The name of a cluster-scoped object.
    #[must_use]
    pub fn cluster(name: &str) -> Self {
        Self { namespace: None, name: name.into() }
    }
}

impl fmt::Display for ObjectName {
    /// `namespace/name`, or `name` when cluster-scoped (I1).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}

/// An [`ObjectName`] that stands in an object, or is borrowed. Compares and hashes as the owned one does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NameRef<'n> {
    /// None for cluster-scoped objects.
    pub namespace: Option<&'n str>,
    /// `metadata.name`.
    pub name: &'n str,
}

impl NameRef<'_> {
    /// The same name for itself.
    #[must_use]
    pub fn to_owned(self) -> ObjectName {
        ObjectName { namespace: self.namespace.map(Arc::from), name: self.name.into() }
    }
}

impl ObjectName {
    /// Borrowed.
    #[must_use]
    pub fn as_ref(&self) -> NameRef<'_> {
        NameRef { namespace: self.namespace.as_deref(), name: &self.name }
    }
}

impl PartialEq<NameRef<'_>> for ObjectName {
    fn eq(&self, other: &NameRef<'_>) -> bool {
        self.as_ref() == *other
    }
}

impl fmt::Display for NameRef<'_> {
    /// `namespace/name`, or `name` when cluster-scoped (I1).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.namespace {
            Some(namespace) => write!(f, "{namespace}/{}", self.name),
            None => f.write_str(self.name),
        }
    }
}

/// A module's identity: its manifest's `metadata.name`, which equals its file's stem.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModuleName(pub Arc<str>);

impl fmt::Display for ModuleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The digest (SHA-256) of a module's bytes: what a run is a run of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The first twelve hexadecimal digits, for people.
    #[must_use]
    pub fn short(&self) -> String {
        self.to_string()[..12].to_owned()
    }
}

impl fmt::Display for Digest {
    /// 64 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({})", self.short())
    }
}

/// One generation of a module: raised by one each time the module's bytes, grant or settings are swapped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(pub u64);

/// One reconciled kind of one module: it has its own queue, metrics and concurrency.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ControllerName {
    /// The module it belongs to.
    pub module: ModuleName,
    /// Its name in the module's description.
    pub controller: Arc<str>,
}

impl fmt::Display for ControllerName {
    /// `module/controller`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.module, self.controller)
    }
}

/// What the queue holds: reconcile this object by this controller. Carries no object and no event (C2).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Request {
    /// Who reconciles.
    pub controller: ControllerName,
    /// What is reconciled.
    pub name: ObjectName,
}

impl fmt::Display for Request {
    /// `module/controller namespace/name`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.controller, self.name)
    }
}
