//! Cells that only show fields: for each resource, what stands between its name and its age.

use serde_json::Value;

use super::cells::{at, labels_text, shortened, text};

/// What one column shows.
#[derive(Debug, Clone, Copy)]
pub(super) enum Field {
    /// The field's value, or the text if it is missing.
    Value(&'static str, &'static str),
    /// The field's value as it is, or the text if it is missing.
    Raw(&'static str, &'static str),
    /// How many entries the list or map has.
    Count(&'static str),
    /// Whether the field is true.
    Flag(&'static str),
    /// The field's entries joined by commas, or the text if there are none.
    Joined(&'static str, &'static str),
}

use Field::{Count, Flag, Joined, Raw, Value as Show};

/// Group, plural, what the columns show.
static TABLE: &[(&str, &str, &[Field])] = &[
    ("", "namespaces", &[Show("status.phase", "")]),
    ("", "secrets", &[Show("type", ""), Count("data")]),
    ("coordination.k8s.io", "leases", &[Show("spec.holderIdentity", "")]),
    (
        "apps",
        "controllerrevisions",
        &[Show("metadata.ownerReferences.0.name", "<none>"), Show("revision", "0")],
    ),
    ("networking.k8s.io", "servicecidrs", &[Joined("spec.cidrs", "")]),
    (
        "policy",
        "poddisruptionbudgets",
        &[
            Show("spec.minAvailable", "N/A"),
            Show("spec.maxUnavailable", "N/A"),
            Count("status.disruptionsAllowed"),
        ],
    ),
    (
        "storage.k8s.io",
        "storageclasses",
        &[
            Show("provisioner", ""),
            Show("reclaimPolicy", "Delete"),
            Show("volumeBindingMode", "Immediate"),
            Flag("allowVolumeExpansion"),
        ],
    ),
    (
        "storage.k8s.io",
        "csidrivers",
        &[
            Flag("spec.attachRequired"),
            Flag("spec.podInfoOnMount"),
            Flag("spec.storageCapacity"),
            Joined("spec.tokenRequests.audience", "<unset>"),
            Flag("spec.requiresRepublish"),
            Joined("spec.volumeLifecycleModes", ""),
        ],
    ),
    ("storage.k8s.io", "csinodes", &[Count("spec.drivers")]),
    ("storage.k8s.io", "volumeattributesclasses", &[Show("driverName", "")]),
    ("admissionregistration.k8s.io", "mutatingwebhookconfigurations", &[Count("webhooks")]),
    ("admissionregistration.k8s.io", "validatingwebhookconfigurations", &[Count("webhooks")]),
    (
        "scheduling.k8s.io",
        "priorityclasses",
        &[Count("value"), Flag("globalDefault"), Show("preemptionPolicy", "")],
    ),
    ("node.k8s.io", "runtimeclasses", &[Show("handler", "")]),
    (
        "certificates.k8s.io",
        "certificatesigningrequests",
        &[
            Show("spec.signerName", "<none>"),
            Show("spec.username", ""),
            Show("spec.expirationSeconds", "<none>"),
            Show("status.conditions.0.type", "Pending"),
        ],
    ),
    (
        "apiregistration.k8s.io",
        "apiservices",
        &[Show("spec.service.name", "Local"), Show("status.conditions.0.status", "Unknown")],
    ),
    (
        "resource.k8s.io",
        "resourceslices",
        &[Show("spec.nodeName", "<unset>"), Show("spec.driver", ""), Show("spec.pool.name", "")],
    ),
    (
        "storage.k8s.io",
        "volumeattachments",
        &[
            Show("spec.attacher", ""),
            Show("spec.source.persistentVolumeName", ""),
            Show("spec.nodeName", ""),
            Flag("status.attached"),
        ],
    ),
    (
        "discovery.k8s.io",
        "endpointslices",
        &[Show("addressType", ""), Joined("ports.port", "<unset>"), Joined("endpoints.addresses", "<unset>")],
    ),
    ("networking.k8s.io", "networkpolicies", &[Show("spec.podSelector.matchLabels", "<none>")]),
    (
        "",
        "podtemplates",
        &[
            Joined("template.spec.containers.name", ""),
            Joined("template.spec.containers.image", ""),
            Show("template.metadata.labels", "<none>"),
        ],
    ),
    (
        "admissionregistration.k8s.io",
        "validatingadmissionpolicies",
        &[Count("spec.validations"), Show("spec.paramKind.kind", "<unset>")],
    ),
    (
        "admissionregistration.k8s.io",
        "mutatingadmissionpolicies",
        &[Count("spec.mutations"), Show("spec.paramKind.kind", "<unset>")],
    ),
    (
        "admissionregistration.k8s.io",
        "validatingadmissionpolicybindings",
        &[Show("spec.policyName", ""), Show("spec.paramRef.name", "<unset>")],
    ),
    (
        "admissionregistration.k8s.io",
        "mutatingadmissionpolicybindings",
        &[Show("spec.policyName", ""), Show("spec.paramRef.name", "<unset>")],
    ),
    (
        "flowcontrol.apiserver.k8s.io",
        "prioritylevelconfigurations",
        &[
            Show("spec.type", ""),
            Raw("spec.limited.nominalConcurrencyShares", "<none>"),
            Raw("spec.limited.limitResponse.queuing.queues", "<none>"),
            Raw("spec.limited.limitResponse.queuing.handSize", "<none>"),
            Raw("spec.limited.limitResponse.queuing.queueLengthLimit", "<none>"),
        ],
    ),
    (
        "flowcontrol.apiserver.k8s.io",
        "flowschemas",
        &[
            Show("spec.priorityLevelConfiguration.name", ""),
            Raw("spec.matchingPrecedence", "0"),
            Show("spec.distinguisherMethod.type", "<none>"),
            Show("status.conditions.0.status", "?"),
        ],
    ),
];

/// What the columns of a resource show; nothing for those that have only a name and an age.
pub(super) fn of(group: &str, plural: &str) -> &'static [Field] {
    let found = TABLE.iter().find(|(of, name, _)| (*of, *name) == (group, plural));
    found.map_or(&[], |(_, _, fields)| fields)
}

impl Field {
    pub(super) fn show(self, object: &Value) -> Value {
        match self {
            Show(path, missing) => match at(object, path) {
                Some(Value::Object(labels)) => labels_text(Some(labels)).into(),
                Some(found) if !found.is_null() => text(found).into(),
                _ => missing.into(),
            },
            Raw(path, missing) => at(object, path).cloned().unwrap_or_else(|| missing.into()),
            Count(path) => match at(object, path) {
                Some(Value::Array(items)) => items.len().into(),
                Some(Value::Object(map)) => map.len().into(),
                Some(number @ Value::Number(_)) => number.clone(),
                _ => 0.into(),
            },
            Flag(path) => at(object, path).and_then(Value::as_bool).unwrap_or(false).into(),
            Joined(path, missing) => {
                let mut found = Vec::new();
                collect(object, path, &mut found);
                if found.is_empty() { missing.into() } else { shortened(&found).into() }
            }
        }
    }
}

/// Every scalar below a dotted path, through lists.
fn collect(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, path, found)),
        Value::Object(map) if !path.is_empty() => {
            let (first, rest) = path.split_once('.').unwrap_or((path, ""));
            if let Some(inner) = map.get(first) {
                collect(inner, rest, found);
            }
        }
        Value::Null | Value::Object(_) => {}
        scalar => found.push(text(scalar)),
    }
}
