//! What the real server's code demands of built-in kinds beyond their types: one function a kind, found by a table.
//!
//! Flow: an object after defaulting and, where it changes, the one before → the kind's function in [`TABLE`] → what is
//! wrong, in the real server's order and words. Metadata is checked by the registry, custom resources by their schema.

mod amounts;
mod autoscaling;
mod batch;
mod container;
mod cron;
mod field;
mod network;
mod numbers;
mod pod;
mod pod_update;
mod policy;
mod quota;
mod rbac;
mod scheduling;
mod selector;
mod service;
mod storage;
#[cfg(test)]
mod tests;
pub(crate) mod texts;
mod volume;
mod warnings;
mod workload;

use std::collections::HashSet;

use serde_json::Value;

use self::field::{Faults, Field};
use crate::schema::FieldError;

pub(crate) use self::service::needs_health_check;
pub use self::warnings::warnings;

/// A new object and, on an update, the one before.
struct Change<'v> {
    new: Field<'v, 'v>,
    old: Option<&'v Value>,
}

type Check = fn(&mut Faults, &Change<'_>);

const NOTHING: Check = |_, _| {};

/// Group, kind, what is checked of the object, what of its status.
const TABLE: [(&str, &str, Check, Check); 27] = [
    ("", "Event", policy::event, NOTHING),
    ("", "LimitRange", quota::limit_range, NOTHING),
    ("", "Namespace", NOTHING, policy::namespace_status),
    ("", "PersistentVolume", storage::volume, NOTHING),
    ("", "PersistentVolumeClaim", storage::claim, storage::claim_status),
    ("", "Pod", whole_pod, NOTHING),
    ("", "PodTemplate", pod_template, NOTHING),
    ("", "ResourceQuota", quota::quota, quota::quota_status),
    ("", "Service", service::service, service::status),
    ("apps", "DaemonSet", workload::daemon_set, workload::status),
    ("apps", "Deployment", workload::deployment, workload::status),
    ("apps", "ReplicaSet", workload::replica_set, workload::status),
    ("apps", "StatefulSet", workload::stateful_set, workload::status),
    ("autoscaling", "HorizontalPodAutoscaler", autoscaling::autoscaler, autoscaling::status),
    ("batch", "CronJob", batch::cron_job, NOTHING),
    ("batch", "Job", batch::job, batch::job_status),
    ("coordination.k8s.io", "Lease", policy::lease, NOTHING),
    ("networking.k8s.io", "Ingress", network::ingress, network::ingress_status),
    ("networking.k8s.io", "IngressClass", network::ingress_class, NOTHING),
    ("networking.k8s.io", "NetworkPolicy", network::policy, NOTHING),
    ("policy", "PodDisruptionBudget", policy::budget, policy::budget_status),
    ("rbac.authorization.k8s.io", "ClusterRole", rbac::cluster_role, NOTHING),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding", rbac::cluster_role_binding, NOTHING),
    ("rbac.authorization.k8s.io", "Role", rbac::role, NOTHING),
    ("rbac.authorization.k8s.io", "RoleBinding", rbac::role_binding, NOTHING),
    ("scheduling.k8s.io", "PriorityClass", policy::priority_class, NOTHING),
    ("storage.k8s.io", "StorageClass", storage::class, NOTHING),
];

/// Kinds whose update is checked as a new object first and tells what is wrong with it twice.
const TWICE: [(&str, &str); 2] = [("", "PersistentVolume"), ("batch", "Job")];

/// All that is wrong with an object of a built-in kind, or with its change if there is an old one. `subresource` is
/// empty for the object itself; of its status only the status is checked.
#[must_use]
pub fn validate(
    (group, kind): (&str, &str),
    subresource: &str,
    new: &Value,
    old: Option<&Value>,
) -> Vec<FieldError> {
    let mut faults = Faults::default();
    let change = Change { new: Field::root(new), old };
    if let Some((_, _, object, status)) = TABLE.iter().find(|row| (row.0, row.1) == (group, kind)) {
        match subresource {
            "" | "scale" => {
                if old.is_some() && TWICE.contains(&(group, kind)) {
                    object(&mut faults, &Change { new: change.new, old: None });
                }
                object(&mut faults, &change);
            }
            // What comes in this way is checked as a whole, not against what an update may change.
            "ephemeralcontainers" => object(&mut faults, &Change { old: None, ..change }),
            "status" => status(&mut faults, &change),
            _ => {}
        }
    }
    faults.0
}

fn whole_pod(faults: &mut Faults, change: &Change<'_>) {
    let spec = change.new.get("spec");
    match change.old {
        None => pod::spec(faults, &spec, HashSet::new()),
        Some(old) => {
            pod::spec(faults, &spec, HashSet::new());
            pod_update::update(faults, &spec, &old["spec"]);
        }
    }
}

fn pod_template(faults: &mut Faults, change: &Change<'_>) {
    pod::template(faults, &change.new.get("template"), HashSet::new());
}
