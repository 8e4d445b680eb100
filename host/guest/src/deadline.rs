//! A deadline that costs nothing to what does not wait.

use std::{
    future::poll_fn,
    pin::Pin,
    task::Poll::{Pending, Ready},
};
use tokio::time::{Instant, timeout_at};

/// What the work comes to; none when it is not over at that time. A timer is made only once the work waits: that takes a
/// count of the runtime's handle, a line of memory that all threads share.
pub async fn before<T>(ends_at: Instant, mut work: Pin<&mut impl Future<Output = T>>) -> Option<T> {
    let first = poll_fn(|context| match work.as_mut().poll(context) {
        Ready(done) => Ready(Some(done)),
        Pending => Ready(None),
    });
    match first.await {
        Some(done) => Some(done),
        None => timeout_at(ends_at, work).await.ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{future::pending, pin::pin, time::Duration};
    use tokio::time::sleep;

    const MS: Duration = Duration::from_millis(1);

    #[tokio::test(start_paused = true)]
    async fn work_that_waits_is_ended_at_its_deadline_and_no_earlier() {
        let ends_at = Instant::now() + 5 * MS;
        assert_eq!(before(ends_at, pin!(async { 1 })).await, Some(1));
        assert_eq!(before(ends_at, pin!(async { sleep(4 * MS).await })).await, Some(()));
        assert_eq!(before::<()>(ends_at, pin!(pending())).await, None);
        assert_eq!(Instant::now(), ends_at);
        assert_eq!(before(ends_at, pin!(async { 2 })).await, Some(2), "what does not wait needs no time");
    }
}
