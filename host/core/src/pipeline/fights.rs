//! What follows from writes that go in circles: their writers are held back, and everybody is told.

use super::Pipeline;
use crate::{
    fact::Fact,
    fight::{Ended, Woken, Wrote},
    name::{ModuleName, Request},
    queue::RequestQueue,
    time::Time,
};

impl Pipeline {
    pub(super) fn wrote(&mut self, wrote: Wrote) {
        let Some(run) = self.runs.get(&wrote.run) else { return };
        let woken = if run.woken_by(&wrote.kind, &wrote.name) { Woken::ByThis } else { Woken::Otherwise };
        let writer = run.request.clone();
        let fight = self.fights.wrote(self.now, &writer, woken, wrote);
        let dropped = self.fights.take_dropped();
        if dropped > 0 {
            self.tell(Fact::Dropped { bound: "fights", count: dropped });
        }
        let Some(fight) = fight else { return };
        let until = self.now + fight.delay;
        self.with_queue(&writer, |queue, now| queue.hold(now, &writer.name, until));
        self.tell(Fact::Fight(Box::new(fight)));
    }

    pub(super) fn end_quiet_fights(&mut self) {
        let over = self.fights.quiet(self.now);
        self.end_fights(over);
    }

    /// A module is replaced or taken out: its fights are over.
    pub(super) fn forget_fights(&mut self, module: &ModuleName) {
        let over = self.fights.forget(module);
        self.end_fights(over);
    }

    fn end_fights(&mut self, over: Vec<Ended>) {
        for (fight, held) in over {
            for writer in held {
                self.with_queue(&writer, |queue, now| queue.let_go(now, &writer.name));
            }
            self.tell(Fact::Fight(Box::new(fight)));
        }
    }

    fn with_queue(&mut self, request: &Request, change: impl FnOnce(&mut RequestQueue, Time)) {
        let controller = &request.controller;
        let Some(module) = self.modules.get_mut(&controller.module) else { return };
        if let Some(lane) = module.lanes.get_mut(&controller.controller) {
            change(&mut lane.queue, self.now);
            module.touch(&controller.module, &mut self.touched);
        }
    }
}
