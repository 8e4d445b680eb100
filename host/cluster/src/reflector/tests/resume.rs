//! R9–R15: watches that end, in every way, and go on.

use super::*;

#[tokio::test(start_paused = true)]
async fn r14_a_clean_close_resumes_without_a_relist() {
    let run = check(
        vec![
            ("WATCHLIST rv=", stream([initial_end(5), wait(170)])),
            ("WATCH rv=5", stream([bookmark(8), wait(170)])),
            ("WATCH rv=8", stream([added("a", 9), wait(170)])),
            ("WATCH rv=9", open([])),
        ],
        &["begin", "commit 5", "bookmark 8", "change +a@9 = 9"],
    )
    .await;
    assert_eq!(
        run.times[3].as_secs(),
        510,
        "no backoff after a clean close, only some jitter as it came early"
    );
}

#[tokio::test(start_paused = true)]
async fn r14_a_close_at_the_time_that_was_asked_for_is_followed_at_once() {
    let bookmarks = || (1..=5).flat_map(|n| [bookmark(5 + n), wait(100)]);
    let settings = Settings { watch_timeout_min: Duration::from_secs(1), ..Settings::default() };
    let first = stream([initial_end(5)].into_iter().chain(bookmarks()));
    let run = run(settings, spec(), vec![("WATCHLIST rv=", first), ("WATCH rv=6", open([]))]).await;
    assert!(run.counters.idle.load(Ordering::Relaxed) == 1, "we end it ourselves when the server does not");
}

#[tokio::test(start_paused = true)]
async fn r14_a_watch_that_ends_at_once_and_empty_backs_off_and_relists() {
    let run = check(
        vec![
            ("WATCHLIST rv=", stream([initial_end(5), wait(170)])),
            ("WATCH rv=5", stream([])),
            ("WATCHLIST rv=5", open([initial_end(6)])),
        ],
        &["begin", "commit 5", "failed the watch ended at once and without an event", "begin", "commit 6"],
    )
    .await;
    assert!(run.times[2] - run.times[1] >= Duration::from_millis(800));
}

#[tokio::test(start_paused = true)]
async fn r14_a_very_short_watch_with_an_event_is_no_failure() {
    check(
        vec![
            ("WATCHLIST rv=", stream([initial_end(5), wait(170)])),
            ("WATCH rv=5", stream([added("a", 6)])),
            ("WATCH rv=6", open([])),
        ],
        &["begin", "commit 5", "change +a@6 = 6"],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn r11_every_event_moves_the_version_and_a_broken_stream_resumes_there() {
    let half = Part::Text(r#"{"type":"MODIFIED","object":{"metadata":{"na"#.to_owned());
    check(
        vec![
            (
                "WATCHLIST rv=",
                stream([initial_end(5), added("a", 6), deleted("b", 7), wait(2), half, Part::Break]),
            ),
            ("WATCH rv=7", open([modified("a", 8)])),
        ],
        &["begin", "commit 5", "change +a@6 -b@7 = 7", "change +a@8 = 8"],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn r10_a_watch_that_cannot_start_for_load_or_connection_keeps_its_place() {
    for refusal in [Answer::status(429, "TooManyRequests"), Answer::Reset] {
        let run = run(
            Settings::default(),
            spec(),
            vec![
                ("WATCHLIST rv=", stream([initial_end(5), wait(170)])),
                ("WATCH rv=5", refusal.clone()),
                ("WATCH rv=5", refusal),
                ("WATCH rv=5", open([added("a", 6)])),
            ],
        )
        .await;
        assert_eq!(run.notes.len(), 4, "told once: {:?}", run.notes);
        assert!(run.times[2] - run.times[1] >= Duration::from_millis(800));
        assert!(run.times[3] - run.times[2] >= Duration::from_millis(1600));
    }
}

#[tokio::test(start_paused = true)]
async fn r10_retry_after_is_honoured() {
    let busy = Answer::status(429, "TooManyRequests").with_header("retry-after", "17");
    let run = check(
        vec![
            ("WATCHLIST rv=", stream([initial_end(5), wait(170)])),
            ("WATCH rv=5", busy),
            ("WATCH rv=5", open([])),
        ],
        &["begin", "commit 5", "failed refused 429 TooManyRequests"],
    )
    .await;
    assert_eq!((run.times[2] - run.times[1]).as_secs(), 17);
}

#[tokio::test(start_paused = true)]
async fn r10_any_other_refusal_of_a_watch_relists_also_http_410() {
    for (code, reason) in [(410, "Expired"), (403, "Forbidden"), (500, "InternalError")] {
        check(
            vec![
                ("WATCHLIST rv=", stream([initial_end(5), wait(170)])),
                ("WATCH rv=5", Answer::status(code, reason)),
                ("WATCHLIST rv=5", open([initial_end(6)])),
            ],
            &["begin", "commit 5", &format!("failed refused {code} {reason}"), "begin", "commit 6"],
        )
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn r13_an_error_event_ends_the_watch_and_its_code_says_how_to_go_on() {
    for (code, reason, next) in [
        (410, "Expired", "WATCHLIST rv=6"),
        (500, "InternalError", "WATCHLIST rv=6"),
        (429, "TooManyRequests", "WATCH rv=6"),
    ] {
        let first = stream([initial_end(5), added("a", 6), error(code, reason), modified("a", 7)]);
        let run =
            run(Settings::default(), spec(), vec![("WATCHLIST rv=", first), (next, open([initial_end(8)]))])
                .await;
        let want = ["begin", "commit 5", "change +a@6 = 6", &format!("failed refused {code} {reason}")];
        assert_eq!(run.notes[..4], want, "nothing after the ERROR counts");
    }
}

#[tokio::test(start_paused = true)]
async fn r15_what_is_no_object_is_skipped_and_counted_and_the_watch_goes_on() {
    let run = check(
        vec![(
            "WATCHLIST rv=",
            open([
                initial_end(5),
                Part::Text("not json\n".to_owned()),
                Part::Text("{\"type\":\"ADDED\",\"object\":{\"metadata\":{}}}\n".to_owned()),
                Part::Text("{\"type\":\"STRANGE\",\"object\":{}}\n".to_owned()),
                added("a", 6),
            ]),
        )],
        &["begin", "commit 5", "change +a@6 = 6"],
    )
    .await;
    assert_eq!(run.counters.skipped.load(Ordering::Relaxed), 3);
}

#[tokio::test(start_paused = true)]
async fn a_watch_from_which_nothing_comes_is_begun_anew_at_its_place() {
    let run = check(
        vec![("WATCHLIST rv=", open([initial_end(5)])), ("WATCH rv=5", open([]))],
        &["begin", "commit 5"],
    )
    .await;
    assert_eq!(run.times[1], Duration::from_secs(180));
    assert_eq!(run.counters.idle.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn r14_a_stream_cut_after_events_is_told_to_nobody_and_relists_nothing() {
    check(
        vec![
            ("WATCHLIST rv=", stream([initial_end(5), wait(2), Part::Break])),
            ("WATCH rv=5", stream([added("a", 6), Part::Break])),
            ("WATCH rv=6", open([])),
        ],
        &["begin", "commit 5", "change +a@6 = 6"],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn fifty_watches_that_end_together_come_back_one_after_the_other() {
    for end in [Part::Break, Part::Text(String::new())] {
        let lists = (0..50).map(|_| stream([initial_end(5), wait(2), end.clone()]));
        let server = Script::new(lists.chain((0..50).map(|_| open([]))));
        server.serve(&[("v1", "configmaps", "ConfigMap", true)]);
        let connection = server.connection();
        let reflector = Reflector::new(connection.clone(), Discovery::new(&connection), Settings::default());
        let _running: Vec<_> = (0..50).map(|_| reflector.start(spec(), Notes::default())).collect();
        tokio::time::sleep(Duration::from_secs(4)).await;
        let seen = server.seen();
        assert_eq!(seen.len(), 100);
        let times: Vec<_> = seen[50..].iter().map(|seen| seen.at).collect();
        let within = |from: &Instant, at: &Instant| at >= from && *at - *from < Duration::from_millis(40);
        let most = times.iter().map(|from| times.iter().filter(|at| within(from, at)).count()).max();
        assert!(most < Some(30), "{most:?} of 50 came within 40 ms");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_watch_did_is_counted_and_why_it_listed_anew() {
    let run = run(
        Settings::default(),
        spec(),
        vec![
            ("WATCHLIST rv=", stream([added("x", 1), initial_end(5), added("a", 6), wait(2), Part::Break])),
            ("WATCH rv=6", stream([modified("a", 7), deleted("a", 8), bookmark(9), error(410, "Expired")])),
            ("WATCHLIST rv=9", stream([initial_end(10), wait(2)])),
            ("WATCH rv=10", stream([])),
            ("WATCHLIST rv=10", open([initial_end(11)])),
        ],
    )
    .await;
    let read = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    let counted = &run.counters;
    assert_eq!((read(&counted.watch_lists), read(&counted.watches), read(&counted.lists)), (3, 2, 0));
    assert_eq!((read(&counted.items), read(&counted.upserts), read(&counted.deletes)), (1, 2, 1));
    assert_eq!((read(&counted.bookmarks), read(&counted.errors)), (1, 1));
    assert_eq!((read(&counted.reconnects), read(&counted.short_watches)), (2, 1));
    let spreads = &counted.spreads;
    assert_eq!((spreads.list_time.count(), spreads.watch_time.count()), (3, 4));
    assert_eq!((spreads.list_items.count(), spreads.list_items.sum()), (3, 1.0));
    // What came after a first list's end is of the watch that it becomes; errors are events too.
    assert_eq!((spreads.watch_items.count(), spreads.watch_items.sum()), (4, 5.0));
    let relists: Vec<_> = counted.relists().into_iter().filter(|(_, count)| *count > 0).collect();
    assert_eq!(relists, [("expired", 1), ("short_watch", 1)]);
}

#[tokio::test(start_paused = true)]
async fn many_events_come_in_slices() {
    let events: String = (0..600)
        .map(|n| match added(&format!("n{n}"), n + 10) {
            Part::Text(text) => text,
            _ => String::new(),
        })
        .collect();
    let run =
        run(Settings::default(), spec(), vec![("WATCHLIST rv=", open([initial_end(5), Part::Text(events)]))])
            .await;
    let sizes: Vec<usize> = run
        .notes
        .iter()
        .filter(|note| note.starts_with("change"))
        .map(|note| note.matches('+').count())
        .collect();
    assert_eq!(sizes.iter().sum::<usize>(), 600);
    assert!(sizes.iter().all(|size| *size <= 256), "{sizes:?}");
}
