//! Services: a cluster IP that is given once and stays.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use super::{DEFAULT, NameRule, Strategy};
use crate::object;
use crate::status::Cause;

pub(super) const STRATEGY: Strategy = Strategy {
    name_rule: NameRule::Label1035,
    returns_deleted: true,
    prepare_create,
    prepare_update,
    validate,
    ..DEFAULT
};

/// 10.96.0.0/16 from .0.2 on; .0.1 is the service `kubernetes`. Nothing routes them: uniqueness is all they have
/// to offer here, and after 65,000 services it begins again.
static NEXT_ADDRESS: AtomicU32 = AtomicU32::new(2);

fn prepare_create(service: &mut Value) {
    service["status"] = json!({"loadBalancer": {}});
    let spec = object::child_mut(object::as_map(service), "spec");
    let external = spec.get("type").and_then(Value::as_str) == Some("ExternalName");
    if external {
        return;
    }
    let wished = spec.get("clusterIP").and_then(Value::as_str).unwrap_or_default().to_owned();
    let address = if wished.is_empty() { next_address() } else { wished };
    spec.insert("clusterIP".into(), address.clone().into());
    spec.entry("clusterIPs").or_insert_with(|| json!([address]));
    spec.entry("ipFamilies").or_insert_with(|| json!(["IPv4"]));
    spec.entry("ipFamilyPolicy").or_insert_with(|| "SingleStack".into());
    spec.entry("internalTrafficPolicy").or_insert_with(|| "Cluster".into());
    spec.entry("sessionAffinity").or_insert_with(|| "None".into());
    spec.entry("type").or_insert_with(|| "ClusterIP".into());
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

/// What the server gave stays if the client leaves it out.
fn prepare_update(service: &mut Value, old: &Value) {
    let Some(old_spec) = old.get("spec").and_then(Value::as_object) else { return };
    let spec = object::child_mut(object::as_map(service), "spec");
    if spec.get("type").and_then(Value::as_str) == Some("ExternalName") {
        return;
    }
    for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"] {
        let missing = spec.get(field).is_none_or(|value| value.is_null() || value == "");
        if let (true, Some(kept)) = (missing, old_spec.get(field)) {
            spec.insert(field.into(), kept.clone());
        }
    }
}

fn validate(service: &Value, old: Option<&Value>) -> Vec<Cause> {
    let address =
        |of: &Value| object::at(of, "spec.clusterIP").and_then(Value::as_str).unwrap_or_default().to_owned();
    let Some(before) = old.map(address).filter(|address| !address.is_empty()) else { return Vec::new() };
    let external = object::at(service, "spec.type").and_then(Value::as_str) == Some("ExternalName");
    let now = address(service);
    if external || now == before {
        return Vec::new();
    }
    vec![Cause::invalid("spec.clusterIPs[0]", &format!("[\"{now}\"]"), "may not change once set")]
}

#[cfg(test)]
mod tests {
    use super::*;

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
