//! Services: ports, addresses, policies that go with the type.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::container::port_or_name;
use super::field::{Faults, Field};
use super::{Change, selector, texts};
use crate::schema::{FieldError, Reason};

pub(super) fn service(faults: &mut Faults, change: &Change<'_>) {
    let spec = change.new.get("spec");
    let kind = spec.get("type");
    if let Some(old) = change.old {
        addresses_stay(faults, &spec, &old["spec"]);
        health_check_stays(faults, &spec, &old["spec"]);
    }
    let ports = spec.get("ports");
    let headless = is_headless(&spec);
    if ports.len() == 0 && !headless && kind.text() != "ExternalName" {
        faults.required(&ports, "");
    }
    by_type(faults, &spec, headless);
    let mut names = HashSet::new();
    for port in ports.items() {
        service_port(faults, &port, ports.len() > 1, &mut names);
    }
    selector::labels(faults, &spec.get("selector"));
    affinity(faults, &spec);
    addresses(faults, &spec);
    for address in spec.get("externalIPs").items() {
        if texts::address(address.text()).is_none() {
            faults.invalid_text(&address, texts::ADDRESS);
        }
    }
    let kinds = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
    faults.one_of(&kind, &kinds);
    repeated_ports(faults, &ports, kind.text());
    ranges(faults, &spec);
    let allocate = spec.get("allocateLoadBalancerNodePorts");
    if allocate.is_set() && kind.text() != "LoadBalancer" {
        faults.forbidden(&allocate, "may only be used when `type` is 'LoadBalancer'");
    }
    let class = spec.get("loadBalancerClass");
    if class.is_set() && kind.text() != "LoadBalancer" {
        faults.forbidden(&class, "may only be used when `type` is 'LoadBalancer'");
    }
    traffic(faults, &spec);
}

fn is_headless(spec: &Field<'_, '_>) -> bool {
    let addresses = &spec.value["clusterIPs"];
    addresses.as_array().is_some_and(|list| list.len() == 1) && addresses[0] == "None"
}

fn by_type(faults: &mut Faults, spec: &Field<'_, '_>, headless: bool) {
    let kind = spec.get("type");
    let addresses = spec.get("clusterIPs");
    match kind.text() {
        "LoadBalancer" | "NodePort" if headless => {
            for first in addresses.items().take(1) {
                faults.invalid(&first, &format!("may not be set to 'None' for {} services", kind.text()));
            }
        }
        "ExternalName" => {
            for name in ["clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
                let field = spec.get(name);
                if field.len() > 0 || !field.text().is_empty() {
                    faults.forbidden(&field, "may not be set for ExternalName services");
                }
            }
            let name = spec.get("externalName");
            let shown = Value::from(name.text().strip_suffix('.').unwrap_or(name.text()));
            if shown == "" {
                faults.required(&name, "");
            } else {
                let at = Field { value: &shown, ..name };
                faults.text(&at, texts::subdomain(at.text()));
            }
        }
        _ => {}
    }
}

fn service_port<'v>(faults: &mut Faults, port: &Field<'_, 'v>, named: bool, names: &mut HashSet<&'v str>) {
    let name = port.get("name");
    if !name.text().is_empty() {
        faults.text(&name, texts::label(name.text()));
        if !names.insert(name.text()) {
            faults.duplicate(&name);
        }
    } else if named {
        faults.required(&name, "");
    }
    let number = port.get("port");
    if !texts::is_port(number.number()) {
        faults.invalid_number(&number, texts::PORT);
    }
    faults.one_of(&port.get("protocol"), &["SCTP", "TCP", "UDP"]);
    port_or_name(faults, &port.get("targetPort"));
    let protocol = port.get("appProtocol");
    if protocol.is_set() {
        faults.text(&protocol, texts::qualified(protocol.text()));
    }
}

fn affinity(faults: &mut Faults, spec: &Field<'_, '_>) {
    let (affinity, config) = (spec.get("sessionAffinity"), spec.get("sessionAffinityConfig"));
    faults.one_of(&affinity, &["ClientIP", "None"]);
    match affinity.text() {
        "None" if config.is_set() => {
            faults.forbidden(&config, "must not be set when session affinity is None");
        }
        "ClientIP" => {
            let client = config.get("clientIP");
            let timeout = client.get("timeoutSeconds");
            if !config.is_set() {
                faults.required(&config, "when session affinity type is ClientIP");
            } else if !timeout.is_set() {
                faults.required(&client, "when session affinity type is ClientIP");
            } else if !(1..=86400).contains(&timeout.number()) {
                faults.invalid(&timeout, "must be greater than 0 and less than 86400");
            }
        }
        _ => {}
    }
}

/// The addresses, of which the first is also told alone.
fn addresses(faults: &mut Faults, spec: &Field<'_, '_>) {
    if spec.get("type").text() == "ExternalName" {
        return;
    }
    let families = spec.get("ipFamilies");
    for family in families.items() {
        faults.one_of(&family, &["IPv4", "IPv6"]);
    }
    let policy = spec.get("ipFamilyPolicy");
    faults.one_of_if_set(&policy, &["PreferDualStack", "RequireDualStack", "SingleStack"]);
    let addresses = spec.get("clusterIPs");
    let single = spec.get("clusterIP");
    if !single.text().is_empty() && addresses.len() == 0 {
        faults.required(&addresses, "");
    } else if let Some(first) = addresses.items().next()
        && first.value != single.value
    {
        faults.invalid(&addresses, "first value must match `clusterIP`");
    }
    for address in addresses.items() {
        if address.text() == "None" {
            if addresses.len() > 1 {
                faults.invalid(&addresses, "'None' must be the first and only value");
            }
        } else if texts::address(address.text()).is_none() {
            faults.invalid_text(&address, texts::ADDRESS);
        }
    }
}

fn addresses_stay(faults: &mut Faults, spec: &Field<'_, '_>, old: &Value) {
    let external = |kind: &Value| kind == "ExternalName";
    if external(spec.get("type").value) || external(&old["type"]) {
        return;
    }
    let before = old["clusterIPs"].as_array().map_or(&[][..], Vec::as_slice);
    let addresses = spec.get("clusterIPs");
    let now = addresses.value.as_array().map_or(&[][..], Vec::as_slice);
    if let (Some(first), Some(given)) = (before.first(), now.first())
        && first != given
    {
        for at in addresses.items().take(1) {
            faults.invalid(&Field { value: addresses.value, ..at }, "may not change once set");
        }
    } else if !before.is_empty() && now.is_empty() {
        let shown = Value::from("");
        let nothing = json!([]);
        let held = Field { value: if addresses.is_set() { addresses.value } else { &nothing }, ..addresses };
        let zero = held.path.index(0);
        faults.invalid(&Field { value: &shown, path: zero }, "primary clusterIP can not be unset");
    }
}

fn repeated_ports(faults: &mut Faults, ports: &Field<'_, '_>, kind: &str) {
    if kind == "ClusterIP" {
        for port in ports.items() {
            let outer = port.get("nodePort");
            if outer.number() != 0 {
                faults.forbidden(&outer, "may not be used when `type` is 'ClusterIP'");
            }
        }
    }
    let mut outer_ports = HashSet::new();
    for port in ports.items() {
        let outer = port.get("nodePort");
        if outer.number() != 0 && !outer_ports.insert((port.get("protocol").text(), outer.number())) {
            faults.duplicate(&outer);
        }
    }
    let mut seen = HashSet::new();
    for port in ports.items() {
        let (protocol, number) = (port.get("protocol").text(), port.get("port").number());
        if !seen.insert((protocol, number)) {
            // As the internal type shows a port of which only these two are set.
            let shown = format!(
                "{{\"Name\":\"\",\"Protocol\":\"{protocol}\",\"AppProtocol\":null,\"Port\":{number},\"TargetPort\":0,\"NodePort\":0}}"
            );
            faults.0.push(FieldError {
                reason: Reason::Duplicate,
                field: port.path.to_string(),
                message: format!("Duplicate value: {shown}"),
            });
        }
    }
}

fn ranges(faults: &mut Faults, spec: &Field<'_, '_>) {
    let ranges = spec.get("loadBalancerSourceRanges");
    let blamed = Field { value: ranges.value, ..spec.get("LoadBalancerSourceRanges") };
    if ranges.len() > 0 && spec.get("type").text() != "LoadBalancer" {
        faults.forbidden(&blamed, "may only be used when `type` is 'LoadBalancer'");
    }
    for range in blamed.items() {
        if texts::block(range.text().trim()).is_none() {
            faults.invalid_text(&range, texts::BLOCK);
        }
    }
}

/// Whether nodes answer for the Service's health.
pub(crate) fn needs_health_check(spec: &Value) -> bool {
    spec["type"] == "LoadBalancer" && spec["externalTrafficPolicy"] == "Local"
}

fn is_reached_from_outside(spec: &Value) -> bool {
    let addresses = spec["externalIPs"].as_array().is_some_and(|list| !list.is_empty());
    spec["type"] == "LoadBalancer" || spec["type"] == "NodePort" || (spec["type"] == "ClusterIP" && addresses)
}

fn traffic(faults: &mut Faults, spec: &Field<'_, '_>) {
    let policy = spec.get("externalTrafficPolicy");
    if is_reached_from_outside(spec.value) {
        faults.one_of(&policy, &["Cluster", "Local"]);
    } else if !policy.text().is_empty() {
        faults.invalid(&policy, "may only be set for externally-accessible services");
    }
    let check = spec.get("healthCheckNodePort");
    if needs_health_check(spec.value) {
        if check.number() == 0 {
            faults.required(&check, "");
        } else if !texts::is_port(check.number()) {
            faults.invalid(&check, texts::PORT);
        }
    } else if check.number() != 0 {
        let why = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
        faults.invalid(&check, why);
    }
    let inner = spec.get("internalTrafficPolicy");
    if !inner.is_set() && ["ClusterIP", "NodePort", "LoadBalancer"].contains(&spec.get("type").text()) {
        faults.required(&inner, "");
    }
    faults.one_of_if_set(&inner, &["Cluster", "Local"]);
    let distribution = spec.get("trafficDistribution");
    faults.one_of_if_set(&distribution, &["PreferClose", "PreferSameZone", "PreferSameNode"]);
}

fn health_check_stays(faults: &mut Faults, spec: &Field<'_, '_>, old: &Value) {
    let check = spec.get("healthCheckNodePort");
    let both = needs_health_check(old) && needs_health_check(spec.value);
    if both && check.value != &old["healthCheckNodePort"] {
        faults.forbidden(&check, "field is immutable");
    }
}

/// The addresses of a load balancer in a status.
pub(super) fn status(faults: &mut Faults, change: &Change<'_>) {
    let status = change.new.get("status");
    let balancer = status.get("loadBalancer");
    let ingress = balancer.get("ingress");
    if change.new.value["spec"]["type"] != "LoadBalancer" && ingress.len() > 0 {
        return faults.forbidden(&ingress, "may only be used when `spec.type` is 'LoadBalancer'");
    }
    for point in ingress.items() {
        let (address, mode) = (point.get("ip"), point.get("ipMode"));
        if !address.text().is_empty() && texts::address(address.text()).is_none() {
            faults.invalid(&address, texts::ADDRESS);
        }
        if !address.text().is_empty() && !mode.is_set() {
            faults.required(&mode, "must be specified when `ip` is set");
        } else if address.text().is_empty() && mode.is_set() {
            faults.forbidden(&mode, "may not be specified when `ip` is not set");
        } else {
            faults.one_of_if_set(&mode, &["Proxy", "VIP"]);
        }
        host_name(faults, &point.get("hostname"));
    }
}

pub(super) fn host_name(faults: &mut Faults, at: &Field<'_, '_>) {
    if at.text().is_empty() {
        return;
    }
    faults.text(at, texts::subdomain(at.text()));
    if texts::address(at.text()).is_some() {
        faults.invalid(at, "must be a DNS name, not an IP address");
    }
}
