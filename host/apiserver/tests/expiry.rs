//! Events end an hour after they were last written.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod bench;

use std::time::Duration;

use bench::Bench;
use serde_json::json;

const EVENTS: &str = "/api/v1/namespaces/default/events";

async fn minutes(count: u64) {
    tokio::time::sleep(Duration::from_secs(60 * count)).await;
}

#[tokio::test(start_paused = true)]
async fn an_event_ends_an_hour_after_it_was_last_written() {
    let bench = Bench::new().await;
    for name in ["once", "twice"] {
        let about = json!({"kind": "ConfigMap", "namespace": "default", "name": "x"});
        let event =
            json!({"metadata": {"name": name}, "involvedObject": about, "reason": "r", "type": "Normal"});
        bench.post(EVENTS, event).await.expect(201);
    }
    let code = async |name: &str| bench.get(&format!("{EVENTS}/{name}")).await.code;
    minutes(50).await;
    bench.merge(&format!("{EVENTS}/twice"), json!({"count": 2})).await.expect(200);
    assert_eq!((code("once").await, code("twice").await), (200, 200));
    minutes(12).await;
    assert_eq!((code("once").await, code("twice").await), (404, 200));
    minutes(40).await;
    assert_eq!(code("twice").await, 200);
    minutes(10).await;
    assert_eq!(code("twice").await, 404);
}

#[tokio::test(start_paused = true)]
async fn a_list_waits_three_seconds_for_a_version_that_has_not_come() {
    let bench = Bench::new().await;
    let started = tokio::time::Instant::now();
    let future = format!("{EVENTS}?resourceVersion=99999999");
    assert_eq!(bench.get(&future).await.code, 504);
    let waited = started.elapsed();
    assert!(waited >= Duration::from_secs(3) && waited < Duration::from_secs(4), "{waited:?}");
    let version =
        bench.get(EVENTS).await.expect(200)["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    let next = version.parse::<u64>().unwrap() + 1;
    let waiting = async { bench.get(&format!("{EVENTS}?resourceVersion={next}")).await.code };
    let writing = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let map = json!({"metadata": {"name": "later"}});
        bench.post("/api/v1/namespaces/default/configmaps", map).await.expect(201)
    };
    assert_eq!(futures::join!(waiting, writing).0, 200);
}
