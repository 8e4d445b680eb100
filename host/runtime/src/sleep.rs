//! Modules that have nothing to do give their memory back, and come back with their next change.

use crate::{
    observe::{Observer as _, Observers},
    resident,
};
use std::{sync::Arc, time::Duration};
use tokio::{
    task::{AbortHandle, JoinHandle},
    time::{Instant, sleep_until},
};
use windlass_core::fact::Fact;
use windlass_guest::{
    engine::Engine,
    module::CodeCache,
    registry::{Change, Happened, Registry},
};

/// Between two looks at who has nothing to do, at most and as a part of the time that they may do nothing.
const LOOK_EVERY_MAX: Duration = Duration::from_secs(1);
const LOOKS: u32 = 4;

/// Between two times that memory is given back, while modules fall asleep.
const TRIM_EVERY: Duration = Duration::from_secs(10);

/// Puts modules to sleep until this is dropped.
pub(crate) struct Sleepers(AbortHandle);

impl Drop for Sleepers {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A registry that tells the observers what its versions go through.
pub(crate) fn registry(engine: Engine, cache: Option<Arc<CodeCache>>, observers: Observers) -> Arc<Registry> {
    let tell = move |happened| facts(happened).for_each(|fact| observers.fact(&fact));
    Arc::new(Registry::new(engine, cache, tell))
}

impl Sleepers {
    /// Begins to look after modules that have not run for so long.
    pub(crate) fn start(registry: Arc<Registry>, after: Duration) -> Self {
        let task: JoinHandle<()> = tokio::spawn(async move {
            let mut freed = Freed::default();
            loop {
                let looks_at = registry.clone();
                let looked = tokio::task::spawn_blocking(move || look(&looks_at, after, freed)).await;
                let (due, left) = looked.unwrap_or_default();
                freed = left;
                let earliest = Instant::now() + (after / LOOKS).min(LOOK_EVERY_MAX);
                // Where all sleep, no timer runs.
                match due.into_iter().chain(freed.trim_at).min() {
                    Some(due) => tokio::select! {
                        () = sleep_until(due) => {}
                        () = registry.something_mapped() => {}
                    },
                    None => registry.something_mapped().await,
                }
                sleep_until(earliest).await;
            }
        });
        Self(task.abort_handle())
    }
}

/// Memory that modules left behind.
#[derive(Clone, Copy, Default)]
struct Freed {
    trimmed_at: Option<Instant>,
    /// When it goes back to the system; none: it has.
    trim_at: Option<Instant>,
}

impl Freed {
    /// After a look at which some fell asleep or none: whether all that is free goes back to the system now.
    fn after(&mut self, some_slept: bool, now: Instant) -> bool {
        if some_slept && self.trim_at.is_none() {
            self.trim_at = Some(self.trimmed_at.map_or(now, |at| now.max(at + TRIM_EVERY)));
        }
        let trims = self.trim_at.is_some_and(|at| at <= now);
        if trims {
            *self = Self { trimmed_at: Some(now), trim_at: None };
        }
        trims
    }
}

/// One look; when the next one is due, and what is to go back then.
fn look(registry: &Registry, after: Duration, mut freed: Freed) -> (Option<Instant>, Freed) {
    let swept = registry.put_to_sleep(after);
    if freed.after(swept.slept, Instant::now()) {
        resident::give_back();
    }
    (swept.next, freed)
}

/// One for each module of the version.
fn facts(happened: Happened) -> impl Iterator<Item = Fact> {
    let Happened { names, what } = happened;
    names.into_iter().map(move |module| match &what {
        Change::FellAsleep => Fact::ModuleAsleep { module },
        Change::Woke { took, compiled } => Fact::ModuleWoken { module, took: *took, compiled: *compiled },
        Change::StaysAsleep(why) => {
            let (reason, retry_in) = (why.to_string(), why.retry_in);
            Fact::ModuleNotWoken { module, reason, retry_in }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sleepers_leave_goes_back_at_once_and_then_once_in_a_while_and_nothing_stays() {
        let (begun, mut freed) = (Instant::now(), Freed::default());
        let at = |seconds| begun + Duration::from_secs(seconds);
        assert!(!freed.after(false, at(0)), "nobody slept");
        assert!(freed.after(true, at(1)));
        assert!(!freed.after(true, at(2)), "it was a moment ago");
        assert!(!freed.after(true, at(3)));
        assert_eq!(freed.trim_at, Some(at(11)), "the next look is due then, whoever sleeps");
        assert!(freed.after(false, at(11)));
        assert_eq!(freed.trim_at, None);
        assert!(freed.after(true, at(60)));
    }
}
