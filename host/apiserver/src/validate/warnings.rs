//! What is not wrong but probably not meant: texts for `Warning` headers.

use serde_json::Value;

use super::field::Field;
use super::texts;

/// Where a kind keeps the spec of its Pods.
fn pod_spec(kind: (&str, &str)) -> Option<&'static [&'static str]> {
    match kind {
        ("", "Pod") => Some(&["spec"]),
        ("apps", "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet")
        | ("batch", "Job")
        | ("", "ReplicationController") => Some(&["spec", "template", "spec"]),
        ("batch", "CronJob") => Some(&["spec", "jobTemplate", "spec", "template", "spec"]),
        ("", "PodTemplate") => Some(&["template", "spec"]),
        _ => None,
    }
}

/// The warnings about a new object, or about one whose `spec` changed.
#[must_use]
pub fn warnings(kind: (&str, &str), new: &Value, old: Option<&Value>) -> Vec<String> {
    let mut told = Vec::new();
    let Some(way) = pod_spec(kind) else { return told };
    if old.is_some_and(|old| old["spec"] == new["spec"]) {
        return told;
    }
    let name = new["metadata"]["name"].as_str().unwrap_or_default();
    if old.is_none() && matches!(kind.1, "Pod" | "Deployment" | "ReplicaSet" | "Job" | "CronJob") {
        let why = texts::label(name);
        if !why.is_empty() {
            let of = if kind.1 == "Pod" { "the Pod's hostname" } else { "Pod names and hostnames" };
            told.push(format!(
                "metadata.name: this is used in {of}, which can result in surprising behavior; a DNS label is recommended: [{}]",
                why.join(" ")
            ));
        }
    }
    let mut spec = new;
    for step in way {
        spec = &spec[*step];
    }
    let ports = ports(&Field::root(spec), &way.join("."));
    told.extend(same_ports(&ports));
    told.extend(same_names(&ports));
    told
}

struct Port<'v> {
    place: String,
    value: &'v Value,
}

/// All ports of a Pod, those of the init containers first.
fn ports<'v>(spec: &Field<'_, 'v>, at: &str) -> Vec<Port<'v>> {
    let mut found = Vec::new();
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        for container in spec.get(list).items() {
            for port in container.get("ports").items() {
                found.push(Port { place: format!("{at}.{}", port.path), value: port.value });
            }
        }
    }
    found
}

fn same_ports(ports: &[Port<'_>]) -> Vec<String> {
    let mut told = Vec::new();
    for (index, port) in ports.iter().enumerate() {
        for other in &ports[..index] {
            let same = |field: &str| port.value[field] == other.value[field];
            let unset = |port: &Port<'_>| port.value["hostPort"].as_i64().unwrap_or_default() == 0;
            if !same("containerPort") || !same("protocol") {
                continue;
            }
            let (place, other_place) = (&port.place, &other.place);
            if same("hostIP") && same("hostPort") {
                told.push(format!("{place}: duplicate port definition with {other_place}"));
            } else if unset(port) || unset(other) {
                told.push(format!("{place}: overlapping port definition with {other_place}"));
            }
        }
    }
    told
}

fn same_names(ports: &[Port<'_>]) -> Vec<String> {
    let name = |port: &Port<'_>| port.value["name"].as_str().unwrap_or_default().to_owned();
    let mut first: Vec<&Port<'_>> = Vec::new();
    let mut told = Vec::new();
    for port in ports {
        let own = name(port);
        match first.iter().find(|held| name(held) == own) {
            _ if own.is_empty() => {}
            Some(held) => told.push(format!(
                "{}: duplicate port name {own:?} with {}, services and probes that select ports by name will use {}",
                port.place, held.place, held.place
            )),
            None => first.push(port),
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_port_that_occurs_twice_is_told_with_its_place() {
        let port = json!({"containerPort": 80, "protocol": "TCP", "name": "http"});
        let pod = json!({"metadata": {"name": "a"}, "spec": {
            "initContainers": [{"ports": [port]}], "containers": [{"ports": [port]}]}});
        let told = warnings(("", "Pod"), &pod, None);
        assert_eq!(
            told,
            [
                "spec.containers[0].ports[0]: duplicate port definition with spec.initContainers[0].ports[0]",
                "spec.containers[0].ports[0]: duplicate port name \"http\" with spec.initContainers[0].ports[0], services and probes that select ports by name will use spec.initContainers[0].ports[0]",
            ]
        );
        assert!(warnings(("", "Pod"), &pod, Some(&pod)).is_empty());
        let dotted = json!({"metadata": {"name": "a.b"}});
        assert!(warnings(("apps", "Deployment"), &dotted, None)[0].ends_with("[must not contain dots]"));
    }
}
