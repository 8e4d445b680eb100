//! Pods: they start Pending, with the quality of service that their resources give them.

use serde_json::{Map, Value, json};

use super::{DEFAULT, Generation, Strategy};
use crate::object;

pub(super) const STRATEGY: Strategy =
    Strategy { generation: Generation::Spec, returns_deleted: true, prepare_create, ..DEFAULT };

fn prepare_create(pod: &mut Value) {
    pod["status"] = json!({"phase": "Pending", "qosClass": quality(pod)});
}

/// Guaranteed if every container limits cpu and memory to what it requests, BestEffort if none says anything.
fn quality(pod: &Value) -> &'static str {
    let lists = ["containers", "initContainers"]
        .into_iter()
        .filter_map(|list| pod.get("spec")?.get(list)?.as_array());
    let mut containers = lists.flatten().peekable();
    let (mut any, mut guaranteed) = (false, containers.peek().is_some());
    for container in containers {
        let (requests, limits) = (amounts(container, "requests"), amounts(container, "limits"));
        for resource in ["cpu", "memory"] {
            let amount = |of: Option<&Map<String, Value>>| of.and_then(|of| of.get(resource)).cloned();
            let (request, limit) = (amount(requests), amount(limits));
            any |= request.is_some() || limit.is_some();
            guaranteed &= limit.is_some() && request.is_none_or(|request| Some(request) == limit);
        }
    }
    match (any, guaranteed) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}

fn amounts<'a>(container: &'a Value, side: &str) -> Option<&'a Map<String, Value>> {
    object::at(container, "resources")?.get(side)?.as_object()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quality_follows_requests_and_limits() {
        let both = json!({"cpu": "1", "memory": "1Gi"});
        for (resources, expected) in [
            (json!({}), "BestEffort"),
            (json!({"requests": {"cpu": "1"}}), "Burstable"),
            (json!({"limits": both.clone()}), "Guaranteed"),
            (json!({"limits": both.clone(), "requests": {"cpu": "0.5"}}), "Burstable"),
        ] {
            let pod = json!({"spec": {"containers": [{"name": "c", "resources": resources}]}});
            assert_eq!(quality(&pod), expected, "{pod}");
        }
    }
}
