//! A small host: drives the pipeline, starts watches, and answers runs and questions as the seed wants it.

use crate::{
    counting::Counts,
    ledger::{Chain, Ledger},
    model,
    modules::{WIDGETS, kind, resource},
    sink::{CacheSink, Told},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::mpsc, time::Instant};
use windlass_apiserver::store::Store;
use windlass_cluster::{
    connect::Connection,
    discovery::Discovery,
    reflector::{self, Reflector, Running},
};
use windlass_core::{
    cache::{Cache, Staging},
    fact::Reads,
    input::{AskTargets, Command, Ended, Input, Run, RunId, TargetsId, WatchId, WatchSpec},
    name::{Kind, ModuleName, ObjectName, Resource},
    outcome::{Outcome, Trap, TrapKind},
    pipeline::{self, Pipeline},
    time::Time,
};

/// How often an absent kind is looked for.
const SEEK: Duration = Duration::from_secs(5);

/// Lines of the log at most.
const LOG_MAX: usize = 3000;

/// A watch that runs.
pub(crate) struct Watched {
    pub(crate) spec: WatchSpec,
    running: Running,
    /// Up to where it holds everything; none before its first list.
    pub(crate) version: Option<String>,
    /// Why it is not in step.
    pub(crate) trouble: Option<String>,
    /// Versions that may be lower than the one before: the kind went and came again.
    anew: u8,
    /// Up to this version other watches that have ended may have brought objects into its view.
    pub(crate) brought: u64,
}

/// What a run or a question is going to answer.
enum Answer {
    Run(RunId, Outcome),
    Targets(TargetsId, Option<Vec<Vec<ObjectName>>>),
}

pub(crate) struct Driver {
    began: Instant,
    pub(crate) cache: Arc<Cache>,
    pipeline: Pipeline,
    reflector: Reflector,
    pub(crate) discovery: Arc<Discovery>,
    told: mpsc::Receiver<Told>,
    tell: mpsc::Sender<Told>,
    pub(crate) watches: BTreeMap<WatchId, Watched>,
    answers: BTreeMap<(Instant, u64), Answer>,
    answer_last: u64,
    wake_at: Option<Time>,
    random: fastrand::Rng,
    /// Runs fail, trap and take their time; after the faults they end at once and well.
    pub(crate) rough: bool,
    pub(crate) ledger: Ledger,
    chain: Arc<Mutex<Chain>>,
    /// What the host did, for people.
    pub(crate) log: Vec<String>,
    store: Store,
    pub(crate) counts: Arc<Counts>,
    /// Resources that discovery has shown.
    pub(crate) known: Vec<Resource>,
    pub(crate) runs_started: u64,
}

impl Driver {
    pub(crate) fn new(
        connection: &Connection,
        store: Store,
        counts: Arc<Counts>,
        mut random: fastrand::Rng,
    ) -> Self {
        let cache = Arc::new(Cache::new());
        let settings = pipeline::Settings {
            slots_max: random.usize(2..6),
            backfill_slice: 3,
            targets_changes_max: 4,
            ..pipeline::Settings::default()
        };
        let discovery = Discovery::new(connection);
        let settings_of_watches = reflector::Settings {
            watch_list: random.bool(),
            page_size: 3,
            batch_len_max: 4,
            ..reflector::Settings::default()
        };
        // Room for little, so that watches wait for the driver now and then.
        let (tell, told) = mpsc::channel(4);
        let mut driver = Self {
            began: Instant::now(),
            pipeline: Pipeline::new(cache.clone(), settings),
            cache,
            reflector: Reflector::new(connection.clone(), discovery.clone(), settings_of_watches),
            discovery,
            told,
            tell,
            watches: BTreeMap::new(),
            answers: BTreeMap::new(),
            answer_last: 0,
            wake_at: None,
            random,
            rough: true,
            ledger: Ledger::default(),
            chain: Arc::default(),
            log: Vec::new(),
            store,
            counts,
            known: (0..WIDGETS).map(resource).collect(),
            runs_started: 0,
        };
        driver.step(Input::Leading(true));
        driver.seek();
        driver
    }

    /// Looks for widgets until they are served, as the runtime looks for absent kinds.
    fn seek(&self) {
        let (discovery, tell) = (self.discovery.clone(), self.tell.clone());
        tokio::spawn(async move {
            loop {
                if let Ok(Some(served)) = discovery.resolve(&kind(WIDGETS)).await {
                    let found = Input::Discovered(vec![served.resource.clone()]);
                    drop(tell.send(Told::Input(found)).await);
                    return;
                }
                tokio::time::sleep(SEEK).await;
            }
        });
    }

    /// What the cache said of its changes.
    pub(crate) fn chain(&self) -> MutexGuard<'_, Chain> {
        self.chain.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything that went wrong so far.
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut problems = self.ledger.problems.clone();
        problems.extend(self.chain().problems.iter().cloned());
        problems
    }

    fn note(&mut self, what: impl std::fmt::Display) {
        if self.log.len() < LOG_MAX {
            self.log.push(format!("{:>9.3} s  . {what}", self.began.elapsed().as_secs_f64()));
        }
    }

    fn now(&self) -> Time {
        Time(u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    /// Drives for so long.
    pub(crate) async fn pass(&mut self, time: Duration) {
        let end = Instant::now() + time;
        loop {
            let wake = self.wake_at.map(|at| self.began + Duration::from_micros(at.0));
            let answer = self.answers.first_key_value().map(|((at, _), _)| *at);
            let next = [wake, answer].into_iter().flatten().fold(end, Instant::min);
            tokio::select! {
                biased;
                Some(told) = self.told.recv() => self.told(told),
                () = tokio::time::sleep_until(next) => {
                    if Instant::now() >= end && next == end {
                        return;
                    }
                    self.due(wake);
                }
            }
        }
    }

    fn due(&mut self, wake: Option<Instant>) {
        let now = Instant::now();
        if let Some(first) = self.answers.first_entry()
            && first.key().0 <= now
        {
            match first.remove() {
                Answer::Run(run, outcome) => self.end(run, outcome),
                Answer::Targets(id, targets) => {
                    self.ledger.answered(id, targets.is_some(), self.store.version());
                    self.step(Input::Targets(id, targets, Duration::ZERO));
                }
            }
        } else if wake.is_some_and(|wake| wake <= now) {
            self.step(Input::Tick);
        }
    }

    fn end(&mut self, run: RunId, outcome: Outcome) {
        self.ledger.ended(run, &outcome);
        self.step(Input::Ended(Ended {
            run,
            at: self.now(),
            outcome,
            cpu: Duration::from_micros(100),
            calls: 0,
            reads: Reads::default(),
        }));
    }

    fn told(&mut self, told: Told) {
        match told {
            Told::Input(input) => {
                if let Input::Discovered(resources) = &input {
                    self.known.extend(resources.iter().cloned());
                }
                self.step(input);
            }
            Told::Reached(id, version) => self.reached(id, version),
            Told::Failed(id, error) => self.in_trouble(id, error),
            Told::Absent(id) => {
                self.in_trouble(id, "absent".to_owned());
                if let Some(watched) = self.watches.get_mut(&id) {
                    // Its end is one, its new beginning the other.
                    watched.anew = 2;
                }
            }
        }
    }

    /// Oracle: a watch never goes back in time (R3).
    fn reached(&mut self, id: WatchId, version: String) {
        self.note(format_args!("watch {} is at {version}", id.0));
        let Some(watched) = self.watches.get_mut(&id) else { return };
        let before = watched.version.as_ref().and_then(|before| before.parse::<u64>().ok());
        if watched.anew == 0 && before > version.parse().ok() {
            let what =
                format!("watch {} of {} went back from {before:?} to {version}", id.0, watched.spec.kind);
            self.ledger.problems.push(what);
        }
        watched.anew = watched.anew.saturating_sub(1);
        (watched.version, watched.trouble) = (Some(version), None);
    }

    fn in_trouble(&mut self, id: WatchId, why: String) {
        self.note(format_args!("watch {}: {why}", id.0));
        if let Some(watched) = self.watches.get_mut(&id) {
            watched.trouble = Some(why);
        }
    }

    /// One step and all that it orders.
    pub(crate) fn step(&mut self, input: Input) {
        if let Input::Changed(changes) = &input {
            changes.iter().for_each(|change| self.ledger.delivered(change));
        }
        let commands = self.pipeline.step(self.now(), input);
        self.wake_at = commands.wake_at;
        for command in commands.commands {
            self.carry_out(command);
        }
    }

    fn carry_out(&mut self, command: Command) {
        match command {
            Command::StartWatch(id, spec) => self.watch(id, spec),
            Command::Replan(id, plan) => self.watches[&id].running.replan(plan),
            Command::StopWatch(id) => {
                let watched = self.watches.remove(&id).expect("a watch that runs is stopped once");
                self.note(format_args!("watch {} stops", id.0));
                self.chain().forgotten(&watched.spec);
                let version = self.store.version();
                let others = self.watches.values_mut().filter(|other| other.spec.kind == watched.spec.kind);
                others.for_each(|other| other.brought = version);
                watched.running.stop();
            }
            Command::Run(run) => self.run(run),
            Command::AskTargets(id, ask) => self.ask(id, ask),
            Command::Serve { module, digest, generation, .. } => {
                self.note(format_args!("{module} serves"));
                self.ledger.serves(&module, digest, generation, self.store.version());
            }
            Command::Free { .. } | Command::RollBack(..) | Command::Subscribed(..) | Command::Tell(_) => {}
        }
    }

    fn watch(&mut self, id: WatchId, spec: WatchSpec) {
        let sink = CacheSink {
            id,
            kind: spec.kind.clone(),
            cache: self.cache.clone(),
            chain: self.chain.clone(),
            discovery: self.discovery.clone(),
            told: self.tell.clone(),
            staged: Staging::default(),
            synced: false,
            absent: false,
        };
        let of = &spec.selection;
        let shape = if spec.metadata_only { "metadata of " } else { "" };
        let labels = of.labels.as_ref().map_or("", |labels| labels.as_str());
        let fields = of.fields.as_deref().unwrap_or_default();
        let what = format!("{shape}{} {:?} {labels} {fields}", spec.kind, of.namespaces);
        self.note(format_args!("watch {} starts: {what}", id.0));
        let running = self.reflector.start(spec.clone(), sink);
        self.watches.insert(id, Watched { spec, running, version: None, trouble: None, anew: 0, brought: 0 });
    }

    fn run(&mut self, run: Run) {
        self.runs_started += 1;
        let seen = self.cache.selected(&run.kind, &run.selection, &run.request.name);
        let seen = seen.map(|object| {
            (object.uid().to_owned(), object.resource_version().to_owned(), object.generation())
        });
        // Without the uid, which differs each time.
        let version = seen.as_ref().map(|(_, version, _)| version.clone());
        self.note(format_args!("run {} at {} sees {version:?}", run.request, self.store.version()));
        self.ledger.started(&run, seen, self.store.version());
        let outcome = self.outcome(run.failures);
        let took = if self.rough { Duration::from_millis(self.random.u64(0..1500)) } else { Duration::ZERO };
        self.answer_in(took, Answer::Run(run.id, outcome));
    }

    fn outcome(&mut self, failures: u32) -> Outcome {
        if !self.rough || failures > 8 {
            return Outcome::Done;
        }
        match self.random.u8(0..20) {
            0 => Outcome::RequeueAfter(Duration::from_millis(self.random.u64(0..5000))),
            1 | 2 => Outcome::Retry { message: "injected".into(), after: None, explained: true },
            3 => Outcome::Terminal { message: "injected".into(), explained: false },
            4 => Outcome::Abandoned,
            5 => Outcome::Trapped(Trap {
                kind: TrapKind::Fault,
                message: "injected".into(),
                frames: Vec::new(),
            }),
            _ => Outcome::Done,
        }
    }

    fn ask(&mut self, id: TargetsId, ask: AskTargets) {
        let of = |object: &Option<Arc<windlass_core::object::Object>>| {
            let object = serde_json::from_str(object.as_ref()?.json()).expect("the cache holds JSON");
            model::mapped(&object)
        };
        let lists: Vec<Vec<_>> = ask
            .changes
            .iter()
            .map(|change| {
                BTreeSet::from_iter([of(&change.before), of(&change.after)].into_iter().flatten())
                    .into_iter()
                    .collect()
            })
            .collect();
        let answers = !self.rough || self.random.u8(0..5) > 0;
        let took = Duration::from_millis(if self.rough { self.random.u64(0..3000) } else { 0 });
        self.ledger.asked(id, ask, &lists);
        self.answer_in(took, Answer::Targets(id, answers.then_some(lists)));
    }

    fn answer_in(&mut self, time: Duration, answer: Answer) {
        self.answer_last += 1;
        self.answers.insert((Instant::now() + time, self.answer_last), answer);
    }

    /// Loses the lease: runs under way are given up.
    pub(crate) fn stop_leading(&mut self) {
        self.step(Input::Leading(false));
        let all = std::mem::take(&mut self.answers);
        for (at, answer) in all {
            match answer {
                Answer::Run(run, _) => self.end(run, Outcome::Abandoned),
                other => drop(self.answers.insert(at, other)),
            }
        }
    }

    /// Takes a module out.
    pub(crate) fn withdraw(&mut self, module: &ModuleName) {
        self.ledger.withdrawn(module);
        self.step(Input::Withdraw(module.clone()));
    }

    /// Whether something is under way that is seen at a glance.
    pub(crate) fn is_busy(&self, refused: Option<&Kind>) -> bool {
        let unsynced = |watched: &Watched| {
            let refused = refused == Some(&watched.spec.kind);
            watched.version.is_none() && watched.trouble.as_deref() != Some("absent") && !refused
        };
        !self.answers.is_empty() || !self.ledger.owed.is_empty() || self.watches.values().any(unsynced)
    }
}
