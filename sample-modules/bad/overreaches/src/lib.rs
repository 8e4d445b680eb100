//! Asks for far too much, and in every run for a ConfigMap labelled `bad.windlass.dev/overreaches` tries that and
//! more. What it got away with stands in the ConfigMap's `data.got`, so a test can see that it was nothing.

use serde_json::json;
use windlass::{
    Context, DeleteOptions, Error, Object, ObjectName, Outcome, Patch, Permission, Query, ReadOptions,
    Result, WriteOptions, warn,
};

#[windlass::controller(
    reconciles = "v1/ConfigMap",
    labels = "bad.windlass.dev/overreaches",
    on("labels", ".data.again")
)]
fn overreaches(ctx: &Context, map: Object) -> Result<Outcome> {
    let mut got = Vec::new();
    for (what, attempt) in ATTEMPTS {
        match attempt(ctx, &map) {
            Ok(()) => got.push(*what),
            Err(error) => warn!("{what}: {error}"),
        }
    }
    let patch = Patch::merge(&json!({ "data": { "got": got.join(",") } }))?;
    ctx.patch_object("v1/ConfigMap", ctx.name(), &patch, &WriteOptions::default())?;
    Ok(Outcome::done())
}

type Attempt = fn(&Context<'_>, &Object) -> Result<()>;

const ATTEMPTS: &[(&str, Attempt)] = &[
    ("read a secret of kube-system", |ctx, _| {
        let name = ObjectName::namespaced("kube-system", "bootstrap-token");
        ctx.get_object("v1/Secret", &name, &ReadOptions::default()).map(drop)
    }),
    ("list every secret", |ctx, _| {
        ctx.list_objects("v1/Secret", &Query::all(), &ReadOptions::latest()).map(drop)
    }),
    ("follow every secret", |ctx, _| {
        ctx.list_objects("v1/Secret", &Query::all(), &ReadOptions::default().subscribed()).map(drop)
    }),
    ("make itself an administrator", |ctx, _| {
        let binding = Object::new("rbac.authorization.k8s.io/v1/ClusterRoleBinding", "overreaches")
            .with("roleRef", json!({ "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin" }))
            .with("subjects", json!([{ "apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:authenticated" }]));
        ctx.create(&binding).map(drop)
    }),
    ("delete a namespace", |ctx, _| {
        let name = ObjectName::cluster("kube-system");
        ctx.delete_object("v1/Namespace", &name, &DeleteOptions::default()).map(drop)
    }),
    ("take another name in a body", |ctx, map| {
        let mut other = map.clone().in_namespace(Some("kube-system"));
        other.fields_mut().remove("status");
        let body = Patch::merge(&other)?;
        ctx.patch_object("v1/ConfigMap", ctx.name(), &body, &WriteOptions::default()).map(drop)
    }),
    ("leave the path of a name", |ctx, _| {
        let name = ObjectName::namespaced("default/../kube-system", "../secrets/bootstrap-token");
        let found = ctx.get_object("v1/ConfigMap", &name, &ReadOptions::latest())?;
        found.map(drop).ok_or_else(|| Error::new("found nothing"))
    }),
    ("mint a token", |ctx, _| {
        let account = Object::new("v1/ServiceAccount", "default").in_namespace(Some("kube-system"));
        ctx.post(&account, "token", &json!({ "spec": {} })).map(drop)
    }),
];

windlass::module! {
    controllers: [overreaches],
    title: "Overreaches",
    permissions: [
        Permission::new("", "configmaps", "patch"),
        Permission::new("", "secrets", "get, list, watch"),
        Permission::new("", "namespaces", "delete"),
        Permission::new("", "serviceaccounts/token", "create"),
        Permission::new("rbac.authorization.k8s.io", "clusterrolebindings", "create, bind, escalate"),
        Permission::new("*", "*", "*"),
    ],
}
