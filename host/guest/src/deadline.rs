//! A deadline that costs nothing to what does not wait.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    task::Poll::{Pending, Ready},
};
use tokio::{
    task::unconstrained,
    time::{Instant, sleep_until},
};

/// What the work comes to; none when it is not over at that time. A timer is made only once the work waits: that takes a
/// count of the runtime's handle, a line of memory that all threads share.
pub async fn before<T>(ends_at: Instant, mut work: Pin<&mut impl Future<Output = T>>) -> Option<T> {
    let mut timer = pin!(None);
    poll_fn(|context| {
        if let Ready(done) = work.as_mut().poll(context) {
            return Ready(Some(done));
        }
        if timer.is_none() {
            // Work that has used up its task's turn does not hold up its own end.
            timer.set(Some(unconstrained(sleep_until(ends_at))));
        }
        match timer.as_mut().as_pin_mut() {
            Some(timer) => timer.poll(context).map(|()| None),
            None => Pending,
        }
    })
    .await
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
