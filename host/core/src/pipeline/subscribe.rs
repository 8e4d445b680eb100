//! Runs subscribe to what they read, and the watches follow.

use super::Pipeline;
use crate::{
    cache::Cache,
    call::Shape,
    dispatch::Module,
    fact::Fact,
    input::{Command, RunId, Subscribe},
    interest::{Atom, Ending, Leave, SubjectId, Watches, Woken, own_of},
    name::{ModuleName, Request, Resource},
    outcome::Outcome,
    queue::Priority,
    subscription::{Following, Seen, SubscribeError, SubscriptionId},
    time::Time,
};
use std::collections::BTreeMap;

/// Whether the version of a module that serves may list and watch a resource somewhere, and the server lets the host.
pub(super) fn may_watch<'p>(
    modules: &'p BTreeMap<ModuleName, Module>,
    (watches, labels): (&'p Watches, &'p Cache),
    now: Time,
) -> impl Fn(&ModuleName, &Resource, Shape, Option<&str>) -> Leave + 'p {
    move |module, resource, shape, namespace| {
        let serving = modules.get(module).and_then(|module| module.serving.as_ref());
        if !serving
            .is_some_and(|serving| serving.version.grant.among(labels).may_follow(resource, shape, namespace))
        {
            return Leave::NotGranted;
        }
        if watches.refuses(&Atom::everything(&resource.kind, namespace, shape), now) {
            return Leave::Refused;
        }
        Leave::Given
    }
}

impl Pipeline {
    /// A run reads something that is to be followed.
    pub(super) fn subscribe(&mut self, asked: Subscribe) {
        let id = asked.id;
        let answer = self.followed(asked);
        if let Err(error) = &answer {
            self.tell(Fact::Dropped { bound: error.bound(), count: 1 });
        }
        self.out.push(Command::Subscribed(id, answer));
    }

    fn followed(&mut self, asked: Subscribe) -> Result<Following, SubscribeError> {
        // A run that is over, or whose controller is gone, has no request to wake.
        let request = self.runs.get(&asked.run).filter(|run| self.stays(run)).map(|run| run.request.clone());
        let Some(request) = request else { return Ok(Following::InStep) };
        let kind = asked.subscription.resource.kind.clone();
        let subject = self.subscriptions.add(
            &request,
            asked.run,
            asked.subscription,
            &may_watch(&self.modules, (&self.watches, &self.cache), self.now),
        )?;
        if self.subscriptions.lacks_watch(subject, &self.watches) {
            self.may_start(&request, subject)?;
            self.follow_kind(&kind);
        }
        let mut woken = Woken::new();
        let following = self.subscriptions.begin(&request, subject, (&self.watches, &self.cache), &mut woken);
        if following == Following::Starting
            && let Some(run) = self.runs.get_mut(&asked.run)
        {
            run.reads.push((asked.id, subject));
        }
        self.wake(woken);
        Ok(following)
    }

    /// A module starts only so many watches by reading; one that takes the place of several is no further one.
    fn may_start(&mut self, request: &Request, subject: SubjectId) -> Result<(), SubscribeError> {
        let (module, max) = (&request.controller.module, self.settings.subscription_watches_per_module_max);
        if self.subscriptions.is_shared(subject)
            || self.subscriptions.own_watches(module, &self.watches) < max
        {
            return Ok(());
        }
        self.subscriptions.undo(
            request,
            subject,
            &may_watch(&self.modules, (&self.watches, &self.cache), self.now),
        );
        Err(SubscribeError::Watches { module: module.clone(), max })
    }

    /// What a read showed before its watch held anything.
    pub(super) fn seen(&mut self, run: RunId, id: SubscriptionId, seen: Option<Seen>) {
        let Some(running) = self.runs.get(&run) else { return };
        let Some((_, subject)) = running.reads.iter().find(|(read, _)| *read == id) else { return };
        let mut woken = Woken::new();
        self.subscriptions.seen(&running.request, *subject, seen, &self.cache, &mut woken);
        self.wake(woken);
    }

    /// A run is over, and its set with it takes effect. `stays`: its controller is still there.
    pub(super) fn settle_subscriptions(
        &mut self,
        request: &Request,
        run: RunId,
        outcome: &Outcome,
        stays: bool,
    ) {
        if !self.subscriptions.has(request) {
            return;
        }
        let how = match outcome {
            _ if !stays || !self.is_held(request) => Ending::Gone,
            Outcome::Done | Outcome::RequeueAfter(_) => Ending::Succeeded,
            _ => Ending::Failed,
        };
        let mut woken = Woken::new();
        self.subscriptions.ended(request, run, how, self.now, &mut woken);
        self.wake(woken);
    }

    fn is_held(&self, request: &Request) -> bool {
        let module = self.modules.get(&request.controller.module);
        let lane = module.and_then(|module| module.lanes.get(&request.controller.controller));
        lane.is_some_and(|lane| self.cache.selected(&lane.kind, &lane.selection, &request.name).is_some())
    }

    /// Runs what a followed change concerns.
    pub(super) fn wake(&mut self, woken: Woken) {
        for (request, reason) in woken {
            let Request { controller, name } = request;
            self.enqueue(&controller.module, &controller.controller, name, Priority::Live, reason);
        }
    }

    /// Forgets what nobody has followed for a while, and ends its watches.
    pub(super) fn expire_subscriptions(&mut self) {
        if self
            .subscriptions
            .expire(self.now, &may_watch(&self.modules, (&self.watches, &self.cache), self.now))
        {
            self.follow(None);
        }
    }

    /// Drops the subscriptions of a module that its serving version has no use or no grant for.
    pub(super) fn retain_subscriptions(&mut self, name: &ModuleName) {
        let serving = self.modules.get(name).and_then(|module| module.serving.as_ref());
        let needs = self.interest.of(name);
        self.subscriptions.retain(name, self.now, &|request, subscription| {
            let controller = &request.controller.controller;
            let own = own_of(needs, controller);
            own.is_some_and(|own| own.target.reaches(&request.name))
                && serving.is_some_and(|serving| {
                    serving.version.grant.among(&*self.cache).may_subscribe(subscription)
                })
        });
        self.subscriptions.share_all(&may_watch(&self.modules, (&self.watches, &self.cache), self.now));
        self.subscriptions
            .expire(self.now, &may_watch(&self.modules, (&self.watches, &self.cache), self.now));
    }
}
