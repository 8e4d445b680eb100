//! Runs that compute for long go on aside: on threads of lower priority, where they take from their neighbours only what
//! these leave.
//!
//! *Flow.* A run begins where all do. Once it has used up whole ticks of a processor ([`TICK`]) it is moved, as it is
//! suspended then anyway, and ends where it is. *Guarantee.* Whoever drops the wait drops the run, at its next tick at
//! the latest. *Cost.* Two looks at the clock each time that a run is polled; the threads begin with the first such run.

use futures::future::BoxFuture;
use rustix::process::nice;
use std::{
    future::poll_fn,
    sync::OnceLock,
    task::Poll,
    time::{Duration, Instant},
};
use tokio::{
    runtime::{Builder, Handle, Runtime},
    task::JoinHandle,
};
use windlass_guest::engine::TICK;

/// So many ticks used up in full make a run a long one.
const TICKS_MAX: u32 = 2;

/// What counts as one: a guest that computes begins somewhere in a tick and is suspended at its end.
const FULL: Duration = TICK.saturating_mul(4).checked_div(5).expect("five is not zero");

/// Below everything else in this process, above nothing of others: a tenth of a processor where all are busy.
const NICENESS: i32 = 10;

/// Threads for long runs.
#[derive(Default)]
pub(crate) struct Aside(OnceLock<Option<Runtime>>);

impl Aside {
    /// Ends as the run does; none where the threads are gone.
    pub(crate) async fn run<T: Send + 'static>(&self, mut run: BoxFuture<'static, T>) -> Option<T> {
        let mut ticks = 0;
        let ended = poll_fn(|context| {
            let began = Instant::now();
            match run.as_mut().poll(context) {
                Poll::Ready(ended) => Poll::Ready(Some(ended)),
                Poll::Pending if began.elapsed() < FULL => Poll::Pending,
                Poll::Pending => {
                    ticks += 1;
                    if ticks < TICKS_MAX { Poll::Pending } else { Poll::Ready(None) }
                }
            }
        });
        if let Some(ended) = ended.await {
            return Some(ended);
        }
        match self.0.get_or_init(threads) {
            Some(threads) => Moved(threads.spawn(at_home(run))).ended().await,
            None => Some(run.await),
        }
    }
}

/// The run takes its processor from the other threads and all else from here: its timers, its connections and the
/// tasks that it begins are everybody's.
fn at_home<T>(mut run: BoxFuture<'static, T>) -> impl Future<Output = T> + Send {
    let home = Handle::current();
    poll_fn(move |context| {
        let _home = home.enter();
        run.as_mut().poll(context)
    })
}

impl Drop for Aside {
    fn drop(&mut self) {
        if let Some(threads) = self.0.take().flatten() {
            threads.shutdown_background();
        }
    }
}

/// A run on the other threads; ends with whoever waits for it.
struct Moved<T>(JoinHandle<T>);

impl<T> Moved<T> {
    async fn ended(mut self) -> Option<T> {
        match (&mut self.0).await {
            Ok(ended) => Some(ended),
            Err(error) => {
                // As if it had not been moved.
                if let Ok(panic) = error.try_into_panic() {
                    std::panic::resume_unwind(panic);
                }
                None
            }
        }
    }
}

impl<T> Drop for Moved<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// None where the system gives none: long runs then stay among the others.
fn threads() -> Option<Runtime> {
    let lower = || {
        if let Err(error) = nice(NICENESS) {
            tracing::warn!(target: "windlass::host", %error, "long runs do not give way to others");
        }
    };
    let threads = Builder::new_multi_thread().thread_name("windlass-aside").on_thread_start(lower).build();
    threads
        .inspect_err(|error| {
            tracing::warn!(target: "windlass::host", %error, "no threads for long runs; they stay among the others");
        })
        .ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use futures::FutureExt as _;
    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    };

    /// Computes for so many ticks, each a turn of its own, and tells on which thread it ended.
    async fn computes(ticks: u32) -> String {
        for _ in 0..ticks {
            let began = Instant::now();
            while began.elapsed() < TICK {
                std::hint::spin_loop();
            }
            tokio::task::yield_now().await;
        }
        std::thread::current().name().unwrap_or_default().to_owned()
    }

    #[tokio::test]
    async fn a_run_that_computes_for_long_goes_on_aside_and_another_does_not() {
        let aside = Aside::default();
        let here = std::thread::current().name().unwrap_or_default().to_owned();
        assert_eq!(aside.run(computes(1).boxed()).await, Some(here.clone()));
        let waits = async {
            tokio::time::sleep(TICK * 3).await;
            computes(0).await
        };
        assert_eq!(aside.run(waits.boxed()).await, Some(here), "waiting is not computing");
        assert!(aside.0.get().is_none(), "no thread was begun for these");
        assert_eq!(aside.run(computes(TICKS_MAX + 2).boxed()).await.as_deref(), Some("windlass-aside"));
    }

    #[tokio::test]
    async fn what_a_run_aside_begins_is_begun_at_home() {
        let here = std::thread::current().name().unwrap_or_default().to_owned();
        let run = async {
            let there = computes(TICKS_MAX + 1).await;
            tokio::time::sleep(TICK).await;
            (there, tokio::spawn(computes(0)).await.unwrap())
        };
        let ended = Aside::default().run(run.boxed()).await;
        assert_eq!(ended, Some(("windlass-aside".to_owned(), here)));
    }

    #[tokio::test]
    async fn a_run_aside_ends_with_whoever_waits_for_it() {
        struct Told(Arc<AtomicBool>, Arc<tokio::sync::Notify>);
        impl Drop for Told {
            fn drop(&mut self) {
                self.0.store(true, Relaxed);
                self.1.notify_one();
            }
        }
        let (aside, dropped, woken) =
            (Aside::default(), Arc::new(AtomicBool::new(false)), Arc::new(tokio::sync::Notify::new()));
        let (moved, told) = (Arc::new(tokio::sync::Notify::new()), Told(dropped.clone(), woken.clone()));
        let there = moved.clone();
        let run = async move {
            let _told = told;
            loop {
                if computes(1).await == "windlass-aside" {
                    there.notify_one();
                }
            }
        };
        tokio::select! {
            ended = aside.run::<()>(run.boxed()) => panic!("it never ends by itself: {ended:?}"),
            () = moved.notified() => {}
        }
        woken.notified().await;
        assert!(dropped.load(Relaxed));
    }
}
