//! The last failure of each controller, for `windlass status`: kept until the same request succeeds.

use crate::{control::LastError, observe::Observer};
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Instant,
};
use windlass_core::{
    fact::{Fact, RunEnded},
    name::{ControllerName, ModuleName, ObjectName},
    outcome::Outcome,
};

/// Remembers one failure for each controller: as many as there are controllers, no more.
#[derive(Debug, Default)]
pub(crate) struct Failures(Mutex<BTreeMap<ControllerName, Failure>>);

#[derive(Debug)]
struct Failure {
    object: ObjectName,
    message: String,
    at: Instant,
}

impl Failures {
    /// The last failure of a controller that its request has not overcome yet.
    pub(crate) fn of(&self, controller: &ControllerName) -> Option<LastError> {
        let failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        failures.get(controller).map(|failure| LastError {
            object: failure.object.to_string(),
            message: failure.message.clone(),
            seconds_ago: failure.at.elapsed().as_secs(),
        })
    }

    fn forget(&self, module: &ModuleName) {
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        failures.retain(|controller, _| controller.module != *module);
    }

    fn saw(&self, run: &RunEnded) {
        let message = match &run.outcome {
            Outcome::Retry { message, .. } | Outcome::Terminal { message, .. } => message.clone(),
            Outcome::Trapped(trap) => format!("{}: {}", trap.kind.as_str(), trap.message),
            Outcome::Abandoned => return,
            Outcome::Done | Outcome::RequeueAfter(_) => {
                let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                let overcome =
                    failures.get(&run.request.controller).is_some_and(|one| one.object == run.request.name);
                if overcome {
                    failures.remove(&run.request.controller);
                }
                return;
            }
        };
        let failure = Failure { object: run.request.name.clone(), message, at: Instant::now() };
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        failures.insert(run.request.controller.clone(), failure);
    }
}

impl Observer for Failures {
    fn fact(&self, fact: &Fact) {
        match fact {
            Fact::RunEnded(run) => self.saw(run),
            Fact::ModuleWithdrawn { module } => self.forget(module),
            _ => {}
        }
    }
}
