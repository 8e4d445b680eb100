//! Services: a cluster IP that is given once and stays.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Map, Value, json};

use super::{DEFAULT, NameRule, Strategy};
use crate::object;
use crate::validate::needs_health_check;

pub(super) const STRATEGY: Strategy = Strategy {
    name_rule: NameRule::Label1035,
    returns_deleted: true,
    create_on_update: true,
    prepare_create,
    prepare_update,
    ..DEFAULT
};

/// 10.96.0.0/16 from .0.2 on; .0.1 is the service `kubernetes`. Nothing routes them: uniqueness is all they have
/// to offer here, and after 65,000 services it begins again.
static NEXT_ADDRESS: AtomicU32 = AtomicU32::new(2);

/// The ports of nodes that services may be reached by. Nothing listens there: as with addresses, uniqueness is all.
const NODE_PORTS: std::ops::Range<u32> = 30_000..32_768;
static NEXT_PORT: AtomicU32 = AtomicU32::new(0);

type Spec = Map<String, Value>;

fn prepare_create(service: &mut Value) {
    service["status"] = json!({"loadBalancer": {}});
    let spec = object::child_mut(object::as_map(service), "spec");
    if text(spec, "type") == "ExternalName" {
        return;
    }
    give_address(spec);
    give_ports(spec);
}

fn text<'a>(spec: &'a Spec, field: &str) -> &'a str {
    spec.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn is_missing(spec: &Spec, field: &str) -> bool {
    spec.get(field).is_none_or(|value| value.is_null() || value == "" || value == 0)
}

/// One address of its own, or what the client wants.
fn give_address(spec: &mut Spec) {
    let wished = text(spec, "clusterIP").to_owned();
    let first = spec.get("clusterIPs").and_then(|list| list.get(0)?.as_str()).map(str::to_owned);
    let address = match (wished.is_empty(), first) {
        (true, Some(first)) => first,
        (true, None) => next_address(),
        (false, _) => wished,
    };
    spec.insert("clusterIP".into(), address.clone().into());
    if spec.get("clusterIPs").is_none_or(|list| list.as_array().is_none_or(Vec::is_empty)) {
        spec.insert("clusterIPs".into(), json!([address]));
    }
    if spec.get("ipFamilies").is_none_or(|list| list.as_array().is_none_or(Vec::is_empty)) {
        spec.insert("ipFamilies".into(), json!(["IPv4"]));
    }
    spec.entry("ipFamilyPolicy").or_insert_with(|| "SingleStack".into());
}

fn uses_node_ports(spec: &Spec) -> bool {
    matches!(text(spec, "type"), "NodePort" | "LoadBalancer")
}

/// Ports of nodes, for the types that have them. Ports of one number share theirs, whatever the protocol.
fn give_ports(spec: &mut Spec) {
    let balanced = text(spec, "type") == "LoadBalancer";
    let wanted = !balanced || spec.get("allocateLoadBalancerNodePorts") != Some(&Value::Bool(false));
    if uses_node_ports(spec) && wanted {
        let mut given: Vec<(Value, Value)> = Vec::new();
        for port in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
            let Value::Object(port) = port else { continue };
            let number = port.get("port").cloned().unwrap_or_default();
            if is_missing(port, "nodePort") {
                let shared = given.iter().find(|(held, _)| *held == number).map(|(_, outer)| outer.clone());
                port.insert("nodePort".into(), shared.unwrap_or_else(|| next_port().into()));
            }
            given.push((number, port.get("nodePort").cloned().unwrap_or_default()));
        }
    }
    let needs = needs_health_check(&Value::Object(spec.clone()));
    if needs && is_missing(spec, "healthCheckNodePort") {
        spec.insert("healthCheckNodePort".into(), next_port().into());
    }
}

fn next_port() -> u32 {
    let size = NODE_PORTS.end - NODE_PORTS.start;
    NODE_PORTS.start + NEXT_PORT.fetch_add(1, Ordering::Relaxed) % size
}

/// Keeps an address that a stored service has from being given again.
pub(crate) fn note_address(address: &str) {
    let mut parts = address.split('.').map(str::parse::<u32>);
    if let (Some(Ok(10)), Some(Ok(96)), Some(Ok(high)), Some(Ok(low))) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    {
        NEXT_ADDRESS.fetch_max((high << 8 | low) + 1, Ordering::Relaxed);
    }
}

fn next_address() -> String {
    let number = NEXT_ADDRESS.fetch_add(1, Ordering::Relaxed) % 0xffff;
    format!("10.96.{}.{}", number >> 8, number & 0xff)
}

/// What the server gave stays if the client leaves it out, and goes with the type that needed it.
fn prepare_update(service: &mut Value, old: &Value) {
    let Some(before) = old.get("spec").and_then(Value::as_object) else { return };
    let spec = object::child_mut(object::as_map(service), "spec");
    keep_given(spec, before);
    drop_what_the_type_has_not(spec, before);
    if text(spec, "type") != "ExternalName" {
        give_address(spec);
        give_ports(spec);
    }
    if text(spec, "type") != "LoadBalancer"
        && let Some(Value::Object(status)) = service.get_mut("status")
    {
        status.insert("loadBalancer".into(), json!({}));
    }
}

fn keep_given(spec: &mut Spec, before: &Spec) {
    let addressed = |spec: &Spec| text(spec, "type") != "ExternalName";
    if addressed(before) && addressed(spec) {
        for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
            if let (true, Some(kept)) = (is_missing(spec, field), before.get(field)) {
                spec.insert(field.into(), kept.clone());
            }
        }
    }
    // A client that knows only the one address means the first of all.
    if !is_missing(spec, "clusterIP")
        && spec.get("clusterIP") != before.get("clusterIP")
        && spec.get("clusterIPs") == before.get("clusterIPs")
    {
        let address = spec.get("clusterIP").cloned();
        spec.insert("clusterIPs".into(), json!([address]));
    }
    if uses_node_ports(before) && uses_node_ports(spec) {
        let held = |name: Option<&Value>| {
            let ports = before.get("ports").and_then(Value::as_array).into_iter().flatten();
            ports.rev().find(|port| port.get("name") == name).and_then(|port| port.get("nodePort").cloned())
        };
        for port in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
            let Value::Object(port) = port else { continue };
            if let (true, Some(kept)) = (is_missing(port, "nodePort"), held(port.get("name"))) {
                port.insert("nodePort".into(), kept);
            }
        }
    }
    let checked = |spec: &Spec| needs_health_check(&Value::Object(spec.clone()));
    if let Some(kept) = before.get("healthCheckNodePort")
        && checked(before)
        && checked(spec)
        && is_missing(spec, "healthCheckNodePort")
    {
        spec.insert("healthCheckNodePort".into(), kept.clone());
    }
}

/// Fields that the client left as they were and that mean nothing for the new type.
fn drop_what_the_type_has_not(spec: &mut Spec, before: &Spec) {
    let checked = |spec: &Spec| needs_health_check(&Value::Object(spec.clone()));
    let outside = |spec: &Spec| {
        let addresses =
            spec.get("externalIPs").and_then(Value::as_array).is_some_and(|list| !list.is_empty());
        uses_node_ports(spec) || (text(spec, "type") == "ClusterIP" && addresses)
    };
    let mut gone: Vec<&str> = Vec::new();
    if text(before, "type") != "ExternalName" && text(spec, "type") == "ExternalName" {
        gone.extend(["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"]);
    }
    if checked(before) && !checked(spec) {
        gone.push("healthCheckNodePort");
    }
    if text(before, "type") == "LoadBalancer" && text(spec, "type") != "LoadBalancer" {
        gone.extend(["allocateLoadBalancerNodePorts", "loadBalancerClass"]);
    }
    if outside(before) && !outside(spec) {
        gone.push("externalTrafficPolicy");
    }
    for field in gone {
        if spec.get(field) == before.get(field) {
            spec.remove(field);
        }
    }
    if uses_node_ports(before) && !uses_node_ports(spec) {
        for port in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
            object::as_map(port).remove("nodePort");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_of_nodes_come_and_go_with_the_type() {
        let mut service = json!({"spec": {"type": "NodePort", "ports": [{"port": 53, "name": "a"}, {"port": 53, "name": "b"}]}});
        prepare_create(&mut service);
        let given = service["spec"]["ports"][0]["nodePort"].clone();
        assert!(given.as_u64().is_some_and(|port| (30_000..32_768).contains(&port)), "{service}");
        assert_eq!(service["spec"]["ports"][1]["nodePort"], given, "one number, one port");
        let mut again = json!({"spec": {"type": "NodePort", "ports": [{"port": 53, "name": "a"}]}});
        prepare_update(&mut again, &service);
        assert_eq!(again["spec"]["ports"][0]["nodePort"], given);
        assert_eq!(again["spec"]["clusterIP"], service["spec"]["clusterIP"]);
        let mut inner = service.clone();
        inner["spec"]["type"] = "ClusterIP".into();
        prepare_update(&mut inner, &service);
        assert_eq!(inner["spec"]["ports"][0].get("nodePort"), None);
    }

    #[test]
    fn an_address_that_is_taken_is_not_given_again() {
        note_address("10.96.7.200");
        note_address("10.96.3.1");
        note_address("None");
        let given = next_address();
        let after = given.strip_prefix("10.96.").and_then(|rest| rest.split_once('.'));
        let number = after.map(|(high, low)| (high.parse::<u32>(), low.parse::<u32>()));
        assert!(matches!(number, Some((Ok(high), Ok(low))) if (high, low) > (7, 200)), "{given}");
    }
}
