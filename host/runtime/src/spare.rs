//! Spares the cluster writes that would change nothing: what decides that is known of each run under way.

use crate::{clock::Clock, observe::Observer};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use windlass_core::{
    cache::{Cache, Found},
    call::{Answered, ApiError, Call, Reply, Shape},
    fact::Fact,
    input::{Run, RunId},
    unneeded::{Spares, Unneeded},
};
use windlass_guest::host::{Activity, Caller};

/// Knows what was applied last, and what may be spared of the runs under way.
pub(crate) struct Sparing {
    cache: Arc<Cache>,
    clock: Clock,
    unneeded: Mutex<Unneeded>,
    runs: Mutex<HashMap<RunId, Spares>>,
}

/// A run under way of which writes may be spared, until this is dropped.
pub(crate) struct Known<'a>(&'a Sparing, RunId);

impl Drop for Known<'_> {
    fn drop(&mut self) {
        lock(&self.0.runs).remove(&self.1);
    }
}

impl Sparing {
    pub(crate) fn new(cache: Arc<Cache>) -> Self {
        Self { cache, clock: Clock::start(), unneeded: Mutex::default(), runs: Mutex::default() }
    }

    /// A run begins; none where all that it writes is sent.
    pub(crate) fn begin(&self, run: &Run) -> Option<Known<'_>> {
        let spares = run.spares.as_ref()?;
        lock(&self.runs).insert(run.id, spares.clone());
        Some(Known(self, run.id))
    }

    /// The answer to a write that need not be sent: the object as readers see it, which is as the write would make it.
    pub(crate) fn spared(&self, caller: &Caller, call: &Call) -> Option<Reply> {
        let Activity::Reconcile { run, request, .. } = &caller.activity else { return None };
        let spares = lock(&self.runs).get(run).cloned()?;
        let name = call.action.name()?;
        let Found::Object(seen) = self.cache.find(&call.kind, name, Shape::Whole) else { return None };
        let now = self.clock.now();
        let who = (caller.module(), &request.name);
        let spared = lock(&self.unneeded).is(who, call, &seen, &spares, now);
        spared.then(|| Reply::Written { object: Answered::Object(seen), warnings: Vec::new() })
    }

    /// A write was answered; the next one like it may be spared. How many others were forgotten for it.
    pub(crate) fn answered(&self, caller: &Caller, call: &Call, answer: &Result<Reply, ApiError>) -> u64 {
        match answer {
            Ok(Reply::Written { object: Answered::Object(object), .. }) => {
                lock(&self.unneeded).answered(caller.module(), call, object, self.clock.now())
            }
            _ => 0,
        }
    }
}

/// A module that is taken out takes its memory along.
impl Observer for Sparing {
    fn fact(&self, fact: &Fact) {
        if let Fact::ModuleWithdrawn { module } = fact {
            lock(&self.unneeded).forget(module);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
