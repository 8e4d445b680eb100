//! The fault layer around the server: each fault is what a real cluster does, in an order that the seed decides.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};
use tower::{BoxError, Layer, ServiceExt};
use windlass_apiserver::fault::{Body, Fault, Faults, Profile};
use windlass_apiserver::{ApiServer, fault::FaultService, server::Service};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const SECRETS: &str = "/api/v1/namespaces/default/secrets";

struct Bench {
    server: ApiServer,
    faults: Faults,
    client: FaultService<Service>,
}

impl Bench {
    async fn new(seed: u64, profile: Profile) -> Self {
        let server = ApiServer::builder().start().await.unwrap();
        let faults = Faults::new(seed, profile);
        let client = faults.layer().layer(server.service());
        Self { server, faults, client }
    }

    /// With one fault that always strikes.
    async fn always(fault: Fault) -> Self {
        Self::new(1, Profile::none().with(fault, 1000)).await
    }

    async fn send(&self, method: &str, path: &str, body: Value) -> Result<http::Response<Body>, BoxError> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let request = http::Request::builder().method(method).uri(path);
        let request = request.header("content-type", "application/json").body(Full::new(Bytes::from(body)));
        self.client.clone().oneshot(request.unwrap()).await
    }

    async fn get(&self, path: &str) -> Result<http::Response<Body>, BoxError> {
        self.send("GET", path, Value::Null).await
    }

    /// Creates an object past the faults; its version.
    async fn create(&self, path: &str, name: &str) -> String {
        let request = http::Request::post(path).header("content-type", "application/json");
        let body = json!({"metadata": {"name": name}}).to_string();
        let request = request.body(Full::new(Bytes::from(body))).unwrap();
        let answer = self.server.service().oneshot(request).await.unwrap();
        let made: Value =
            serde_json::from_slice(&answer.into_body().collect().await.unwrap().to_bytes()).unwrap();
        made["metadata"]["resourceVersion"].as_str().unwrap().to_owned()
    }

    /// A running watch of what comes from now on.
    async fn watch(&self, path: &str) -> Events {
        let list = json_of(self.server.service().oneshot(request(path)).await.unwrap()).await;
        let from = list["metadata"]["resourceVersion"].as_str().unwrap();
        let path = format!("{path}?watch=1&allowWatchBookmarks=true&resourceVersion={from}");
        let body = self.get(&path).await.unwrap().into_body();
        Events { body, text: String::new() }
    }
}

fn request(path: &str) -> http::Request<Full<Bytes>> {
    http::Request::get(path).body(Full::default()).unwrap()
}

async fn json_of<B>(answer: http::Response<B>) -> Value
where
    B: http_body::Body<Data = Bytes>,
    B::Error: std::fmt::Debug,
{
    serde_json::from_slice(&answer.into_body().collect().await.unwrap().to_bytes()).unwrap()
}

/// What a watch told.
struct Events {
    body: Body,
    text: String,
}

impl Events {
    /// Reads until `count` lines are there; false when the stream ended or broke before.
    async fn read(&mut self, count: usize) -> bool {
        while self.text.lines().count() < count || !self.text.ends_with('\n') {
            match self.body.frame().await {
                Some(Ok(frame)) => {
                    self.text.push_str(std::str::from_utf8(&frame.into_data().unwrap()).unwrap())
                }
                Some(Err(_)) | None => return false,
            }
        }
        true
    }

    /// `ADDED a`, or for an error its code.
    fn told(&self) -> Vec<String> {
        let line = |line: &str| {
            let event: Value = serde_json::from_str(line).ok()?;
            let object = &event["object"];
            let what = object["metadata"]["name"].as_str().map_or(object["code"].to_string(), str::to_owned);
            Some(format!("{} {what}", event["type"].as_str()?))
        };
        self.text.lines().filter_map(line).collect()
    }
}

/// What one fault makes of a list and of a watch.
async fn check(fault: Fault, path: &str, code: u16, reason: &str) {
    let bench = Bench::always(fault).await;
    let answer = bench.get(path).await.unwrap();
    assert_eq!(answer.status().as_u16(), code, "{fault}");
    let retry_after = answer.headers().get("retry-after").is_some();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let status: Value = serde_json::from_slice(&body).unwrap_or_default();
    assert_eq!(status["reason"].as_str().unwrap_or_default(), reason, "{fault}");
    assert_eq!(retry_after, matches!(fault, Fault::TooManyRequests | Fault::VersionTooLarge), "{fault}");
    assert_eq!(bench.faults.counts()[&fault], 1);
}

#[tokio::test(start_paused = true)]
async fn refusals_are_those_that_servers_and_proxies_send() {
    let old = format!("{MAPS}?resourceVersion=3");
    check(Fault::TooManyRequests, MAPS, 429, "TooManyRequests").await;
    check(Fault::Limited, MAPS, 429, "").await;
    check(Fault::InternalError, MAPS, 500, "InternalError").await;
    check(Fault::Unavailable, MAPS, 503, "").await;
    check(Fault::VersionTooLarge, &old, 504, "Timeout").await;
    check(Fault::Expired, &old, 410, "Expired").await;
    for fault in [Fault::VersionTooLarge, Fault::Expired] {
        let bench = Bench::always(fault).await;
        assert_eq!(bench.get(MAPS).await.unwrap().status(), 200, "{fault} needs a version");
    }
    assert!(Bench::always(Fault::Unreachable).await.get(MAPS).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_answer_is_lost_was_carried_out() {
    let bench = Bench::always(Fault::AnswerLost).await;
    let made = bench.send("POST", MAPS, json!({"metadata": {"name": "a"}})).await;
    assert!(made.is_err());
    bench.faults.stop();
    assert_eq!(bench.get(&format!("{MAPS}/a")).await.unwrap().status(), 200);

    let bench = Bench::always(Fault::AnswerNever).await;
    let made = bench.send("POST", MAPS, json!({"metadata": {"name": "a"}}));
    assert!(timeout(Duration::from_secs(3600), made).await.is_err());
    bench.faults.stop();
    assert_eq!(bench.get(&format!("{MAPS}/a")).await.unwrap().status(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_body_breaks_or_stops_in_the_middle() {
    let bench = Bench::always(Fault::BodyCut).await;
    let cut = bench.get("/openapi/v3/apis/apps/v1").await.unwrap().into_body().collect().await;
    assert!(cut.is_err());
    let bench = Bench::always(Fault::BodySilent).await;
    let silent = bench.get("/openapi/v3/apis/apps/v1").await.unwrap().into_body().collect();
    assert!(timeout(Duration::from_secs(3600), silent).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_stale_list_is_one_that_the_server_had() {
    let bench = Bench::always(Fault::Stale).await;
    let mut versions = Vec::new();
    for nth in 0..60 {
        versions.push(bench.create(MAPS, &format!("m{nth:02}")).await);
    }
    let mut lens = BTreeSet::new();
    for _ in 0..20 {
        let list = json_of(bench.get(&format!("{MAPS}?resourceVersion=0&limit=5")).await.unwrap()).await;
        let len = list["items"].as_array().unwrap().len();
        assert_eq!(list["metadata"]["resourceVersion"].as_str().unwrap(), versions[len - 1], "of one moment");
        lens.insert(len);
    }
    assert!(lens.len() > 5 && lens.iter().all(|len| (20..60).contains(len)), "{lens:?}");
    let from = format!("{MAPS}?resourceVersion={}&resourceVersionMatch=NotOlderThan", versions[57]);
    let list = json_of(bench.get(&from).await.unwrap()).await;
    assert!(list["items"].as_array().unwrap().len() >= 58, "not older than what the client knows");
    let list = json_of(bench.get(MAPS).await.unwrap()).await;
    assert_eq!(list["items"].as_array().unwrap().len(), 60, "a consistent read is never stale");
}

/// How a watch with this fault ends, after one object was created each second.
async fn check_end(fault: Fault, last: &str) {
    let bench = Bench::always(fault).await;
    let mut events = bench.watch(MAPS).await;
    let began = Instant::now();
    let creating = async {
        for nth in 0.. {
            bench.create(MAPS, &format!("m{nth}")).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    tokio::select! {
        whole = events.read(usize::MAX) => assert!(!whole),
        () = creating => {}
    }
    assert!(began.elapsed() < Duration::from_secs(62), "{fault}");
    let told = events.told();
    let text = told.last().map(String::as_str).unwrap_or_default();
    assert!(text.starts_with(last), "{fault}: {told:?}");
    let objects: Vec<_> = told.iter().filter(|line| line.starts_with("ADDED")).collect();
    let want: Vec<_> = (0..objects.len()).map(|nth| format!("ADDED m{nth}")).collect();
    assert!(objects.iter().zip(&want).all(|(told, want)| *told == want), "in order, none left out: {told:?}");
}

#[tokio::test(start_paused = true)]
async fn watches_end_as_servers_end_them() {
    check_end(Fault::WatchEndsAtOnce, "").await;
    check_end(Fault::WatchExpired, "ERROR 410").await;
    check_end(Fault::WatchEndsEarly, "ADDED").await;
    check_end(Fault::WatchCut, "ADDED").await;
    check_end(Fault::WatchLapsed, "ERROR 410").await;
    check_end(Fault::WatchFailed, "ERROR 500").await;
    check_end(Fault::WatchThrottled, "ERROR 429").await;
}

#[tokio::test(start_paused = true)]
async fn some_watches_are_cut_in_the_middle_of_a_line() {
    let mut cut = 0;
    for seed in 0..20 {
        let bench = Bench::new(seed, Profile::none().with(Fault::WatchCut, 1000)).await;
        let mut events = bench.watch(MAPS).await;
        tokio::time::sleep(Duration::from_secs(61)).await;
        bench.create(MAPS, "a").await;
        assert!(!events.read(usize::MAX).await, "seed {seed}");
        cut += usize::from(!events.text.is_empty() && !events.text.ends_with('\n'));
    }
    assert!((4..=16).contains(&cut), "{cut} of 20");
}

#[tokio::test(start_paused = true)]
async fn a_silent_watch_stays_silent_even_after_the_stop() {
    let bench = Bench::always(Fault::WatchSilent).await;
    let mut events = bench.watch(MAPS).await;
    assert!(timeout(Duration::from_secs(61), events.read(1)).await.is_err());
    bench.faults.stop();
    bench.create(MAPS, "a").await;
    assert!(timeout(Duration::from_secs(3600), events.read(1)).await.is_err());
    let mut fresh = bench.watch(MAPS).await;
    bench.create(MAPS, "b").await;
    assert!(fresh.read(1).await);
    assert_eq!(fresh.told(), ["ADDED b"]);
}

#[tokio::test(start_paused = true)]
async fn one_resource_waits_while_another_goes_on_and_the_stop_lets_it_come() {
    let bench = Bench::new(1, Profile::none()).await;
    let (mut maps, mut secrets) = (bench.watch(MAPS).await, bench.watch(SECRETS).await);
    bench.faults.hold_back("configmaps", Duration::from_secs(1000));
    for name in ["a", "b", "c"] {
        bench.create(MAPS, name).await;
    }
    bench.create(SECRETS, "s").await;
    assert!(timeout(Duration::from_secs(999), maps.read(1)).await.is_err());
    assert!(timeout(Duration::from_secs(1), secrets.read(1)).await.is_ok());
    bench.faults.stop();
    assert!(timeout(Duration::from_millis(1), maps.read(3)).await.unwrap());
    assert_eq!(maps.told(), ["ADDED a", "ADDED b", "ADDED c"]);
}

#[tokio::test(start_paused = true)]
async fn events_come_twice_late_and_in_pieces_and_in_order() {
    let profile =
        Profile::none().with(Fault::EventTwice, 500).with(Fault::EventLate, 500).with(Fault::Fragmented, 500);
    let bench = Bench::new(3, profile).await;
    let mut events = bench.watch(MAPS).await;
    for nth in 0..20 {
        bench.create(MAPS, &format!("m{nth:02}")).await;
    }
    let whole = timeout(Duration::from_secs(200), events.read(usize::MAX)).await;
    assert!(whole.is_err(), "the watch goes on");
    let mut told = events.told();
    told.retain(|line| line.starts_with("ADDED"));
    assert!(told.len() > 22, "{told:?}");
    assert!(told.is_sorted(), "{told:?}");
    told.dedup();
    assert_eq!(told.len(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_restart_breaks_every_stream_and_nobody_connects_until_it_is_over() {
    let bench = Bench::new(1, Profile::none()).await;
    let mut events = bench.watch(MAPS).await;
    bench.faults.restart(Duration::from_secs(5));
    assert!(!events.read(1).await);
    assert!(bench.get(MAPS).await.is_err());
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(bench.get(MAPS).await.unwrap().status(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_right_that_was_taken_away_stays_away_until_it_is_given_back() {
    let bench = Bench::new(1, Profile::none()).await;
    bench.faults.forbid("secrets");
    bench.faults.stop();
    assert_eq!(bench.get(SECRETS).await.unwrap().status(), 403);
    assert_eq!(bench.get(MAPS).await.unwrap().status(), 200);
    bench.faults.permit("secrets");
    assert_eq!(bench.get(SECRETS).await.unwrap().status(), 200);
}

/// The trace of some requests.
async fn trace(seed: u64, secrets: bool) -> Vec<String> {
    // A restart strikes whoever asks next, whatever it is.
    let bench = Bench::new(seed, Profile::storm().with(Fault::Restart, 0)).await;
    for nth in 0..100 {
        bench.create(MAPS, &format!("m{nth}")).await;
        for path in [MAPS, SECRETS] {
            if path == MAPS || secrets {
                let path = format!("{path}?resourceVersion=0");
                let asked = async { bench.get(&path).await?.into_body().collect().await };
                drop(timeout(Duration::from_secs(60), asked).await);
            }
        }
    }
    let of_maps = bench.faults.injected().into_iter().filter(|one| one.subject.contains("configmaps"));
    of_maps.map(|one| format!("{} {}", one.fault, one.subject)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_seed_does_the_same_again_whatever_else_is_asked() {
    let once = trace(7, false).await;
    assert!(once.len() > 20, "{once:?}");
    assert_eq!(trace(7, false).await, once);
    assert_ne!(trace(8, false).await, once);
    assert_eq!(trace(7, true).await, once, "requests for secrets shift nothing");
}
