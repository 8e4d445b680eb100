//! Modules that have nothing to do give their memory back, and come back with their next change.

use crate::observe::{Observer as _, Observers};
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
            loop {
                let looks_at = registry.clone();
                let looked = tokio::task::spawn_blocking(move || looks_at.put_to_sleep(after)).await;
                let earliest = Instant::now() + (after / LOOKS).min(LOOK_EVERY_MAX);
                // Where all sleep, no timer runs.
                match looked.ok().flatten() {
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
