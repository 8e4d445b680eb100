//! Hands without anything else: orders are little programs, and their ends tell their numbers.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use super::*;
use futures::FutureExt as _;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use tokio::{
    sync::Notify,
    task::yield_now,
    time::{advance, sleep},
};

#[derive(Default)]
struct Program {
    go_on: Arc<Notify>,
    begun: Mutex<Vec<u32>>,
    at_once: AtomicUsize,
    at_once_max: AtomicUsize,
    over: Arc<Notify>,
}

enum Step {
    Nothing,
    /// For long, without waiting for anything.
    Computes,
    Waits,
    Sleeps(Duration),
}

impl Work for Program {
    type Order = (u32, Step);
    type End = u32;

    async fn carry_out(&self, (number, step): Self::Order) -> u32 {
        self.begun.lock().unwrap().push(number);
        let now = self.at_once.fetch_add(1, SeqCst) + 1;
        self.at_once_max.fetch_max(now, SeqCst);
        match step {
            Step::Nothing => {}
            // At its first poll, the only one, the clock goes on.
            Step::Computes => advance(END_WAITS_MAX * 2).now_or_never().unwrap_or_default(),
            Step::Waits => self.go_on.notified().await,
            Step::Sleeps(time) => sleep(time).await,
        }
        self.at_once.fetch_sub(1, SeqCst);
        number
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.over.notify_one();
    }
}

/// As a task among others, as the driver is.
async fn driver(work: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(work).await.unwrap();
}

fn ends(hands: &Hands<Program>) -> Vec<u32> {
    let mut ends = Vec::new();
    hands.ends(&mut ends);
    ends
}

fn give(hands: &mut Hands<Program>, orders: impl IntoIterator<Item = (u32, Step)>) {
    orders.into_iter().for_each(|order| hands.give(order));
    hands.begin();
}

#[tokio::test(start_paused = true)]
async fn orders_are_begun_in_turn_and_the_driver_is_called_when_few_are_left() {
    driver(async {
        let mut hands = Hands::new(Program::default());
        give(&mut hands, (0..16).map(|number| (number, Step::Nothing)));
        hands.called().await;
        assert_eq!(ends(&hands), Vec::from_iter(0..15), "one thread, so fewer than two are left");
        hands.over().await;
        assert_eq!(ends(&hands), [15]);
        assert_eq!(*hands.work().begun.lock().unwrap(), Vec::from_iter(0..16));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_end_does_not_wait_for_long_while_there_are_orders() {
    driver(async {
        let mut hands = Hands::new(Program::default());
        give(&mut hands, (0..16).map(|number| (number, Step::Computes)));
        hands.called().await;
        assert_eq!(ends(&hands), [0, 1], "the second end tells that the first one waits");
        hands.over().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_order_that_waits_holds_up_no_other_one() {
    let mut hands = Hands::new(Program::default());
    let waiting = (0..3).map(|number| (number, Step::Waits));
    give(&mut hands, waiting.chain((3..6).map(|number| (number, Step::Nothing))));
    while hands.work().begun.lock().unwrap().len() < 6 {
        yield_now().await;
    }
    hands.called().await;
    assert_eq!(ends(&hands), [3, 4, 5]);
    hands.work().go_on.notify_waiters();
    hands.over().await;
    assert_eq!(ends(&hands), [0, 1, 2]);
    assert_eq!(hands.shared.lock().idle.len(), 1, "hands that are not needed any more are gone");
    assert_eq!(hands.shared.lock().at_work, 0);
}

#[tokio::test(start_paused = true)]
async fn hands_end_with_the_driver_and_orders_that_nobody_began_are_dropped() {
    let program = Program::default();
    let (over, go_on) = (program.over.clone(), program.go_on.clone());
    let mut hands = Hands::new(program);
    give(&mut hands, [(0, Step::Nothing)]);
    hands.over().await;
    give(&mut hands, [(1, Step::Waits)]);
    while hands.work().begun.lock().unwrap().len() < 2 {
        yield_now().await;
    }
    give(&mut hands, (2..9).map(|number| (number, Step::Nothing)));
    drop(hands);
    yield_now().await;
    go_on.notify_one();
    over.notified().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_order_comes_to_one_end_on_many_threads() {
    const ORDERS: u32 = 5_000;
    let mut hands = Hands::new(Program::default());
    let (mut given, mut ended) = (0, Vec::new());
    while ended.len() < ORDERS as usize {
        let room = (ended.len() as u32 + 40).min(ORDERS);
        give(&mut hands, (given..room).map(|number| (number, step(number))));
        given = given.max(room);
        hands.called().await;
        hands.ends(&mut ended);
    }
    hands.over().await;
    ended.sort_unstable();
    assert_eq!(ended, Vec::from_iter(0..ORDERS));
    assert!(hands.work().at_once_max.load(SeqCst) > 1);
    let table = hands.shared.lock();
    assert!(table.at_work + table.idle.len() <= 4, "as many hands as threads");
}

fn step(number: u32) -> Step {
    match number % 7 {
        0 => Step::Sleeps(Duration::from_micros(u64::from(number % 11) * 50)),
        _ => Step::Nothing,
    }
}
