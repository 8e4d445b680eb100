//! A host without guests: watches, cache and pipeline, driven by one loop.

use crate::widgets::{self, NAMESPACES, Widgets};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::sync::{mpsc, watch};
use windlass_cluster::{
    connect::Connection,
    discovery::Discovery,
    reflector::{Delta, Reflector, Running, Settings, Sink, WatchError},
};
use windlass_core::{
    cache::{Cache, Staging},
    change::ObjectChange,
    fact::Reads,
    input::{Command, Ended, Input, Version, WatchId},
    name::Kind,
    outcome::Outcome,
    pipeline::{Pipeline, Settings as PipelineSettings},
    time::Time,
};
use windlass_peers::{module::version, server::Server};

/// One for each namespace, one for all widgets, one for the Pods.
pub(crate) const MODULES: usize = NAMESPACES + 2;
/// Changes told to the pipeline at once, as the host has it.
const SLICE: usize = 256;

/// From a change on the wire to each order to run that it led to.
pub(crate) type Measured = Vec<Duration>;

/// What the loop has done so far.
#[derive(Clone, Copy, Default)]
struct Progress {
    synced: usize,
    lists: usize,
    runs: usize,
}

/// A running host.
pub(crate) struct Host {
    measured: Arc<Mutex<Measured>>,
    progress: watch::Receiver<Progress>,
}

impl Host {
    /// Offers the modules and drives until the runtime ends.
    pub(crate) fn start(server: &Server, widgets: Arc<Widgets>) -> Self {
        let connection = Connection::in_process(server.clone());
        // The next relist is to begin as soon as the last one is over.
        let (backoff_min, backoff_max) = (Duration::from_millis(1), Duration::from_millis(5));
        let settings = Settings { backoff_min, backoff_max, ..Settings::default() };
        let (inputs, received) = mpsc::channel(1024);
        let (told, progress) = watch::channel(Progress::default());
        let measured = Arc::<Mutex<Measured>>::default();
        let driver = Driver {
            cache: Arc::new(Cache::new()),
            reflector: Reflector::new(connection.clone(), Discovery::new(&connection), settings),
            inputs,
            told,
            widgets,
            measured: measured.clone(),
            watches: HashMap::new(),
            begun: Instant::now(),
        };
        tokio::spawn(driver.drive(received));
        Self { measured, progress }
    }

    async fn wait(&self, until: impl FnMut(&Progress) -> bool) {
        self.progress.clone().wait_for(until).await.expect("the host drives on");
    }

    /// Waits until both kinds are held, each request has run, and both watches are open.
    pub(crate) async fn until_quiet(&self, server: &Server) {
        self.wait(|progress| progress.synced == 2).await;
        let mut runs = 0;
        while self.progress.borrow().runs > runs
            || !server.is_watched("pods")
            || !server.is_watched("widgets")
        {
            runs = self.progress.borrow().runs;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// Lists all Pods anew, again and again; how many times.
    pub(crate) async fn relist(&self, server: &Server, within: Duration) -> usize {
        let (end, mut done) = (Instant::now() + within, 0);
        while Instant::now() < end {
            while !server.is_watched("pods") {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            let lists = self.progress.borrow().lists;
            server.expire("pods");
            self.wait(|progress| progress.lists > lists).await;
            done += 1;
        }
        done
    }

    /// What was measured since the last time.
    pub(crate) fn measured(&self) -> Measured {
        std::mem::take(&mut *self.measured.lock().expect("nothing panics here"))
    }
}

struct Driver {
    cache: Arc<Cache>,
    reflector: Reflector,
    inputs: mpsc::Sender<Input>,
    told: watch::Sender<Progress>,
    widgets: Arc<Widgets>,
    measured: Arc<Mutex<Measured>>,
    watches: HashMap<WatchId, Running>,
    begun: Instant,
}

impl Driver {
    async fn drive(mut self, mut received: mpsc::Receiver<Input>) {
        let mut pipeline = Pipeline::new(self.cache.clone(), PipelineSettings::default());
        let mut wake_at = self.step(&mut pipeline, Input::Leading(true));
        for version in modules() {
            wake_at = self.step(&mut pipeline, Input::Offer(Box::new(version)));
        }
        loop {
            let wake = wake_at.map(|at| self.begun + Duration::from_micros(at.0));
            let tick = async {
                match wake {
                    Some(at) => tokio::time::sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            let input = tokio::select! {
                biased;
                Some(input) = received.recv() => input,
                () = tick => Input::Tick,
            };
            if matches!(input, Input::Synced(_)) {
                self.told.send_modify(|progress| progress.synced += 1);
            }
            wake_at = self.step(&mut pipeline, input);
        }
    }

    /// A step and all that follows from it: runs end at once.
    fn step(&mut self, pipeline: &mut Pipeline, input: Input) -> Option<Time> {
        let mut next = vec![input];
        let mut wake_at = None;
        while let Some(input) = next.pop() {
            let now = self.now();
            let ordered = pipeline.step(now, input);
            wake_at = ordered.wake_at;
            for command in ordered.commands {
                next.extend(self.carry_out(command));
            }
        }
        wake_at
    }

    fn now(&self) -> Time {
        Time(self.begun.elapsed().as_micros() as u64)
    }

    fn carry_out(&mut self, command: Command) -> Option<Input> {
        match command {
            Command::StartWatch(id, spec) => {
                let running = self.reflector.start(spec, self.sink(id));
                self.watches.insert(id, running);
                None
            }
            Command::StopWatch(id) => {
                self.watches.remove(&id);
                None
            }
            Command::Run(run) => {
                self.told.send_modify(|progress| progress.runs += 1);
                let widget =
                    (run.kind == widgets::kind()).then(|| run.request.name.name.parse().ok()).flatten();
                let changed_at = widget.and_then(|n| self.widgets.changed_at(n));
                let took = changed_at.map(|at| at.elapsed());
                self.measured.lock().expect("nothing panics here").extend(took);
                let cpu = Duration::from_micros(300);
                let (at, reads) = (self.now(), Reads::default());
                Some(Input::Ended(Ended { run: run.id, at, outcome: Outcome::Done, cpu, calls: 0, reads }))
            }
            _ => None,
        }
    }

    fn sink(&self, id: WatchId) -> CacheSink {
        CacheSink {
            id,
            cache: self.cache.clone(),
            inputs: self.inputs.clone(),
            told: self.told.clone(),
            staged: Staging::default(),
            synced: false,
        }
    }
}

fn modules() -> Vec<Version> {
    let module = |n: usize, kind, namespaces| version(n as u8, kind, namespaces, 4);
    let narrow = (0..NAMESPACES).map(|n| module(n, widgets::kind(), vec![widgets::namespace(n).into()]));
    let wide = module(NAMESPACES, widgets::kind(), Vec::new());
    let pods = module(NAMESPACES + 1, Kind::new("v1", "Pod"), Vec::new());
    narrow.chain([wide, pods]).collect()
}

struct CacheSink {
    id: WatchId,
    cache: Arc<Cache>,
    inputs: mpsc::Sender<Input>,
    told: watch::Sender<Progress>,
    staged: Staging,
    synced: bool,
}

impl CacheSink {
    async fn send(&self, input: Input) {
        self.inputs.send(input).await.expect("the host drives on");
    }

    async fn tell(&self, changes: Vec<ObjectChange>) {
        let mut rest = changes.into_iter();
        loop {
            let slice: Vec<_> = rest.by_ref().take(SLICE).collect();
            if slice.is_empty() {
                return;
            }
            self.send(Input::Changed(slice)).await;
        }
    }
}

impl Sink for CacheSink {
    async fn begin(&mut self) {
        self.staged.clear();
    }
    async fn stage(&mut self, deltas: Vec<Delta>) {
        for delta in deltas {
            delta.stage(&mut self.staged, |object| self.cache.share(self.id, object));
        }
    }
    async fn commit(&mut self, version: &str) {
        let objects = self.staged.take();
        let (cache, id, version) = (self.cache.clone(), self.id, version.to_owned());
        let replaced = tokio::task::spawn_blocking(move || cache.replace(id, objects, &version)).await;
        self.tell(replaced.expect("nothing panics here")).await;
        if !self.synced {
            self.synced = true;
            self.send(Input::Synced(self.id)).await;
        }
        self.told.send_modify(|progress| progress.lists += 1);
    }
    async fn change(&mut self, deltas: Vec<Delta>, version: &str) {
        let changes = deltas.into_iter().filter_map(|delta| delta.lay(&self.cache, self.id)).collect();
        self.cache.bookmark(self.id, version);
        self.tell(changes).await;
    }
    async fn bookmark(&mut self, version: &str) {
        self.cache.bookmark(self.id, version);
    }
    async fn failed(&mut self, _: &WatchError, _: Duration) {}
    async fn absent(&mut self) {
        panic!("both kinds are served");
    }
}
