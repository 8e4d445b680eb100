//! The rules of hot reload, each held against everything that was seen.

use super::{Deeds, Served, WEBSITE};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Instant,
};
use windlass_apiserver::AuditRecord;
use windlass_runtime::{
    core::{fact::Fact, name::Request, outcome::Outcome},
    observe::Memory,
};
use windlass_tests::{Cluster, host::SeenRun};

/// The runs of each request in the order in which they ended.
fn by_request(runs: &[SeenRun]) -> HashMap<&Request, Vec<&SeenRun>> {
    let mut all: HashMap<_, Vec<_>> = HashMap::new();
    for run in runs {
        all.entry(&run.run.request).or_default().push(run);
    }
    all
}

/// A run tells one digest, which is that of its generation; no request goes back to an older version; no broken one
/// ever runs.
pub(super) fn each_run_is_of_one_version(runs: &[SeenRun], served: &[Served]) {
    let digests: BTreeMap<_, _> = served.iter().map(|one| (one.generation, one.digest)).collect();
    assert_eq!(digests.len(), served.len(), "each swap is a generation of its own");
    for seen in runs {
        let run = &seen.run;
        assert_eq!(digests.get(&run.generation), Some(&run.digest), "{run:?}");
        assert!(!matches!(run.outcome, Outcome::Trapped(_) | Outcome::Terminal { .. }), "{run:?}");
    }
    for (request, runs) in by_request(runs) {
        let generations: Vec<_> = runs.iter().map(|seen| seen.run.generation).collect();
        assert!(generations.is_sorted(), "{request} ran on {generations:?}");
    }
    let used: BTreeSet<_> = runs.iter().map(|seen| seen.run.digest).collect();
    assert_eq!(used.len(), served.len(), "each version has run");
}

/// Between two ends of a request's runs lies one run: each run applies its ConfigMap once at most, so two such writes
/// before one end are of two runs at once. By order, not by time: a busy machine tells a time late.
pub(super) fn runs_of_a_request_never_overlap(facts: &Memory) {
    let step = |fact: &Fact| match fact {
        Fact::RunEnded(run) => Some((run.request.clone(), true)),
        Fact::CallAnswered { request, kind, .. } | Fact::WriteSpared { request, kind, .. }
            if *kind.kind == *"ConfigMap" =>
        {
            Some((request.clone(), false))
        }
        _ => None,
    };
    assert_eq!(facts.dropped(), 0, "too few facts are kept for this test");
    let (mut under_way, mut writes): (HashMap<_, usize>, usize) = (HashMap::new(), 0);
    for (request, ended) in facts.all(step) {
        let since_end = under_way.entry(request.clone()).or_default();
        if ended {
            *since_end = 0;
        } else {
            (*since_end, writes) = (*since_end + 1, writes + 1);
            assert!(*since_end <= 1, "two runs of {request} overlap");
        }
    }
    assert!(writes > 0, "no run has written a ConfigMap");
}

/// What the test did was seen by a run that began later and went well.
pub(super) fn each_change_is_followed_by_a_run_that_began_after_it(
    runs: &[SeenRun],
    deeds: &BTreeMap<String, Deeds>,
) {
    let last = last_good_runs(runs);
    for (name, deeds) in deeds {
        let last = last.get(name).unwrap_or_else(|| panic!("{name} has never run"));
        let late = deeds.changes.iter().filter(|&change| last < change).count();
        assert_eq!(late, 0, "{name}: no run began after the last {late} changes");
    }
}

/// When the last run of each object that ended well began.
fn last_good_runs(runs: &[SeenRun]) -> BTreeMap<String, Instant> {
    let good = |seen: &&SeenRun| matches!(seen.run.outcome, Outcome::Done | Outcome::RequeueAfter(_));
    let named = |seen: &SeenRun| (seen.run.request.name.to_string(), seen.began());
    runs.iter().filter(good).map(named).collect()
}

/// Every Website that was still there when the last version began to serve has run on it.
pub(super) fn after_the_last_swap_each_request_has_run_on_the_new_version(
    runs: &[SeenRun],
    served: &[Served],
    deeds: &BTreeMap<String, Deeds>,
) {
    let last = served.last().expect("something served");
    let on_it = |seen: &&SeenRun| seen.run.generation == last.generation;
    let ran: BTreeSet<String> =
        runs.iter().filter(on_it).map(|seen| seen.run.request.name.to_string()).collect();
    let stays = deeds.iter().filter(|(_, deeds)| !deeds.deleted || deeds.changes.last() > Some(&last.at));
    let missing: Vec<_> = stays.filter(|(name, _)| !ran.contains(*name)).map(|(name, _)| name).collect();
    assert!(missing.is_empty(), "never ran on the last version: {missing:?}");
}

/// The server has made each object once, and been asked once to delete each Website.
pub(super) fn nothing_was_made_or_deleted_twice(audit: &[AuditRecord], deeds: &BTreeMap<String, Deeds>) {
    let mut made: BTreeMap<_, usize> = BTreeMap::new();
    let mut deleted: BTreeMap<_, usize> = BTreeMap::new();
    for record in audit.iter().filter(|record| !record.resource.contains('/')) {
        let AuditRecord { resource, namespace, name, .. } = record;
        match (record.verb.as_str(), record.code) {
            ("patch" | "update", 201) => *made.entry((resource, namespace, name)).or_default() += 1,
            ("delete", 200) => *deleted.entry((resource, namespace, name)).or_default() += 1,
            _ => {}
        }
    }
    let twice = |all: &BTreeMap<_, usize>| all.iter().filter(|(_, count)| **count > 1).count();
    assert_eq!(twice(&made), 0, "made twice: {:#?}", made.iter().filter(|(_, count)| **count > 1));
    assert_eq!(twice(&deleted), 0, "deleted twice: {deleted:#?}");
    for resource in ["deployments", "services", "configmaps"] {
        let count = made.keys().filter(|(made, ..)| *made == resource).count();
        assert!(count >= deeds.len(), "only {count} {resource} were made for {} Websites", deeds.len());
    }
    assert_eq!(deleted.len(), deeds.values().filter(|deeds| deeds.deleted).count());
}

/// What stays has its objects as last wanted; of what was deleted nothing is left.
pub(super) async fn the_end_is_right(cluster: &Cluster, deeds: &BTreeMap<String, Deeds>) {
    for (name, deeds) in deeds {
        if deeds.deleted {
            for kind in [WEBSITE, "apps/v1 Deployment", "v1 Service", "v1 ConfigMap"] {
                cluster.until_gone((kind, name)).await;
            }
        }
    }
    let stays = deeds.iter().filter(|(_, deeds)| !deeds.deleted).map(|(name, _)| name);
    let names: BTreeSet<String> = stays.map(|name| name.replace("default/", "")).collect();
    let is_ours =
        |object: &serde_json::Value| object["metadata"]["name"].as_str().unwrap().starts_with("site-");
    for (kind, pointer, wanted) in [
        (WEBSITE, "/spec/content", "2"),
        ("apps/v1 Deployment", "/spec/replicas", "3"),
        ("v1 Service", "/spec/ports/0/port", "80"),
        ("v1 ConfigMap", "/data/index.html", "2"),
    ] {
        let mut found = BTreeSet::new();
        for object in cluster.list(kind).await.iter().filter(|object| is_ours(object)) {
            let value = object.pointer(pointer).map(|value| value.to_string().replace('"', ""));
            assert_eq!(value.as_deref(), Some(wanted), "{kind} {}", object["metadata"]["name"]);
            found.insert(object["metadata"]["name"].as_str().unwrap().to_owned());
        }
        assert_eq!(found, names, "{kind}");
    }
}
