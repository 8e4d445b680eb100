//! One metric, what is asked of it or what it came to, between the forms of the two versions.
//!
//! | source | version 1 | version 2 |
//! | --- | --- | --- |
//! | `resource`, `containerResource` | `name`, `…AverageUtilization`, `…AverageValue` | `name`, `target` or `current` |
//! | `pods` | `metricName`, `…AverageValue`, `selector` | `metric`, `target` or `current` |
//! | `object` | `target`, `metricName`, `…Value`, `selector`, `averageValue` | `describedObject`, `metric`, … |
//! | `external` | `metricName`, `metricSelector`, `…Value`, `…AverageValue` | `metric`, … |
//!
//! The dots stand for `target` or `current`, which is also the name of the part in version 2.

use serde_json::{Map, Value, json};

use super::ordered::{escaped, ordered};

/// A wanted metric as version 1 writes it.
pub(super) fn target_to_v1(metric: &Value) -> String {
    to_v1(metric, "target")
}

/// A measured metric as version 1 writes it.
pub(super) fn current_to_v1(metric: &Value) -> String {
    to_v1(metric, "current")
}

/// A wanted metric of version 1.
pub(super) fn target_from_v1(metric: &Value) -> Value {
    from_v1(metric, "target")
}

/// A measured metric of version 1.
pub(super) fn current_from_v1(metric: &Value) -> Value {
    from_v1(metric, "current")
}

const SOURCES: [&str; 5] = ["object", "pods", "resource", "containerResource", "external"];

fn to_v1(metric: &Value, part: &str) -> String {
    let mut members = vec![("type", Some(escaped(&metric["type"])))];
    for source in SOURCES {
        members.push((source, metric.get(source).map(|value| source_to_v1(source, value, part))));
    }
    ordered(&members)
}

fn source_to_v1(source: &str, value: &Value, part: &str) -> String {
    let some = |value: &Value| (!value.is_null()).then(|| escaped(value));
    let amounts = &value[part];
    // Version 1 has fields that cannot be absent; an amount that is not given is 0 there.
    let always = |value: &Value| some(value).or_else(|| Some("\"0\"".to_owned()));
    let (name, selector) = (some(&value["metric"]["name"]), some(&value["metric"]["selector"]));
    let key = |rest: &str| format!("{part}{rest}");
    let measured = part == "current";
    match source {
        "object" => {
            let of = &value["describedObject"];
            let described = ordered(&[
                ("kind", some(&of["kind"])),
                ("name", some(&of["name"])),
                ("apiVersion", some(&of["apiVersion"])),
            ]);
            ordered(&[
                ("target", Some(described)),
                ("metricName", name),
                (&key("Value"), always(&amounts["value"])),
                ("selector", selector),
                ("averageValue", some(&amounts["averageValue"])),
            ])
        }
        "pods" => ordered(&[
            ("metricName", name),
            (&key("AverageValue"), always(&amounts["averageValue"])),
            ("selector", selector),
        ]),
        "external" => {
            let value = if measured { always(&amounts["value"]) } else { some(&amounts["value"]) };
            ordered(&[
                ("metricName", name),
                ("metricSelector", selector),
                (&key("Value"), value),
                (&key("AverageValue"), some(&amounts["averageValue"])),
            ])
        }
        _ => {
            let average = &amounts["averageValue"];
            let average = if measured { always(average) } else { some(average) };
            ordered(&[
                ("name", some(&value["name"])),
                (&key("AverageUtilization"), some(&amounts["averageUtilization"])),
                (&key("AverageValue"), average),
                ("container", some(&value["container"])),
            ])
        }
    }
}

fn from_v1(metric: &Value, part: &str) -> Value {
    let mut out = Map::from_iter([("type".to_owned(), metric["type"].clone())]);
    for source in SOURCES {
        if let Some(value) = metric.get(source).filter(|value| value.is_object()) {
            out.insert(source.to_owned(), source_from_v1(source, value, part));
        }
    }
    Value::Object(out)
}

fn source_from_v1(source: &str, value: &Value, part: &str) -> Value {
    let mut amounts = Map::new();
    let mut amount = |name: &str, key: String| {
        if let Some(held) = value.get(&key).filter(|held| !held.is_null()) {
            amounts.insert(name.to_owned(), held.clone());
        }
    };
    amount("value", format!("{part}Value"));
    let average = if source == "object" { "averageValue".to_owned() } else { format!("{part}AverageValue") };
    amount("averageValue", average);
    amount("averageUtilization", format!("{part}AverageUtilization"));
    if part == "target" {
        let averaged = amounts.contains_key("averageValue");
        // A zero beside an average is version 1's way of saying nothing.
        if source == "object" && averaged && amounts.get("value").is_some_and(|value| value == "0") {
            amounts.remove("value");
        }
        let kind = match source {
            _ if amounts.contains_key("averageUtilization") => "Utilization",
            "external" if amounts.contains_key("value") => "Value",
            "object" if !averaged => "Value",
            _ => "AverageValue",
        };
        amounts.insert("type".to_owned(), kind.into());
    }
    let mut out = Map::from_iter([(part.to_owned(), Value::Object(amounts))]);
    if matches!(source, "resource" | "containerResource") {
        for key in ["name", "container"] {
            out.extend(value.get(key).map(|held| (key.to_owned(), held.clone())));
        }
        return Value::Object(out);
    }
    let mut name = Map::from_iter([("name".to_owned(), value["metricName"].clone())]);
    let selector = value.get("selector").or_else(|| value.get("metricSelector"));
    name.extend(selector.map(|selector| ("selector".to_owned(), selector.clone())));
    out.insert("metric".to_owned(), Value::Object(name));
    if source == "object" {
        let described = value.get("target").cloned().unwrap_or_else(|| json!({}));
        out.insert("describedObject".to_owned(), described);
    }
    Value::Object(out)
}
