//! 100,000 requests through the queue, beside kube-rs's applier: each is taken out once and its run ends at once.
//!
//! `cargo bench --manifest-path benches/peers/Cargo.toml --bench queue`. Ours begins with the changes of 100,000 objects
//! and also decides whom they wake; kube-rs's begins with the requests.

use futures::{StreamExt, future, stream};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::runtime::{
    controller::{Action, Config, ReconcileRequest, applier},
    reflector::{ObjectRef, store},
    watcher,
};
use std::{convert::Infallible, sync::Arc, time::Duration};
use windlass_core::{
    cache::Cache,
    change::ObjectChange,
    fact::Reads,
    input::{Command, Commands, Ended, Input, RunId, WatchId},
    name::Kind,
    object::Object,
    outcome::Outcome,
    pipeline::{Pipeline, Settings},
    time::Time,
};
use windlass_peers::{
    figure::{QUEUE, QUEUE_CPU, as_lines, median},
    measure::Stretch,
    module::version,
    table::{KUBE_RS, OURS, Table},
};

const REQUESTS: usize = 100_000;
const AT_A_TIME: u32 = 64;
/// Changes told to the pipeline at once, as the host has it.
const SLICE: usize = 256;
const ROUNDS: usize = 5;

/// In seconds.
#[derive(Clone, Copy)]
struct Took {
    time: f64,
    cpu: f64,
}

fn main() {
    let rounds = [ours, kube_rs].map(|side| (0..ROUNDS).map(|_| side()).collect::<Vec<Took>>());
    if as_lines() {
        for (side, rounds) in [OURS, KUBE_RS].iter().zip(&rounds) {
            for took in rounds {
                println!("{}\n{}", QUEUE.line(side, took.time), QUEUE_CPU.line(side, took.cpu));
            }
        }
        return;
    }
    let table = Table::begin("\n64 runs at a time, each ends at once; median of 5");
    for (figure, of) in [(QUEUE, (|took| took.time) as fn(&Took) -> f64), (QUEUE_CPU, |took| took.cpu)] {
        let [ours, kube_rs] =
            rounds.each_ref().map(|rounds| median(rounds.iter().map(of).collect()).unwrap_or_default());
        table.row(&figure, ours, kube_rs);
    }
}

fn timed(work: impl FnOnce()) -> Took {
    let stretch = Stretch::begin();
    work();
    let cost = stretch.cost();
    Took { time: cost.time.as_secs_f64(), cpu: cost.cpu.as_secs_f64() }
}

fn config_map(n: usize, version: usize) -> Object {
    let json = format!(
        r#"{{"kind":"ConfigMap","apiVersion":"v1","metadata":{{"name":"request-{n}","namespace":"default","uid":"uid-{n}","resourceVersion":"{version}"}}}}"#
    );
    Object::ingest(&kind(), &json).expect("an object")
}

fn kind() -> Kind {
    Kind::new("v1", "ConfigMap")
}

fn ours() -> Took {
    let cache = Arc::new(Cache::new());
    let mut pipeline = Pipeline::new(cache.clone(), Settings::default());
    let mut runs = started(pipeline.step(Time(1), Input::Leading(true)));
    runs.extend(started(
        pipeline.step(Time(1), Input::Offer(Box::new(version(1, kind(), Vec::new(), AT_A_TIME)))),
    ));
    let watch = WatchId(1);
    drop(cache.replace(watch, (0..REQUESTS).map(|n| config_map(n, n + 1)), "100000"));
    let mut ordered = pipeline.step(Time(1), Input::Synced(watch));
    while ordered.wake_at == Some(Time(1)) {
        runs.extend(started(ordered));
        ordered = pipeline.step(Time(1), Input::Tick);
    }
    runs.extend(started(ordered));
    assert_eq!(finish(&mut pipeline, runs), REQUESTS, "the first list wakes each once");

    let changes: Vec<ObjectChange> =
        (0..REQUESTS).filter_map(|n| cache.upsert(watch, config_map(n, REQUESTS + n + 1))).collect();
    timed(|| {
        let (mut runs, mut rest) = (Vec::new(), changes.into_iter());
        loop {
            let slice: Vec<_> = rest.by_ref().take(SLICE).collect();
            if slice.is_empty() {
                break;
            }
            runs.extend(started(pipeline.step(Time(2), Input::Changed(slice))));
        }
        assert_eq!(finish(&mut pipeline, runs), REQUESTS, "each change leads to one run");
    })
}

fn started(ordered: Commands) -> Vec<RunId> {
    let id = |command| match command {
        Command::Run(run) => Some(run.id),
        _ => None,
    };
    ordered.commands.into_iter().filter_map(id).collect()
}

/// Ends runs and takes in those that follow, until nothing is left; how many there were.
fn finish(pipeline: &mut Pipeline, mut runs: Vec<RunId>) -> usize {
    let mut ran = 0;
    while let Some(run) = runs.pop() {
        ran += 1;
        let (at, cpu, reads) = (Time(2), Duration::from_micros(300), Reads::default());
        let ended = Ended { run, at, outcome: Outcome::Done, cpu, calls: 0, reads };
        runs.extend(started(pipeline.step(at, Input::Ended(ended))));
    }
    ran
}

fn kube_rs() -> Took {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let (reader, mut writer) = store::<ConfigMap>();
    let mut requests = Vec::new();
    writer.apply_watcher_event(&watcher::Event::Init);
    for n in 0..REQUESTS {
        let mut object = ConfigMap::default();
        object.metadata.name = Some(format!("request-{n}"));
        object.metadata.namespace = Some("default".into());
        requests.push(Ok::<_, Infallible>(ReconcileRequest::from(ObjectRef::from_obj(&object))));
        writer.apply_watcher_event(&watcher::Event::InitApply(object));
    }
    writer.apply_watcher_event(&watcher::Event::InitDone);
    timed(|| {
        let ended = applier(
            |_, _| future::ready(Ok::<_, Infallible>(Action::await_change())),
            |_, _, _| Action::await_change(),
            Arc::new(()),
            reader,
            // The applier stops with its queue, whatever waits in it.
            stream::iter(requests).chain(stream::pending()),
            Config::default().concurrency(AT_A_TIME as u16),
        );
        let ran = runtime.expect("a runtime starts").block_on(ended.take(REQUESTS).count());
        assert_eq!(ran, REQUESTS);
    })
}
