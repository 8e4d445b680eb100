//! Jobs and CronJobs.

use std::collections::HashSet;

use serde_json::Value;

use super::field::{Faults, Field};
use super::{Change, cron, pod, selector, texts};

pub(super) fn job(faults: &mut Faults, change: &Change<'_>) {
    let spec = change.new.get("spec");
    if change.old.is_none() {
        generated_selector(faults, &change.new, &spec);
    }
    job_spec(faults, &spec);
    let held = spec.get("selector");
    let (template, usable) = (spec.get("template"), selector::selector(faults, &held));
    if !held.is_set() {
        faults.required(&held, "");
    }
    let metadata = template.get("metadata");
    let labels = metadata.get("labels");
    if usable && !(held.is_set() && selector::selects(&held, &labels)) {
        faults.invalid(&labels, "`selector` does not match template `labels`");
    }
    let Some(old) = change.old else { return };
    job_update(faults, &spec, &old["spec"]);
}

/// A selector that a client did not ask to choose itself is the one that the server makes.
fn generated_selector(faults: &mut Faults, job: &Field<'_, '_>, spec: &Field<'_, '_>) {
    if spec.get("manualSelector").is_true() {
        return;
    }
    let uid = job.value["metadata"]["uid"].as_str().unwrap_or_default();
    let name = job.value["metadata"]["name"].as_str().unwrap_or_default();
    let labels = serde_json::json!({
        "batch.kubernetes.io/controller-uid": uid, "batch.kubernetes.io/job-name": name,
        "controller-uid": uid, "job-name": name,
    });
    let labels = Field::root(&labels);
    let held = spec.get("selector");
    if held.is_set() && !selector::selects(&held, &labels) {
        faults.invalid(&held, "`selector` not auto-generated");
    }
}

fn job_update(faults: &mut Faults, spec: &Field<'_, '_>, old: &Value) {
    let indexed = spec.get("completionMode").text() == "Indexed";
    let completions = spec.get("completions");
    if completions.value != &old["completions"] {
        let elastic = indexed
            && completions.is_set()
            && old["completions"].is_number()
            && completions.number() == spec.get("parallelism").number();
        if indexed && !elastic && completions.is_set() {
            faults.invalid(&completions, "can only be modified in tandem with spec.parallelism");
        } else if !indexed {
            faults.immutable(&completions, &old["completions"]);
        }
    }
    faults.immutable(&spec.get("selector"), &old["selector"]);
    let template = spec.get("template");
    let same = if old["suspend"] == true {
        // Before it runs, a Job may still change where its Pods go and what they ask for.
        without_directives(template.value) == without_directives(&old["template"])
    } else {
        template.value == &old["template"]
    };
    if !same {
        faults.invalid(&template, "field is immutable");
    }
    let kept = ["completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"];
    for name in kept {
        faults.immutable(&spec.get(name), &old[name]);
    }
}

fn without_directives(template: &Value) -> Value {
    let mut template = template.clone();
    for field in ["nodeSelector", "tolerations", "schedulingGates"] {
        template["spec"][field] = Value::Null;
    }
    template["spec"]["affinity"]["nodeAffinity"] = Value::Null;
    template["metadata"] = Value::Null;
    for list in ["containers", "initContainers"] {
        for container in template["spec"][list].as_array_mut().into_iter().flatten() {
            container["resources"] = Value::Null;
        }
    }
    template
}

fn job_spec(faults: &mut Faults, spec: &Field<'_, '_>) {
    let counts =
        ["parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished"];
    faults.all_not_negative(spec, &counts);
    faults.all_not_negative(spec, &["backoffLimitPerIndex", "maxFailedIndexes"]);
    let (mode, completions) = (spec.get("completionMode"), spec.get("completions"));
    faults.one_of_if_set(&mode, &["NonIndexed", "Indexed"]);
    if mode.text() == "Indexed" {
        if !completions.is_set() {
            faults.required(&completions, "when completion mode is Indexed");
        }
        if spec.get("parallelism").number() > 100_000 {
            let why = "must be less than or equal to 100000 when completion mode is Indexed";
            faults.invalid(&spec.get("parallelism"), why);
        }
    } else if mode.text() == "NonIndexed" || !mode.is_set() {
        for name in ["backoffLimitPerIndex", "maxFailedIndexes"] {
            if spec.get(name).is_set() {
                faults.invalid(&spec.get(name), "requires indexed completion mode");
            }
        }
    }
    let replacement = spec.get("podReplacementPolicy");
    faults.one_of_if_set(&replacement, &["Failed", "TerminatingOrFailed"]);
    let template = spec.get("template");
    pod::template(faults, &template, HashSet::new());
    let inner = template.get("spec");
    let policy = inner.get("restartPolicy");
    match policy.text() {
        "" | "Always" => faults.required(&policy, "valid values: \"OnFailure\", \"Never\""),
        "OnFailure" | "Never" => {}
        _ => faults.not_supported(&policy, &["OnFailure", "Never"]),
    }
}

pub(super) fn cron_job(faults: &mut Faults, change: &Change<'_>) {
    let spec = change.new.get("spec");
    let schedule = spec.get("schedule");
    if schedule.text().is_empty() {
        faults.required(&schedule, "");
    } else {
        if let Some(why) = cron::wrong(schedule.text()) {
            faults.invalid(&schedule, &why);
        }
        if schedule.text().contains("TZ") {
            faults.invalid(&schedule, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead");
        }
    }
    faults.not_negative(&spec.get("startingDeadlineSeconds"));
    let zone = spec.get("timeZone");
    if change.old.is_none_or(|old| &old["spec"]["timeZone"] != zone.value) {
        time_zone(faults, &zone);
    }
    faults.one_of(&spec.get("concurrencyPolicy"), &["Allow", "Forbid", "Replace"]);
    let template = spec.get("jobTemplate");
    let inner = template.get("spec");
    job_spec(faults, &inner);
    if inner.get("selector").is_set() {
        faults.invalid(&inner.get("selector"), "`selector` will be auto-generated");
    }
    if inner.get("manualSelector").is_true() {
        faults.not_supported(&inner.get("manualSelector"), &["nil", "false"]);
    }
    faults.all_not_negative(&spec, &["successfulJobsHistoryLimit", "failedJobsHistoryLimit"]);
    let metadata = change.new.get("metadata");
    let name = metadata.get("name");
    if change.old.is_none() && name.text().len() > 52 {
        faults.invalid(&name, "must be no more than 52 characters");
    }
}

fn time_zone(faults: &mut Faults, zone: &Field<'_, '_>) {
    if !zone.is_set() {
        return;
    }
    if zone.text().is_empty() {
        return faults.invalid(zone, "timeZone must be nil or non-empty string");
    }
    let fits = |part: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_+".contains(&byte);
        (1..=14).contains(&part.len())
            && part.bytes().all(plain)
            && ![".", ".."].contains(&part)
            && !part.starts_with('-')
    };
    if !zone.text().split('/').all(fits) || texts::address(zone.text()).is_some() || !is_known(zone.text()) {
        faults.invalid(zone, &format!("unknown time zone {}", zone.text()));
    }
}

/// Whether the name can be one of the database: an area and a place, or one of the short names.
fn is_known(zone: &str) -> bool {
    const AREAS: [&str; 12] = [
        "Africa",
        "America",
        "Antarctica",
        "Arctic",
        "Asia",
        "Atlantic",
        "Australia",
        "Brazil",
        "Etc",
        "Europe",
        "Indian",
        "Pacific",
    ];
    const SHORT: [&str; 14] = [
        "UTC",
        "GMT",
        "CET",
        "EET",
        "EST",
        "MST",
        "HST",
        "MET",
        "WET",
        "Zulu",
        "UCT",
        "Universal",
        "Japan",
        "Turkey",
    ];
    zone.split_once('/').map_or_else(|| SHORT.contains(&zone), |(area, _)| AREAS.contains(&area))
}

pub(super) fn job_status(faults: &mut Faults, change: &Change<'_>) {
    let status = change.new.get("status");
    faults.all_not_negative(&status, &["active", "succeeded", "failed", "ready", "terminating"]);
    let Some(old) = change.old else { return };
    let start = status.get("startTime");
    let before = &old["status"]["startTime"];
    if !before.is_null()
        && start.value != before
        && !change.new.value["spec"]["suspend"].as_bool().unwrap_or(false)
    {
        faults.invalid(&start, "field is immutable for unsuspended job once set");
    }
}
