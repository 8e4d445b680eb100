//! The requests of the matrix: kind × verb × namespace × name × subresource.

use crate::client::{Query, collection_path, object_path};
use serde_json::{Value, json};
use windlass_core::{
    grant::Access,
    name::{Kind, ObjectName, Resource},
};

/// Group, plural with subresource, whether in namespaces.
const RESOURCES: [(&str, &str, bool); 42] = [
    ("", "configmaps", true),
    ("", "secrets", true),
    ("", "pods", true),
    ("", "pods/status", true),
    ("", "pods/log", true),
    ("", "pods/exec", true),
    ("", "pods/proxy", true),
    ("", "pods/eviction", true),
    ("", "pods/ephemeralcontainers", true),
    ("", "services", true),
    ("", "services/proxy", true),
    ("", "serviceaccounts", true),
    ("", "serviceaccounts/token", true),
    ("", "namespaces", false),
    ("", "namespaces/status", false),
    ("", "namespaces/finalize", false),
    ("", "nodes", false),
    ("", "nodes/proxy", false),
    ("", "persistentvolumes", false),
    ("apps", "deployments", true),
    ("apps", "deployments/status", true),
    ("apps", "deployments/scale", true),
    ("apps", "deployments/finalizers", true),
    ("apps", "statefulsets", true),
    ("example.com", "sites", true),
    ("example.com", "sites/status", true),
    ("example.com", "sites/finalizers", true),
    ("example.com", "domains", false),
    ("coordination.k8s.io", "leases", true),
    ("rbac.authorization.k8s.io", "roles", true),
    ("rbac.authorization.k8s.io", "rolebindings", true),
    ("rbac.authorization.k8s.io", "clusterroles", false),
    ("rbac.authorization.k8s.io", "clusterrolebindings", false),
    ("admissionregistration.k8s.io", "mutatingwebhookconfigurations", false),
    ("apiextensions.k8s.io", "customresourcedefinitions", false),
    ("apiextensions.k8s.io", "customresourcedefinitions/status", false),
    ("apiregistration.k8s.io", "apiservices", false),
    ("certificates.k8s.io", "certificatesigningrequests/approval", false),
    ("authorization.k8s.io", "selfsubjectaccessreviews", false),
    ("authentication.k8s.io", "tokenreviews", false),
    ("windlass.dev", "modules", true),
    ("windlass.dev", "modules/status", true),
];

const NAMESPACES: [&str; 3] = ["prod", "team", "other"];
const NAMES: [&str; 3] = ["web", "db", "windlass-host"];

/// One request.
pub(super) struct Cell {
    /// What is done; further verbs of RBAC have no request of the host.
    pub(super) verb: &'static str,
    resource: Resource,
    subresource: Option<&'static str>,
    namespace: Option<&'static str>,
    /// Of a creation: the name that the new object will have.
    pub(super) name: Option<&'static str>,
}

/// All of them.
pub(super) fn cells() -> Vec<Cell> {
    RESOURCES.iter().flat_map(|(group, full, namespaced)| of_resource(group, full, *namespaced)).collect()
}

fn of_resource(group: &'static str, full: &'static str, namespaced: bool) -> Vec<Cell> {
    let (plural, subresource) = match full.split_once('/') {
        Some((plural, subresource)) => (plural, Some(subresource)),
        None => (full, None),
    };
    let version = if group.is_empty() { "v1".to_owned() } else { format!("{group}/v1") };
    let resource = Resource { kind: Kind::new(&version, "Thing"), plural: plural.into(), namespaced };
    let places: Vec<Option<&str>> = if namespaced { NAMESPACES.map(Some).to_vec() } else { vec![None] };
    let mut cells = Vec::new();
    let mut put = |verb, namespace, name| {
        cells.push(Cell { verb, resource: resource.clone(), subresource, namespace, name });
    };
    for place in &places {
        for name in NAMES {
            for verb in ["get", "update", "patch", "delete", "create", "apply"] {
                put(verb, *place, Some(name));
            }
            for verb in ["impersonate", "bind", "escalate", "use", "approve"] {
                put(verb, *place, Some(name));
            }
        }
    }
    if subresource.is_none() {
        let everywhere = if namespaced { &[None][..] } else { &[] };
        for place in places.iter().chain(everywhere) {
            for name in [None, Some("web"), Some("windlass-host")] {
                ["list", "watch"].into_iter().for_each(|verb| put(verb, *place, name));
            }
            put("deletecollection", *place, None);
        }
    }
    cells
}

impl Cell {
    /// As the host's grant is asked.
    pub(super) fn access(&self) -> Access<'_> {
        let posts = self.verb == "create" && self.subresource.is_none();
        Access {
            // An apply of what is not there is authorized as a creation, by name.
            verb: if self.verb == "apply" { "create" } else { self.verb },
            subresource: self.subresource,
            namespace: self.namespace,
            // A list is never asked by name, a watch is where one object is followed.
            name: self.name.filter(|_| !posts && self.verb != "list"),
            new_name: self.name.filter(|_| posts),
            ..Access::of("get", &self.resource)
        }
    }

    /// As the authorizer is asked: the request that the client would send, or what no client sends.
    pub(super) fn asked(&self) -> Value {
        let name = ObjectName {
            namespace: self.namespace.map(Into::into),
            name: self.name.unwrap_or_default().into(),
        };
        let object = || object_path(&self.resource, &name, self.subresource).unwrap();
        let collection = |one| collection_path(&self.resource, self.namespace, one).unwrap();
        let by_name = || self.name.map(|name| format!("metadata.name={name}"));
        let (method, url) = match self.verb {
            "get" => ("GET", object()),
            "update" => ("PUT", object()),
            "patch" => ("PATCH", object()),
            "delete" => ("DELETE", object()),
            "create" if self.subresource.is_some() => ("POST", object()),
            "create" => ("POST", collection(true)),
            "list" => {
                ("GET", Query::default().with("fieldSelector", by_name().as_deref()).onto(collection(false)))
            }
            "watch" => {
                let query = Query::default().flag("watch", true).with("fieldSelector", by_name().as_deref());
                ("GET", query.onto(collection(false)))
            }
            "deletecollection" => ("DELETE", collection(false)),
            _ => {
                // The server says of a namespace that it lies in itself; so does this.
                let own = (&*self.resource.plural == "namespaces").then(|| self.name.unwrap_or_default());
                return json!({
                    "verb": self.access().verb, "group": self.resource.kind.group(),
                    "resource": &*self.resource.plural, "subresource": self.subresource.unwrap_or_default(),
                    "namespace": own.or(self.namespace).unwrap_or_default(), "name": self.name.unwrap_or_default(),
                });
            }
        };
        json!({"method": method, "url": url})
    }
}
