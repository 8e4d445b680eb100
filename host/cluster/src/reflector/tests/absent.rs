//! Kinds that are not served: waited for quietly, and begun anew.

use super::*;

struct Bench {
    server: Script,
    discovery: Arc<Discovery>,
    notes: Notes,
    _running: Running,
}

fn website() -> WatchSpec {
    WatchSpec { kind: Kind::new("example.com/v1", "Website"), ..spec() }
}

fn start(server: Script) -> Bench {
    let connection = server.connection();
    let discovery = Discovery::new(&connection);
    let reflector = Reflector::new(connection, discovery.clone(), Settings::default());
    let notes = Notes::default();
    let running = reflector.start(website(), notes.clone());
    Bench { server, discovery, notes, _running: running }
}

async fn seconds(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

const SERVED: &[(&str, &str, &str, bool)] = &[("example.com/v1", "websites", "Website", true)];
const RESCOPED: &[(&str, &str, &str, bool)] = &[("example.com/v1", "websites", "Website", false)];

#[tokio::test(start_paused = true)]
async fn an_absent_kind_is_told_once_and_watched_when_a_hint_comes() {
    let bench = start(Script::new([open([added("a", 3), initial_end(5)])]));
    bench.server.serve(&[]);
    seconds(300).await;
    assert_eq!(bench.notes.all(), ["absent"]);
    assert!(bench.server.seen().is_empty(), "nothing is asked of a kind that is not served");
    assert!(bench.server.routed("GET /apis") < 20, "and discovery not often");

    bench.server.serve(SERVED);
    bench.discovery.invalidate();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(bench.notes.all(), ["absent", "begin", "stage +a@3", "commit 5"]);
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_discovery_shows_late_is_found_soon_after_the_hint() {
    let bench = start(Script::new([open([initial_end(5)])]));
    bench.server.serve(&[]);
    seconds(10).await;
    bench.discovery.invalidate();
    seconds(3).await;
    bench.server.serve(SERVED);
    seconds(4).await;
    assert_eq!(bench.notes.all(), ["absent", "begin", "commit 5"]);
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_goes_stops_quietly_and_begins_anew_with_another_scope() {
    let gone = || Answer::json(404, "404 page not found");
    let bench =
        start(Script::new([stream([added("a", 3), initial_end(5), deleted("a", 6), wait(5)]), gone()]));
    bench.server.serve(SERVED);
    seconds(4).await;
    bench.server.serve(&[]);
    seconds(60).await;
    assert_eq!(bench.notes.all(), ["begin", "stage +a@3", "commit 5", "change -a@6 = 6", "absent"]);

    bench.server.push(open([added("b", 9), initial_end(9)]));
    bench.server.serve(RESCOPED);
    bench.discovery.invalidate();
    seconds(1).await;
    assert_eq!(bench.notes.all()[5..], ["begin", "stage +b@9", "commit 9"]);
    let seen = bench.server.seen();
    assert_eq!(short(&seen.last().unwrap().line), "WATCHLIST rv=", "the old version means nothing any more");
}

#[tokio::test(start_paused = true)]
async fn m2_a_kind_whose_server_is_down_is_a_failure_and_not_absent() {
    let bench = start(Script::new([]));
    let stale = r#"{"items":[{"metadata":{"name":"example.com"},"versions":[{"version":"v1","freshness":"Stale","resources":[]}]}]}"#;
    bench.server.serve(&[]);
    let content_type = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    bench.server.route("GET /apis", Answer::json(200, stale).with_header("content-type", content_type));
    seconds(30).await;
    let notes = bench.notes.all();
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].contains("example.com/v1 is not available"), "{notes:?}");
}

#[tokio::test(start_paused = true)]
async fn an_absent_kind_is_told_again_after_a_failure_was_told() {
    let bench = start(Script::new([]));
    bench.server.serve(&[]);
    seconds(40).await;
    bench.server.route("GET /apis", Answer::status(500, "InternalError"));
    bench.discovery.invalidate();
    seconds(40).await;
    let notes = bench.notes.all();
    assert!(notes.len() == 2 && notes[1].contains("discovery of /apis was refused"), "{notes:?}");
    bench.server.serve(&[]);
    seconds(100).await;
    assert_eq!(bench.notes.all()[2..], ["absent"], "the failure is over");
}

#[tokio::test(start_paused = true)]
async fn seven_forbidden_watches_delay_no_eighth() {
    let server = Script::new([]);
    server.serve(&[("v1", "configmaps", "ConfigMap", true), ("v1", "secrets", "Secret", true)]);
    let connection = server.connection();
    let reflector = Reflector::new(connection.clone(), Discovery::new(&connection), Settings::default());
    for _ in 0..100 {
        server.push(Answer::status(403, "Forbidden"));
    }
    let secret = || WatchSpec { kind: Kind::new("v1", "Secret"), ..spec() };
    let failing: Vec<_> = (0..7).map(|_| reflector.start(secret(), Notes::default())).collect();
    seconds(5).await;
    let notes = Notes::default();
    let healthy = Script::new([open([added("a", 1), initial_end(2), wait(100), modified("a", 3)])]);
    healthy.serve(&[("v1", "configmaps", "ConfigMap", true)]);
    let other = healthy.connection();
    let running = Reflector::new(other.clone(), Discovery::new(&other), Settings::default())
        .start(spec(), notes.clone());
    tokio::time::sleep(Duration::from_millis(100_010)).await;
    assert_eq!(notes.all(), ["begin", "stage +a@1", "commit 2", "change +a@3 = 3"]);
    drop((failing, running));
}

#[tokio::test(start_paused = true)]
async fn an_open_watch_ends_when_a_hint_shows_that_its_kind_went_and_stays_open_otherwise() {
    let bench = start(Script::new([open([initial_end(5), wait(20), added("a", 6)]), open([initial_end(9)])]));
    bench.server.serve(SERVED);
    seconds(10).await;
    bench.discovery.invalidate();
    seconds(15).await;
    assert_eq!(bench.notes.all(), ["begin", "commit 5", "change +a@6 = 6"]);
    assert_eq!(bench.server.seen().len(), 1, "the same stream goes on");
    bench.server.serve(&[]);
    bench.discovery.invalidate();
    seconds(5).await;
    assert_eq!(bench.notes.all()[3..], ["absent"]);
    bench.server.serve(RESCOPED);
    bench.discovery.invalidate();
    seconds(5).await;
    assert_eq!(bench.notes.all()[4..], ["begin", "commit 9"]);
}
