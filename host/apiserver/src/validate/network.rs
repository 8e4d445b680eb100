//! Ingresses and NetworkPolicies.

use serde_json::{Value, json};

use super::field::{Faults, Field};
use super::service::host_name;
use super::{Change, selector, texts};

pub(super) fn ingress(faults: &mut Faults, change: &Change<'_>) {
    let spec = change.new.get("spec");
    let (rules, backend) = (spec.get("rules"), spec.get("defaultBackend"));
    if rules.len() == 0 && !backend.is_set() {
        let at = Field { value: rules.value, ..spec };
        faults.invalid(&at, "either `defaultBackend` or `rules` must be specified");
    }
    if backend.is_set() {
        ingress_backend(faults, &backend);
    }
    for rule in rules.items() {
        let host = rule.get("host");
        if texts::address(host.text()).is_some() {
            faults.invalid(&host, "must be a DNS name, not an IP address");
        }
        host_or_wildcard(faults, &host);
        let http = rule.get("http");
        if http.is_set() {
            let paths = http.get("paths");
            if paths.len() == 0 {
                faults.required(&paths, "");
            }
            for path in paths.items() {
                ingress_path(faults, &path);
            }
        }
    }
    for tls in spec.get("tls").items() {
        for host in tls.get("hosts").items() {
            if host.text().is_empty() {
                faults.text(&host, texts::subdomain(""));
            }
            host_or_wildcard(faults, &host);
        }
        let secret = tls.get("secretName");
        if !secret.text().is_empty() {
            faults.text(&secret, texts::subdomain(secret.text()));
        }
    }
    let class = spec.get("ingressClassName");
    if class.is_set() {
        faults.text(&class, texts::subdomain(class.text()));
    }
}

fn host_or_wildcard(faults: &mut Faults, host: &Field<'_, '_>) {
    if host.text().contains('*') {
        faults.text(host, texts::wildcard_subdomain(host.text()));
    } else if !host.text().is_empty() {
        faults.text(host, texts::subdomain(host.text()));
    }
}

fn ingress_path(faults: &mut Faults, at: &Field<'_, '_>) {
    let (kind, path) = (at.get("pathType"), at.get("path"));
    if !kind.is_set() {
        return faults.required(&kind, "pathType must be specified");
    }
    let absolute = path.text().starts_with('/');
    match kind.text() {
        "Exact" | "Prefix" => {
            if !absolute {
                faults.invalid_text(&path, "must be an absolute path");
            }
            for sequence in ["//", "/./", "/../", "%2f", "%2F"] {
                if path.text().contains(sequence) {
                    faults.invalid(&path, &format!("must not contain '{sequence}'"));
                }
            }
            for ending in ["/..", "/."] {
                if path.text().ends_with(ending) {
                    faults.invalid(&path, &format!("cannot end with '{ending}'"));
                }
            }
        }
        "ImplementationSpecific" if !absolute && !path.text().is_empty() => {
            faults.invalid(&path, "must be an absolute path");
        }
        "ImplementationSpecific" => {}
        _ => faults.not_supported(&kind, &["Exact", "ImplementationSpecific", "Prefix"]),
    }
    ingress_backend(faults, &at.get("backend"));
}

fn ingress_backend(faults: &mut Faults, at: &Field<'_, '_>) {
    let (resource, service) = (at.get("resource"), at.get("service"));
    let nothing = Value::from("");
    let whole = Field { value: &nothing, ..*at };
    match (resource.is_set(), service.is_set()) {
        (true, true) => return faults.invalid(&whole, "cannot set both resource and service backends"),
        (false, false) => return faults.invalid(&whole, "resource or service backend is required"),
        (true, false) => {
            for name in ["kind", "name"] {
                if resource.get(name).text().is_empty() {
                    faults.required(&resource.get(name), "");
                }
            }
            return;
        }
        (false, true) => {}
    }
    let name = service.get("name");
    if name.text().is_empty() {
        faults.required(&name, "");
    } else {
        faults.text(&name, texts::label_1035(name.text()));
    }
    let port = service.get("port");
    let (name, number) = (port.get("name"), port.get("number"));
    match (name.text().is_empty(), number.number()) {
        (false, 0) => faults.text(&name, texts::port_name(name.text())),
        (false, _) => faults.invalid(&whole, "cannot set both port name & port number"),
        (true, 0) => faults.required(at, "port name or number is required"),
        (true, given) if !texts::is_port(given) => faults.invalid(&number, texts::PORT),
        _ => {}
    }
}

pub(super) fn ingress_status(faults: &mut Faults, change: &Change<'_>) {
    let status = change.new.get("status");
    let balancer = status.get("loadBalancer");
    for point in balancer.get("ingress").items() {
        let address = point.get("ip");
        if !address.text().is_empty() && texts::address(address.text()).is_none() {
            faults.invalid(&address, texts::ADDRESS);
        }
        host_name(faults, &point.get("hostname"));
    }
}

pub(super) fn policy(faults: &mut Faults, change: &Change<'_>) {
    let spec = change.new.get("spec");
    selector::selector(faults, &spec.get("podSelector"));
    for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
        for rule in spec.get(direction).items() {
            for port in rule.get("ports").items() {
                policy_port(faults, &port);
            }
            for peer in rule.get(peers).items() {
                policy_peer(faults, &peer);
            }
        }
    }
    let types = spec.get("policyTypes");
    if types.len() > 2 {
        return faults.invalid(&types, "may not specify more than two policyTypes");
    }
    for kind in types.items() {
        faults.one_of_if_set(&kind, &["Ingress", "Egress"]);
    }
}

fn policy_port(faults: &mut Faults, at: &Field<'_, '_>) {
    faults.one_of_if_set(&at.get("protocol"), &["TCP", "UDP", "SCTP"]);
    let (port, end) = (at.get("port"), at.get("endPort"));
    match port.value {
        Value::Null if end.is_set() => {
            faults.invalid(&end, "may not be specified when `port` is not specified");
        }
        Value::Null => {}
        Value::String(name) => {
            if end.is_set() {
                faults.invalid(&end, "may not be specified when `port` is non-numeric");
            }
            faults.text(&port, texts::port_name(name));
        }
        _ => {
            if !texts::is_port(port.number()) {
                faults.invalid(&port, texts::PORT);
            }
            if end.is_set() && end.number() < port.number() {
                // The real server shows the port here, not its end.
                let at = Field { value: port.value, ..end };
                faults.invalid(&at, "must be greater than or equal to `port`");
            }
            if end.is_set() && !texts::is_port(end.number()) {
                faults.invalid(&end, texts::PORT);
            }
        }
    }
}

fn policy_peer(faults: &mut Faults, at: &Field<'_, '_>) {
    let mut count = 0;
    for name in ["podSelector", "namespaceSelector"] {
        count += usize::from(at.get(name).is_set());
        selector::selector(faults, &at.get(name));
    }
    let block = at.get("ipBlock");
    if block.is_set() {
        address_block(faults, &block);
        if count > 0 {
            faults.forbidden(at, "may not specify both ipBlock and another peer");
        }
    } else if count == 0 {
        faults.required(at, "must specify a peer");
    }
}

fn address_block(faults: &mut Faults, at: &Field<'_, '_>) {
    let whole = at.get("cidr");
    if whole.text().is_empty() {
        return faults.required(&whole, "");
    }
    let Some(outer) = texts::block(whole.text()) else {
        return faults.invalid_text(&whole, texts::BLOCK);
    };
    for part in at.get("except").items() {
        match texts::block(part.text()) {
            None => faults.invalid_text(&part, texts::BLOCK),
            Some(inner) if !outer.holds(&inner) || outer.fixed >= inner.fixed => {
                faults.invalid(&part, "must be a strict subset of `cidr`");
            }
            Some(_) => {}
        }
    }
}

pub(super) fn ingress_class(faults: &mut Faults, change: &Change<'_>) {
    let spec = change.new.get("spec");
    let controller = spec.get("controller");
    if controller.text().is_empty() {
        faults.required(&controller, "");
    }
    if let Some(old) = change.old {
        let before = old["spec"]["controller"].clone();
        let none = json!("");
        faults.immutable(&controller, if before.is_null() { &none } else { &before });
    }
}
