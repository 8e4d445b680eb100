//! Processor time of one fresh invocation: a guest that reads its object from the cache and is done.
//!
//! `cargo bench -p windlass-guest`. Prints microseconds of the whole process per invocation, the median of some
//! rounds, on one thread and on two; the guest has two pages of memory, as the SDKs build them.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a program for people")]

use futures::future::{BoxFuture, FutureExt};
use std::{path::Path, sync::Arc, time::Instant};
use windlass_core::{
    cache::Cache,
    call::{ApiError, Call, Reply},
    description::{Permission, Selection},
    grant::{Grant, Refusal, Rule, Scope},
    input::{RunId, WatchId, WatchSpec},
    name::{ControllerName, Kind, ModuleName, ObjectName, Request, Resource},
    object::Object,
    outcome::Outcome,
    subscription::{Following, Seen, Subscription, SubscriptionId},
};
use windlass_guest::{
    engine::{Engine, EngineSettings},
    host::{Caller, EventData, Host, LogLine, MetricSample, Terms},
    instance::{RunInput, invoke},
    limits::{Bound, Limits},
    module::Module,
};

const ROUNDS: usize = 15;
const RUNS_PER_ROUND: usize = 2_000;

struct Quiet {
    cache: Cache,
    resource: Resource,
}

impl Host for Quiet {
    fn call<'a>(&'a self, _: &'a Caller, _: Call) -> BoxFuture<'a, Result<Reply, ApiError>> {
        std::future::ready(Err(ApiError::host("Unavailable", "no server in a bench"))).boxed()
    }

    fn resource<'a>(&'a self, _: &'a Kind) -> BoxFuture<'a, Result<Resource, ApiError>> {
        std::future::ready(Ok(self.resource.clone())).boxed()
    }

    fn cache(&self) -> &Cache {
        &self.cache
    }

    fn event(&self, _: &Caller, _: EventData) {}
    fn log(&self, _: &Caller, _: LogLine) {}
    fn metric(&self, _: &Caller, _: MetricSample) {}
    fn subscribe<'a>(
        &'a self,
        _: &'a Caller,
        _: Subscription,
    ) -> BoxFuture<'a, Result<(SubscriptionId, Following), ApiError>> {
        std::future::ready(Ok((SubscriptionId(0), Following::InStep))).boxed()
    }
    fn seen<'a>(&'a self, _: &'a Caller, _: SubscriptionId, _: Option<Seen>) -> BoxFuture<'a, ()> {
        std::future::ready(()).boxed()
    }
    fn reached(&self, _: &Caller, _: Bound, _: u32) {}

    fn refused(&self, _: &Caller, _: &Refusal) {}

    fn now_ms(&self, _: &Caller) -> f64 {
        0.0
    }

    fn random(&self, _: &Caller, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

fn main() {
    let kind = Kind::new("v1", "ConfigMap");
    let host = Arc::new(Quiet {
        cache: Cache::new(),
        resource: Resource { kind: kind.clone(), plural: "configmaps".into(), namespaced: true },
    });
    let plan = Arc::default();
    let spec = WatchSpec { kind: kind.clone(), selection: Selection::default(), metadata_only: false, plan };
    host.cache.open(WatchId(1), &spec);
    let data = "x".repeat(3_000);
    let json = format!(
        r#"{{"metadata":{{"namespace":"mine","name":"a","uid":"u","resourceVersion":"1"}},"data":{{"k":"{data}"}}}}"#
    );
    host.cache.replace(WatchId(1), vec![Object::ingest(&kind, &json).unwrap()], "1");
    for threads in [1, 2] {
        let micros = measure(&host, &kind, threads);
        println!("{threads} thread(s): {:.1} µs of CPU, {:.0} invocations/s", micros.0, micros.1);
    }
}

/// Microseconds of processor time per invocation, and invocations a second.
fn measure(host: &Arc<Quiet>, kind: &Kind, threads: usize) -> (f64, f64) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build().unwrap();
    let engine = Engine::new(EngineSettings::default()).unwrap();
    let module = Arc::new(runtime.block_on(Module::load(&engine, component().into(), None)).unwrap());
    let input = input(host, kind);
    let mut rounds: Vec<(f64, f64)> = (0..ROUNDS)
        .map(|_| {
            let (started, cpu) = (Instant::now(), process_cpu_us());
            let work = (0..threads).map(|_| {
                let (module, host, input) = (module.clone(), host.clone(), input.clone());
                runtime.spawn(async move {
                    for _ in 0..RUNS_PER_ROUND {
                        let report = invoke(&module, input.clone(), host.clone()).await;
                        assert_eq!(report.outcome, Outcome::Done);
                    }
                })
            });
            let work: Vec<_> = work.collect();
            runtime.block_on(futures::future::join_all(work)).into_iter().for_each(|done| done.unwrap());
            let runs = (threads * RUNS_PER_ROUND) as f64;
            ((process_cpu_us() - cpu) / runs, runs / started.elapsed().as_secs_f64())
        })
        .collect();
    rounds.sort_by(|one, other| one.0.total_cmp(&other.0));
    rounds[ROUNDS / 2]
}

fn input(host: &Arc<Quiet>, kind: &Kind) -> RunInput {
    let name = ObjectName::namespaced("mine", "a");
    let permission = Permission {
        api_groups: vec![String::new()],
        resources: vec!["configmaps".to_owned()],
        resource_names: Vec::new(),
        verbs: vec!["get".to_owned()],
    };
    let module = ModuleName("bench".into());
    let terms = Terms {
        module: module.clone(),
        grant: Arc::new(Grant { rules: vec![Rule { permission, scope: Scope::AllNamespaces }] }).into(),
        field_manager: "windlass/bench".into(),
        settings: "{}".into(),
        indexes: Arc::from([]),
        limits: Limits::default(),
        pace: Arc::default(),
    };
    RunInput {
        terms: Arc::new(terms),
        run: RunId(1),
        request: Request {
            controller: ControllerName { module, controller: "maps".into() },
            name: name.clone(),
        },
        kind: kind.clone(),
        object: host.cache.get(kind, &name),
        failures: 0,
    }
}

fn process_cpu_us() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
}

/// The guest of the tests, with one cached read.
fn component() -> Vec<u8> {
    let get = r#"(import "windlass:controller/objects@0.1.0" "get"
        (func $get (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))"#;
    let reconcile = "(call $get
        (i32.const 600) (i32.const 2) (i32.const 610) (i32.const 9)
        (i32.const 1) (i32.const 620) (i32.const 4) (i32.const 630) (i32.const 1)
        (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
        (i32.const 704))
        (if (i32.load8_u (i32.const 704)) (then unreachable))";
    let more = r#"(data (i32.const 600) "v1") (data (i32.const 610) "ConfigMap")
        (data (i32.const 620) "mine") (data (i32.const 630) "a")"#;
    let mut text = include_str!("../src/testing/reconciler.wat").to_owned();
    for (part, value) in [
        ("${imports}", get),
        ("${pages}", "2"),
        ("${reconcile}", reconcile),
        ("${more}", more),
        ("${description}", "1024"),
        ("${realloc}", ""),
        ("${describe}", ""),
        ("${locals}", ""),
        ("${image}", ""),
    ] {
        text = text.replace(part, value);
    }
    let mut core = wat::parse_str(text).unwrap();
    let mut resolve = wit_parser::Resolve::default();
    let (package, _) = resolve.push_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit")).unwrap();
    let world = resolve.select_world(&[package], Some("windlass")).unwrap();
    let encoding = wit_component::StringEncoding::UTF8;
    wit_component::embed_component_metadata(&mut core, &resolve, world, encoding, false).unwrap();
    wit_component::ComponentEncoder::default().module(&core).unwrap().encode().unwrap()
}
