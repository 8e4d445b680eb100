//! Cells of built-in kinds: a function for each kind that computes, paths for those that only show fields.

use serde_json::{Value, json};

use super::{Column, age, autoscaler, event, fields, network, pod, service, storage, workload};
use crate::{object, resource::ResourceDefinition, wire::time::Moment};

/// Computes the cells of an object, in the order of its columns.
type CellsOf = fn(&Value, Moment) -> Vec<Value>;

/// How a kind's cells are made.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// By a function of its own.
    Computed(CellsOf),
    /// By the fields that the columns between name and age show.
    Fields(&'static [fields::Field]),
}

impl Kind {
    pub(super) fn of(definition: &ResourceDefinition) -> Self {
        match (definition.group.as_ref(), definition.plural.as_ref()) {
            ("", "pods") => Self::Computed(pod::cells),
            ("", "services") => Self::Computed(service::cells),
            ("" | "events.k8s.io", "events") => Self::Computed(event::cells),
            ("", "configmaps") => Self::Computed(config_map),
            ("", "replicationcontrollers") => Self::Computed(workload::replica_set),
            ("", "nodes") => Self::Computed(node),
            ("", "persistentvolumeclaims") => Self::Computed(storage::claim),
            ("", "persistentvolumes") => Self::Computed(storage::volume),
            ("", "resourcequotas") => Self::Computed(quota),
            ("networking.k8s.io", "ipaddresses") => Self::Computed(network::address),
            ("resource.k8s.io", "resourceclaims") => Self::Computed(resource_claim),
            ("", "endpoints") => Self::Computed(network::endpoints),
            ("networking.k8s.io", "ingresses") => Self::Computed(network::ingress),
            ("networking.k8s.io", "ingressclasses") => Self::Computed(network::ingress_class),
            ("autoscaling", "horizontalpodautoscalers") => Self::Computed(autoscaler::cells),
            ("apps", "deployments") => Self::Computed(workload::deployment),
            ("apps", "replicasets") => Self::Computed(workload::replica_set),
            ("apps", "statefulsets") => Self::Computed(workload::stateful_set),
            ("apps", "daemonsets") => Self::Computed(workload::daemon_set),
            ("batch", "jobs") => Self::Computed(workload::job),
            ("batch", "cronjobs") => Self::Computed(workload::cron_job),
            ("rbac.authorization.k8s.io", "rolebindings" | "clusterrolebindings") => Self::Computed(binding),
            (group, plural) => Self::Fields(fields::of(group, plural)),
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

/// The first three, and how many more.
pub(super) fn shortened(texts: &[String]) -> String {
    match texts.len() {
        0..=3 => texts.join(","),
        more => format!("{} + {} more...", texts[..3].join(","), more - 3),
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

/// The texts of a list at a path.
pub(super) fn texts_at<'a>(object: &'a Value, path: &str) -> impl Iterator<Item = &'a str> {
    list_at(object, path).iter().filter_map(Value::as_str)
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

fn resource_claim(object: &Value, now: Moment) -> Vec<Value> {
    let mut states = Vec::new();
    if object::deletion_timestamp(object).is_some() {
        states.push("deleted");
    }
    states.push(if at(object, "status.allocation").is_some() { "allocated" } else { "pending" });
    if !list_at(object, "status.reservedFor").is_empty() {
        states.push("reserved");
    }
    if states.contains(&"deleted") {
        states.retain(|state| *state != "pending");
    }
    vec![object::name(object).into(), states.join(",").into(), age(object, now)]
}

/// What is used of what is allowed, requests and limits apart.
fn quota(object: &Value, now: Moment) -> Vec<Value> {
    let hard = at(object, "status.hard").and_then(Value::as_object);
    let (limits, requests): (Vec<_>, Vec<_>) =
        hard.into_iter().flatten().partition(|(name, _)| name.starts_with("limits"));
    let shown = |of: Vec<(&String, &Value)>| {
        let used = |name: &str| object["status"]["used"].get(name).map_or_else(|| "0".to_owned(), text);
        let parts: Vec<String> = of
            .into_iter()
            .map(|(name, allowed)| format!("{name}: {}/{}", used(name), text(allowed)))
            .collect();
        Value::from(parts.join(", "))
    };
    vec![object::name(object).into(), shown(requests), shown(limits), age(object, now)]
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
