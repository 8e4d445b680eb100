//! Admission: what the server adds to objects by its own knowledge, after field owners are known and before the kind
//! has its say.

use serde_json::{Value, json};

use super::{Place, Registry};
use crate::object;
use crate::query::WriteOptions;
use crate::status::ApiError;
use crate::store::Listing;

/// Taints of nodes that are away for a while; Pods stay there for this long.
const AWAY: [&str; 2] = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];
const AWAY_SECONDS: u32 = 300;

impl Registry {
    /// Completes an object that is to be created, or changed from `old`.
    pub(super) fn admit(
        &self,
        place: &Place,
        object: &mut Value,
        old: Option<&Value>,
    ) -> Result<(), ApiError> {
        let definition = &place.resource.definition;
        if !place.subresource.is_empty() || !definition.group.is_empty() || &*definition.kind != "Pod" {
            return Ok(());
        }
        tolerate_absence(object);
        match old {
            Some(old) => keep_priority(object, old),
            None => self.give_priority(place, object)?,
        }
        Ok(())
    }

    /// Completes what has no fields of its own for it: who asks for a certificate, and that a new node is not ready.
    pub(super) fn admit_new(&self, place: &Place, object: &mut Value, options: &WriteOptions) {
        let spec = |object| object::child_mut(object::as_map(object), "spec");
        match &*place.resource.store_name {
            "nodes" => {
                let taints = object::list_mut(spec(object), "taints");
                let taint = json!({"effect": "NoSchedule", "key": AWAY[0]});
                let same = |held: &Value| held["key"] == taint["key"] && held["effect"] == taint["effect"];
                if !taints.iter().any(same) {
                    taints.push(taint);
                }
            }
            "certificatesigningrequests.certificates.k8s.io" => {
                let spec = spec(object);
                spec.retain(|field, _| !["username", "uid", "groups", "extra"].contains(&field.as_str()));
                spec.extend(options.requester.as_object().cloned().unwrap_or_default());
            }
            _ => {}
        }
    }

    fn give_priority(&self, place: &Place, pod: &mut Value) -> Result<(), ApiError> {
        let spec = object::child_mut(object::as_map(pod), "spec");
        let name = spec.get("priorityClassName").and_then(Value::as_str).unwrap_or_default().to_owned();
        let found = self.priority(&name).ok_or_else(|| {
            let why = format!("no PriorityClass with name {name} was found");
            ApiError::forbidden(place.resource_name(), &place.name, &why)
        })?;
        if let Some(given) = spec.get("priority").and_then(Value::as_i64)
            && given != found.value
        {
            let why = format!(
                "the integer value of priority ({given}) must not be provided in pod spec; priority admission controller computed {} from the given PriorityClass name",
                found.value
            );
            return Err(ApiError::forbidden(place.resource_name(), &place.name, &why));
        }
        if !found.name.is_empty() {
            spec.insert("priorityClassName".into(), found.name.into());
        }
        spec.insert("priority".into(), found.value.into());
        spec.entry("preemptionPolicy").or_insert(found.policy.into());
        Ok(())
    }

    /// What a priority class says; without a name, the default one if there is any.
    fn priority(&self, name: &str) -> Option<Priority> {
        let of = |class: &Value| Priority {
            name: object::name(class).to_owned(),
            value: class["value"].as_i64().unwrap_or_default(),
            policy: class["preemptionPolicy"].as_str().unwrap_or("PreemptLowerPriority").to_owned(),
        };
        let store_name = "priorityclasses.scheduling.k8s.io";
        if name.is_empty() {
            let all = self.store().list(store_name, Listing::default()).map(|page| page.items);
            let mut all = all.into_iter().flatten().map(|held| held.value());
            let default = all.find(|class| class["globalDefault"] == true);
            return Some(default.map_or_else(Priority::none, |class| of(&class)));
        }
        if let Some(class) = self.store().get(store_name, name) {
            return Some(of(&class.value()));
        }
        // The system's own classes are there even before anybody has stored them.
        let value = match name {
            "system-node-critical" => 2_000_001_000,
            "system-cluster-critical" => 2_000_000_000,
            _ => return None,
        };
        Some(Priority { name: name.to_owned(), value, ..Priority::none() })
    }
}

struct Priority {
    name: String,
    value: i64,
    policy: String,
}

impl Priority {
    fn none() -> Self {
        Self { name: String::new(), value: 0, policy: "PreemptLowerPriority".to_owned() }
    }
}

fn keep_priority(pod: &mut Value, old: &Value) {
    let spec = object::child_mut(object::as_map(pod), "spec");
    for field in ["priority", "preemptionPolicy"] {
        let held = &old["spec"][field];
        if !held.is_null() && spec.get(field).is_none_or(Value::is_null) {
            spec.insert(field.into(), held.clone());
        }
    }
}

fn tolerate_absence(pod: &mut Value) {
    let spec = object::child_mut(object::as_map(pod), "spec");
    for taint in AWAY {
        let list = object::list_mut(spec, "tolerations");
        let tolerated = list.iter().any(|held| {
            let text = |field: &str| held[field].as_str().unwrap_or_default();
            ["", taint].contains(&text("key")) && ["", "NoExecute"].contains(&text("effect"))
        });
        if !tolerated {
            list.push(json!({"key": taint, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": AWAY_SECONDS}));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_tolerates_absence_once() {
        let mut pod = json!({"spec": {}});
        tolerate_absence(&mut pod);
        tolerate_absence(&mut pod);
        assert_eq!(pod["spec"]["tolerations"].as_array().map(Vec::len), Some(2));
        let mut all = json!({"spec": {"tolerations": [{"operator": "Exists"}]}});
        tolerate_absence(&mut all);
        assert_eq!(all["spec"]["tolerations"].as_array().map(Vec::len), Some(1));
    }
}
