//! Servers that are not ready, refuse, or are slow with one kind: R21, 403.

use super::*;

/// What a real server says for a while after a CRD has come.
fn initializing() -> Answer {
    let body = status(429, "TooManyRequests", "storage is (re)initializing");
    Answer::json(429, body).with_header("retry-after", "1")
}

#[tokio::test(start_paused = true)]
async fn r21_a_server_whose_watch_cache_is_filling_is_waited_for_without_a_word() {
    let run = check(
        vec![
            ("WATCHLIST rv=", Answer::status(404, "NotFound")),
            ("WATCHLIST rv=", initializing()),
            ("WATCHLIST rv=", initializing()),
            ("WATCHLIST rv=", initializing()),
            ("LIST rv=0 limit=500", initializing()),
            ("WATCHLIST rv=", stream([initial_end(5), wait(2), Part::Break])),
            ("WATCH rv=5", initializing()),
            ("WATCH rv=5", initializing()),
            ("WATCH rv=5", open([added("a", 6)])),
        ],
        &["begin", "commit 5", "change +a@6 = 6"],
    )
    .await;
    assert!(run.times[4] >= Duration::from_millis(2400), "it backs off all the same: {:?}", run.times);
}

#[tokio::test(start_paused = true)]
async fn r21_a_server_that_never_gets_ready_is_told_in_the_end() {
    let script = (0..8).map(|_| ("LIST rv=0 limit=500", initializing())).collect();
    check_list(script, &["failed refused 429 TooManyRequests"]).await;
}

#[tokio::test(start_paused = true)]
async fn the_first_list_of_a_kind_holds_up_no_other() {
    let server = Script::new([Answer::Silence, open([added("a", 1), initial_end(2)])]);
    server.serve(&[("v1", "configmaps", "ConfigMap", true)]);
    let connection = server.connection();
    let reflector = Reflector::new(connection.clone(), Discovery::new(&connection), Settings::default());
    let notes = [Notes::default(), Notes::default()];
    let _running = notes.clone().map(|notes| reflector.start(spec(), notes));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(notes[0].all(), Vec::<String>::new());
    assert_eq!(notes[1].all(), ["begin", "stage +a@1", "commit 2"]);
}

#[tokio::test(start_paused = true)]
async fn a_forbidden_watch_says_which_rule_the_host_lacks_and_where() {
    for (namespaces, role) in [(vec![], "a ClusterRole"), (vec!["prod".into()], "a Role in namespace prod")] {
        let server = Script::new([Answer::status(403, "Forbidden"), Answer::status(403, "Forbidden")]);
        server.serve(&[("apps/v1", "deployments", "Deployment", true)]);
        let connection = server.connection();
        let reflector = Reflector::new(connection.clone(), Discovery::new(&connection), Settings::default());
        let selection = Selection { namespaces, ..Selection::default() };
        let spec = WatchSpec { kind: Kind::new("apps/v1", "Deployment"), selection, ..spec() };
        let told = reflector.list_at(&spec, "5").await.unwrap_err();
        assert_eq!(told.code(), Some(403));
        let rule = format!(
            "{role} with {{apiGroups: [\"apps\"], resources: [deployments], verbs: [get, list, watch]}}"
        );
        assert!(told.to_string().contains(&rule), "{told}");
    }
}
