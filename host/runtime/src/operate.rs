//! What operators ask of the running host, and what it answers.

use crate::{
    book::{Entry, Stand},
    control::{
        Answer, Command, Condition, ControlRequest, ControllerStatus, Leadership, ModuleState, ModuleStatus,
        ObjectArgument, Rejection, StatusReport, WatchStatus, WatchUser,
    },
    drive::Driver,
};
use std::{collections::BTreeMap, sync::Arc};
use windlass_core::{
    fight::Fight,
    input::Input,
    name::{ControllerName, ModuleName, ObjectName},
    pipeline::status,
    quarantine::{Stage, Standing},
};
use windlass_guest::registry::NotAwake;

/// Fights of one module that its status tells one by one.
const FIGHTS_SHOWN: usize = 8;

impl Driver {
    /// Does what is asked and answers.
    pub(crate) fn control(&mut self, request: ControlRequest) {
        let answer = match request.command {
            Command::Status {} => Answer::Status(Box::new(self.report())),
            Command::Reload { module } => self.reload_asked(module.as_deref()),
            Command::Pause { module } => self.of_module(&module, |driver, name| driver.pause(name, true)),
            Command::Resume { module } => self.of_module(&module, |driver, name| driver.pause(name, false)),
            Command::Rollback { module } => {
                self.of_module(&module, |driver, name| driver.rollback_asked(&name))
            }
            Command::Reconcile { module, object } => {
                self.of_module(&module, |driver, name| driver.reconcile(name, object))
            }
        };
        request.reply.finish(answer);
    }

    fn of_module(&mut self, name: &str, act: impl FnOnce(&mut Self, ModuleName) -> Answer) -> Answer {
        let module = ModuleName(name.into());
        if self.book.modules.contains_key(&module) {
            return act(self, module);
        }
        let known: Vec<_> = self.book.modules.keys().map(ToString::to_string).collect();
        let known = if known.is_empty() {
            "there is none".to_owned()
        } else {
            format!("there are: {}", known.join(", "))
        };
        Answer::failed(format!("no module is called `{name}`; {known}"))
    }

    fn reload_asked(&mut self, name: Option<&str>) -> Answer {
        match name {
            None => Answer::done(format!("{} modules are being loaded again", self.reload(None))),
            Some(name) => self.of_module(name, |driver, name| match driver.reload(Some(&name)) {
                0 => Answer::failed(format!("{name} has no file that could be read; see `windlass status`")),
                _ => Answer::done(format!("{name} is being loaded again")),
            }),
        }
    }

    fn pause(&mut self, name: ModuleName, pause: bool) -> Answer {
        if let Some(entry) = self.book.modules.get_mut(&name) {
            entry.paused = pause;
        }
        self.step(if pause { Input::Pause(name.clone()) } else { Input::Resume(name.clone()) });
        Answer::done(if pause {
            format!("{name} is paused: its changes are kept, nothing of it runs")
        } else {
            format!("{name} runs again")
        })
    }

    fn reconcile(&mut self, module: ModuleName, object: Option<ObjectArgument>) -> Answer {
        let object = object.map(|object| ObjectName {
            namespace: object.namespace.as_deref().map(Arc::from),
            name: object.name.as_str().into(),
        });
        let what = object.as_ref().map_or_else(|| "everything".to_owned(), ToString::to_string);
        if self.pipeline.serving(&module).is_none() {
            return Answer::failed(format!("nothing of {module} serves; see `windlass status`"));
        }
        self.step(Input::Ask(module.clone(), object));
        Answer::done(format!("{module} reconciles {what}"))
    }

    fn report(&self) -> StatusReport {
        let status = self.pipeline.status();
        let module = |(name, entry): (&ModuleName, &Entry)| {
            let decided = status.modules.iter().find(|one| one.name == *name);
            let takes_part = |fight: &&Fight| fight.modules.contains(name);
            let mut conditions = fighting(status.fights.iter().filter(takes_part));
            let narrowed = decided.iter().flat_map(|one| &one.narrowed);
            conditions.extend(
                narrowed
                    .map(|one| Condition { kind: "NotAllNamespaces".to_owned(), message: one.to_string() }),
            );
            conditions.extend(decided.and_then(|one| one.standing.as_ref()).map(condition));
            let held = decided.and_then(|one| self.registry.get(&one.serving?.0));
            conditions.extend(held.and_then(|held| held.trouble()).map(|why| not_woken(name, &why)));
            ModuleStatus { conditions, ..self.module_status(name, entry, decided) }
        };
        StatusReport {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            process_id: std::process::id(),
            uptime_seconds: self.clock.now().0 / 1_000_000,
            leadership: Leadership {
                leading: status.leading,
                holder: self.holder.clone(),
                trouble: self.lease_trouble.as_deref().map(str::to_owned),
            },
            modules: self.book.modules.iter().map(module).collect(),
            watches: status.watches.iter().map(|watch| self.watch_status(watch)).collect(),
        }
    }

    fn module_status(
        &self,
        name: &ModuleName,
        entry: &Entry,
        decided: Option<&status::ModuleStatus>,
    ) -> ModuleStatus {
        let serving = decided.and_then(|one| one.serving);
        let (state, reason) = state(entry, decided);
        let held = serving.and_then(|(digest, _)| self.registry.get(&digest));
        let held_back = entry.held_back.as_ref().filter(|_| serving.is_some());
        let rejected = match &entry.stand {
            _ if held_back.is_some() => held_back.map(|held_back| Rejection {
                digest: Some(held_back.offer.digest.to_string()),
                reason: format!("{}; `windlass reload {name}` tries it again", held_back.reason),
            }),
            Stand::Rejected(reason) if serving.is_some() => {
                let digest = entry.offer.as_ref().map(|offer| offer.digest.to_string());
                Some(Rejection { digest, reason: reason.clone() })
            }
            _ => None,
        };
        ModuleStatus {
            name: name.to_string(),
            state,
            reason,
            digest: serving.map(|(digest, _)| digest.to_string()),
            generation: serving.map_or(0, |(_, generation)| generation.0),
            title: entry.title.clone(),
            version: entry.version.clone(),
            rejected,
            asleep: held.is_some_and(|held| held.is_asleep()),
            conditions: Vec::new(),
            subscriptions: decided.map_or(0, |one| one.subscriptions),
            controllers: decided.map_or_else(Vec::new, |one| {
                one.controllers.iter().map(|controller| self.controller(name, controller)).collect()
            }),
        }
    }

    fn controller(&self, module: &ModuleName, status: &status::ControllerStatus) -> ControllerStatus {
        let name = ControllerName { module: module.clone(), controller: status.name.clone() };
        ControllerStatus {
            name: status.name.to_string(),
            kind: status.kind.to_string(),
            ready: status.ready,
            running: status.running,
            delayed: status.waiting,
            last_error: self.failures.of(&name),
        }
    }

    fn watch_status(&self, watch: &status::WatchStatus) -> WatchStatus {
        WatchStatus {
            kind: watch.kind.to_string(),
            namespace: watch.namespace.as_deref().map(str::to_owned),
            selector: selector(watch),
            metadata_only: watch.metadata_only,
            users: users(watch),
            synced: watch.synced,
            objects: self.watches.objects(watch.id),
            error: self.watches.trouble(watch.id),
        }
    }
}

/// Why a module does not run as it likes, and what to do.
fn condition(standing: &Standing) -> Condition {
    let Standing { stage, failures, message } = standing;
    let (kind, effect) = match stage {
        Stage::Quarantined => ("Quarantined", "it runs once a minute until a run succeeds"),
        Stage::Slowed | Stage::Free => ("Slowed", "it runs one request at a time, with pauses"),
    };
    let message = format!(
        "{failures} runs of several objects failed in a row, and {effect}; the last one said: {message}. Replace the module, or `windlass reconcile` it once what it needs is there"
    );
    Condition { kind: kind.to_owned(), message }
}

/// Why a module that sleeps does not run, and what to do.
fn not_woken(module: &ModuleName, why: &NotAwake) -> Condition {
    let seconds = why.retry_in.as_secs().max(1);
    let message = format!(
        "{why}; its requests wait, and it is tried again in {seconds} s at the earliest, or at once by `windlass reload {module}`"
    );
    Condition { kind: "CannotWake".to_owned(), message }
}

/// As `kubectl` takes them: `app=web`, `metadata.name=home`.
fn selector(watch: &status::WatchStatus) -> String {
    let parts = [watch.labels.as_deref(), watch.fields.as_deref()];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn users(watch: &status::WatchStatus) -> Vec<WatchUser> {
    let mut users: BTreeMap<&str, WatchUser> = BTreeMap::new();
    for controller in &watch.users {
        users.entry(controller).or_default().declared = true;
    }
    for (controller, subscriptions) in &watch.followers {
        users.entry(controller).or_default().subscriptions = *subscriptions;
    }
    let named =
        |(controller, user): (&str, WatchUser)| WatchUser { controller: controller.to_owned(), ..user };
    users.into_iter().map(named).collect()
}

fn state(entry: &Entry, decided: Option<&status::ModuleStatus>) -> (ModuleState, Option<String>) {
    let serves = decided.is_some_and(|one| one.serving.is_some());
    let pending = decided.and_then(|one| one.pending.as_ref()).map(|(_, why)| why.clone());
    match &entry.stand {
        Stand::Rejected(reason) if !serves => (ModuleState::Rejected, Some(reason.clone())),
        Stand::Waiting(reason) => (ModuleState::WaitingForGrant, Some(reason.clone())),
        _ if entry.paused => (ModuleState::Paused, None),
        _ if serves => (ModuleState::Serving, pending),
        _ => (ModuleState::Syncing, pending),
    }
}

/// A condition for each fight of a module, up to [`FIGHTS_SHOWN`].
fn fighting<'f>(mut fights: impl Iterator<Item = &'f Fight>) -> Vec<Condition> {
    let shown = fights.by_ref().take(FIGHTS_SHOWN).map(ToString::to_string);
    let mut messages: Vec<_> = shown.collect();
    let more = fights.count();
    if more > 0 {
        messages.push(format!("{more} more objects are fought over; see the Events with reason Fighting"));
    }
    messages.into_iter().map(|message| Condition { kind: "Fighting".to_owned(), message }).collect()
}
