//! What a kind does otherwise than others, as data and small functions; handlers are the same for all.

mod api_service;
mod content;
mod custom_resource_definition;
mod job;
mod names;
mod namespace;
mod pod;
mod service;
mod storage;
mod workload;

use serde_json::Value;

use crate::status::Cause;

pub use self::names::NameRule;
pub(crate) use self::service::note_address;

/// How one kind differs.
#[derive(Debug)]
pub struct Strategy {
    /// What a name must look like.
    pub name_rule: NameRule,
    /// What makes `metadata.generation` rise.
    pub generation: Generation,
    /// Whether PUT of a missing object creates it.
    pub create_on_update: bool,
    /// Whether PUT without a resourceVersion overwrites whatever is there.
    pub unconditional_update: bool,
    /// Whether a write of `/status` may also change labels and annotations.
    pub status_keeps_metadata: StatusMetadata,
    /// What happens to dependents if a deletion does not say.
    pub default_propagation: Propagation,
    /// Whether a deletion answers with the object instead of a Status.
    pub returns_deleted: bool,
    /// Fills in what a client left out and owns all the same, before ownership is recorded.
    pub default: fn(&mut Value),
    /// Fills in what the server decides when an object is created.
    pub prepare_create: fn(&mut Value),
    /// Corrects an update: new object, old object.
    pub prepare_update: fn(&mut Value, &Value),
    /// Checks a new object, or a change if there is an old one.
    pub validate: fn(&Value, Option<&Value>) -> Vec<Cause>,
}

/// What makes `metadata.generation` rise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generation {
    /// Nothing; what a client sets at creation stays.
    Ignored,
    /// A change of `spec`.
    Spec,
    /// A change of `spec` or of annotations.
    SpecAndAnnotations,
    /// A change of anything but `metadata` (and `status`, if that has its own path).
    All,
}

/// What a write of `/status` may change besides `status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusMetadata {
    /// Nothing of `metadata`.
    Kept,
    /// `metadata` except labels.
    LabelsKept,
    /// All of `metadata` that an update may change.
    Written,
}

/// What happens to dependents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Propagation {
    /// They are deleted after the owner.
    Background,
    /// They are deleted before the owner.
    Foreground,
    /// They lose the owner.
    Orphan,
}

const DEFAULT: Strategy = Strategy {
    name_rule: NameRule::Subdomain,
    generation: Generation::Ignored,
    create_on_update: false,
    unconditional_update: true,
    status_keeps_metadata: StatusMetadata::Written,
    default_propagation: Propagation::Background,
    returns_deleted: false,
    default: |_| {},
    prepare_create: |_| {},
    prepare_update: |_, _| {},
    validate: |_, _| Vec::new(),
};

/// Kinds whose `spec` is a wish that a controller works on.
const SPEC: Strategy = Strategy { generation: Generation::Spec, ..DEFAULT };
const RETURNED: Strategy = Strategy { returns_deleted: true, ..DEFAULT };

const CUSTOM: Strategy = Strategy {
    generation: Generation::All,
    unconditional_update: false,
    status_keeps_metadata: StatusMetadata::Kept,
    ..DEFAULT
};

/// Roles and their bindings: names with colons, and PUT creates them.
const RBAC: Strategy = Strategy { create_on_update: true, name_rule: NameRule::PathSegment, ..DEFAULT };
const WEBHOOKS: Strategy = Strategy { generation: Generation::All, unconditional_update: false, ..DEFAULT };
const INSISTENT: Strategy = Strategy { unconditional_update: false, ..DEFAULT };
const CREATED_ON_UPDATE: Strategy = Strategy { create_on_update: true, ..DEFAULT };

/// Group, plural, strategy. What is not listed is [`DEFAULT`].
static TABLE: [(&str, &str, Strategy); 46] = [
    ("", "configmaps", content::CONFIG_MAP),
    ("", "secrets", content::SECRET),
    ("", "endpoints", CREATED_ON_UPDATE),
    ("", "events", CREATED_ON_UPDATE),
    ("events.k8s.io", "events", CREATED_ON_UPDATE),
    ("", "limitranges", CREATED_ON_UPDATE),
    ("", "namespaces", namespace::STRATEGY),
    ("", "persistentvolumeclaims", storage::CLAIM),
    ("", "persistentvolumes", storage::VOLUME),
    ("", "pods", pod::STRATEGY),
    ("", "podtemplates", Strategy { generation: Generation::All, ..RETURNED }),
    ("", "replicationcontrollers", workload::REPLICATION_CONTROLLER),
    ("", "resourcequotas", RETURNED),
    ("", "serviceaccounts", RETURNED),
    ("", "services", service::STRATEGY),
    ("apps", "daemonsets", workload::DAEMON_SET),
    ("apps", "deployments", workload::DEPLOYMENT),
    ("apps", "replicasets", workload::STRATEGY),
    ("apps", "statefulsets", Strategy { name_rule: NameRule::Label, ..workload::STRATEGY }),
    ("batch", "cronjobs", SPEC),
    ("batch", "jobs", job::STRATEGY),
    ("networking.k8s.io", "ingresses", SPEC),
    ("networking.k8s.io", "ingressclasses", SPEC),
    ("networking.k8s.io", "networkpolicies", SPEC),
    ("networking.k8s.io", "servicecidrs", SPEC),
    (
        "policy",
        "poddisruptionbudgets",
        Strategy { unconditional_update: false, name_rule: NameRule::PathSegment, ..SPEC },
    ),
    ("apiextensions.k8s.io", "customresourcedefinitions", custom_resource_definition::STRATEGY),
    ("apiregistration.k8s.io", "apiservices", api_service::STRATEGY),
    (
        "coordination.k8s.io",
        "leases",
        Strategy { create_on_update: true, unconditional_update: false, ..DEFAULT },
    ),
    ("flowcontrol.apiserver.k8s.io", "flowschemas", Strategy { name_rule: NameRule::PathSegment, ..SPEC }),
    ("flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations", SPEC),
    ("admissionregistration.k8s.io", "validatingwebhookconfigurations", WEBHOOKS),
    ("admissionregistration.k8s.io", "mutatingwebhookconfigurations", WEBHOOKS),
    (
        "admissionregistration.k8s.io",
        "validatingadmissionpolicies",
        Strategy { unconditional_update: false, ..SPEC },
    ),
    ("rbac.authorization.k8s.io", "roles", RBAC),
    ("rbac.authorization.k8s.io", "rolebindings", RBAC),
    ("rbac.authorization.k8s.io", "clusterroles", RBAC),
    ("rbac.authorization.k8s.io", "clusterrolebindings", RBAC),
    ("resource.k8s.io", "resourceslices", SPEC),
    ("node.k8s.io", "runtimeclasses", Strategy { create_on_update: true, ..INSISTENT }),
    ("scheduling.k8s.io", "priorityclasses", SPEC),
    ("storage.k8s.io", "csidrivers", Strategy { returns_deleted: true, ..INSISTENT }),
    ("storage.k8s.io", "csinodes", Strategy { returns_deleted: true, ..INSISTENT }),
    ("storage.k8s.io", "csistoragecapacities", INSISTENT),
    ("storage.k8s.io", "storageclasses", RETURNED),
    ("storage.k8s.io", "volumeattachments", Strategy { returns_deleted: true, ..INSISTENT }),
];

/// The strategy of a resource; custom resources share one.
pub fn of(group: &str, plural: &str, custom: bool) -> &'static Strategy {
    if custom {
        return &CUSTOM;
    }
    let found = TABLE.iter().find(|(held_group, held, _)| *held_group == group && *held == plural);
    found.map_or(&DEFAULT, |(_, _, strategy)| strategy)
}
