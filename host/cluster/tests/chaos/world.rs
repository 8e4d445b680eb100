//! One seed from beginning to end: a server, a host, faults between them, and what must hold afterwards.

use crate::{
    counting::{Counting, Counts},
    driver::Driver,
    modules::{KINDS, Maker, kind},
    oracle::Oracle,
    truth::Truth,
    workload::Workload,
};
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::time::Instant;
use tower::Layer;
use windlass_apiserver::{
    ApiServer,
    fault::{Fault, Faults, Profile},
};
use windlass_cluster::connect::Connection;
use windlass_core::{
    description::{Controller, Description, Selection},
    input::{Input, Version},
    name::{Kind, ModuleName, Resource},
};

/// After the faults everything is in step within this.
const SETTLED_WITHIN: Duration = Duration::from_secs(900);
/// A kind that nobody refuses is synced within this, whatever befalls others: a look-up that was lost takes 20 s.
const HEALTHY_WITHIN: Duration = Duration::from_secs(25);

/// The profile of a seed.
pub(crate) fn profile(seed: u64) -> Profile {
    match seed % 5 {
        0 => Profile::none(),
        1 => Profile::network(),
        2 => Profile::server(),
        3 => Profile::mixed(),
        _ => Profile::storm(),
    }
}

pub(crate) struct World {
    server: ApiServer,
    faults: Faults,
    driver: Driver,
    workload: Workload,
    maker: Maker,
    truth: Truth,
    random: fastrand::Rng,
    refused: Option<usize>,
    /// What the test did, for people.
    log: Vec<String>,
}

/// What went wrong, and all that led there.
pub(crate) struct Report {
    pub(crate) problems: Vec<String>,
    pub(crate) log: Vec<String>,
    pub(crate) runs: u64,
}

impl World {
    pub(crate) async fn new(seed: u64) -> Self {
        // The reflectors' jitter.
        fastrand::seed(seed);
        let mut random = fastrand::Rng::with_seed(seed);
        let server = ApiServer::builder().start().await.expect("a server in memory starts");
        let workload = Workload::new(server.client(), random.fork());
        workload.prepare().await.expect("namespaces are made");
        let faults = Faults::new(seed, profile(seed));
        let counts = Arc::<Counts>::default();
        let inner = faults.layer().layer(server.service());
        let connection = Connection::in_process(Counting { inner, counts: counts.clone() });
        let store = server.client().registry().store().clone();
        let driver = Driver::new(&connection, store, counts, random.fork());
        let truth = Truth::new(server.client());
        let maker = Maker::new(random.fork());
        Self { server, faults, driver, workload, maker, truth, random, refused: None, log: Vec::new() }
    }

    /// Everything; what went wrong at the end.
    pub(crate) async fn run(mut self) -> Report {
        let problems = match self.live().await {
            Ok(()) => Vec::new(),
            Err(problems) => problems,
        };
        let mut log: Vec<_> = std::mem::take(&mut self.log);
        log.append(&mut self.driver.log);
        log.extend(self.faults.injected().iter().map(ToString::to_string));
        log.sort();
        let runs = self.driver.runs_started;
        drop(self.driver);
        self.server.shutdown().await;
        Report { problems, log, runs }
    }

    fn note(&mut self, what: impl std::fmt::Display) {
        let at = self.faults.elapsed().as_secs_f64();
        self.log.push(format!("{at:>9.3} s    {what}"));
    }

    async fn live(&mut self) -> Result<(), Vec<String>> {
        self.trouble().await?;
        self.faults.stop();
        self.note("the faults stop");
        self.driver.rough = false;
        self.driver.step(Input::Leading(true));
        for module in 0..3 {
            self.driver.step(Input::Resume(name_of(module)));
        }
        self.driver.discovery.invalidate();
        self.healthy().await?;
        self.settle().await?;
        if let Some(refused) = self.refused.take() {
            self.faults.permit(KINDS[refused].2);
            self.note("what was refused is permitted");
            self.settle().await?;
        }
        self.rest().await
    }

    /// The time of faults.
    async fn trouble(&mut self) -> Result<(), Vec<String>> {
        if self.random.bool() {
            self.workload.toggle_definition().await;
        }
        if self.random.u8(0..4) == 0 {
            let at = self.random.usize(0..KINDS.len());
            self.refused = Some(at);
            self.faults.forbid(KINDS[at].2);
            self.note(format_args!("{} is refused", KINDS[at].2));
        }
        for module in 0..3 {
            self.offer(module);
        }
        let end = Instant::now() + Duration::from_secs(self.random.u64(60..300));
        while Instant::now() < end {
            let time = match self.random.u8(0..20) {
                0 => self.random.u64(20_000..70_000),
                1..10 => self.random.u64(0..100),
                _ => self.random.u64(0..6_000),
            };
            self.driver.pass(Duration::from_millis(time)).await;
            self.act().await?;
        }
        Ok(())
    }

    async fn act(&mut self) -> Result<(), Vec<String>> {
        let module = self.random.usize(0..3);
        match self.random.u8(0..100) {
            0..66 => self.workload.write().await,
            66..74 => self.offer(module),
            74..77 => {
                self.note(format_args!("module-{module} is withdrawn"));
                self.driver.withdraw(&name_of(module));
            }
            77..80 => {
                self.note("the definition of widgets comes or goes");
                self.workload.toggle_definition().await;
                if self.random.bool() {
                    self.driver.discovery.invalidate();
                }
            }
            80..83 => {
                self.note("history is compacted");
                self.truth.poll();
                self.server.client().registry().store().compact();
            }
            83..85 => self.driver.step(Input::Pause(name_of(module))),
            85..88 => self.driver.step(Input::Resume(name_of(module))),
            88..90 => self.driver.stop_leading(),
            90..94 => self.driver.step(Input::Leading(true)),
            94..96 if self.faults.profile().rate(Fault::ResourceHeld) > 0 => {
                let resource = KINDS[self.random.usize(0..KINDS.len())].2;
                self.faults.hold_back(resource, Duration::from_secs(self.random.u64(1..40)));
            }
            96 => self.driver.step(Input::Ask(name_of(module), None)),
            _ => return self.moment(),
        }
        Ok(())
    }

    fn offer(&mut self, module: usize) {
        let version = self.maker.version(module, self.driver.known.clone());
        let kinds: Vec<_> = version.description.controllers.iter().map(describe).collect();
        self.note(format_args!("module-{module} is offered: {}", kinds.join("; ")));
        self.offer_version(version);
    }

    fn offer_version(&mut self, version: Version) {
        self.driver.ledger.offered(&version);
        self.driver.step(Input::Offer(Box::new(version)));
    }

    fn oracle(&mut self) -> Oracle<'_> {
        self.truth.poll();
        Oracle { driver: &self.driver, truth: &self.truth, refused: self.refused.map(kind) }
    }

    fn moment(&mut self) -> Result<(), Vec<String>> {
        let problems = self.oracle().of_moment();
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// Oracle: a kind that nobody has asked for yet and nobody refuses is synced soon, whatever else is refused.
    async fn healthy(&mut self) -> Result<(), Vec<String>> {
        let kind = Kind::new("v1", "ServiceAccount");
        let mut version = self.maker.version(0, Vec::new());
        version.module = name_of(9);
        version.resources =
            vec![Resource { kind: kind.clone(), plural: "serviceaccounts".into(), namespaced: true }];
        let controller = Controller {
            name: "accounts".into(),
            reconciles: kind,
            selection: Selection::default(),
            predicates: Vec::new(),
            watches: Vec::new(),
        };
        version.description =
            Arc::new(Description { controllers: vec![controller], ..Description::default() });
        self.offer_version(version);
        self.driver.pass(HEALTHY_WITHIN).await;
        if !self.driver.ledger.serving.contains_key(&name_of(9)) {
            return Err(vec![format!("a healthy kind is not synced after {HEALTHY_WITHIN:?}")]);
        }
        self.driver.withdraw(&name_of(9));
        Ok(())
    }

    /// Waits until all is as it must be.
    async fn settle(&mut self) -> Result<(), Vec<String>> {
        let began = Instant::now();
        let mut pause = Duration::from_secs(2);
        loop {
            self.driver.pass(pause).await;
            // To compare everything takes a while: only where it may be so, and less and less often.
            pause = (pause * 3 / 2).min(Duration::from_secs(60));
            let late = began.elapsed() > SETTLED_WITHIN || !self.driver.problems().is_empty();
            if !late && self.driver.is_busy(self.refused.map(kind).as_ref()) {
                continue;
            }
            let problems = self.oracle().problems();
            if problems.is_empty() {
                self.note("all is in step");
                return Ok(());
            }
            if late {
                return Err(problems);
            }
        }
    }

    /// Oracle: when all is done, nothing runs and next to nothing is asked.
    async fn rest(&mut self) -> Result<(), Vec<String>> {
        let (runs, asked) = (self.driver.runs_started, self.driver.counts.requests.load(Ordering::Relaxed));
        self.driver.pass(Duration::from_secs(600)).await;
        let mut problems = self.oracle().problems();
        let watches = self.driver.watches.len();
        if self.driver.runs_started != runs {
            problems
                .push(format!("{} runs in ten minutes without a change", self.driver.runs_started - runs));
        }
        // Each watch ends and resumes once or twice, or its kind is looked for each half minute.
        let absent = if self.workload.serves_widgets() { 0 } else { 300 };
        let asked = self.driver.counts.requests.load(Ordering::Relaxed) - asked;
        if asked > watches * 4 + absent {
            problems.push(format!("{asked} requests in ten minutes without a change, of {watches} watches"));
        }
        let open = self.driver.counts.open.load(Ordering::Relaxed);
        if open > watches {
            problems.push(format!("{open} open watches where {watches} are wanted"));
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }
}

fn name_of(module: usize) -> ModuleName {
    ModuleName(format!("module-{module}").into())
}

fn describe(controller: &Controller) -> String {
    let selection = |of: &Selection| {
        let labels = of.labels.as_ref().map_or("", |labels| labels.as_str());
        format!("{:?} {labels}{}", of.namespaces, of.fields.as_deref().unwrap_or_default())
    };
    let watches = controller.watches.iter().map(|watch| {
        let shape = if watch.metadata_only { "metadata " } else { "" };
        format!("{shape}{} {} {:?}", watch.kind.kind, selection(&watch.selection), watch.relation)
    });
    let watches: Vec<_> = watches.collect();
    format!("{} {} < {}", controller.reconciles.kind, selection(&controller.selection), watches.join(", "))
}
