//! A path that is built of an access that the grant has checked leads to exactly that, as the server reads paths.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use super::{collection_path, object_path};
use http::Method;
use proptest::prelude::*;
use std::sync::Arc;
use windlass_apiserver::chain::RequestInfo;
use windlass_core::{
    grant::Access,
    name::{Kind, ObjectName, Resource},
};

/// Words that mean something in a path, words that look like them, and whatever there may be.
fn word() -> impl Strategy<Value = String> {
    let known = [
        "pods",
        "secrets",
        "namespaces",
        "watch",
        "proxy",
        "status",
        "finalize",
        "api",
        "apis",
        "v1",
        "token",
        "web",
        "prod",
        "..",
        ".",
        "",
        "Pods",
        "a.b",
        "%2f",
        "%2e%2e",
        "a/b",
        "a\\b",
        "a?b",
        "a#b",
        "a b",
        "a\0",
        "a\n",
        "a%",
        "..%2fsecrets",
        "\u{2024}\u{2024}",
        "\u{ff0f}",
        "ｐods",
        "a;b",
        "a:b",
        "a,b",
        "a+b",
        "a&b=c",
        "-a",
        "a-",
        "*",
        "\u{202e}a",
        "x'y",
        "~",
        "a_b",
        "system:node:x",
    ];
    prop_oneof![
        6 => prop::sample::select(known.to_vec()).prop_map(str::to_owned),
        2 => "[a-z][a-z0-9-]{0,20}",
        1 => "[ -~]{0,12}",
        1 => any::<String>(),
        1 => (250..260_usize).prop_map(|len| "a".repeat(len)),
    ]
}

#[derive(Debug)]
struct Asked {
    verb: &'static str,
    resource: Resource,
    subresource: Option<String>,
    name: ObjectName,
}

fn asked() -> impl Strategy<Value = Asked> {
    let verbs = ["get", "list", "watch", "create", "update", "patch", "delete"];
    let group = prop_oneof![3 => Just(String::new()), 2 => Just("example.com".to_owned()), 1 => word()];
    let resource = (group, word(), any::<bool>()).prop_map(|(group, plural, namespaced)| {
        let version = if group.is_empty() { "v1".to_owned() } else { format!("{group}/v1") };
        Resource { kind: Kind::new(&version, "Thing"), plural: plural.into(), namespaced }
    });
    let place = (prop::option::of(word()), word(), prop::option::of(word()));
    (prop::sample::select(verbs.to_vec()), resource, place).prop_map(
        |(verb, resource, (namespace, name, subresource))| {
            let name = ObjectName { namespace: namespace.map(Arc::from), name: name.into() };
            Asked { verb, resource, subresource, name }
        },
    )
}

impl Asked {
    /// What the grant is asked.
    fn access(&self) -> Access<'_> {
        let many = matches!(self.verb, "list" | "watch");
        let posts = self.verb == "create" && self.subresource.is_none();
        Access {
            subresource: self.subresource.as_deref().filter(|_| !many),
            namespace: self.name.namespace.as_deref(),
            name: (!many && !posts).then_some(&*self.name.name),
            ..Access::of(self.verb, &self.resource)
        }
    }

    /// What is sent.
    fn path(&self) -> Option<(Method, String)> {
        let Self { resource, name, .. } = self;
        let access = self.access();
        let path = match access.name {
            Some(_) => object_path(resource, name, access.subresource),
            None => collection_path(resource, name.namespace.as_deref(), self.verb == "create"),
        };
        let method = match self.verb {
            "create" => Method::POST,
            "update" => Method::PUT,
            "patch" => Method::PATCH,
            "delete" => Method::DELETE,
            _ => Method::GET,
        };
        Some((method, path.ok()?))
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn a_checked_access_leads_to_the_path_of_exactly_that(asked in asked()) {
        let access = asked.access();
        if access.validate().is_ok() && let Some((method, path)) = asked.path() {
            let uri: http::Uri = path.parse().unwrap();
            prop_assert_eq!(uri.path(), &path, "nothing of it is a query");
            let info = RequestInfo::parse(&method, uri.path(), asked.verb == "watch", None);
            // A namespace is said to lie in itself.
            let namespace = match (&*info.resource, asked.resource.namespaced) {
                ("namespaces", false) => "",
                _ => &*info.namespace,
            };
            let found =
                (info.verb, &*info.group, &*info.resource, &*info.subresource, namespace, &*info.name, info.rest);
            let or = Option::unwrap_or_default;
            let want = (
                access.verb, access.group, access.resource, or(access.subresource), or(access.namespace),
                or(access.name), 0,
            );
            prop_assert_eq!(found, want, "{}", path);
        }
    }
}

#[test]
fn a_namespace_is_no_way_to_what_is_in_it() {
    let namespaces =
        Resource { kind: Kind::new("v1", "Namespace"), plural: "namespaces".into(), namespaced: false };
    let prod = ObjectName::cluster("prod");
    for (subresource, want) in [
        (Some("secrets"), None),
        (Some("pods/web"), None),
        (Some("status"), Some("/api/v1/namespaces/prod/status")),
        (Some("finalize"), Some("/api/v1/namespaces/prod/finalize")),
        (None, Some("/api/v1/namespaces/prod")),
    ] {
        assert_eq!(object_path(&namespaces, &prod, subresource).ok().as_deref(), want);
    }
}
