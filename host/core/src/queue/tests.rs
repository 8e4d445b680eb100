//! The queue's rules one by one, and W5 over random sequences.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use super::*;
use crate::outcome::{Trap, TrapKind};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

fn queue() -> RequestQueue {
    RequestQueue::new(Limits {
        requests_max: 1_000,
        backoff: Backoff { min: Duration::from_millis(5), max: Duration::from_secs(1_000) },
        ageing: Duration::from_secs(10),
    })
}

fn name(text: &str) -> ObjectName {
    ObjectName::namespaced("n", text)
}

fn ms(count: u64) -> Time {
    Time(count * 1_000)
}

fn add(queue: &mut RequestQueue, now: Time, text: &str, priority: Priority) {
    assert!(queue.add(now, name(text), priority, now, Reason::Changed));
}

fn end(queue: &mut RequestQueue, now: Time, name: &ObjectName, outcome: &Outcome) {
    if let Some(ticket) = queue.slots.find(name) {
        queue.done(now, ticket, outcome);
    }
}

fn drain(queue: &mut RequestQueue, now: Time) -> Vec<String> {
    std::iter::from_fn(|| queue.take(now)).map(|taken| taken.name.name.to_string()).collect()
}

fn retry() -> Outcome {
    Outcome::Retry { message: String::new(), after: None, explained: false }
}

#[test]
fn w2_p1_a_request_that_is_due_already_is_not_put_in_again() {
    let mut queue = queue();
    (0..3).for_each(|_| add(&mut queue, ms(0), "a", Priority::Live));
    assert_eq!((queue.ready(), queue.adds()), (1, 1));
}

#[test]
fn w4_w5_p5_changes_during_a_run_cause_exactly_one_more_run_after_it() {
    let mut queue = queue();
    add(&mut queue, ms(0), "a", Priority::Live);
    add(&mut queue, ms(0), "b", Priority::Live);
    assert_eq!(queue.take(ms(0)).unwrap().name, name("a"));
    (0..3).for_each(|_| add(&mut queue, ms(1), "a", Priority::Live));
    assert_eq!(queue.ready(), 1);
    end(&mut queue, ms(5), &name("a"), &Outcome::Done);
    assert_eq!(queue.take(ms(5)).unwrap().name, name("b"));
    let again = queue.take(ms(5)).unwrap();
    assert_eq!((again.name, again.waited), (name("a"), Duration::from_millis(4)));
    assert_eq!(queue.take(ms(5)), None);
    end(&mut queue, ms(6), &name("a"), &Outcome::Done);
    assert_eq!(drain(&mut queue, ms(9)), [""; 0]);
}

#[test]
fn w7_p2_of_two_delays_the_earlier_counts() {
    let mut queue = queue();
    for due in [30, 10, 20] {
        queue.add(ms(0), name("a"), Priority::Live, ms(due), Reason::Requeued);
    }
    assert_eq!(queue.due_next(), Some(ms(10)));
    queue.advance(ms(10));
    assert_eq!(drain(&mut queue, ms(10)), ["a"]);
    assert_eq!(queue.due_next(), None);
}

#[test]
fn p3_a_change_absorbs_the_delay_that_was_pending() {
    let mut queue = queue();
    queue.add(ms(0), name("a"), Priority::Requeued, ms(1_000), Reason::Requeued);
    add(&mut queue, ms(5), "a", Priority::Live);
    let taken = queue.take(ms(7)).unwrap();
    assert_eq!((taken.reason, taken.waited), (Reason::Changed, Duration::from_millis(2)));
    end(&mut queue, ms(8), &name("a"), &Outcome::Done);
    queue.advance(ms(2_000));
    assert_eq!(queue.take(ms(2_000)), None);
}

#[test]
fn p1_p2_strict_priority_first_in_first_out_and_a_raised_request_goes_to_the_tail() {
    let mut queue = queue();
    for (text, priority) in
        [("a", Priority::Low), ("b", Priority::Low), ("c", Priority::Live), ("d", Priority::Requeued)]
    {
        add(&mut queue, ms(0), text, priority);
    }
    add(&mut queue, ms(1), "a", Priority::Live);
    add(&mut queue, ms(1), "c", Priority::Low);
    assert_eq!(drain(&mut queue, ms(1)), ["c", "a", "d", "b"]);
}

#[test]
fn c4_a_retry_keeps_the_priority_of_its_run_and_what_asks_to_come_back_waits_for_changes() {
    let mut queue = queue();
    for (text, priority) in [("a", Priority::Live), ("b", Priority::Low), ("c", Priority::Live)] {
        add(&mut queue, ms(0), text, priority);
    }
    let runs: Vec<_> = std::iter::from_fn(|| queue.take(ms(0))).collect();
    let outcomes = [retry(), Outcome::RequeueAfter(Duration::from_millis(5)), retry()];
    for (run, outcome) in runs.iter().zip(&outcomes) {
        queue.done(ms(1), run.ticket, outcome);
    }
    // a and c ran first: a failed, c asks to come back, b failed.
    queue.advance(ms(10));
    add(&mut queue, ms(10), "d", Priority::Requeued);
    assert_eq!(drain(&mut queue, ms(10)), ["a", "c", "d", "b"]);
}

#[test]
fn p6_what_becomes_due_is_ordered_by_its_time() {
    let mut queue = queue();
    for (text, due) in [("a", 30), ("b", 10), ("c", 20)] {
        queue.add(ms(0), name(text), Priority::Live, ms(due), Reason::Requeued);
    }
    queue.advance(ms(15));
    add(&mut queue, ms(15), "d", Priority::Live);
    queue.advance(ms(40));
    assert_eq!(drain(&mut queue, ms(40)), ["b", "d", "c", "a"]);
}

#[test]
fn w8_c3_c5_each_outcome_means_what_it_says() {
    let trap = Outcome::Trapped(Trap { kind: TrapKind::Fault, message: String::new(), frames: Vec::new() });
    let after = |after| Outcome::Retry { message: String::new(), after: Some(after), explained: true };
    for (outcome, due, failures) in [
        (Outcome::Done, None, 0),
        (Outcome::RequeueAfter(Duration::from_millis(40)), Some(ms(140)), 0),
        (retry(), Some(ms(105)), 1),
        (trap, Some(ms(105)), 1),
        (after(Duration::from_millis(70)), Some(ms(170)), 1),
        (Outcome::Terminal { message: String::new(), explained: false }, None, 1),
        (Outcome::Abandoned, Some(ms(100)), 0),
    ] {
        let mut queue = queue();
        add(&mut queue, ms(0), "a", Priority::Live);
        queue.take(ms(0)).unwrap();
        end(&mut queue, ms(100), &name("a"), &outcome);
        let have = if queue.ready() > 0 { Some(ms(100)) } else { queue.due_next() };
        assert_eq!(have, due, "{outcome:?}");
        assert_eq!(queue.failing(), failures as usize, "{outcome:?}");
        add(&mut queue, ms(500), "a", Priority::Live);
        assert_eq!(queue.take(ms(500)).unwrap().failures, failures, "{outcome:?}");
    }
}

#[test]
fn w9_failures_in_a_row_double_the_delay_and_a_success_forgets_them() {
    let mut queue = queue();
    let mut now = ms(0);
    add(&mut queue, now, "a", Priority::Live);
    for want in [5, 10, 20, 40] {
        queue.take(now).unwrap();
        end(&mut queue, now, &name("a"), &retry());
        let due = queue.due_next().unwrap();
        assert_eq!(due.since(now), Duration::from_millis(want));
        now = due;
        queue.advance(now);
    }
    queue.take(now).unwrap();
    end(&mut queue, now, &name("a"), &Outcome::Done);
    assert!(queue.slots.tickets().is_empty());
}

#[test]
fn w10_changes_during_backoff_run_at_once_but_do_not_raise_the_counter() {
    let mut queue = queue();
    let mut now = ms(0);
    add(&mut queue, now, "a", Priority::Live);
    for _ in 0..4 {
        queue.advance(now);
        queue.take(now).unwrap();
        end(&mut queue, now, &name("a"), &retry());
        now = queue.due_next().unwrap();
    }
    let due = now;
    let start = Time(due.0 - 30_000);
    for step in 0..20 {
        let now = start + Duration::from_millis(step);
        add(&mut queue, now, "a", Priority::Live);
        assert_eq!(queue.take(now).unwrap().failures, 4, "a change does not wait for the backoff");
        end(&mut queue, now, &name("a"), &retry());
        assert_eq!(queue.due_next(), Some(due), "the backoff stands");
    }
}

#[test]
fn a_request_in_two_fights_is_held_back_for_the_longer_time() {
    let mut queue = queue();
    add(&mut queue, ms(0), "a", Priority::Live);
    queue.take(ms(0)).unwrap();
    queue.hold(ms(0), &name("a"), ms(8_000));
    queue.hold(ms(0), &name("a"), ms(1_000));
    add(&mut queue, ms(1), "a", Priority::Live);
    end(&mut queue, ms(2), &name("a"), &Outcome::Done);
    assert_eq!(queue.due_next(), Some(ms(8_000)));
    queue.let_go(ms(3), &name("a"));
    assert_eq!(drain(&mut queue, ms(3)), ["a"]);
}

#[test]
fn a_low_priority_does_not_starve_under_a_stream_of_changes() {
    let mut queue = queue();
    add(&mut queue, ms(0), "low", Priority::Low);
    let mut turns = 0;
    loop {
        let now = ms(10_000 + turns);
        add(&mut queue, now, &format!("live{turns}"), Priority::Live);
        let taken = queue.take(now).unwrap();
        if taken.name == name("low") {
            break;
        }
        turns += 1;
        assert!(turns < 20);
    }
    assert_eq!(turns, u64::from(TURNS_PER_LOW) - 1);
}

#[test]
fn a_full_queue_drops_and_counts_but_takes_in_what_it_holds_already() {
    let mut queue = queue();
    queue.limits.requests_max = 1;
    add(&mut queue, ms(0), "a", Priority::Low);
    assert!(!queue.add(ms(0), name("b"), Priority::Live, ms(0), Reason::Changed));
    add(&mut queue, ms(0), "a", Priority::Live);
    assert_eq!(queue.dropped(), 1);
}

#[test]
fn after_a_reload_everything_runs_again_and_what_runs_does_so_once_it_is_done() {
    let mut queue = queue();
    add(&mut queue, ms(0), "runs", Priority::Live);
    queue.take(ms(0)).unwrap();
    queue.add(ms(0), name("later"), Priority::Requeued, ms(3_600_000), Reason::Requeued);
    add(&mut queue, ms(0), "outside", Priority::Live);
    queue.reload(ms(1), &|one| *one != name("outside"));
    assert_eq!(drain(&mut queue, ms(1)), ["later"]);
    end(&mut queue, ms(2), &name("runs"), &Outcome::Done);
    assert_eq!(queue.take(ms(2)).unwrap().reason, Reason::Reloaded);
    queue.clear(ms(2));
    assert_eq!((queue.ready(), queue.waiting(), queue.running()), (0, 0, 2));
}

#[derive(Clone, Debug)]
enum Step {
    Add(u8, Priority, u64),
    Take,
    Done(u8, u8),
    Wait(u64),
    Reload,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let priority = prop_oneof![Just(Priority::Low), Just(Priority::Requeued), Just(Priority::Live)];
    let step = prop_oneof![
        4 => (0_u8..5, priority, prop_oneof![3 => Just(0), 1 => 1_u64..50]).prop_map(|(n, p, d)| Step::Add(n, p, d)),
        4 => Just(Step::Take),
        3 => (0_u8..5, 0_u8..6).prop_map(|(n, o)| Step::Done(n, o)),
        2 => (1_u64..60).prop_map(Step::Wait),
        1 => Just(Step::Reload),
    ];
    prop::collection::vec(step, 0..120)
}

proptest! {
    #[test]
    fn w1_w3_w5_never_twice_at_once_and_nothing_lost(steps in steps()) {
        let mut queue = queue();
        let mut now = ms(0);
        let mut running = BTreeSet::new();
        // When the oldest change came that no run has started after, and by when it was due.
        let mut owed: BTreeMap<ObjectName, Time> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Add(n, priority, delay) => {
                    let due = now + Duration::from_millis(delay);
                    queue.add(now, name(&n.to_string()), priority, due, Reason::Changed);
                    let owed = owed.entry(name(&n.to_string())).or_insert(due);
                    *owed = (*owed).min(due);
                }
                Step::Take => {
                    queue.advance(now);
                    if let Some(taken) = queue.take(now) {
                        prop_assert!(running.insert(taken.name.clone()), "{} runs twice", taken.name);
                        owed.remove(&taken.name);
                    } else {
                        let due = owed.iter().find(|(name, due)| **due <= now && !running.contains(*name));
                        prop_assert!(due.is_none(), "{due:?} is due and idle");
                    }
                }
                Step::Done(n, outcome) => {
                    let name = name(&n.to_string());
                    let outcome = match outcome {
                        0 => Outcome::Done,
                        1 => Outcome::RequeueAfter(Duration::from_millis(7)),
                        2 => retry(),
                        3 => Outcome::Terminal { message: String::new(), explained: false },
                        4 => Outcome::Abandoned,
                        _ => Outcome::Retry { message: String::new(), after: Some(Duration::from_millis(3)), explained: true },
                    };
                    end(&mut queue, now, &name, &outcome);
                    running.remove(&name);
                }
                Step::Wait(count) => now = now + Duration::from_millis(count),
                Step::Reload => queue.reload(now, &|_| true),
            }
            prop_assert_eq!(queue.running(), running.len());
            let slots = queue.slots.tickets().into_iter().map(|ticket| &queue.slots[ticket]);
            let failing = slots.filter(|slot| slot.failures > 0).count();
            prop_assert_eq!(queue.failing(), failing);
        }
        // Everything ends: whatever was put in has run since, and nothing is left behind.
        for name in std::mem::take(&mut running) {
            end(&mut queue, now, &name, &Outcome::Done);
        }
        for _ in 0..100 {
            now = queue.due_next().unwrap_or(now).max(now);
            queue.advance(now);
            let Some(taken) = queue.take(now) else { break };
            owed.remove(&taken.name);
            queue.done(now, taken.ticket, &Outcome::Done);
        }
        prop_assert_eq!(owed.len(), 0);
        let slots = queue.slots.tickets().into_iter().map(|ticket| &queue.slots[ticket]);
        prop_assert!(slots.into_iter().all(|slot| slot.pending.is_none()));
    }
}
