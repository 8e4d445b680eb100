//! Kinds and names: how authors write them down.

use crate::{Kind, ObjectName};

impl Kind {
    /// A kind from its two parts: `Kind::new("apps/v1", "Deployment")`.
    #[must_use]
    pub fn new(api_version: impl Into<String>, kind: impl Into<String>) -> Self {
        Self { api_version: api_version.into(), kind: kind.into() }
    }

    /// The API group; empty for the core group.
    #[must_use]
    pub fn group(&self) -> &str {
        self.api_version.rsplit_once('/').map_or("", |(group, _)| group)
    }

    /// The version without its group: `v1`.
    #[must_use]
    pub fn version(&self) -> &str {
        self.api_version.rsplit_once('/').map_or(&self.api_version, |(_, version)| version)
    }
}

/// `"apps/v1/Deployment"`, `"v1/ConfigMap"`: the last part is the kind. Without a slash the `apiVersion` stays
/// empty, which the host refuses by name.
impl From<&str> for Kind {
    fn from(text: &str) -> Self {
        let (api_version, kind) = text.rsplit_once('/').unwrap_or(("", text));
        Self::new(api_version, kind)
    }
}

impl From<&Kind> for Kind {
    fn from(kind: &Kind) -> Self {
        kind.clone()
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.api_version, self.kind)
    }
}

impl ObjectName {
    /// The name of a namespaced object.
    #[must_use]
    pub fn namespaced(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { namespace: Some(namespace.into()), name: name.into() }
    }

    /// The name of a cluster-scoped object.
    #[must_use]
    pub fn cluster(name: impl Into<String>) -> Self {
        Self { namespace: None, name: name.into() }
    }
}

/// `default/web`, or `web` for a cluster-scoped object.
impl std::fmt::Display for ObjectName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{namespace}/{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// Which object a typed call means: `"web"` (in the namespace of the request, or in none for a cluster-scoped
/// kind), `("default", "web")`, or an [`ObjectName`].
#[derive(Clone, Debug, PartialEq)]
pub enum Name {
    /// Beside the object of the request.
    Here(String),
    /// As said.
    Exactly(ObjectName),
}

impl Name {
    /// The whole name, for a kind of this scope and a request about an object of `namespace`.
    pub(crate) fn resolve(self, namespaced: bool, namespace: Option<&str>) -> ObjectName {
        match self {
            Self::Exactly(name) => name,
            Self::Here(name) => {
                ObjectName { namespace: namespace.filter(|_| namespaced).map(Into::into), name }
            }
        }
    }
}

impl From<&str> for Name {
    fn from(name: &str) -> Self {
        Self::Here(name.into())
    }
}

impl From<&String> for Name {
    fn from(name: &String) -> Self {
        Self::Here(name.clone())
    }
}

impl From<String> for Name {
    fn from(name: String) -> Self {
        Self::Here(name)
    }
}

impl From<(&str, &str)> for Name {
    fn from((namespace, name): (&str, &str)) -> Self {
        Self::Exactly(ObjectName::namespaced(namespace, name))
    }
}

impl From<ObjectName> for Name {
    fn from(name: ObjectName) -> Self {
        Self::Exactly(name)
    }
}

impl From<&ObjectName> for Name {
    fn from(name: &ObjectName) -> Self {
        Self::Exactly(name.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_written_with_its_group_and_version() {
        let check = |text: &str, group: &str, version: &str| {
            let kind = Kind::from(text);
            assert_eq!((kind.group(), kind.version(), kind.to_string().as_str()), (group, version, text));
        };
        check("apps/v1/Deployment", "apps", "v1");
        check("v1/ConfigMap", "", "v1");
    }

    #[test]
    fn a_bare_name_is_beside_the_object_of_the_request() {
        let name = |namespaced| Name::from("web").resolve(namespaced, Some("shop")).to_string();
        assert_eq!((name(true).as_str(), name(false).as_str()), ("shop/web", "web"));
    }
}
