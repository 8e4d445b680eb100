//! Jobs: the selector that finds a Job's own Pods is made from its uid.

use serde_json::{Value, json};

use super::{DEFAULT, Generation, Propagation, Strategy};
use crate::object;

pub(super) const STRATEGY: Strategy = Strategy {
    generation: Generation::Spec,
    default_propagation: Propagation::Orphan,
    prepare_create,
    ..DEFAULT
};

/// Labels of a Job's Pods; the plain names are older than the prefixed ones.
const UID_LABELS: [&str; 2] = ["batch.kubernetes.io/controller-uid", "controller-uid"];
const NAME_LABELS: [&str; 2] = ["batch.kubernetes.io/job-name", "job-name"];

fn prepare_create(job: &mut Value) {
    job["status"] = json!({});
    if object::at(job, "spec.manualSelector").and_then(Value::as_bool) == Some(true) {
        return;
    }
    let (uid, name) = (object::uid(job).to_owned(), object::name(job).to_owned());
    let spec = object::child_mut(object::as_map(job), "spec");
    let template = object::child_mut(spec, "template");
    let labels = object::child_mut(object::child_mut(template, "metadata"), "labels");
    let before = labels.clone();
    for label in UID_LABELS {
        labels.insert(label.to_owned(), uid.as_str().into());
    }
    for label in NAME_LABELS {
        labels.insert(label.to_owned(), name.as_str().into());
    }
    let after = labels.clone();
    let selector = object::child_mut(spec, "selector");
    object::child_mut(selector, "matchLabels").insert(UID_LABELS[0].to_owned(), uid.into());
    // A Job that took its labels from the template has the new ones as well.
    if object::labels(job).is_none_or(|own| *own == before) {
        object::metadata_mut(job).insert("labels".to_owned(), Value::Object(after));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_finds_its_pods_by_its_uid_unless_it_says_how() {
        let mut job = json!({"metadata": {"name": "j", "uid": "u"}, "spec": {"template": {"spec": {}}}});
        prepare_create(&mut job);
        assert_eq!(
            job["spec"]["selector"],
            json!({"matchLabels": {"batch.kubernetes.io/controller-uid": "u"}})
        );
        assert_eq!(job["spec"]["template"]["metadata"]["labels"]["job-name"], "j");
        let mut manual = json!({"metadata": {"name": "j", "uid": "u"}, "spec": {"manualSelector": true}});
        prepare_create(&mut manual);
        assert!(manual["spec"].get("selector").is_none());
    }
}
