//! The end of a watch from outside: at once where it waits for the server, never in the middle of a delivery.
//!
//! A sink that has laid a change into a shared cache and waits for room to tell it must get to tell it. Other watches
//! of the same objects would find the cache up to date and tell nothing, and the change would be lost for everybody.

use super::{Delta, Sink, WatchError};
use std::{
    future::{Future, pending, poll_fn},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// A sink whose calls are carried through once they have begun, and that takes no more when the watch is stopped.
#[derive(Debug)]
pub(super) struct Carried<S> {
    sink: S,
    stopped: CancellationToken,
    under_way: Arc<AtomicBool>,
}

/// A call under way.
struct UnderWay(Arc<AtomicBool>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

impl<S: Sink> Carried<S> {
    pub(super) fn new(sink: S, stopped: CancellationToken) -> Self {
        Self { sink, stopped, under_way: Arc::default() }
    }

    /// Whether a call is under way.
    pub(super) fn under_way(&self) -> Arc<AtomicBool> {
        self.under_way.clone()
    }

    fn enter(&self) -> impl Future<Output = UnderWay> + Send + use<S> {
        let (stopped, under_way) = (self.stopped.clone(), self.under_way.clone());
        async move {
            if stopped.is_cancelled() {
                pending::<()>().await;
            }
            under_way.store(true, Ordering::Relaxed);
            UnderWay(under_way)
        }
    }
}

impl<S: Sink> Sink for Carried<S> {
    async fn begin(&mut self) {
        let _call = self.enter().await;
        self.sink.begin().await;
    }

    async fn stage(&mut self, deltas: Vec<Delta>) {
        let _call = self.enter().await;
        self.sink.stage(deltas).await;
    }

    async fn commit(&mut self, version: &str) {
        let _call = self.enter().await;
        self.sink.commit(version).await;
    }

    async fn change(&mut self, deltas: Vec<Delta>, version: &str) {
        let _call = self.enter().await;
        self.sink.change(deltas, version).await;
    }

    async fn bookmark(&mut self, version: &str) {
        let _call = self.enter().await;
        self.sink.bookmark(version).await;
    }

    async fn failed(&mut self, error: &WatchError, retry_in: Duration) {
        let _call = self.enter().await;
        self.sink.failed(error, retry_in).await;
    }

    async fn absent(&mut self) {
        let _call = self.enter().await;
        self.sink.absent().await;
    }
}

/// Drives until stopped and no call is under way.
pub(super) async fn until_stopped(
    drive: impl Future<Output = ()>,
    stopped: CancellationToken,
    under_way: Arc<AtomicBool>,
) {
    let (mut drive, mut wait) = (pin!(drive), pin!(stopped.cancelled()));
    let mut stops = false;
    poll_fn(|cx| {
        stops = stops || wait.as_mut().poll(cx).is_ready();
        if stops && !under_way.load(Ordering::Relaxed) {
            return Poll::Ready(());
        }
        let driven = drive.as_mut().poll(cx);
        if stops && !under_way.load(Ordering::Relaxed) { Poll::Ready(()) } else { driven }
    })
    .await;
}
