//! What a run's end says about its version and its module.

use super::{Pipeline, run::Running};
use crate::{
    dispatch::Module,
    fact::Fact,
    input::Command,
    name::ModuleName,
    outcome::Outcome,
    quarantine::Standing,
    time::Time,
    trial::{Regression, key},
};

/// What one run's end changes; mostly nothing.
pub(super) type Judgement = (Option<Regression>, Option<Standing>);

/// Judges the version that ran, and the module if it is the one that serves.
pub(super) fn judge(module: &mut Module, now: Time, run: &Running, outcome: &Outcome) -> Judgement {
    let request = key(&run.request);
    let regression = module.trials.ended(run.digest, request, outcome);
    let serves = module.serving.as_ref().is_some_and(|serving| serving.generation == run.generation);
    let standing = if serves { module.quarantine.ended(now, request, outcome) } else { None };
    (regression, standing)
}

impl Pipeline {
    pub(super) fn judged(&mut self, name: &ModuleName, (regression, standing): Judgement) {
        if let Some(regression) = regression {
            self.out.push(Command::RollBack(name.clone(), regression));
        }
        self.stands(name, standing);
    }

    /// An operator has the module run again.
    pub(super) fn free(&mut self, name: &ModuleName) {
        let Some(module) = self.modules.get_mut(name) else { return };
        let freed = module.quarantine.free();
        module.touch(name, &mut self.touched);
        self.stands(name, freed);
    }

    pub(super) fn stands(&mut self, name: &ModuleName, standing: Option<Standing>) {
        if let Some(standing) = standing {
            self.tell(Fact::ModuleStanding { module: name.clone(), standing });
        }
    }
}
