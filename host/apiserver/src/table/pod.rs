//! Cells of Pods; their status is put together from phase, containers and deletion.

use serde_json::Value;

use super::{
    age,
    cells::{age, at, int_at, list_at, or_none, str_at},
};
use crate::{object, wire::time::Moment};

pub(super) fn cells(object: &Value, now: Moment) -> Vec<Value> {
    let summary = Summary::of(object);
    let restarts = match summary.last_restart {
        Some(then) if summary.restarts > 0 => {
            format!("{} ({} ago)", summary.restarts, age::between(then, now))
        }
        _ => summary.restarts.to_string(),
    };
    let first_ip = list_at(object, "status.podIPs").first();
    vec![
        object::name(object).into(),
        format!("{}/{}", summary.ready, summary.total).into(),
        summary.reason.into(),
        restarts.into(),
        age(object, now),
        or_none(first_ip.map_or("", |first| str_at(first, "ip"))).into(),
        or_none(str_at(object, "spec.nodeName")).into(),
        or_none(str_at(object, "status.nominatedNodeName")).into(),
        readiness_gates(object).into(),
    ]
}

/// Marks the rows of finished Pods.
pub(super) fn conditions(object: &Value) -> Option<&'static str> {
    match str_at(object, "status.phase") {
        "Succeeded" => Some(
            r#"[{"type":"Completed","status":"True","reason":"Succeeded","message":"The pod has completed successfully."}]"#,
        ),
        "Failed" => {
            Some(r#"[{"type":"Completed","status":"True","reason":"Failed","message":"The pod failed."}]"#)
        }
        _ => None,
    }
}

fn readiness_gates(object: &Value) -> String {
    let gates = list_at(object, "spec.readinessGates");
    if gates.is_empty() {
        return "<none>".to_owned();
    }
    let met = gates.iter().filter(|gate| has_condition(object, str_at(gate, "conditionType"))).count();
    format!("{met}/{}", gates.len())
}

fn has_condition(object: &Value, kind: &str) -> bool {
    let mut conditions = list_at(object, "status.conditions").iter();
    conditions.any(|condition| str_at(condition, "type") == kind && str_at(condition, "status") == "True")
}

#[derive(Default)]
struct Summary {
    reason: String,
    ready: usize,
    total: usize,
    restarts: i64,
    last_restart: Option<Moment>,
}

impl Summary {
    fn of(object: &Value) -> Self {
        let restartable = |container: &&Value| str_at(container, "restartPolicy") == "Always";
        let init = list_at(object, "spec.initContainers");
        let mut summary = Self {
            reason: match str_at(object, "status.reason") {
                "" => str_at(object, "status.phase").to_owned(),
                reason => reason.to_owned(),
            },
            total: list_at(object, "spec.containers").len() + init.iter().filter(restartable).count(),
            ..Self::default()
        };
        let gated = |condition: &Value| {
            str_at(condition, "type") == "PodScheduled" && str_at(condition, "reason") == "SchedulingGated"
        };
        if list_at(object, "status.conditions").iter().any(gated) {
            summary.reason = "SchedulingGated".to_owned();
        }
        let sidecars = Self { reason: String::new(), ..Self::default() };
        let (initializing, sidecars) = summary.add_init_containers(object, init, sidecars);
        if !initializing || has_condition(object, "Initialized") {
            summary.restarts = sidecars.restarts;
            summary.last_restart = sidecars.last_restart;
            summary.add_containers(object);
        }
        summary.mark_deletion(object);
        summary
    }

    /// Says whether init containers still run, and what the restartable ones among them count for.
    fn add_init_containers(&mut self, object: &Value, init: &[Value], mut sidecars: Self) -> (bool, Self) {
        for (index, status) in list_at(object, "status.initContainerStatuses").iter().enumerate() {
            self.add_restarts(status);
            let named = init.iter().find(|container| str_at(container, "name") == str_at(status, "name"));
            let restartable = named.is_some_and(|container| str_at(container, "restartPolicy") == "Always");
            if restartable {
                sidecars.add_restarts(status);
            }
            let terminated = at(status, "state.terminated");
            let started = at(status, "started") == Some(&Value::Bool(true));
            if terminated.is_some_and(|terminated| int_at(terminated, "exitCode") == 0) {
                continue;
            }
            if restartable && started {
                self.ready += usize::from(at(status, "ready") == Some(&Value::Bool(true)));
                continue;
            }
            let waiting = str_at(status, "state.waiting.reason");
            self.reason = match terminated {
                Some(terminated) => format!("Init:{}", termination(terminated)),
                None if !waiting.is_empty() && waiting != "PodInitializing" => format!("Init:{waiting}"),
                None => format!("Init:{index}/{}", init.len()),
            };
            return (true, sidecars);
        }
        (false, sidecars)
    }

    fn add_containers(&mut self, object: &Value) {
        let mut running = false;
        for status in list_at(object, "status.containerStatuses").iter().rev() {
            self.add_restarts(status);
            let waiting = str_at(status, "state.waiting.reason");
            if !waiting.is_empty() {
                self.reason = waiting.to_owned();
            } else if let Some(terminated) = at(status, "state.terminated") {
                self.reason = termination(terminated);
            } else if at(status, "ready") == Some(&Value::Bool(true)) && at(status, "state.running").is_some()
            {
                running = true;
                self.ready += 1;
            }
        }
        if self.reason == "Completed" && running {
            self.reason = if has_condition(object, "Ready") { "Running" } else { "NotReady" }.to_owned();
        }
    }

    fn add_restarts(&mut self, status: &Value) {
        self.restarts += int_at(status, "restartCount");
        let finished = Moment::parse(str_at(status, "lastState.terminated.finishedAt"));
        self.last_restart = self.last_restart.max(finished);
    }

    fn mark_deletion(&mut self, object: &Value) {
        let finished = matches!(str_at(object, "status.phase"), "Succeeded" | "Failed");
        if object::deletion_timestamp(object).is_some() {
            if str_at(object, "status.reason") == "NodeLost" {
                self.reason = "Unknown".to_owned();
            } else if !finished {
                self.reason = "Terminating".to_owned();
            }
        }
    }
}

/// Why a container ended: its reason, else its signal, else its exit code.
fn termination(terminated: &Value) -> String {
    match (str_at(terminated, "reason"), int_at(terminated, "signal")) {
        ("", 0) => format!("ExitCode:{}", int_at(terminated, "exitCode")),
        ("", signal) => format!("Signal:{signal}"),
        (reason, _) => reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{cells, conditions};
    use crate::wire::time::Moment;

    const NOW: Moment = Moment { seconds: 1_795_256_255 + 90, nanos: 0 };

    fn check(mut object: Value, want: [&str; 3]) {
        object["metadata"]["name"] = "p".into();
        assert_eq!(json!(cells(&object, NOW)[1..4]), json!(want), "{object}");
    }

    #[test]
    fn the_status_says_what_holds_the_pod_up() {
        let two = json!([{"name": "a"}, {"name": "b"}]);
        let running = json!({"ready": true, "state": {"running": {}}});
        let failing = json!({"restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
            "lastState": {"terminated": {"finishedAt": "2026-11-21T10:18:35Z"}}});
        let done = json!({"state": {"terminated": {"reason": "Completed"}}});
        check(json!({"spec": {"containers": two}, "status": {"phase": "Pending"}}), ["0/2", "Pending", "0"]);
        check(
            json!({"spec": {"containers": two}, "status": {"phase": "Running", "containerStatuses": [running, failing]}}),
            ["1/2", "CrashLoopBackOff", "3 (30s ago)"],
        );
        check(
            json!({"spec": {"containers": two}, "status": {"phase": "Running", "containerStatuses": [done, running],
                "conditions": [{"type": "Ready", "status": "True"}]}}),
            ["1/2", "Running", "0"],
        );
        check(
            json!({"metadata": {"deletionTimestamp": "2026-11-21T10:17:35Z"}, "spec": {"containers": two},
                "status": {"phase": "Running", "containerStatuses": [running, running]}}),
            ["2/2", "Terminating", "0"],
        );
        check(
            json!({"spec": {"containers": two, "initContainers": [{"name": "i"}, {"name": "k"}]},
                "status": {"phase": "Pending", "initContainerStatuses": [
                    {"name": "i", "state": {"terminated": {"exitCode": 0}}}, {"name": "k", "state": {"waiting": {"reason": "PodInitializing"}}}]}}),
            ["0/2", "Init:1/2", "0"],
        );
        check(
            json!({"spec": {"containers": [{}], "initContainers": [{"name": "i"}]},
                "status": {"phase": "Failed", "initContainerStatuses": [{"name": "i", "state": {"terminated": {"exitCode": 2}}}]}}),
            ["0/1", "Init:ExitCode:2", "0"],
        );
    }

    #[test]
    fn a_sidecar_counts_as_a_container() {
        check(
            json!({"spec": {"containers": [{"name": "a"}], "initContainers": [{"name": "s", "restartPolicy": "Always"}]},
                "status": {"phase": "Running",
                    "initContainerStatuses": [{"name": "s", "started": true, "ready": true, "restartCount": 1, "state": {"running": {}}}],
                    "containerStatuses": [{"name": "a", "ready": true, "state": {"running": {}}}]}}),
            ["2/2", "Running", "1"],
        );
    }

    #[test]
    fn rows_of_finished_pods_are_marked() {
        assert!(conditions(&json!({"status": {"phase": "Succeeded"}})).is_some());
        assert!(conditions(&json!({"status": {"phase": "Running"}})).is_none());
    }
}
