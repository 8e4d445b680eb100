//! Workloads: their own status labels, and the generation of a DaemonSet's template, which old clients still ask for.

use serde_json::Value;

use super::{Generation, Propagation, StatusMetadata, Strategy};
use crate::object;

pub(super) const STRATEGY: Strategy = Strategy { generation: Generation::Spec, ..super::DEFAULT };

pub(super) const DEPLOYMENT: Strategy = Strategy {
    generation: Generation::SpecAndAnnotations,
    status_keeps_metadata: StatusMetadata::LabelsKept,
    ..STRATEGY
};

pub(super) const REPLICATION_CONTROLLER: Strategy =
    Strategy { default_propagation: Propagation::Orphan, ..STRATEGY };

pub(super) const DAEMON_SET: Strategy =
    Strategy { default: unnumbered, prepare_create: first, prepare_update: next, ..STRATEGY };

const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

fn held(of: &Value) -> i64 {
    let text = object::annotations(of).and_then(|held| held.get(TEMPLATE_GENERATION)?.as_str());
    text.and_then(|text| text.parse().ok()).unwrap_or_default()
}

fn put(daemon_set: &mut Value, generation: i64) {
    let annotations = object::child_mut(object::metadata_mut(daemon_set), "annotations");
    annotations.insert(TEMPLATE_GENERATION.into(), generation.to_string().into());
}

fn unnumbered(daemon_set: &mut Value) {
    let generation = held(daemon_set);
    put(daemon_set, generation);
}

fn first(daemon_set: &mut Value) {
    let generation = held(daemon_set).max(1);
    put(daemon_set, generation);
}

fn next(daemon_set: &mut Value, old: &Value) {
    let template = |of: &Value| of["spec"]["template"].clone();
    let risen = i64::from(template(daemon_set) != template(old));
    put(daemon_set, held(old) + risen);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_template_is_numbered_by_its_changes() {
        let mut set = json!({"metadata": {"name": "d"}, "spec": {"template": {"a": 1}}});
        unnumbered(&mut set);
        assert_eq!(held(&set), 0);
        first(&mut set);
        let old = set.clone();
        next(&mut set, &old);
        assert_eq!(held(&set), 1);
        set["spec"]["template"]["a"] = 2.into();
        next(&mut set, &old);
        assert_eq!(set["metadata"]["annotations"][TEMPLATE_GENERATION], "2");
    }
}
