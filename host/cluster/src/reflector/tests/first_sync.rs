//! R2–R8, R16, R19, R20: WatchList, LIST, pages.

use super::*;

#[tokio::test(start_paused = true)]
async fn r16_the_first_list_over_a_watch_is_committed_at_its_last_bookmark_and_the_stream_goes_on() {
    let first =
        open([added("a", 3), added("b", 1), modified("a", 4), bookmark(4), initial_end(5), modified("a", 6)]);
    check(vec![("WATCHLIST rv=", first)], &["begin", "stage +a@3 +b@1 +a@4", "commit 5", "change +a@6 = 6"])
        .await;
}

#[tokio::test(start_paused = true)]
async fn r16_an_unfinished_first_list_is_void_and_begun_anew() {
    for cut in [Part::Break, Part::Text(String::new())] {
        check(
            vec![
                ("WATCHLIST rv=", stream([added("a", 3), wait(2), cut])),
                ("WATCHLIST rv=", open([added("b", 4), initial_end(5)])),
            ],
            &[
                "begin",
                "stage +a@3",
                "failed the first list over the watch ended before it was complete",
                "begin",
                "stage +b@4",
                "commit 5",
            ],
        )
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn r2_a_server_without_watch_list_is_listed_and_r3_from_its_watch_cache() {
    check(
        vec![
            ("WATCHLIST rv=", Answer::status(422, "Invalid")),
            ("LIST rv=0 limit=500", list(&[("a", 3), ("b", 4)], 5, "")),
            ("WATCH rv=5", open([deleted("a", 6)])),
        ],
        &["begin", "stage +a@3 +b@4", "commit 5", "change -a@6 = 6"],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn r19_a_server_that_refuses_watch_list_for_load_is_listed_after_three_attempts() {
    let busy = || Answer::status(429, "TooManyRequests");
    check(
        vec![
            ("WATCHLIST rv=", busy()),
            ("WATCHLIST rv=", busy()),
            ("WATCHLIST rv=", busy()),
            ("LIST rv=0 limit=500", list(&[], 5, "")),
            ("WATCH rv=5", open([])),
        ],
        &["failed refused 429 TooManyRequests", "begin", "commit 5"],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn r5_pages_are_staged_one_after_the_other_and_committed_together() {
    let run = check_list(
        vec![
            ("LIST rv=0 limit=500", list(&[("a", 1)], 5, "t1")),
            ("LIST rv= limit=500 continue=t1", list(&[("b", 2)], 5, "t2")),
            ("LIST rv= limit=500 continue=t2", list(&[("c", 3)], 5, "")),
            ("WATCH rv=5", stream([error(410, "Expired")])),
            // R5: a server without a watch cache is asked for pages at any version.
            ("LIST rv=5 limit=500", list(&[("c", 3)], 9, "")),
            ("WATCH rv=9", open([])),
        ],
        &[
            "begin",
            "stage +a@1",
            "stage +b@2",
            "stage +c@3",
            "commit 5",
            "failed refused 410 Expired",
            "begin",
            "stage +c@3",
            "commit 9",
        ],
    )
    .await;
    assert_eq!(run.counters.lists.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn r3_a_relist_never_goes_back_in_time() {
    check_list(
        vec![
            ("LIST rv=0 limit=500", list(&[("a", 3)], 5, "")),
            ("WATCH rv=5", stream([modified("a", 8), error(410, "Expired")])),
            ("LIST rv=8", list(&[("a", 8)], 9, "")),
            ("WATCH rv=9", open([])),
        ],
        &[
            "begin",
            "stage +a@3",
            "commit 5",
            "change +a@8 = 8",
            "failed refused 410 Expired",
            "begin",
            "stage +a@8",
            "commit 9",
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn r8_a_list_is_committed_whole_at_its_version_and_the_watch_goes_on_from_there() {
    check_list(
        vec![
            // The list's version, not an item's; nothing is committed of a list that breaks off.
            ("LIST rv=0 limit=500", stream([Part::Text(r#"{"metadata":{"resourceVersion":"4"},"items":[{"metadata":{"name":"z","resourceVersion":"1"}}"#.to_owned()), Part::Break])),
            ("LIST rv=0 limit=500", list(&[("a", 3), ("b", 2)], 5, "")),
            ("WATCH rv=5", open([])),
        ],
        &["begin", "stage +z@1", "failed transport Broken", "begin", "stage +a@3 +b@2", "commit 5"],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn r12_the_first_events_of_a_watch_are_in_no_order_and_move_no_version() {
    check(
        vec![
            // From "", as every watch without a version: ADDED a@9 comes before b@3, and then it breaks.
            ("WATCHLIST rv=", stream([added("a", 9), added("b", 3), wait(2), Part::Break])),
            ("WATCHLIST rv=", stream([added("a", 9), added("b", 3), initial_end(12), wait(2), Part::Break])),
            ("WATCH rv=12", open([])),
        ],
        &[
            "begin",
            "stage +a@9 +b@3",
            "failed the first list over the watch ended before it was complete",
            "begin",
            "stage +a@9 +b@3",
            "commit 12",
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn r6_an_expired_page_token_leads_to_one_whole_list() {
    check_list(
        vec![
            ("LIST rv=0 limit=500", list(&[("a", 1)], 5, "t1")),
            ("LIST rv= limit=500 continue=t1", Answer::status(410, "Expired")),
            ("LIST rv=0", list(&[("a", 1), ("b", 6)], 7, "")),
            ("WATCH rv=7", open([])),
        ],
        &["begin", "stage +a@1", "begin", "stage +a@1 +b@6", "commit 7"],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn r7_a_version_that_the_server_lacks_leads_to_a_consistent_list_at_once() {
    let too_large = || Answer::json(504, status(504, "Timeout", "Too large resource version: 9, current: 3"));
    for refusal in [Answer::status(410, "Expired"), Answer::status(410, "Gone"), too_large()] {
        let run = check_list(
            vec![
                ("LIST rv=0 limit=500", list(&[], 9, "")),
                ("WATCH rv=9", stream([error(410, "Expired")])),
                ("LIST rv=9", refusal),
                ("LIST rv= limit=500", list(&[("a", 2)], 3, "")),
                ("WATCH rv=3", stream([wait(2), error(410, "Expired")])),
                // A list that worked clears it.
                ("LIST rv=3", list(&[("a", 2)], 4, "")),
                ("WATCH rv=4", open([])),
            ],
            &[
                "begin",
                "commit 9",
                "failed refused 410 Expired",
                "begin",
                "stage +a@2",
                "commit 3",
                "failed refused 410 Expired",
                "begin",
                "stage +a@2",
                "commit 4",
            ],
        )
        .await;
        assert_eq!(run.times[3], run.times[2]);
    }
}

#[tokio::test(start_paused = true)]
async fn r7_a_watch_list_at_a_version_that_the_server_lacks_is_asked_for_anew_at_once() {
    check(
        vec![
            ("WATCHLIST rv=", open([initial_end(9), error(410, "Expired")])),
            ("WATCHLIST rv=9", Answer::status(410, "Expired")),
            ("WATCHLIST rv=", open([added("a", 2), initial_end(3)])),
        ],
        &["begin", "commit 9", "failed refused 410 Expired", "begin", "stage +a@2", "commit 3"],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn r1_a_list_that_always_fails_backs_off_to_half_a_minute() {
    let script = (0..12).map(|_| ("LIST rv=0 limit=500", Answer::status(403, "Forbidden"))).collect();
    let run = check_list(script, &["failed refused 403 Forbidden"]).await;
    let gaps: Vec<_> = run.times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps[0] >= Duration::from_millis(800) && gaps[0] < Duration::from_millis(1620), "{gaps:?}");
    assert!(gaps[10] >= Duration::from_secs(30) && gaps[10] < Duration::from_secs(61), "{gaps:?}");
}

/// The last of the requests of a watch that is answered so.
async fn asked(spec: WatchSpec, answers: Vec<Answer>) -> crate::script::Seen {
    let count = answers.len();
    let server = Script::new(answers);
    server.serve(&[("v1", "configmaps", "ConfigMap", true)]);
    let connection = server.connection();
    let reflector = Reflector::new(connection.clone(), Discovery::new(&connection), Settings::default());
    let running = reflector.start(spec, Notes::default());
    while server.seen().len() < count {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    running.stop();
    server.seen()[count - 1].clone()
}

fn assert_asks(seen: &crate::script::Seen, parts: &[&str]) {
    let (_, query) = seen.line.split_once('?').unwrap();
    for part in parts {
        assert!(query.split('&').any(|one| one == *part), "{part} is not in {query}");
    }
    let timeout = query.split('&').find_map(|one| one.strip_prefix("timeoutSeconds=")).unwrap();
    assert!((300..=600).contains(&timeout.parse::<u32>().unwrap()), "{timeout}");
}

#[tokio::test(start_paused = true)]
async fn r4_the_first_watch_asks_for_initial_events_not_older_than_what_is_held() {
    let initial = [
        "watch=true",
        "allowWatchBookmarks=true",
        "sendInitialEvents=true",
        "resourceVersionMatch=NotOlderThan",
    ];
    let first = asked(spec(), vec![open([initial_end(1)])]).await;
    assert_asks(&first, &initial);
    assert!(!first.line.contains("resourceVersion="), "a consistent read: {}", first.line);
    let again = stream([initial_end(5), error(410, "Expired")]);
    let again = asked(spec(), vec![again, open([initial_end(6)])]).await;
    assert_asks(&again, &initial);
    assert_asks(&again, &["resourceVersion=5"]);
}

#[tokio::test(start_paused = true)]
async fn r9_a_watch_goes_on_from_what_is_held_with_bookmarks_for_5_to_10_minutes() {
    let seen = asked(spec(), vec![stream([initial_end(5), wait(2), Part::Break]), open([])]).await;
    assert_asks(&seen, &["watch=true", "allowWatchBookmarks=true", "resourceVersion=5"]);
    assert!(!seen.line.contains("sendInitialEvents"), "{}", seen.line);
}

#[tokio::test(start_paused = true)]
async fn r20_watches_refuse_compression_and_ask_for_what_is_selected() {
    let mut spec = spec();
    spec.metadata_only = true;
    spec.selection.namespaces = vec!["prod".into()];
    spec.selection.labels = Some(windlass_core::selector::Selector::parse("app in (a,b),!x").unwrap());
    spec.selection.fields = Some("metadata.name=a".into());
    let seen = asked(spec, vec![open([initial_end(1)])]).await;
    assert_eq!(seen.headers["accept-encoding"], "identity");
    assert!(seen.headers["accept"].to_str().unwrap().contains("as=PartialObjectMetadata;"));
    assert!(seen.line.starts_with("GET /api/v1/namespaces/prod/configmaps?"), "{}", seen.line);
    assert_asks(&seen, &["labelSelector=app%20in%20%28a%2Cb%29%2C%21x", "fieldSelector=metadata.name%3Da"]);
}
