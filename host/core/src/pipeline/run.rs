//! Starting runs and questions, and what follows from their end.

use super::{Pipeline, judge::judge};
use crate::{
    call::Shape,
    change::{Cause, ObjectChange},
    dispatch::{Asked, Work},
    fact::{Fact, Reason, RunEnded},
    input::{AskTargets, Command, Ended, Run, RunId, TargetsId},
    interest::{Need, SubjectId, own_of},
    name::{ControllerName, Digest, Generation, Kind, ModuleName, ObjectName, Request},
    object::Object,
    outcome::Outcome,
    queue::{Backoff, Priority, Taken, Ticket},
    subscription::SubscriptionId,
    time::Time,
};
use std::{sync::Arc, time::Duration};

/// The field of `spec.limits` that bounds the runs of a module.
const RUNS: &str = "runs";

/// A run under way.
#[derive(Debug)]
pub(super) struct Running {
    ticket: Ticket,
    pub(super) request: Request,
    kind: Kind,
    pub(super) digest: Digest,
    pub(super) generation: Generation,
    reason: Reason,
    /// Nothing but `reason` had caused it.
    alone: bool,
    waited: Duration,
    pub(super) started: Time,
    /// Reads that are to be followed by a watch that held nothing yet.
    pub(super) reads: Vec<(SubscriptionId, SubjectId)>,
}

/// A question under way.
#[derive(Debug)]
pub(super) struct Question {
    controller: ControllerName,
    watch: Arc<str>,
    digest: Digest,
    generation: Generation,
    changes: Vec<ObjectChange>,
}

impl Running {
    /// Whether a change of this object, and nothing else, had caused it.
    pub(super) fn woken_by(&self, kind: &Kind, name: &ObjectName) -> bool {
        self.alone
            && match &self.reason {
                Reason::Changed | Reason::Appeared | Reason::Gone => {
                    self.kind == *kind && self.request.name == *name
                }
                Reason::Related { kind: of, name: one, .. }
                | Reason::Followed { kind: of, name: Some(one) } => of == kind && one == name,
                _ => false,
            }
    }
}

impl Pipeline {
    /// Hands out the free slots.
    pub(super) fn dispatch(&mut self) {
        if !self.leading || self.draining {
            return;
        }
        while let Some((account, name)) = self.turns.next() {
            let Some(work) = self.modules.get_mut(&name).and_then(|module| module.next(self.now)) else {
                self.turns.set_waiting(account, false);
                continue;
            };
            let started = match work {
                Work::Run(controller, taken) => self.start(&name, controller, taken),
                Work::Ask(controller, watch) => self.question(&name, &controller, &watch),
            };
            if started.is_some() {
                self.turns.hold(account);
            }
            let Some(module) = self.modules.get_mut(&name) else { continue };
            self.turns.set_waiting(account, module.has_work(self.now));
            module.touch(&name, &mut self.touched);
            if started.is_some() && module.is_held_back(self.now) {
                self.tell(Fact::BoundReached { module: name, bound: RUNS, count: 1 });
            }
        }
    }

    fn start(&mut self, name: &ModuleName, controller: Arc<str>, taken: Taken) -> Option<()> {
        let module = self.modules.get_mut(name)?;
        let serving = module.serving.as_ref()?;
        let (digest, generation) = (serving.version.digest, serving.generation);
        let lane = module.lanes.get(&controller)?;
        let (kind, selection) = (lane.kind.clone(), lane.selection.clone());
        let spares = lane.spares(&taken.reason);
        *module.uses_of(digest) += 1;
        self.run_last += 1;
        let id = RunId(self.run_last);
        let controller = ControllerName { module: name.clone(), controller };
        let Taken { ticket, name, reason, alone, failures, waited } = taken;
        let request = Request { controller, name };
        let running = Running {
            ticket,
            request: request.clone(),
            kind: kind.clone(),
            digest,
            generation,
            reason: reason.clone(),
            alone,
            waited,
            started: self.now,
            reads: Vec::new(),
        };
        self.runs.insert(id, running);
        let run = Run { id, request, kind, selection, digest, generation, reason, failures, waited, spares };
        self.out.push(Command::Run(run));
        Some(())
    }

    fn question(&mut self, name: &ModuleName, controller: &Arc<str>, watch: &Arc<str>) -> Option<()> {
        let module = self.modules.get_mut(name)?;
        let serving = module.serving.as_ref()?;
        let (digest, generation) = (serving.version.digest, serving.generation);
        let asks = module.lanes.get_mut(controller)?.asks.get_mut(watch)?;
        let need = self.interest.of_watch(name, controller, watch)?;
        let id = TargetsId(self.question_last + 1);
        let bounds = (self.settings.targets_changes_max, self.settings.targets_bytes_max);
        let asked = asks.take(id, bounds, &|name| need.held(name, &self.cache));
        let changes: Vec<_> = asked.into_iter().map(|asked| change(need, asked)).collect();
        if changes.is_empty() {
            return None;
        }
        self.question_last = id.0;
        *module.uses_of(digest) += 1;
        let asked = AskTargets {
            shape: if need.metadata { Shape::Metadata } else { Shape::Whole },
            module: name.clone(),
            digest,
            controller: controller.clone(),
            watch: watch.clone(),
            changes: changes.clone(),
        };
        let controller = ControllerName { module: name.clone(), controller: controller.clone() };
        let question = Question { controller, watch: watch.clone(), digest, generation, changes };
        self.questions.insert(id, question);
        self.out.push(Command::AskTargets(id, asked));
        Some(())
    }

    pub(super) fn ended(&mut self, ended: Ended) {
        let Some(run) = self.runs.remove(&ended.run) else { return };
        let stays = self.stays(&run);
        self.settle_subscriptions(&run.request, ended.run, &ended.outcome, stays);
        let Request { controller: ControllerName { module, controller }, name } = &run.request;
        let Some(known) = self.modules.get_mut(module) else { return };
        self.turns.release(known.account, ended.cpu);
        known.touch(module, &mut self.touched);
        let judgement = judge(known, self.now, &run, &ended.outcome);
        let (mut dropped, mut room) = (false, 0);
        if let Some(lane) = known.lanes.get_mut(controller) {
            // What a controller that is gone would do next, nobody will do.
            let outcome = if stays { &ended.outcome } else { &Outcome::Done };
            lane.queue.done(self.now, run.ticket, outcome);
            if matches!(outcome, Outcome::Terminal { .. })
                && self.cache.selected(&lane.kind, &lane.selection, name).is_none()
            {
                lane.queue.forget(name);
            }
            dropped = lane.queue.wants_refill();
            room = lane.queue.room();
        }
        let used_up = known.used(&run.digest);
        self.judged(module, judgement);
        if dropped || (room > 0 && !self.stalled.is_empty()) {
            self.refill(module, controller, dropped);
        }
        if used_up {
            self.tidy(module);
        }
        let ended = RunEnded {
            took: ended.at.since(run.started),
            request: run.request,
            digest: run.digest,
            generation: run.generation,
            reason: run.reason,
            outcome: ended.outcome,
            cpu: ended.cpu,
            waited: run.waited,
            calls: ended.calls,
            reads: ended.reads,
        };
        self.tell(Fact::RunEnded(Box::new(ended)));
    }

    /// Whether the controller of a run is still there, and may still see what it reconciles.
    pub(super) fn stays(&self, run: &Running) -> bool {
        let ControllerName { module, controller } = &run.request.controller;
        let lane = self.modules.get(module).and_then(|known| known.lanes.get(controller));
        lane.is_some_and(|lane| lane.live && lane.kind == run.kind)
            && self.own_need(module, controller).is_some_and(|own| own.target.reaches(&run.request.name))
    }

    /// What a controller follows of the kind that it reconciles. None: it is granted nowhere, or gone.
    pub(super) fn own_need(&self, module: &ModuleName, controller: &str) -> Option<&Need> {
        own_of(self.interest.of(module), controller)
    }

    /// A module said which requests some changes lead to: exactly one list per change, else it counts as failed.
    pub(super) fn targets(&mut self, id: TargetsId, targets: Option<Vec<Vec<ObjectName>>>, cpu: Duration) {
        let Some(question) = self.questions.remove(&id) else { return };
        let ControllerName { module, controller } = &question.controller;
        let Some(known) = self.modules.get_mut(module) else { return };
        self.turns.release(known.account, cpu);
        known.touch(module, &mut self.touched);
        let serving = known.serving.as_ref().map(|serving| serving.generation);
        let answer = targets.filter(|lists| lists.len() == question.changes.len());
        let lane = self.modules.get_mut(module).and_then(|known| known.lanes.get_mut(controller));
        let asks = lane.and_then(|lane| lane.asks.get_mut(&question.watch));
        match (answer, asks) {
            (Some(lists), asks) => {
                if let Some(asks) = asks {
                    let by_old = serving != Some(question.generation);
                    let need = self.interest.of_watch(module, controller, &question.watch);
                    let selects = |object: &Object| need.is_some_and(|need| need.selects(object));
                    asks.answered(id, (&question.changes, by_old), selects);
                }
                let answers = question.changes.iter().zip(lists);
                for (change, names) in answers {
                    self.wanted(&question, change, names);
                }
            }
            (None, Some(asks)) => {
                let backoff = Backoff { min: self.settings.backoff_min, max: self.settings.backoff_max };
                let retry_at = self.now + backoff.delay(asks.failures());
                asks.failed(id, question.changes, retry_at);
            }
            (None, None) => {}
        }
        let module = &question.controller.module;
        if self.modules.get_mut(module).is_some_and(|known| known.used(&question.digest)) {
            self.tidy(module);
        }
    }

    fn wanted(&mut self, question: &Question, change: &ObjectChange, names: Vec<ObjectName>) {
        let ControllerName { module, controller } = &question.controller;
        let Some(need) = self.own_need(module, controller) else { return };
        let target = need.target.clone();
        let live = !matches!(change.cause, Cause::Initial | Cause::Resync);
        let priority = if live { Priority::Live } else { Priority::Low };
        let (watch, kind) = (question.watch.clone(), change.kind.clone());
        let reason = Reason::Related { watch, kind, name: change.name.clone() };
        for name in names.into_iter().filter(|name| target.reaches(name)) {
            self.enqueue(module, controller, name, priority, reason.clone());
        }
    }
}

/// One object of a question, as the change that it is to the module.
fn change(need: &Need, asked: Asked) -> ObjectChange {
    let Asked { name, cause, before, after } = asked;
    ObjectChange {
        kind: need.kind.clone(),
        shape: need.shape_of(&name).unwrap_or_default(),
        fields: need.fields.clone(),
        name,
        before,
        after,
        cause,
    }
}
