//! What a `*` never covers. Who may touch one of these can take over the cluster or the host, so a rule has to name
//! it, as it stands here, in its `resources`.

/// Group and resource, the latter with its subresource where only that is guarded; `*`: the whole group.
const GUARDED: &[(&str, &str)] = &[
    // Credentials, and code in other people's containers.
    ("", "secrets"),
    ("", "serviceaccounts/token"),
    ("", "pods/exec"),
    ("", "pods/attach"),
    ("", "pods/portforward"),
    ("", "pods/proxy"),
    ("", "services/proxy"),
    ("", "nodes/proxy"),
    ("", "pods/ephemeralcontainers"),
    ("certificates.k8s.io", "*"),
    // Takes the finalizers off a namespace.
    ("", "namespaces/finalize"),
    // Who may do what, and what anybody may do: the host would be asked for its own rights.
    ("authentication.k8s.io", "*"),
    ("authorization.k8s.io", "*"),
    ("rbac.authorization.k8s.io", "*"),
    // What stands in the way of every request.
    ("admissionregistration.k8s.io", "*"),
    // What the cluster serves.
    ("apiextensions.k8s.io", "customresourcedefinitions"),
    ("apiregistration.k8s.io", "*"),
    // Who has to wait.
    ("flowcontrol.apiserver.k8s.io", "*"),
    // The modules themselves.
    ("windlass.dev", "*"),
];

/// Whether only a rule that names it covers this resource. A guarded resource's subresources are guarded as well.
pub(super) fn is_guarded(group: &str, resource: &str, full_resource: &str) -> bool {
    GUARDED.iter().any(|(guarded_group, guarded)| {
        *guarded_group == group && (*guarded == "*" || *guarded == resource || *guarded == full_resource)
    })
}

/// Whether this is a lease by which hosts agree who runs the modules: it takes a rule that names it by
/// `resourceNames`.
pub(super) fn is_own_lease(group: &str, resource: &str, name: Option<&str>) -> bool {
    group == "coordination.k8s.io"
        && resource == "leases"
        && name.is_some_and(|name| name == "windlass" || name.starts_with("windlass-"))
}
