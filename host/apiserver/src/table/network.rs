//! Cells of Endpoints, Ingresses and their classes.

use serde_json::Value;

use super::cells::{age, int_at, list_at, or_none, shortened, str_at};
use crate::{object, wire::time::Moment};

pub(super) fn endpoints(object: &Value, now: Moment) -> Vec<Value> {
    let mut found = Vec::new();
    for subset in list_at(object, "subsets") {
        let (addresses, ports) = (list_at(subset, "addresses"), list_at(subset, "ports"));
        if ports.is_empty() {
            found.extend(addresses.iter().map(|address| str_at(address, "ip").to_owned()));
        }
        for port in ports {
            let port = int_at(port, "port");
            found.extend(addresses.iter().map(|address| match str_at(address, "ip") {
                ip if ip.contains(':') => format!("[{ip}]:{port}"),
                ip => format!("{ip}:{port}"),
            }));
        }
    }
    vec![object::name(object).into(), or_none(&shortened(&found)).into(), age(object, now)]
}

pub(super) fn ingress(object: &Value, now: Moment) -> Vec<Value> {
    let rules = list_at(object, "spec.rules").iter();
    let hosts: Vec<String> =
        rules.map(|rule| str_at(rule, "host").to_owned()).filter(|host| !host.is_empty()).collect();
    let hosts = if hosts.is_empty() { "*".to_owned() } else { shortened(&hosts) };
    let ports = if list_at(object, "spec.tls").is_empty() { "80" } else { "80, 443" };
    let balanced = list_at(object, "status.loadBalancer.ingress").iter();
    let addresses: Vec<&str> = balanced
        .map(|ingress| match str_at(ingress, "ip") {
            "" => str_at(ingress, "hostname"),
            ip => ip,
        })
        .collect();
    vec![
        object::name(object).into(),
        or_none(str_at(object, "spec.ingressClassName")).into(),
        hosts.into(),
        addresses.join(",").into(),
        ports.into(),
        age(object, now),
    ]
}

pub(super) fn ingress_class(object: &Value, now: Moment) -> Vec<Value> {
    let parameters = match &object["spec"]["parameters"] {
        Value::Object(_) => {
            let of = |field: &str| str_at(object, &format!("spec.parameters.{field}")).to_owned();
            let group = of("apiGroup");
            let dot = if group.is_empty() { "" } else { "." };
            format!("{}{dot}{group}/{}", of("kind"), of("name"))
        }
        _ => "<none>".to_owned(),
    };
    vec![
        object::name(object).into(),
        str_at(object, "spec.controller").into(),
        parameters.into(),
        age(object, now),
    ]
}

/// An IP address and what it belongs to.
pub(super) fn address(object: &Value, _now: Moment) -> Vec<Value> {
    let of = |field: &str| str_at(object, &format!("spec.parentRef.{field}")).to_owned();
    let mut resource = of("resource");
    if !of("group").is_empty() {
        resource = format!("{resource}.{}", of("group"));
    }
    let parts = [resource, of("namespace"), of("name")];
    let parts: Vec<&str> = parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    vec![object::name(object).into(), parts.join("/").into()]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: Moment = Moment { seconds: 0, nanos: 0 };

    #[test]
    fn endpoints_show_three_addresses_and_count_the_rest() {
        let subset = json!({"addresses": [{"ip": "10.0.0.1"}, {"ip": "fd00::1"}], "ports": [{"port": 80}, {"port": 81}]});
        let cells = endpoints(&json!({"metadata": {"name": "e"}, "subsets": [subset]}), NOW);
        assert_eq!(cells[1], "10.0.0.1:80,[fd00::1]:80,10.0.0.1:81 + 1 more...");
        assert_eq!(endpoints(&json!({"metadata": {"name": "e"}}), NOW)[1], "<none>");
    }

    #[test]
    fn an_ingress_shows_hosts_and_ports() {
        let spec = json!({"rules": [{"host": "a"}, {"host": "b"}], "tls": [{}]});
        let status = json!({"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}, {"hostname": "h"}]}});
        let cells = ingress(&json!({"metadata": {"name": "i"}, "spec": spec, "status": status}), NOW);
        assert_eq!(json!(cells[1..5]), json!(["<none>", "a,b", "1.2.3.4,h", "80, 443"]));
        assert_eq!(ingress(&json!({"metadata": {"name": "i"}}), NOW)[2], "*");
    }
}
