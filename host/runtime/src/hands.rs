//! Hands carry out what the driver orders: as many at work as the runtime has threads, each one order after the other.
//!
//! *Flow.* The driver gives orders; a hand takes the oldest, carries it out and puts down what came of it, and the driver
//! is woken for many ends at once: while there are orders enough to keep the hands busy, it has nothing to add. *Why not
//! a task for each order.* It would be made on the driver's thread and given back on another one, which takes the
//! allocator's lock of that thread, and it would wake the driver, with all that it decides by, on one thread after the
//! other: a tenth of a small run on two processors. *Guarantees.* Orders are begun in the order in which they were given.
//! A hand whose order waits for something leaves its place to another one, so no order waits for more than a thread.
//! *Assumption.* To carry out an order does not panic.

use std::{
    collections::VecDeque,
    future::poll_fn,
    mem,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};
use tokio::{runtime::Handle, time::Instant};

/// With fewer orders left for each hand, the driver is asked for more.
const ORDERS_LEFT_MIN: usize = 2;

/// So long an end may wait for the driver while there are orders left.
const END_WAITS_MAX: Duration = Duration::from_millis(1);

/// What hands do.
pub(crate) trait Work: Send + Sync + 'static {
    /// What is to be done.
    type Order: Send + 'static;
    /// What came of it.
    type End: Send + 'static;

    /// Carries out an order.
    fn carry_out(&self, order: Self::Order) -> impl Future<Output = Self::End> + Send;
}

/// The driver's side. The hands end when it is dropped, each after what it is about.
pub(crate) struct Hands<W: Work> {
    shared: Arc<Shared<W>>,
    /// Given, and not yet begun by [`Hands::begin`].
    given: Vec<W::Order>,
}

struct Shared<W: Work> {
    work: W,
    threads: usize,
    table: Mutex<Table<W>>,
}

/// What lies between the driver and the hands.
struct Table<W: Work> {
    orders: VecDeque<W::Order>,
    ends: Vec<W::End>,
    /// Since when the first of the ends lies there.
    waits_since: Instant,
    /// Given, and their end not put down.
    under_way: usize,
    driver: Driver,
    /// Hands that carry out an order which does not wait, or are about to take one.
    at_work: usize,
    /// Hands with nothing to do, the last one first to be called.
    idle: Vec<(u64, Waker)>,
    hand_last: u64,
    closed: bool,
}

enum Driver {
    /// It is called when there is reason to.
    Waits(Waker),
    /// It was called, or there was reason to while it was busy.
    Called,
    Busy,
}

impl<W: Work> Hands<W> {
    /// Within a runtime: its threads are what there is to be used.
    pub(crate) fn new(work: W) -> Self {
        let table = Table {
            orders: VecDeque::new(),
            ends: Vec::new(),
            waits_since: Instant::now(),
            under_way: 0,
            driver: Driver::Busy,
            at_work: 0,
            idle: Vec::new(),
            hand_last: 0,
            closed: false,
        };
        let threads = Handle::current().metrics().num_workers().max(1);
        Self { shared: Arc::new(Shared { work, threads, table: Mutex::new(table) }), given: Vec::new() }
    }

    pub(crate) fn work(&self) -> &W {
        &self.shared.work
    }

    /// Gives an order, which is begun with the next [`Hands::begin`].
    pub(crate) fn give(&mut self, order: W::Order) {
        self.given.push(order);
    }

    /// Lets the hands begin what was given.
    pub(crate) fn begin(&mut self) {
        if self.given.is_empty() {
            return;
        }
        let mut table = self.shared.lock();
        table.under_way += self.given.len();
        table.orders.extend(self.given.drain(..));
        self.shared.call_hands(table);
    }

    /// Waits until it is time to look at [`Hands::ends`].
    pub(crate) async fn called(&self) {
        poll_fn(|context| {
            let mut table = self.shared.lock();
            if matches!(table.driver, Driver::Called) { Poll::Ready(()) } else { table.wait(context) }
        })
        .await;
    }

    /// Moves what came of orders until now behind what is in `ends`.
    pub(crate) fn ends(&self, ends: &mut Vec<W::End>) {
        let mut table = self.shared.lock();
        table.driver = Driver::Busy;
        ends.append(&mut table.ends);
    }

    /// Waits until each order has come to its end.
    pub(crate) async fn over(&self) {
        poll_fn(|context| {
            let mut table = self.shared.lock();
            if table.under_way == 0 && self.given.is_empty() { Poll::Ready(()) } else { table.wait(context) }
        })
        .await;
    }
}

impl<W: Work> Drop for Hands<W> {
    fn drop(&mut self) {
        let mut table = self.shared.lock();
        table.closed = true;
        let orders = mem::take(&mut table.orders);
        let idle = mem::take(&mut table.idle);
        drop(table);
        drop(orders);
        idle.into_iter().for_each(|(_, waker)| waker.wake());
    }
}

impl<W: Work> Table<W> {
    fn wait<R>(&mut self, context: &Context<'_>) -> Poll<R> {
        match &mut self.driver {
            Driver::Waits(waker) => waker.clone_from(context.waker()),
            // What it was called for is still there.
            Driver::Called => context.waker().wake_by_ref(),
            driver @ Driver::Busy => *driver = Driver::Waits(context.waker().clone()),
        }
        Poll::Pending
    }

    /// Calls the driver, if it waits.
    #[must_use]
    fn call_driver(&mut self) -> Option<Waker> {
        match mem::replace(&mut self.driver, Driver::Called) {
            Driver::Waits(waker) => Some(waker),
            Driver::Called | Driver::Busy => None,
        }
    }
}

impl<W: Work> Shared<W> {
    fn lock(&self) -> MutexGuard<'_, Table<W>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sees to it that there are hands for the orders.
    fn call_hands(self: &Arc<Self>, mut table: MutexGuard<'_, Table<W>>) {
        let wanted = table.orders.len().min(self.threads.saturating_sub(table.at_work));
        table.at_work += wanted;
        let begin = table.idle.len().saturating_sub(wanted);
        let called = table.idle.split_off(begin);
        let first = table.hand_last;
        let new = wanted - called.len();
        table.hand_last += new as u64;
        drop(table);
        called.into_iter().for_each(|(_, waker)| waker.wake());
        for hand in 0..new as u64 {
            tokio::spawn(self.clone().hand(first + hand));
        }
    }

    async fn hand(self: Arc<Self>, hand: u64) {
        while let Some(order) = self.next(hand).await {
            let (end, waited) = self.carry_out(order).await;
            let (driver, stays) = self.put_down(end, waited);
            if let Some(driver) = driver {
                driver.wake();
            }
            if !stays {
                return;
            }
            // To the end of this thread's queue: other tasks have their turn, the driver before all if it was called.
            others_first().await;
        }
    }

    /// The next order; none: this hand is not needed any more.
    async fn next(&self, hand: u64) -> Option<W::Order> {
        let mut idle = false;
        poll_fn(|context| {
            let mut table = self.lock();
            if mem::take(&mut idle)
                && let Some((_, waker)) = table.idle.iter_mut().find(|(known, _)| *known == hand)
            {
                // Woken by something that it has left behind.
                waker.clone_from(context.waker());
                idle = true;
                return Poll::Pending;
            }
            if let Some(order) = table.orders.pop_front() {
                return Poll::Ready(Some(order));
            }
            if table.closed {
                return Poll::Ready(None);
            }
            table.at_work -= 1;
            table.idle.push((hand, context.waker().clone()));
            idle = true;
            Poll::Pending
        })
        .await
    }

    /// Carries out an order; whether it had to wait, and has left its place.
    async fn carry_out(self: &Arc<Self>, order: W::Order) -> (W::End, bool) {
        let mut waited = false;
        let mut work = pin!(self.work.carry_out(order));
        let end = poll_fn(|context| {
            let polled = work.as_mut().poll(context);
            if polled.is_pending() && !mem::replace(&mut waited, true) {
                let mut table = self.lock();
                table.at_work -= 1;
                self.call_hands(table);
            }
            polled
        });
        (end.await, waited)
    }

    /// Puts down an end. Whom to call, and whether this hand goes on.
    fn put_down(&self, end: W::End, waited: bool) -> (Option<Waker>, bool) {
        let mut table = self.lock();
        table.under_way -= 1;
        let now = Instant::now();
        if table.ends.is_empty() {
            table.waits_since = now;
        }
        table.ends.push(end);
        let few = table.orders.len() < self.threads * ORDERS_LEFT_MIN;
        let late = now.saturating_duration_since(table.waits_since) > END_WAITS_MAX;
        let driver = if few || late { table.call_driver() } else { None };
        let stays = !waited || table.at_work + table.idle.len() < self.threads;
        if waited && stays {
            table.at_work += 1;
        }
        (driver, stays)
    }
}

async fn others_first() {
    let mut waited = false;
    poll_fn(|context| {
        if mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[cfg(test)]
mod tests;
