//! The kinds of `apps`: selectors that match their templates, strategies, and what an update may change.

use std::collections::HashSet;

use serde_json::Value;

use super::field::{Faults, Field};
use super::{Change, numbers, pod, selector, storage, texts};

pub(super) fn deployment(faults: &mut Faults, change: &Change<'_>) {
    let spec = change.new.get("spec");
    faults.not_negative(&spec.get("replicas"));
    selected_template(faults, &spec, "deployment", "ReplicaSet");
    deployment_strategy(faults, &spec.get("strategy"));
    faults.all_not_negative(&spec, &["minReadySeconds", "revisionHistoryLimit"]);
    let deadline = spec.get("progressDeadlineSeconds");
    faults.not_negative(&deadline);
    if deadline.is_set() && deadline.number() <= spec.get("minReadySeconds").number() {
        faults.invalid(&deadline, "must be greater than minReadySeconds");
    }
    if let Some(old) = change.old {
        faults.immutable(&spec.get("selector"), &old["spec"]["selector"]);
    }
}

pub(super) fn replica_set(faults: &mut Faults, change: &Change<'_>) {
    let spec = change.new.get("spec");
    faults.all_not_negative(&spec, &["replicas", "minReadySeconds"]);
    // The real server speaks of deployments here too.
    selected_template(faults, &spec, "deployment", "ReplicaSet");
    if let Some(old) = change.old {
        faults.immutable(&spec.get("selector"), &old["spec"]["selector"]);
    }
}

/// A selector that is there, in order and not empty, and the template that it must match.
fn selected_template(faults: &mut Faults, spec: &Field<'_, '_>, kind: &str, owner: &str) {
    let (held, template) = (spec.get("selector"), spec.get("template"));
    let mut usable = true;
    if held.is_set() {
        usable = selector::selector(faults, &held);
        if selector::is_empty(&held) {
            faults.invalid(&held, &format!("empty selector is invalid for {kind}"));
        }
    } else {
        faults.required(&held, "");
    }
    if !usable {
        return faults.invalid(&held, "invalid label selector");
    }
    // Without a selector nothing is selected, whatever the labels are.
    if !held.is_set() || !selector::is_empty(&held) {
        matching(faults, &held, &template);
    }
    pod::template(faults, &template, HashSet::new());
    always_restarted(faults, &template.get("spec"), owner);
}

fn matching(faults: &mut Faults, held: &Field<'_, '_>, template: &Field<'_, '_>) {
    let metadata = template.get("metadata");
    let labels = metadata.get("labels");
    if !held.is_set() || !selector::selects(held, &labels) {
        faults.invalid(&labels, "`selector` does not match template `labels`");
    }
}

fn always_restarted(faults: &mut Faults, spec: &Field<'_, '_>, owner: &str) {
    if spec.get("restartPolicy").text() != "Always" {
        faults.not_supported(&spec.get("restartPolicy"), &["Always"]);
    }
    let deadline = spec.get("activeDeadlineSeconds");
    if deadline.is_set() {
        faults.forbidden(&deadline, &format!("activeDeadlineSeconds in {owner} is not Supported"));
    }
}

fn deployment_strategy(faults: &mut Faults, strategy: &Field<'_, '_>) {
    let rolling = strategy.get("rollingUpdate");
    match strategy.get("type").text() {
        "Recreate" if rolling.is_set() => {
            faults.forbidden(&rolling, "may not be specified when strategy `type` is 'Recreate'");
        }
        "Recreate" => {}
        "RollingUpdate" if !rolling.is_set() => {
            faults.required(&rolling, "this should be defaulted and never be nil");
        }
        "RollingUpdate" => {
            let (missing, surplus) = (rolling.get("maxUnavailable"), rolling.get("maxSurge"));
            numbers::count_or_percentage(faults, &missing);
            numbers::count_or_percentage(faults, &surplus);
            if numbers::amount(&missing) == 0 && numbers::amount(&surplus) == 0 {
                faults.invalid(&missing, "may not be 0 when `maxSurge` is 0");
            }
            numbers::at_most_all(faults, &missing);
        }
        _ => {
            let shown = numbers::internal_strategy(strategy);
            faults.not_supported(&Field { value: &shown, ..*strategy }, &["Recreate", "RollingUpdate"]);
        }
    }
}

pub(super) fn daemon_set(faults: &mut Faults, change: &Change<'_>) {
    let spec = change.new.get("spec");
    if let Some(old) = change.old {
        faults.immutable(&spec.get("selector"), &old["spec"]["selector"]);
    }
    let (held, template) = (spec.get("selector"), spec.get("template"));
    if selector::selector(faults, &held) {
        matching(faults, &held, &template);
    }
    if held.is_set() && selector::is_empty(&held) {
        faults.invalid(&held, "empty selector is invalid for daemonset");
    }
    pod::template(faults, &template, HashSet::new());
    always_restarted(faults, &template.get("spec"), "DaemonSet");
    faults.not_negative(&spec.get("minReadySeconds"));
    daemon_strategy(faults, &spec.get("updateStrategy"));
    faults.not_negative(&spec.get("revisionHistoryLimit"));
}

fn daemon_strategy(faults: &mut Faults, strategy: &Field<'_, '_>) {
    let rolling = strategy.get("rollingUpdate");
    match strategy.get("type").text() {
        "OnDelete" => {}
        "RollingUpdate" if !rolling.is_set() => faults.required(&rolling, ""),
        "RollingUpdate" => {
            let (missing, surplus) = (rolling.get("maxUnavailable"), rolling.get("maxSurge"));
            numbers::count_or_percentage(faults, &missing);
            numbers::count_or_percentage(faults, &surplus);
            numbers::at_most_all(faults, &missing);
            numbers::at_most_all(faults, &surplus);
            match (numbers::amount(&missing) != 0, numbers::amount(&surplus) != 0) {
                (true, true) => faults.invalid(&surplus, "may not be set when maxUnavailable is non-zero"),
                (false, false) => faults.required(&missing, "cannot be 0 when maxSurge is 0"),
                _ => {}
            }
        }
        _ => {
            let shown = numbers::internal_strategy(strategy);
            faults.not_supported(&Field { value: &shown, ..*strategy }, &["RollingUpdate", "OnDelete"]);
        }
    }
}

pub(super) fn stateful_set(faults: &mut Faults, change: &Change<'_>) {
    let spec = change.new.get("spec");
    let policy = spec.get("podManagementPolicy");
    match policy.text() {
        "" => faults.required(&policy, ""),
        "OrderedReady" | "Parallel" => {}
        _ => faults.invalid(&policy, "must be 'OrderedReady' or 'Parallel'"),
    }
    stateful_strategy(faults, &spec.get("updateStrategy"));
    let retention = spec.get("persistentVolumeClaimRetentionPolicy");
    if retention.is_set() {
        for name in ["whenDeleted", "whenScaled"] {
            faults.one_of(&retention.get(name), &["Retain", "Delete"]);
        }
    }
    if change.old.is_none() {
        for claim in spec.get("volumeClaimTemplates").items() {
            storage::claim_spec(faults, &claim.get("spec"));
        }
    }
    faults.all_not_negative(&spec, &["replicas", "minReadySeconds"]);
    let service = spec.get("serviceName");
    if change.old.is_none() && !service.text().is_empty() {
        faults.text(&service, texts::label(service.text()));
    }
    stateful_template(faults, &spec);
    if let Some(old) = change.old {
        let kept = ["serviceName", "selector", "volumeClaimTemplates", "podManagementPolicy"];
        if kept.iter().any(|name| spec.get(name).value != &old["spec"][name]) {
            faults.forbidden(&spec, "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden");
        }
    }
}

fn stateful_template(faults: &mut Faults, spec: &Field<'_, '_>) {
    let (held, template) = (spec.get("selector"), spec.get("template"));
    let mut usable = true;
    if held.is_set() {
        usable = selector::selector(faults, &held);
        if selector::is_empty(&held) {
            faults.invalid(&held, "empty selector is invalid for statefulset");
        }
    } else {
        faults.required(&held, "");
    }
    if usable {
        if !held.is_set() || !selector::is_empty(&held) {
            matching(faults, &held, &template);
        }
        let claims = spec.value["volumeClaimTemplates"].as_array().into_iter().flatten();
        let claims = claims.filter_map(|claim| claim["metadata"]["name"].as_str()).collect();
        pod::template(faults, &template, claims);
        pod::labels(faults, &template);
    } else {
        faults.invalid(&held, "");
    }
    always_restarted(faults, &template.get("spec"), "StatefulSet");
}

fn stateful_strategy(faults: &mut Faults, strategy: &Field<'_, '_>) {
    let rolling = strategy.get("rollingUpdate");
    match strategy.get("type").text() {
        "" => faults.required(strategy, ""),
        "OnDelete" if rolling.is_set() => {
            let partition = rolling.get("partition").value.clone();
            let shown = serde_json::json!({"Partition": partition, "MaxUnavailable": Value::Null});
            let at = Field { value: &shown, ..rolling };
            faults.invalid(&at, "only allowed for updateStrategy 'RollingUpdate'");
        }
        "OnDelete" => {}
        "RollingUpdate" => {
            faults.not_negative(&rolling.get("partition"));
            let missing = rolling.get("maxUnavailable");
            if missing.is_set() {
                numbers::count_or_percentage(faults, &missing);
                if numbers::amount(&missing) == 0 {
                    faults.invalid(&missing, "cannot be 0");
                }
                numbers::at_most_all(faults, &missing);
            }
        }
        _ => {
            let shown = numbers::internal_strategy(strategy);
            faults.invalid(&Field { value: &shown, ..*strategy }, "must be 'RollingUpdate' or 'OnDelete'");
        }
    }
}

/// The counts in the status of Deployments and ReplicaSets: none below 0, none above what it is part of.
pub(super) fn status(faults: &mut Faults, change: &Change<'_>) {
    let status = change.new.get("status");
    let all = ["replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas"];
    let labeled = ["fullyLabeledReplicas", "observedGeneration", "collisionCount"];
    for name in all.iter().chain(&labeled) {
        faults.not_negative(&status.get(name));
    }
    let total = status.get("replicas").number();
    for name in ["updatedReplicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas"] {
        if status.get(name).number() > total {
            faults.invalid(&status.get(name), "cannot be greater than status.replicas");
        }
    }
    if status.get("availableReplicas").number() > status.get("readyReplicas").number() {
        faults.invalid(&status.get("availableReplicas"), "cannot be greater than readyReplicas");
    }
}
