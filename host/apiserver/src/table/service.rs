//! Cells of Services.

use serde_json::Value;

use super::cells::{age, at, int_at, labels_text, list_at, or_none, str_at};
use crate::{object, wire::time::Moment};

pub(super) fn cells(object: &Value, now: Moment) -> Vec<Value> {
    let kind = str_at(object, "spec.type");
    let first = list_at(object, "spec.clusterIPs").first().and_then(Value::as_str);
    let cluster_ip = first.unwrap_or(str_at(object, "spec.clusterIP"));
    vec![
        object::name(object).into(),
        kind.into(),
        or_none(cluster_ip).into(),
        external(object, kind).into(),
        ports(object).into(),
        age(object, now),
        labels_text(at(object, "spec.selector").and_then(Value::as_object)).into(),
    ]
}

fn external(object: &Value, kind: &str) -> String {
    let own: Vec<&str> = list_at(object, "spec.externalIPs").iter().filter_map(Value::as_str).collect();
    match kind {
        "ExternalName" => str_at(object, "spec.externalName").to_owned(),
        "LoadBalancer" => {
            let ingress = list_at(object, "status.loadBalancer.ingress").iter();
            let mut balanced: Vec<&str> = ingress
                .map(|ingress| match str_at(ingress, "ip") {
                    "" => str_at(ingress, "hostname"),
                    ip => ip,
                })
                .collect();
            balanced.sort_unstable();
            balanced.dedup();
            match (balanced.is_empty(), own.is_empty()) {
                (true, true) => "<pending>".to_owned(),
                _ => balanced.into_iter().chain(own).collect::<Vec<_>>().join(","),
            }
        }
        _ => or_none(&own.join(",")).to_owned(),
    }
}

fn ports(object: &Value) -> String {
    let port = |port: &Value| {
        let (number, protocol) = (int_at(port, "port"), str_at(port, "protocol"));
        match int_at(port, "nodePort") {
            0 => format!("{number}/{protocol}"),
            node => format!("{number}:{node}/{protocol}"),
        }
    };
    let ports: Vec<String> = list_at(object, "spec.ports").iter().map(port).collect();
    or_none(&ports.join(",")).to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::cells;
    use crate::wire::time::Moment;

    fn check(spec: Value, status: Value, want: [&str; 4]) {
        let object = json!({"metadata": {"name": "s"}, "spec": spec, "status": status});
        let cells = cells(&object, Moment { seconds: 0, nanos: 0 });
        assert_eq!(json!(cells[1..5]), json!(want), "{object}");
    }

    #[test]
    fn addresses_and_ports_are_shown_by_type() {
        let ports =
            json!([{"port": 80, "protocol": "TCP"}, {"port": 53, "nodePort": 30053, "protocol": "UDP"}]);
        check(
            json!({"type": "ClusterIP", "clusterIPs": ["10.0.0.1"], "ports": ports}),
            json!({}),
            ["ClusterIP", "10.0.0.1", "<none>", "80/TCP,53:30053/UDP"],
        );
        check(json!({"type": "LoadBalancer"}), json!({}), ["LoadBalancer", "<none>", "<pending>", "<none>"]);
        let balanced = json!({"loadBalancer": {"ingress": [{"ip": "5.6.7.8"}, {"hostname": "h"}]}});
        check(
            json!({"type": "LoadBalancer", "externalIPs": ["9.9.9.9"]}),
            balanced,
            ["LoadBalancer", "<none>", "5.6.7.8,h,9.9.9.9", "<none>"],
        );
        check(
            json!({"type": "ExternalName", "externalName": "x.example.com"}),
            json!({}),
            ["ExternalName", "<none>", "x.example.com", "<none>"],
        );
    }
}
