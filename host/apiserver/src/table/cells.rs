//! Cells of built-in kinds: a function for each kind that computes, paths for those that only show fields.

use serde_json::{Value, json};

use super::{Column, age, event, pod, service, workload};
use crate::{object, resource::ResourceDefinition, wire::time::Moment};

/// Computes the cells of an object, in the order of its columns.
type CellsOf = fn(&Value, Moment) -> Vec<Value>;

/// How a kind's cells are made.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// By a function of its own.
    Computed(CellsOf),
    /// By the fields that the columns between name and age show.
    Fields(&'static [Field]),
}

/// What one column shows.
#[derive(Debug, Clone, Copy)]
pub(super) enum Field {
    /// The field's value, or the text if it is missing.
    Value(&'static str, &'static str),
    /// How many entries the list or map has.
    Count(&'static str),
    /// Whether the field is true.
    Flag(&'static str),
    /// The field's entries joined by commas, or the text if there are none.
    Joined(&'static str, &'static str),
}

use Field::{Count, Flag, Joined, Value as Show};

impl Kind {
    pub(super) fn of(definition: &ResourceDefinition) -> Self {
        match (definition.group.as_ref(), definition.plural.as_ref()) {
            ("", "pods") => Self::Computed(pod::cells),
            ("", "services") => Self::Computed(service::cells),
            ("" | "events.k8s.io", "events") => Self::Computed(event::cells),
            ("", "configmaps") => Self::Computed(config_map),
            ("", "replicationcontrollers") => Self::Computed(workload::replica_set),
            ("", "nodes") => Self::Computed(node),
            ("", "persistentvolumeclaims") => Self::Computed(claim),
            ("apps", "deployments") => Self::Computed(workload::deployment),
            ("apps", "replicasets") => Self::Computed(workload::replica_set),
            ("apps", "statefulsets") => Self::Computed(workload::stateful_set),
            ("apps", "daemonsets") => Self::Computed(workload::daemon_set),
            ("batch", "jobs") => Self::Computed(workload::job),
            ("batch", "cronjobs") => Self::Computed(workload::cron_job),
            ("rbac.authorization.k8s.io", "rolebindings" | "clusterrolebindings") => Self::Computed(binding),
            (group, plural) => Self::Fields(fields(group, plural)),
        }
    }

    pub(super) fn cells(self, columns: &[Column], object: &Value, now: Moment) -> Vec<Value> {
        let fields = match self {
            Self::Computed(cells) => return cells(object, now),
            Self::Fields(fields) => fields,
        };
        let mut fields = fields.iter();
        let cell = |column: &Column| match column.name.as_str() {
            "Name" => object::name(object).into(),
            "Age" => age(object, now),
            "Created At" => created(object),
            _ => fields.next().map_or(Value::Null, |field| field.show(object)),
        };
        columns.iter().map(cell).collect()
    }

    /// The conditions of a row, for clients that hide what is finished.
    pub(super) fn conditions(self, object: &Value) -> Option<&'static str> {
        match self {
            Self::Computed(cells) if std::ptr::fn_addr_eq(cells, pod::cells as CellsOf) => {
                pod::conditions(object)
            }
            _ => None,
        }
    }
}

fn fields(group: &str, plural: &str) -> &'static [Field] {
    match (group, plural) {
        ("", "namespaces") => &[Show("status.phase", "")],
        ("", "secrets") => &[Show("type", ""), Count("data")],
        ("coordination.k8s.io", "leases") => &[Show("spec.holderIdentity", "")],
        ("apps", "controllerrevisions") => {
            &[Show("metadata.ownerReferences.0.name", "<none>"), Show("revision", "0")]
        }
        ("networking.k8s.io", "ingressclasses") => {
            &[Show("spec.controller", ""), Show("spec.parameters.name", "<none>")]
        }
        ("networking.k8s.io", "servicecidrs") => &[Joined("spec.cidrs", "")],
        ("policy", "poddisruptionbudgets") => &[
            Show("spec.minAvailable", "N/A"),
            Show("spec.maxUnavailable", "N/A"),
            Count("status.disruptionsAllowed"),
        ],
        ("storage.k8s.io", "storageclasses") => &[
            Show("provisioner", ""),
            Show("reclaimPolicy", "Delete"),
            Show("volumeBindingMode", "Immediate"),
            Show("allowVolumeExpansion", "false"),
        ],
        ("storage.k8s.io", "csinodes") => &[Count("spec.drivers")],
        ("storage.k8s.io", "volumeattributesclasses") => &[Show("driverName", "")],
        (
            "admissionregistration.k8s.io",
            "mutatingwebhookconfigurations" | "validatingwebhookconfigurations",
        ) => &[Count("webhooks")],
        ("scheduling.k8s.io", "priorityclasses") => {
            &[Count("value"), Flag("globalDefault"), Show("preemptionPolicy", "")]
        }
        ("node.k8s.io", "runtimeclasses") => &[Show("handler", "")],
        ("certificates.k8s.io", "certificatesigningrequests") => &[
            Show("spec.signerName", "<none>"),
            Show("spec.username", ""),
            Show("spec.expirationSeconds", "<none>"),
            Show("status.conditions.0.type", "Pending"),
        ],
        ("apiregistration.k8s.io", "apiservices") => {
            &[Show("spec.service.name", "Local"), Show("status.conditions.0.status", "Unknown")]
        }
        ("resource.k8s.io", "resourceslices") => {
            &[Show("spec.nodeName", "<unset>"), Show("spec.driver", ""), Show("spec.pool.name", "")]
        }
        ("storage.k8s.io", "volumeattachments") => &[
            Show("spec.attacher", ""),
            Show("spec.source.persistentVolumeName", ""),
            Show("spec.nodeName", ""),
            Show("status.attached", "false"),
        ],
        ("discovery.k8s.io", "endpointslices") => &[
            Show("addressType", ""),
            Joined("ports.port", "<unset>"),
            Joined("endpoints.addresses", "<unset>"),
        ],
        ("networking.k8s.io", "networkpolicies") => &[Show("spec.podSelector.matchLabels", "<none>")],
        ("flowcontrol.apiserver.k8s.io", "flowschemas") => &[
            Show("spec.priorityLevelConfiguration.name", ""),
            Show("spec.matchingPrecedence", "0"),
            Show("spec.distinguisherMethod.type", "<none>"),
            Show("status.conditions.0.status", "?"),
        ],
        _ => &[],
    }
}

impl Field {
    fn show(self, object: &Value) -> Value {
        match self {
            Show(path, missing) => match at(object, path) {
                Some(Value::Object(labels)) => labels_text(Some(labels)).into(),
                Some(found) if !found.is_null() => text(found).into(),
                _ => missing.into(),
            },
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

/// The first three, and how many more.
fn shortened(texts: &[String]) -> String {
    match texts.len() {
        0..=3 => texts.join(","),
        more => format!("{} + {} more...", texts[..3].join(","), more - 3),
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

/// The value at a dotted path; a number names an entry of a list.
pub(super) fn at<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(object, |value, part| match value {
        Value::Array(items) => items.get(part.parse::<usize>().ok()?),
        _ => value.get(part),
    })
}

/// A text at a path, empty if it is missing.
pub(super) fn str_at<'a>(object: &'a Value, path: &str) -> &'a str {
    at(object, path).and_then(Value::as_str).unwrap_or_default()
}

/// A number at a path, 0 if it is missing.
pub(super) fn int_at(object: &Value, path: &str) -> i64 {
    at(object, path).and_then(Value::as_i64).unwrap_or(0)
}

/// A list at a path, empty if it is missing.
pub(super) fn list_at<'a>(object: &'a Value, path: &str) -> &'a [Value] {
    at(object, path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A scalar as text.
pub(super) fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Text, or `<none>` for none.
pub(super) fn or_none(text: &str) -> &str {
    if text.is_empty() { "<none>" } else { text }
}

/// `a=b,c=d`, or `<none>`.
pub(super) fn labels_text(labels: Option<&serde_json::Map<String, Value>>) -> String {
    let pairs: Vec<String> =
        labels.into_iter().flatten().map(|(key, value)| format!("{key}={}", text(value))).collect();
    or_none(&pairs.join(",")).to_owned()
}

/// The age of an object.
pub(super) fn age(object: &Value, now: Moment) -> Value {
    age::since(at(object, "metadata.creationTimestamp"), now).into()
}

fn created(object: &Value) -> Value {
    at(object, "metadata.creationTimestamp").cloned().unwrap_or(Value::Null)
}

fn entries(object: &Value, field: &str) -> usize {
    object.get(field).and_then(Value::as_object).map_or(0, serde_json::Map::len)
}

fn config_map(object: &Value, now: Moment) -> Vec<Value> {
    let count = entries(object, "data") + entries(object, "binaryData");
    vec![object::name(object).into(), count.into(), age(object, now)]
}

fn node(object: &Value, now: Moment) -> Vec<Value> {
    let conditions = list_at(object, "status.conditions");
    let ready = conditions.iter().find(|condition| str_at(condition, "type") == "Ready");
    let mut status = match ready.map(|ready| str_at(ready, "status")) {
        Some("True") => "Ready".to_owned(),
        Some(_) => "NotReady".to_owned(),
        None => "Unknown".to_owned(),
    };
    if at(object, "spec.unschedulable") == Some(&Value::Bool(true)) {
        status.push_str(",SchedulingDisabled");
    }
    let labels = object::labels(object);
    let mut roles: Vec<&str> = labels
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| match key.strip_prefix("node-role.kubernetes.io/") {
            Some(role) if !role.is_empty() => Some(role),
            _ => (key == "kubernetes.io/role").then(|| value.as_str()).flatten(),
        })
        .collect();
    roles.sort_unstable();
    roles.dedup();
    let address = |kind: &str| {
        let found =
            list_at(object, "status.addresses").iter().find(|address| str_at(address, "type") == kind);
        or_none(found.map_or("", |address| str_at(address, "address"))).to_owned()
    };
    let info = |field: &str| {
        let found = str_at(object, &format!("status.nodeInfo.{field}"));
        if found.is_empty() { "<unknown>".to_owned() } else { found.to_owned() }
    };
    vec![
        object::name(object).into(),
        status.into(),
        or_none(&roles.join(",")).into(),
        age(object, now),
        str_at(object, "status.nodeInfo.kubeletVersion").into(),
        address("InternalIP").into(),
        address("ExternalIP").into(),
        info("osImage").into(),
        info("kernelVersion").into(),
        info("containerRuntimeVersion").into(),
    ]
}

fn claim(object: &Value, now: Moment) -> Vec<Value> {
    let bound = !str_at(object, "spec.volumeName").is_empty();
    let short = |mode: &Value| match mode.as_str().unwrap_or_default() {
        "ReadWriteOnce" => "RWO",
        "ReadOnlyMany" => "ROX",
        "ReadWriteMany" => "RWX",
        "ReadWriteOncePod" => "RWOP",
        _ => "",
    };
    let modes: Vec<&str> = list_at(object, "status.accessModes").iter().map(short).collect();
    let phase = if object::deletion_timestamp(object).is_some() {
        "Terminating"
    } else {
        str_at(object, "status.phase")
    };
    let or_unset = |path: &str| match str_at(object, path) {
        "" => "<unset>",
        found => found,
    };
    vec![
        object::name(object).into(),
        phase.into(),
        str_at(object, "spec.volumeName").into(),
        if bound { str_at(object, "status.capacity.storage").into() } else { "".into() },
        if bound { modes.join(",").into() } else { "".into() },
        str_at(object, "spec.storageClassName").into(),
        or_unset("spec.volumeAttributesClassName").into(),
        age(object, now),
        or_unset("spec.volumeMode").into(),
    ]
}

fn binding(object: &Value, now: Moment) -> Vec<Value> {
    let role = format!("{}/{}", str_at(object, "roleRef.kind"), str_at(object, "roleRef.name"));
    let subjects = |kind: &str| {
        let of_kind = list_at(object, "subjects").iter().filter(|subject| str_at(subject, "kind") == kind);
        let names: Vec<String> = of_kind
            .map(|subject| match (kind, str_at(subject, "namespace")) {
                ("ServiceAccount", namespace) => format!("{namespace}/{}", str_at(subject, "name")),
                _ => str_at(subject, "name").to_owned(),
            })
            .collect();
        names.join(", ")
    };
    let name = object::name(object);
    json!([name, role, age(object, now), subjects("User"), subjects("Group"), subjects("ServiceAccount")])
        .as_array()
        .cloned()
        .unwrap_or_default()
}
