//! The loop: one closed list of happenings in, commands carried out. It never waits for anything but the next happening.

use crate::{
    book::{Book, Stand},
    clock::Clock,
    control::{ControlRequest, ControlServer},
    desk::Desk,
    failures::Failures,
    gauges::Gauges,
    kinds::Seeker,
    loader::{Held, Loaded, Loader},
    manifest::{Defaults, Manifest, shared_field_manager},
    observe::{Observer, Observers},
    rollback::Restored,
    runs::{Runs, Serving},
    sleep::Sleepers,
    source::{Offer, SourceEvent},
    start::tell_leadership,
    versions::Versions,
    watches::Watches,
};
use futures::{StreamExt as _, stream::BoxStream};
use std::{mem, path::PathBuf, sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use windlass_cluster::lease::Leadership;
use windlass_core::{
    fact::Fact,
    input::{Command, Commands, Input},
    name::{Digest, ModuleName},
    pipeline::Pipeline,
    time::Time,
};
use windlass_guest::registry::Registry;

/// So many inputs are taken before anything else that happened.
const STEPS_MAX: usize = 32;

/// Everything that can wake the driver.
pub(crate) struct Happenings {
    /// From watches, runs and questions.
    pub(crate) inputs: mpsc::Receiver<Input>,
    /// From where modules come from.
    pub(crate) source: BoxStream<'static, SourceEvent>,
    /// Loads that ended.
    pub(crate) loaded: mpsc::Receiver<Loaded>,
    /// Kept versions that were read back.
    pub(crate) restored: mpsc::Receiver<Restored>,
    /// From operators.
    pub(crate) control: Option<ControlServer>,
    /// Whether this host leads.
    pub(crate) leadership: Option<watch::Receiver<Leadership>>,
    /// The end is wanted.
    pub(crate) stop: CancellationToken,
}

/// Carries out what the pipeline decides.
pub(crate) struct Driver {
    pub(crate) clock: Clock,
    pub(crate) pipeline: Pipeline,
    pub(crate) watches: Watches,
    pub(crate) runs: Runs,
    /// Empty between two looks at how runs ended; kept for its room.
    pub(crate) ends: Vec<Input>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) loader: Loader,
    pub(crate) registry: Arc<Registry>,
    pub(crate) seeker: Seeker,
    /// Held, and ended with the driver.
    pub(crate) _sleepers: Sleepers,
    pub(crate) book: Book,
    pub(crate) versions: Versions,
    pub(crate) restored: mpsc::Sender<Restored>,
    pub(crate) failures: Arc<Failures>,
    pub(crate) defaults: Defaults,
    pub(crate) observers: Observers,
    pub(crate) gauges: Gauges,
    pub(crate) wake_at: Option<Time>,
    pub(crate) holder: Option<String>,
    /// Why the lease cannot be had, as far as it is not just another host's.
    pub(crate) lease_trouble: Option<Arc<str>>,
    pub(crate) drain_grace: Duration,
}

impl Driver {
    /// Drives until the end is wanted and runs under way are over (or the grace period is).
    pub(crate) async fn drive(&mut self, mut on: Happenings) {
        let mut cut_at: Option<Instant> = None;
        if on.leadership.is_none() {
            self.step(Input::Leading(true));
        }
        loop {
            let wake = self.wake_at.map(|at| self.clock.instant(at));
            tokio::select! {
                biased;
                () = on.stop.cancelled(), if cut_at.is_none() => {
                    self.step(Input::Drain);
                    cut_at = Some(Instant::now() + self.drain_grace);
                }
                () = until(cut_at) => {
                    self.runs.cut();
                    // Runs that were cut tell their end; each is waited for once more, at most as long again.
                    cut_at = Some(Instant::now() + self.drain_grace);
                }
                Some(now) = next_leadership(&mut on.leadership) => self.leadership(&now),
                // Before the inputs: a busy cluster always has one more.
                () = self.runs.over(), if cut_at.is_some() => break,
                () = self.runs.called() => self.ends(&mut on.inputs),
                Some(input) = on.inputs.recv() => self.steps(input, &mut on.inputs).await,
                Some(loaded) = on.loaded.recv() => self.loaded(loaded),
                Some(restored) = on.restored.recv() => self.restored(restored),
                Some(event) = on.source.next() => self.source(event),
                Some(request) = command(&mut on.control) => self.control(request),
                () = until(wake) => self.step(Input::Tick),
                () = until(self.gauges.due()) => self.gauges.refresh(self.clock.now(), &self.pipeline.status(), &self.book),
            }
            self.runs.begin();
        }
        self.watches.stop_all();
        self.desk.close();
        // The ends of the last runs may still wait to be told.
        self.ends(&mut on.inputs);
    }

    /// An input and those that wait behind it: to look at everything else that may happen costs as much as a step.
    async fn steps(&mut self, first: Input, inputs: &mut mpsc::Receiver<Input>) {
        self.step(first);
        for _ in 1..STEPS_MAX {
            let Ok(next) = inputs.try_recv() else { return };
            self.step(next);
        }
        // Runs that were started on this thread wait for it.
        self.runs.begin();
        tokio::task::yield_now().await;
    }

    /// How runs ended, after what they had sent before: that is in the inputs by now.
    fn ends(&mut self, inputs: &mut mpsc::Receiver<Input>) {
        let mut ends = mem::take(&mut self.ends);
        self.runs.ends(&mut ends);
        for _ in 0..inputs.len() {
            if let Ok(before) = inputs.try_recv() {
                self.step(before);
            }
        }
        ends.drain(..).for_each(|end| self.step(end));
        self.ends = ends;
    }

    fn leadership(&mut self, now: &Leadership) {
        let was = self.pipeline.leads();
        if was && !now.leading {
            // No write of ours may follow a lost lease; the bridge holds the fence, this ends the runs (L7).
            self.runs.cut();
        }
        if self.lease_trouble != now.trouble {
            self.lease_trouble.clone_from(&now.trouble);
            if let (false, Some(why)) = (now.leading, &now.trouble) {
                tracing::warn!(target: "windlass::host", "the lease cannot be had: {why}; it is tried again");
            }
        }
        let holder = now.holder.as_deref().map(str::to_owned);
        if was != now.leading || self.holder != holder {
            self.holder = holder;
            tell_leadership(&self.observers, now);
        }
        if was != now.leading {
            self.step(Input::Leading(now.leading));
        }
    }

    /// One step of the pipeline and everything it orders.
    pub(crate) fn step(&mut self, input: Input) {
        let Commands { commands, wake_at } = self.pipeline.step(self.clock.now(), input);
        self.wake_at = wake_at;
        self.gauges.touch();
        for command in commands {
            self.carry_out(command);
        }
    }

    fn carry_out(&mut self, command: Command) {
        match command {
            Command::StartWatch(id, spec) => self.watches.start(id, spec),
            Command::Replan(id, plan) => self.watches.replan(id, plan),
            Command::StopWatch(id) => self.watches.stop(id),
            Command::Run(run) => {
                let serving = self.serving(&run.request.controller.module, &run.digest);
                self.runs.start(run, serving);
            }
            Command::AskTargets(id, ask) => {
                let serving = self.serving(&ask.module, &ask.digest);
                self.runs.ask(id, ask, serving);
            }
            Command::Subscribed(id, answer) => self.desk.answer(id, answer),
            Command::Serve { module, digest, good, .. } => self.serves(&module, &digest, good),
            Command::RollBack(module, regression) => self.roll_back(&module, &regression),
            Command::Free { module, digest } => self.free(&module, &digest),
            Command::Tell(fact) => self.tell(fact),
        }
    }

    fn serving(&self, module: &ModuleName, digest: &Digest) -> Option<Serving> {
        Some((self.registry.get(digest)?, self.book.terms(module, digest)?))
    }

    /// Tells what the pipeline says; it does not know when a module's files were complete, and it is not asked about
    /// modules that never came to it.
    fn tell(&self, mut fact: Fact) {
        match &mut fact {
            Fact::ModuleServing { module, digest, took, .. } => {
                *took = self.book.seen_at(module, digest).map_or(*took, |at| at.elapsed());
            }
            Fact::ModuleWithdrawn { .. } => return,
            _ => {}
        }
        self.observers.fact(&fact);
    }

    fn serves(&mut self, module: &ModuleName, digest: &Digest, good: Option<Digest>) {
        if self.book.is_offered(module, digest) {
            let wasm = self.book.take_to_keep(module, digest);
            self.versions.serves(module, (*digest, wasm), good);
        }
    }

    fn free(&mut self, module: &ModuleName, digest: &Digest) {
        self.registry.free(module, digest);
        self.book.freed(module, digest);
    }

    fn source(&mut self, event: SourceEvent) {
        match event {
            SourceEvent::Offered(offer) => self.offered(offer),
            SourceEvent::ManifestBroken { name, error } => self.reject(&name, error.to_string()),
            SourceEvent::FileBroken { file, name, error } => {
                let reason = format!("{}: {}", file.display(), with_causes(&*error));
                match name {
                    Some(name) => self.reject(&name, reason),
                    None => tracing::warn!(file = %file.display(), "{reason}"),
                }
            }
            SourceEvent::Withdrawn { name } => self.withdrawn(name),
            SourceEvent::DirectoryLost { error } => {
                tracing::error!("{}; its modules go on as they are", with_causes(&*error));
            }
            SourceEvent::DirectoryBack => tracing::info!("the modules' directory can be read again"),
            SourceEvent::ChangesUnheard { reason } => tracing::warn!("{reason}"),
        }
    }

    fn offered(&mut self, offer: Offer) {
        let (module, digest) = (offer.name.clone(), offer.digest);
        self.observers.fact(&Fact::ModuleOffered { module, digest });
        self.regrant(&offer);
        if let Some(rejected) = self.versions.rejected(&offer.name, &offer.digest) {
            let reason = rejected.reason.clone();
            return self.hold_back(offer, reason);
        }
        if let Some(entry) = self.book.modules.get_mut(&offer.name) {
            entry.held_back = None;
        }
        self.load(offer);
    }

    /// What a manifest gives holds at once, also for the version that serves while another is loaded or waits.
    fn regrant(&mut self, offer: &Offer) {
        let Some(grant) = self.loader.granted(offer.manifest.as_deref()) else { return };
        self.book.regrant(&offer.name, &grant);
        self.step(Input::Grant(offer.name.clone(), grant));
    }

    pub(crate) fn load(&mut self, offer: Offer) {
        let manifest = offer.manifest.clone();
        let manifest = manifest.unwrap_or_else(|| Arc::new(Manifest::absent(&offer.name, &self.defaults)));
        self.book.offered(&offer, &manifest);
        let keep = self.versions.want(&offer.name, &offer.digest);
        self.loader.start(offer, manifest, keep);
    }

    /// What was offered last of one module, or of all, is loaded again.
    pub(crate) fn reload(&mut self, name: Option<&ModuleName>) -> usize {
        if let Some(name) = name {
            self.forgive(name);
        }
        let entries = self.book.modules.iter();
        let wanted = entries.filter(|(known, _)| name.is_none_or(|name| name == *known));
        let offers: Vec<_> = wanted.filter_map(|(_, entry)| entry.offer.clone()).collect();
        let len = offers.len();
        offers.into_iter().for_each(|offer| self.offered(offer));
        len
    }

    fn withdrawn(&mut self, name: ModuleName) {
        self.book.modules.remove(&name);
        self.versions.withdrawn(&name);
        self.seeker.look_after(self.book.kinds());
        self.observers.fact(&Fact::ModuleWithdrawn { module: name.clone() });
        self.step(Input::Withdraw(name));
    }

    fn loaded(&mut self, loaded: Loaded) {
        let Loaded { offer, manifest, result } = loaded;
        if !self.book.is_current(&offer, &manifest) {
            return;
        }
        let result = result.and_then(|ready| {
            let managers = self.book.field_managers();
            let shared = shared_field_manager(managers, &offer.name, &ready.terms.field_manager);
            shared.map(|()| ready).map_err(|shared| Held::Rejected(shared.to_string()))
        });
        match result {
            Ok(ready) => {
                self.gauges.register(&ready.version);
                self.registry.insert(offer.name.clone(), ready.module.clone(), self.files(&offer));
                self.book.ready(&offer, &ready);
                self.seeker.look_after(self.book.kinds());
                self.step(Input::Offer(Box::new(ready.version)));
            }
            Err(Held::Rejected(reason)) => {
                self.reject(&offer.name, reason.clone());
                self.fall_back(&offer.name, &reason);
            }
            Err(Held::Waiting { reason, description }) => {
                self.wait(&offer, reason.clone(), &description);
                self.fall_back(&offer.name, &reason);
            }
        }
    }

    /// Where a version's bytes can be read again: where they came from, and where they are kept once it serves.
    fn files(&self, offer: &Offer) -> Vec<PathBuf> {
        let kept = self.versions.file(&offer.name, &offer.digest).filter(|kept| *kept != offer.file);
        std::iter::once(offer.file.clone()).chain(kept).collect()
    }

    fn wait(&mut self, offer: &Offer, reason: String, description: &windlass_core::description::Description) {
        if let Some(entry) = self.book.modules.get_mut(&offer.name) {
            (entry.title, entry.version) = (description.title.clone(), description.version.clone());
            entry.stand = Stand::Waiting(reason.clone());
        }
        self.observers.fact(&Fact::ModuleWaiting { module: offer.name.clone(), reason });
    }

    pub(crate) fn reject(&mut self, name: &ModuleName, reason: String) {
        let entry = self.book.modules.entry(name.clone()).or_default();
        entry.stand = Stand::Rejected(reason.clone());
        self.observers.fact(&Fact::ModuleRejected { module: name.clone(), reason });
    }
}

/// An error with what caused it, in one line.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

/// That time; for ever nothing where there is none.
pub(crate) async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

async fn command(control: &mut Option<ControlServer>) -> Option<ControlRequest> {
    match control {
        Some(control) => control.next().await,
        None => std::future::pending().await,
    }
}

/// The next change of leadership; the first one at once. For ever nothing where there is no lease.
async fn next_leadership(leadership: &mut Option<watch::Receiver<Leadership>>) -> Option<Leadership> {
    match leadership {
        Some(leadership) => leadership.changed().await.ok().map(|()| leadership.borrow_and_update().clone()),
        None => std::future::pending().await,
    }
}
