//! The connection's own promises, against servers and proxies on loopback that keep none: half-open connections,
//! GOAWAY, bounds on streams, bodies nobody reads, HTTP/1.1.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

#[path = "connection/proxy.rs"]
mod proxy;
#[path = "connection/server.rs"]
mod server;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use proxy::Proxy;
use server::{Options, Server, until};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, atomic::Ordering},
    time::Duration,
};
use tokio::time::Instant;
use windlass_cluster::{
    client::{self, Client},
    connect::{Connection, Liveness},
    discovery::Discovery,
    reflector::{self, Delta, Reflector, Running, Sink, WatchError},
};
use windlass_core::{
    call::{Action, Call, ListQuery, Shape},
    description::Selection,
    input::WatchSpec,
    name::Kind,
};

/// What one watch told.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    fn add(&self, note: impl Into<String>) {
        self.0.lock().unwrap().push(note.into());
    }

    async fn until(&self, want: &[&str]) {
        until(
            || *self.0.lock().unwrap() == want,
            || format!("{want:?}; it was {:?}", self.0.lock().unwrap()),
        )
        .await;
    }
}

impl Sink for Notes {
    async fn begin(&mut self) {}
    async fn stage(&mut self, _: Vec<Delta>) {}
    async fn commit(&mut self, version: &str) {
        self.add(format!("commit {version}"));
    }
    async fn change(&mut self, _: Vec<Delta>, version: &str) {
        self.add(format!("change {version}"));
    }
    async fn bookmark(&mut self, _: &str) {}
    async fn failed(&mut self, error: &WatchError, _: Duration) {
        self.add(format!("failed {error}"));
    }
    async fn absent(&mut self) {
        self.add("absent");
    }
}

fn config_map() -> Kind {
    Kind::new("v1", "ConfigMap")
}

/// Starts so many watches and waits until all are in step.
async fn watches(connection: &Connection, count: usize) -> Vec<(Notes, Running)> {
    let discovery = Discovery::new(connection);
    let reflector = Reflector::new(connection.clone(), discovery, reflector::Settings::default());
    let spec = WatchSpec {
        kind: config_map(),
        selection: Selection::default(),
        metadata_only: false,
        plan: Arc::default(),
    };
    let started: Vec<_> = (0..count)
        .map(|_| {
            let notes = Notes::default();
            (notes.clone(), reflector.start(spec.clone(), notes))
        })
        .collect();
    for (notes, _) in &started {
        notes.until(&["commit 5"]).await;
    }
    started
}

async fn list(connection: &Connection) {
    let client = Client::new(connection, Discovery::new(connection), client::Settings::default());
    let action = Action::List { query: ListQuery::default(), shape: Shape::Whole };
    drop(client.call(&Call { kind: config_map(), subresource: None, action }).await);
}

#[tokio::test]
async fn watches_and_calls_have_connections_of_their_own() {
    let server = Server::start(Options::default()).await;
    let connection = server.connect(server.port, Liveness::default()).await;
    let _watch = watches(&connection, 3).await;
    list(&connection).await;
    let seen = server.seen();
    let of = |word: &str| -> Vec<usize> {
        seen.iter().filter(|seen| seen.line.starts_with(word)).map(|seen| seen.connection).collect()
    };
    let (watches, calls) = (of("WATCHLIST"), of("GET"));
    assert_eq!((watches.len(), calls.len()), (3, 1));
    assert!(watches.iter().all(|one| *one == watches[0] && *one != calls[0]), "{seen:?}");
    assert!(seen.iter().all(|seen| seen.version == http::Version::HTTP_2));
}

#[tokio::test]
async fn l8_the_lease_has_a_connection_of_its_own_that_no_call_and_no_watch_can_hold_up() {
    let server = Server::start(Options { streams_max: 10, ..Options::default() }).await;
    let connection = server.connect(server.port, Liveness::default()).await;
    let _watch = watches(&connection, 3).await;
    let ask = |transport: &windlass_cluster::transport::Transport, path: &'static str| {
        let (transport, request) = (transport.clone(), Request::get(path).body(Full::default()).unwrap());
        async move { transport.send(request, Duration::from_secs(10)).await.unwrap() }
    };
    // Answers that nobody reads.
    let _unread = futures::future::join_all((0..30).map(|_| ask(connection.calls(), "/big"))).await;
    assert!(ask(connection.lease(), "/lease").await.status().is_success());
    let seen = server.seen();
    let lease = seen.last().unwrap();
    assert!(
        seen.iter().all(|other| other.line == lease.line || other.connection != lease.connection),
        "{seen:?}"
    );
}

#[tokio::test]
async fn a_further_connection_is_opened_at_four_fifths_of_the_streams_that_the_server_allows() {
    for (streams_max, count, want) in [(100, 100, [80, 20].to_vec()), (10, 20, [8, 8, 4].to_vec())] {
        let server = Server::start(Options { streams_max, ..Options::default() }).await;
        let connection = server.connect(server.port, Liveness::default()).await;
        let _watches = watches(&connection, count).await;
        let mut streams: BTreeMap<usize, usize> = BTreeMap::new();
        for seen in server.seen() {
            *streams.entry(seen.connection).or_default() += 1;
        }
        assert_eq!(streams.into_values().collect::<Vec<_>>(), want, "of {streams_max}");
    }
}

#[tokio::test]
async fn r14_a_connection_that_is_drained_leads_to_no_relist() {
    let server = Server::start(Options::default()).await;
    let connection = server.connect(server.port, Liveness::default()).await;
    let watch = watches(&connection, 1).await;
    let first = server.seen()[0].connection;
    server.drain(first);
    tokio::time::sleep(Duration::from_millis(50)).await;
    server.event("a", 6);
    watch[0].0.until(&["commit 5", "change 6"]).await;
    server.end_watches(first);
    let seen = server.until_seen(2).await;
    assert_eq!(seen[1].line, "WATCH rv=6", "no relist");
    assert_ne!(seen[1].connection, first);
    server.event("b", 7);
    watch[0].0.until(&["commit 5", "change 6", "change 7"]).await;
}

#[tokio::test]
async fn h1_a_request_that_meets_a_goaway_goes_out_again_and_nobody_notices() {
    let server = Server::start(Options { drain_after: 3, ..Options::default() }).await;
    let connection = server.connect(server.port, Liveness::default()).await;
    for _ in 0..10 {
        let writes = (0..6).map(|_| async {
            let request = Request::post("/write").body(Full::<Bytes>::from("{}")).unwrap();
            connection.calls().exchange(request, Duration::from_secs(10), 1024).await
        });
        for answer in futures::future::join_all(writes).await {
            assert!(answer.unwrap().status().is_success());
        }
    }
    let seen = server.seen();
    assert_eq!(seen.len(), 60, "and no server worked on one twice");
    assert!(seen.last().unwrap().connection >= 4, "connections were drained: {seen:?}");
}

#[tokio::test]
async fn a_body_that_is_not_read_to_its_end_is_reset_and_holds_back_nothing() {
    let server = Server::start(Options::default()).await;
    let connection = server.connect(server.port, Liveness::default()).await;
    // Three times what all streams of a connection may hold back.
    for _ in 0..250 {
        let request = Request::get("/big").body(Full::default()).unwrap();
        let answer = connection.watches().send(request, Duration::from_secs(10)).await.unwrap();
        assert!(answer.status().is_success());
    }
    let resets = || server.resets.load(Ordering::Relaxed);
    until(|| resets() == 250, || format!("250 resets; there were {}", resets())).await;
    let seen = server.seen();
    assert!(seen.iter().all(|one| one.connection == seen[0].connection), "{seen:?}");
}

#[tokio::test]
async fn fifty_watches_that_lose_their_connection_come_back_over_another_with_no_relist() {
    let server = Server::start(Options::default()).await;
    let connection = server.connect(server.port, Liveness::default()).await;
    let watches = watches(&connection, 50).await;
    // Longer than a watch that is too short (R14).
    tokio::time::sleep(Duration::from_millis(1100)).await;
    server.break_all();
    let seen = server.until_seen(100).await;
    assert!(seen[50..].iter().all(|seen| seen.line == "WATCH rv=5"), "no relist: {seen:?}");
    server.event("a", 6);
    for (notes, _) in &watches {
        notes.until(&["commit 5", "change 6"]).await;
    }
}

#[tokio::test]
async fn r10_a_half_open_connection_is_given_up_by_pings_and_the_watch_goes_on_elsewhere() {
    let server = Server::start(Options::default()).await;
    let proxy = Proxy::start(server.port).await;
    let liveness =
        Liveness { ping_interval: Duration::from_millis(400), ping_timeout: Duration::from_millis(200) };
    let connection = server.connect(proxy.port, liveness).await;
    let watch = watches(&connection, 1).await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    proxy.swallow();
    let since = Instant::now();
    let seen = server.until_seen(2).await;
    let took = since.elapsed();
    assert_eq!(seen[1].line, "WATCH rv=5", "no relist");
    // Interval, timeout, reconnect jitter, and a slow machine's second.
    assert!(took < Duration::from_millis(1800), "{took:?}");
    server.event("a", 6);
    watch[0].0.until(&["commit 5", "change 6"]).await;
    let default = Liveness::default();
    assert!(default.ping_interval + default.ping_timeout <= Duration::from_secs(30));
}

#[tokio::test]
async fn a_server_without_http_2_is_spoken_to_in_http_1_1_with_a_connection_for_each_watch() {
    let server = Server::start(Options { alpn: &[b"http/1.1"], ..Options::default() }).await;
    let connection = server.connect(server.port, Liveness::default()).await;
    let watches = watches(&connection, 3).await;
    list(&connection).await;
    server.event("a", 6);
    for (notes, _) in &watches {
        notes.until(&["commit 5", "change 6"]).await;
    }
    let seen = server.seen();
    assert!(seen.iter().all(|seen| seen.version == http::Version::HTTP_11), "{seen:?}");
    let connections: std::collections::BTreeSet<_> = seen.iter().map(|seen| seen.connection).collect();
    assert_eq!(connections.len(), 4, "{seen:?}");
}
