//! Chaos: reflectors, cache, interest and queue against a server with faults, under a clock that jumps.
//!
//! A seed decides everything: the modules, the writes, the faults, how runs end. After the faults stop, the cache must
//! equal a LIST, and each change must have led to a run that began after it. A seed that fails is told with what was
//! done and injected; `WINDLASS_CHAOS_SEED=… cargo test -p windlass-cluster --test chaos` runs it again.
//! `WINDLASS_CHAOS_SEEDS` says how many seeds, `WINDLASS_CHAOS_FIRST` which is the first.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod counting;
mod driver;
mod ledger;
mod model;
mod modules;
mod oracle;
mod sink;
mod truth;
mod workload;
mod world;

use std::{
    cell::RefCell,
    sync::{
        Mutex, Once,
        atomic::{AtomicU64, Ordering},
    },
};
use world::{Report, World, profile};

/// Seeds of a run without settings.
const SEEDS: u64 = 1_000;
/// Seeds that are told in full when they fail.
const TOLD_MAX: usize = 2;
/// Lines of the log that are told, from its end.
const LINES_MAX: usize = 400;

thread_local! {
    /// Panics of tasks on this thread: tokio keeps them to itself.
    static PANICS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

fn remember_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANICS.with_borrow_mut(|panics| panics.push(panic.to_string()));
            before(panic);
        }));
    });
}

/// One seed in a runtime of its own.
fn run(seed: u64) -> Report {
    PANICS.take();
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let world =
        std::panic::AssertUnwindSafe(|| runtime.block_on(async { World::new(seed).await.run().await }));
    let report = std::panic::catch_unwind(world);
    let mut report = report.unwrap_or_else(|_| Report { problems: Vec::new(), log: Vec::new(), runs: 0 });
    // Oracle: nothing panics.
    report.problems.extend(PANICS.take());
    report
}

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

fn tell(seed: u64, report: &Report) -> String {
    let hidden = report.log.len().saturating_sub(LINES_MAX);
    format!(
        "seed {seed}, profile {}; again: WINDLASS_CHAOS_SEED={seed} cargo test -p windlass-cluster --test chaos\n\
         what is wrong:\n  {}\nwhat happened (the last of {} lines):\n{}\n",
        profile(seed).name(),
        report.problems.join("\n  "),
        report.log.len(),
        report.log[hidden..].join("\n"),
    )
}

#[test]
fn after_any_faults_the_cache_is_a_list_and_each_change_led_to_a_run() {
    remember_panics();
    let (first, count) = match setting("WINDLASS_CHAOS_SEED") {
        Some(seed) => (seed, 1),
        None => {
            (setting("WINDLASS_CHAOS_FIRST").unwrap_or(1), setting("WINDLASS_CHAOS_SEEDS").unwrap_or(SEEDS))
        }
    };
    let next = AtomicU64::new(first);
    let failed = Mutex::new(Vec::new());
    let ran = AtomicU64::new(0);
    let worker = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + count {
                return;
            }
            let report = run(seed);
            ran.fetch_add(report.runs, Ordering::Relaxed);
            if !report.problems.is_empty() {
                failed.lock().unwrap().push((seed, report));
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(worker);
        }
    });
    let mut failed = failed.into_inner().unwrap();
    failed.sort_by_key(|(seed, _)| *seed);
    let first = |(seed, report): &(u64, Report)| {
        format!("  {seed}: {}\n", report.problems.first().map_or("", |problem| problem.as_str()))
    };
    let seeds: String = failed.iter().map(first).collect();
    let told: Vec<_> = failed.iter().take(TOLD_MAX).map(|(seed, report)| tell(*seed, report)).collect();
    assert!(failed.is_empty(), "{} of {count} seeds failed:\n{seeds}\n{}", failed.len(), told.join("\n"));
    assert!(ran.load(Ordering::Relaxed) > count * 10, "hardly anything ran: the test tests nothing");
}

#[test]
fn a_seed_does_the_same_again() {
    remember_panics();
    // One of each profile.
    for seed in 4..9 {
        let (one, two) = (run(seed), run(seed));
        assert!(one.log.len() > 20, "{:?}", one.log);
        let differs = one.log.iter().zip(&two.log).find(|(one, two)| one != two);
        assert_eq!((differs, one.log.len()), (None, two.log.len()), "seed {seed}");
    }
}
