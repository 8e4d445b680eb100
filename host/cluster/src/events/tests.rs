//! E1 in virtual time.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use super::*;
use crate::{
    client::Settings,
    discovery::Discovery,
    script::{Answer, Script},
};

fn note(name: &str, reason: &str) -> Note {
    Note {
        regarding: Reference {
            kind: Kind::new("v1", "ConfigMap"),
            name: ObjectName::namespaced("prod", name),
            uid: "u".to_owned(),
        },
        related: None,
        warning: false,
        reason: reason.to_owned(),
        action: "Reconcile".to_owned(),
        text: "done".to_owned(),
        controller: "windlass.dev/a".into(),
    }
}

fn bench(answers: Vec<Answer>) -> (Script, Recorder, JoinHandle<()>) {
    let server = Script::new(answers);
    server.serve(&[("events.k8s.io/v1", "events", "Event", true)]);
    let connection = server.connection();
    let client = Client::new(&connection, Discovery::new(&connection), Settings::default());
    let (recorder, task) = Recorder::start(client, "host_1");
    (server, recorder, task)
}

fn ok() -> Answer {
    Answer::json(200, "{}")
}

async fn minutes(minutes: u64) {
    tokio::time::sleep(Duration::from_secs(60 * minutes) + Duration::from_secs(1)).await;
}

/// `POST`, or `PATCH 7` for a patch to a count.
fn short(server: &Script) -> Vec<String> {
    let one = |seen: &crate::script::Seen| {
        let body: serde_json::Value = serde_json::from_str(&seen.body).unwrap();
        let verb = seen.line.split(' ').next().unwrap().to_owned();
        body["series"]["count"].as_u64().map_or(verb.clone(), |count| format!("{verb} {count}"))
    };
    server.seen().iter().map(one).collect()
}

#[tokio::test(start_paused = true)]
async fn e1_a_series_is_created_patched_at_its_second_note_and_then_at_its_end() {
    let (server, recorder, _task) = bench(vec![ok(), ok(), ok(), ok()]);
    for _ in 0..5 {
        recorder.note(note("a", "Created"));
        minutes(1).await;
    }
    assert_eq!(short(&server), ["POST", "PATCH 2"]);
    minutes(7).await;
    assert_eq!(short(&server), ["POST", "PATCH 2", "PATCH 5"]);
    recorder.note(note("a", "Created"));
    minutes(1).await;
    assert_eq!(short(&server)[3..], ["POST"], "a new series");
    let seen = server.seen();
    let body: serde_json::Value = serde_json::from_str(&seen[0].body).unwrap();
    assert!(seen[0].line.starts_with("POST /apis/events.k8s.io/v1/namespaces/prod/events?"));
    for (path, want) in [
        ("/reason", "Created"),
        ("/type", "Normal"),
        ("/note", "done"),
        ("/regarding/name", "a"),
        ("/reportingController", "windlass.dev/a"),
        ("/reportingInstance", "host_1"),
        ("/metadata/namespace", "prod"),
    ] {
        assert_eq!(body.pointer(path).unwrap(), want, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn e1_a_long_series_writes_its_count_each_half_hour() {
    let (server, recorder, _task) = bench((0..9).map(|_| ok()).collect());
    for _ in 0..20 {
        recorder.note(note("a", "Created"));
        minutes(4).await;
    }
    let writes = short(&server);
    assert_eq!(writes.len(), 4, "{writes:?}");
}

#[tokio::test(start_paused = true)]
async fn e1_a_patch_of_an_event_that_is_gone_makes_it_anew() {
    let (server, recorder, _task) = bench(vec![ok(), Answer::status(404, "NotFound"), ok()]);
    recorder.note(note("a", "Created"));
    minutes(1).await;
    recorder.note(note("a", "Created"));
    minutes(1).await;
    assert_eq!(short(&server), ["POST", "PATCH 2", "POST 2"]);
}

#[tokio::test(start_paused = true)]
async fn e1_a_write_without_a_server_is_tried_twelve_times_and_a_refused_one_once() {
    let (server, recorder, _task) = bench((0..20).map(|_| Answer::Reset).collect());
    recorder.note(note("a", "Created"));
    minutes(5).await;
    assert_eq!(server.seen().len(), 12);
    assert_eq!(recorder.counters().failed.load(Ordering::Relaxed), 1);
    let (server, recorder, _task) = bench(vec![Answer::status(403, "Forbidden"), ok()]);
    recorder.note(note("a", "Created"));
    minutes(5).await;
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn e1_one_object_gets_its_share_and_another_its_own() {
    let (server, recorder, _task) = bench((0..60).map(|_| ok()).collect());
    for n in 0..40 {
        recorder.note(note("a", &format!("Reason{n}")));
    }
    recorder.note(note("b", "Created"));
    minutes(1).await;
    assert_eq!(server.seen().len(), 26);
    assert_eq!(recorder.counters().dropped_spam.load(Ordering::Relaxed), 15);
    minutes(5).await;
    recorder.note(note("a", "Late"));
    recorder.note(note("a", "Later"));
    minutes(1).await;
    assert_eq!(server.seen().len(), 27, "one more in five minutes");
}

#[tokio::test(start_paused = true)]
async fn recording_never_waits_and_a_full_queue_drops_and_counts() {
    let (_server, recorder, _task) = bench((0..9).map(|_| Answer::Silence).collect());
    for n in 0..1500 {
        recorder.note(note(&format!("n{n}"), "Created"));
    }
    assert_eq!(recorder.counters().dropped_queue.load(Ordering::Relaxed), 500);
}

#[tokio::test(start_paused = true)]
async fn the_last_counts_are_written_before_the_task_ends() {
    let (server, recorder, task) = bench(vec![ok(), ok(), ok()]);
    for _ in 0..4 {
        recorder.note(note("a", "Created"));
    }
    drop(recorder);
    task.await.unwrap();
    assert_eq!(short(&server).last().unwrap(), "PATCH 4");
}

#[tokio::test(start_paused = true)]
async fn e1_a_server_with_core_events_only_gets_those() {
    let (server, recorder, _task) = bench(vec![ok()]);
    server.serve(&[("v1", "events", "Event", true)]);
    recorder.note(note("a", "Created"));
    minutes(1).await;
    let seen = server.seen();
    assert!(seen[0].line.starts_with("POST /api/v1/namespaces/prod/events?"), "{}", seen[0].line);
    let body: serde_json::Value = serde_json::from_str(&seen[0].body).unwrap();
    for (path, want) in [
        ("/apiVersion", "v1"),
        ("/involvedObject/name", "a"),
        ("/message", "done"),
        ("/reportingComponent", "windlass.dev/a"),
    ] {
        assert_eq!(body.pointer(path).unwrap(), want, "{path}");
    }
}
