//! Pods and the templates of Pods.

use std::collections::HashSet;

use super::container::{self, Around};
use super::field::{Faults, Field};
use super::{scheduling, selector, texts, volume};

/// A template's labels, annotations and spec; `claims` are volumes that it sees beside its own.
pub(super) fn template<'v>(faults: &mut Faults, at: &Field<'_, 'v>, claims: HashSet<&'v str>) {
    labels(faults, at);
    let inner = at.get("spec");
    spec(faults, &inner, claims);
    let ephemeral = inner.get("ephemeralContainers");
    if ephemeral.len() > 0 {
        faults.forbidden(&ephemeral, "ephemeral containers not allowed in pod template");
    }
}

/// The labels and annotations of a template. The real server leaves `metadata` out of their places.
pub(super) fn labels(faults: &mut Faults, at: &Field<'_, '_>) {
    let metadata = at.get("metadata");
    selector::labels(faults, &Field { value: metadata.get("labels").value, ..at.get("labels") });
    let annotations = metadata.get("annotations");
    selector::annotations(faults, &Field { value: annotations.value, ..at.get("annotations") });
}

/// The spec of a Pod after defaulting, in the order of the real server's checks.
pub(super) fn spec<'v>(faults: &mut Faults, at: &Field<'_, 'v>, claims: HashSet<&'v str>) {
    let mut around = Around { volumes: claims };
    volume::all(faults, &at.get("volumes"), &mut around.volumes);
    container::all(faults, at, &around);
    host_network(faults, at);
    faults.one_of(&at.get("restartPolicy"), &["Always", "OnFailure", "Never"]);
    let policies = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
    faults.one_of(&at.get("dnsPolicy"), &policies);
    selector::labels(faults, &at.get("nodeSelector"));
    scheduling::affinity(faults, &at.get("affinity"));
    scheduling::spread(faults, &at.get("topologySpreadConstraints"));
    for name in ["serviceAccountName", "nodeName"] {
        named(faults, &at.get(name), texts::subdomain);
    }
    let deadline = at.get("activeDeadlineSeconds");
    if deadline.is_set() && !(1..=i64::from(i32::MAX)).contains(&deadline.number()) {
        faults.invalid(&deadline, "must be between 1 and 2147483647, inclusive");
    }
    for name in ["hostname", "subdomain"] {
        named(faults, &at.get(name), texts::label);
    }
    scheduling::tolerations(faults, &at.get("tolerations"));
    named(faults, &at.get("priorityClassName"), texts::subdomain);
    let runtime = at.get("runtimeClassName");
    if runtime.is_set() {
        faults.text(&runtime, texts::subdomain(runtime.text()));
    }
    faults.one_of_if_set(&at.get("preemptionPolicy"), &["PreemptLowerPriority", "Never"]);
}

fn named(faults: &mut Faults, at: &Field<'_, '_>, rule: fn(&str) -> Vec<String>) {
    if !at.text().is_empty() {
        faults.text(at, rule(at.text()));
    }
}

/// On the node's network a port is the same inside and outside.
fn host_network(faults: &mut Faults, spec: &Field<'_, '_>) {
    if !spec.get("hostNetwork").is_true() {
        return;
    }
    for container in spec.get("containers").items() {
        for port in container.get("ports").items() {
            let outer = port.get("hostPort");
            if outer.number() != 0 && outer.number() != port.get("containerPort").number() {
                faults
                    .invalid(&port.get("containerPort"), "must match `hostPort` when `hostNetwork` is true");
            }
        }
    }
}
