//! API services: named after what they serve; one that names no Service is this server's own, and available from its
//! first moment.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::{DEFAULT, NameRule, Strategy};
use crate::status::Cause;
use crate::{clock, object};

pub(super) const STRATEGY: Strategy = Strategy {
    name_rule: NameRule::PathSegment,
    unconditional_update: false,
    prepare_create,
    validate,
    ..DEFAULT
};

const GROUP_PRIORITY_MAX: i64 = 20_000;
const VERSION_PRIORITY_MAX: i64 = 1_000;
const DEFAULT_PORT: i64 = 443;

fn prepare_create(service: &mut Value) {
    let local = object::at(service, "spec.service").is_none_or(Value::is_null);
    let available = json!({
        "type": "Available",
        "status": "True",
        "lastTransitionTime": clock::now(),
        "reason": "Local",
        "message": "Local APIServices are always available",
    });
    service["status"] = if local { json!({"conditions": [available]}) } else { json!({}) };
}

fn validate(new: &Value, _old: Option<&Value>) -> Vec<Cause> {
    let spec = &new["spec"];
    let text = |field: &str| spec[field].as_str().unwrap_or_default();
    let (group, version) = (text("group"), text("version"));
    let mut causes = Vec::new();
    let (name, wanted) = (object::name(new), format!("{version}.{group}"));
    if name != wanted && NameRule::PathSegment.faults(name).is_empty() {
        let why = format!("must be `spec.version+\".\"+spec.group`: {wanted:?}");
        causes.push(Cause::invalid("metadata.name", &format!("{name:?}"), &why));
    }
    if group.is_empty() && version != "v1" {
        let why = "only v1 may have an empty group and it better be legacy kube";
        causes.push(Cause::required("spec.group", why));
    }
    let mut held = |field: &str, value: &str, rule: NameRule| {
        let faults = rule.faults(value).into_iter();
        causes.extend(faults.map(|why| Cause::invalid(format!("spec.{field}"), &format!("{value:?}"), &why)));
    };
    if !group.is_empty() {
        held("group", group, NameRule::Subdomain);
    }
    held("version", version, NameRule::Label1035);
    for (field, most) in
        [("groupPriorityMinimum", GROUP_PRIORITY_MAX), ("versionPriority", VERSION_PRIORITY_MAX)]
    {
        let priority = spec[field].as_i64().unwrap_or_default();
        if !(1..=most).contains(&priority) {
            let why = format!("must be positive and less than {most}");
            causes.push(Cause::invalid(format!("spec.{field}"), &priority.to_string(), &why));
        }
    }
    causes.extend(trust(spec));
    causes
}

/// Whether the Service and how it is trusted fit together.
fn trust(spec: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let bundle_len = spec["caBundle"]
        .as_str()
        .map_or(0, |text| BASE64_STANDARD.decode(text).map_or(0, |bytes| bytes.len()));
    let insecure = spec["insecureSkipTLSVerify"] == true;
    let Some(service) = spec["service"].as_object() else {
        if bundle_len > 0 {
            let why = "local APIServices may not have a caBundle";
            causes.push(Cause::invalid("spec.caBundle", &format!("\"{bundle_len} bytes\""), why));
        }
        if insecure {
            let why = "local APIServices may not have insecureSkipTLSVerify";
            causes.push(Cause::invalid("spec.insecureSkipTLSVerify", "true", why));
        }
        return causes;
    };
    for field in ["namespace", "name"] {
        if service.get(field).and_then(Value::as_str).unwrap_or_default().is_empty() {
            causes.push(Cause::required(format!("spec.service.{field}"), ""));
        }
    }
    let port = service.get("port").and_then(Value::as_i64).unwrap_or(DEFAULT_PORT);
    if !(1..=65_535).contains(&port) {
        let why = "port is not valid: must be between 1 and 65535, inclusive";
        causes.push(Cause::invalid("spec.service.port", &port.to_string(), why));
    }
    if insecure && bundle_len > 0 {
        let why = "may not be true if caBundle is present";
        causes.push(Cause::invalid("spec.insecureSkipTLSVerify", "true", why));
    }
    causes
}
