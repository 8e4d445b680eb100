//! How many replicas each ReplicaSet is to have next: pure rules, no reads or writes.

use serde_json::Value;

use super::Sets;
use crate::controllers::workload::int;
use crate::object;

/// How far a rollout may stray from the wanted number of Pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    /// Pods above it.
    pub(super) surge: i64,
    /// Pods below it that may be unavailable.
    pub(super) unavailable: i64,
}

impl Limits {
    pub(super) fn of(deployment: &Value) -> Self {
        let desired = int(deployment, "spec.replicas");
        let rolling = &deployment["spec"]["strategy"]["rollingUpdate"];
        if super::recreates(deployment) {
            return Self { surge: 0, unavailable: desired };
        }
        let surge = amount(&rolling["maxSurge"], desired, true);
        let mut unavailable = amount(&rolling["maxUnavailable"], desired, false).min(desired);
        if surge == 0 && unavailable == 0 {
            // Nothing could ever move; the real controller allows one.
            unavailable = 1;
        }
        Self { surge, unavailable }
    }
}

/// A number, or a percentage of the wanted replicas.
fn amount(value: &Value, of: i64, round_up: bool) -> i64 {
    match value {
        Value::Number(number) => number.as_i64().unwrap_or(0),
        Value::String(text) => {
            let percent: i64 = text.trim_end_matches('%').parse().unwrap_or(0);
            let hundredths = of * percent;
            if round_up { (hundredths + 99) / 100 } else { hundredths / 100 }
        }
        _ => 0,
    }
}

/// The replicas that a new ReplicaSet begins with.
pub(super) fn first_replicas(deployment: &Value, sets: &Sets) -> i64 {
    let desired = int(deployment, "spec.replicas");
    if super::recreates(deployment) {
        return desired;
    }
    let room = desired + Limits::of(deployment).surge - total(sets);
    room.clamp(0, desired)
}

fn total(sets: &Sets) -> i64 {
    sets.all().map(|set| int(set, "spec.replicas")).sum()
}

/// Old ones go first; the new one follows when the last old Pod is gone.
pub(super) fn recreate(deployment: &Value, sets: &Sets, old_pods_remain: bool) -> Vec<(String, i64)> {
    let mut planned: Vec<(String, i64)> =
        sets.old.iter().map(|set| (object::name(set).to_owned(), 0)).collect();
    if let Some(new) = sets.new.as_ref().filter(|_| !old_pods_remain) {
        planned.push((object::name(new).to_owned(), int(deployment, "spec.replicas")));
    }
    planned
}

/// The new one grows as far as the surge allows, old ones shrink as far as availability allows.
pub(super) fn rolling(deployment: &Value, sets: &Sets) -> Vec<(String, i64)> {
    let desired = int(deployment, "spec.replicas");
    let limits = Limits::of(deployment);
    let Some(new) = &sets.new else {
        return only_old(desired, sets);
    };
    let held = int(new, "spec.replicas");
    let room = (desired + limits.surge - total(sets)).max(0);
    let grown = if held < desired { held + room.min(desired - held) } else { desired };
    let mut planned = vec![(object::name(new).to_owned(), grown)];
    planned.extend(shrunk(desired - limits.unavailable, new, sets));
    planned
}

/// Without a new ReplicaSet (the Deployment is paused), the latest one that has Pods follows the wanted number.
fn only_old(desired: i64, sets: &Sets) -> Vec<(String, i64)> {
    let mut active = sets.old.iter().filter(|set| int(set, "spec.replicas") > 0);
    match (active.next(), active.next()) {
        (Some(set), None) => vec![(object::name(set).to_owned(), desired)],
        _ => Vec::new(),
    }
}

/// The old ReplicaSets after taking away what availability can spare, Pods that do not serve first.
///
/// Both bounds are needed: a status lags behind a scale-down that has just been asked for, so counting available Pods
/// alone would take away the same Pod twice.
fn shrunk(least_available: i64, new: &Value, sets: &Sets) -> Vec<(String, i64)> {
    let new_unavailable = int(new, "spec.replicas") - available(new);
    let mut spare = total(sets) - least_available - new_unavailable;
    let mut replicas: Vec<i64> = sets.old.iter().map(|set| int(set, "spec.replicas")).collect();
    for (set, held) in sets.old.iter().zip(&mut replicas) {
        let taken = (*held - available(set)).min(spare).max(0);
        *held -= taken;
        spare -= taken;
    }
    spare = spare.min(sets.all().map(available).sum::<i64>() - least_available);
    for held in &mut replicas {
        let taken = (*held).min(spare).max(0);
        *held -= taken;
        spare -= taken;
    }
    sets.old.iter().map(|set| object::name(set).to_owned()).zip(replicas).collect()
}

/// Pods that serve and are to stay.
fn available(set: &Value) -> i64 {
    int(set, "status.availableReplicas").min(int(set, "spec.replicas"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn deployment(replicas: i64, surge: &str, unavailable: &str) -> Value {
        json!({"spec": {"replicas": replicas, "strategy": {"type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}}})
    }

    fn set(name: &str, replicas: i64, available: i64) -> Value {
        json!({"metadata": {"name": name}, "spec": {"replicas": replicas}, "status": {"availableReplicas": available}})
    }

    fn check(deployment: &Value, new: (i64, i64), old: &[(i64, i64)], want_new: i64, want_old: &[i64]) {
        let name = |index: usize| format!("old{index}");
        let old =
            old.iter().enumerate().map(|(index, (held, ready))| set(&name(index), *held, *ready)).collect();
        let planned = rolling(deployment, &Sets { new: Some(set("new", new.0, new.1)), old });
        let mut want = vec![("new".to_owned(), want_new)];
        want.extend(want_old.iter().enumerate().map(|(index, replicas)| (name(index), *replicas)));
        assert_eq!(planned, want, "new {new:?}");
    }

    #[test]
    fn limits_are_rounded_so_that_a_rollout_can_move() {
        let limits = |replicas, surge, unavailable| {
            let limits = Limits::of(&deployment(replicas, surge, unavailable));
            (limits.surge, limits.unavailable)
        };
        assert_eq!(limits(10, "25%", "25%"), (3, 2));
        assert_eq!(limits(1, "25%", "25%"), (1, 0));
        assert_eq!(limits(3, "0%", "0%"), (0, 1));
        assert_eq!(limits(1, "0%", "100%"), (0, 1));
    }

    #[test]
    fn a_rollout_moves_by_surge_and_availability() {
        let four = deployment(4, "25%", "25%");
        // A fresh Deployment: everything at once.
        check(&four, (0, 0), &[], 4, &[]);
        // Of four old Pods one may go, and one new may come above them.
        check(&four, (0, 0), &[(4, 4)], 1, &[3]);
        // Nothing is spare while the new one is not available.
        check(&four, (2, 0), &[(3, 3)], 2, &[3]);
        check(&four, (2, 1), &[(3, 3)], 2, &[2]);
        // The old one's status still counts a Pod that is on its way out.
        check(&four, (1, 0), &[(3, 4)], 2, &[3]);
        check(&four, (2, 1), &[(3, 4)], 2, &[2]);
        // Old Pods that do not serve cost nothing.
        check(&four, (1, 0), &[(4, 0)], 1, &[3]);
        check(&four, (4, 4), &[(1, 1)], 4, &[0]);
        // Scaling follows the wanted number.
        check(&deployment(2, "25%", "25%"), (4, 4), &[], 2, &[]);
    }

    #[test]
    fn recreation_waits_for_the_last_old_pod() {
        let sets = Sets { new: Some(set("new", 0, 0)), old: vec![set("old", 3, 3)] };
        let deployment = json!({"spec": {"replicas": 3, "strategy": {"type": "Recreate"}}});
        assert_eq!(recreate(&deployment, &sets, true), [("old".to_owned(), 0)]);
        assert_eq!(recreate(&deployment, &sets, false), [("old".to_owned(), 0), ("new".to_owned(), 3)]);
    }
}
