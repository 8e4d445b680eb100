//! What the pipeline and the cache cost: `cargo bench -p windlass-core --bench queue`. With `--lines` the figure of the
//! queue comes as a line for `benches/compare` as well.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program for people at a terminal")]

use std::{
    fs,
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};
use windlass_core::{
    cache::{Cache, Query, Question},
    description::{Controller, Description, Permission, Selection},
    fact::Reads,
    grant::{Grant, Rule, Scope},
    input::{Command, Ended, Input, RunId, Version, WatchId},
    name::{Digest, Kind, ModuleName, Resource},
    object::Object,
    outcome::Outcome,
    pipeline::{Pipeline, Settings},
    selector::Selector,
    time::Time,
};

const OBJECTS: usize = 100_000;
const SLICE: usize = 500;

fn pods() -> Kind {
    Kind::new("v1", "Pod")
}

/// A Pod of about 3.8 KB, managedFields not counted.
fn pod(n: usize, version: usize) -> String {
    let filler = "x".repeat(3_300);
    format!(
        r#"{{"metadata":{{"namespace":"ns{}","name":"pod-{n:06}","uid":"{n:08}-1111-2222-3333-444444444444","resourceVersion":"{version}","labels":{{"app":"app-{}","tier":"web","pod-template-hash":"h{}"}},"ownerReferences":[{{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"rs-{}","uid":"owner-{}","controller":true}}]}},"spec":{{"filler":"{filler}"}}}}"#,
        n % 100,
        n / 100,
        n / 100,
        n / 100,
        n / 100
    )
}

fn grant() -> Grant {
    let all = || vec!["*".to_owned()];
    let permission =
        Permission { api_groups: all(), resources: all(), resource_names: Vec::new(), verbs: all() };
    Grant { rules: vec![Rule { permission, scope: Scope::AllNamespaces }] }
}

fn version() -> Version {
    let controller = Controller {
        name: "pod".into(),
        reconciles: pods(),
        selection: Selection::default(),
        predicates: Vec::new(),
        watches: Vec::new(),
    };
    Version {
        module: ModuleName("bench".into()),
        digest: Digest([1; 32]),
        description: Arc::new(Description { controllers: vec![controller], ..Description::default() }),
        grant: Arc::new(grant()),
        settings: "{}".into(),
        resources: vec![Resource { kind: pods(), plural: "pods".into(), namespaced: true }],
        concurrency: 64,
        runs_max: 64,
        resync: Duration::ZERO,
        paused: false,
        suppress_no_op_writes: true,
    }
}

/// Ends runs and takes in new ones until nothing is left; answers how many ran.
fn finish(pipeline: &mut Pipeline, mut runs: Vec<RunId>, now: Time) -> usize {
    let mut ran = 0;
    while let Some(run) = runs.pop() {
        ran += 1;
        let ended = Ended {
            run,
            at: now,
            outcome: Outcome::Done,
            cpu: Duration::from_micros(300),
            calls: 1,
            reads: Reads::default(),
        };
        runs.extend(started(&pipeline.step(now, Input::Ended(ended)).commands));
    }
    ran
}

fn started(commands: &[Command]) -> Vec<RunId> {
    let ids = commands.iter().map(|command| match command {
        Command::Run(run) => Some(run.id),
        _ => None,
    });
    ids.flatten().collect()
}

fn rss_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse().ok()).unwrap_or(0)
}

fn per(took: Duration, count: usize) -> String {
    format!("{:>9.3} ms  {:>8.0} ns each", took.as_secs_f64() * 1e3, took.as_nanos() as f64 / count as f64)
}

fn main() {
    let raw: Vec<String> = (0..OBJECTS).map(|n| pod(n, n + 1)).collect();
    let json_bytes: usize = raw.iter().map(String::len).sum();
    let cache = Arc::new(Cache::new());
    let mut pipeline = Pipeline::new(cache.clone(), Settings::default());
    let now = Time(1_000_000);
    pipeline.step(now, Input::Leading(true));
    pipeline.step(now, Input::Offer(Box::new(version())));
    let watch = WatchId(1);

    let before = rss_kib();
    let start = Instant::now();
    let objects: Vec<Object> = raw.iter().map(|raw| Object::ingest(&pods(), raw).unwrap()).collect();
    println!("parse 100,000 objects of {} bytes   {}", json_bytes / OBJECTS, per(start.elapsed(), OBJECTS));
    let start = Instant::now();
    cache.replace(watch, objects, "100000");
    println!("first list into the cache             {}", per(start.elapsed(), OBJECTS));
    let held = (rss_kib() - before) * 1024;
    println!("memory per object                     {:.2} x its JSON", held as f64 / json_bytes as f64);

    let start = Instant::now();
    let mut runs = started(&pipeline.step(now, Input::Synced(watch)).commands);
    loop {
        let wake_at = pipeline.step(now, Input::Tick);
        runs.extend(started(&wake_at.commands));
        if wake_at.wake_at != Some(now) {
            break;
        }
    }
    let ran = finish(&mut pipeline, runs, now);
    println!("serve: {ran} requests queued, run, done {}", per(start.elapsed(), ran));

    let fresh: Vec<Object> =
        (0..OBJECTS).map(|n| Object::ingest(&pods(), &pod(n, OBJECTS + n + 1)).unwrap()).collect();
    let start = Instant::now();
    let changes: Vec<_> = fresh.into_iter().filter_map(|object| cache.upsert(watch, object)).collect();
    println!("change each object in the cache       {}", per(start.elapsed(), OBJECTS));
    // Whoever lets go of the old states last pays for it; here that is not the queue.
    let old: Vec<_> = changes.iter().map(|change| change.before.clone()).collect();
    let mut changes = changes.into_iter();
    let slices: Vec<Vec<_>> = std::iter::from_fn(|| {
        Some(changes.by_ref().take(SLICE).collect()).filter(|slice: &Vec<_>| !slice.is_empty())
    })
    .collect();
    let begin = Instant::now();
    let mut runs = Vec::new();
    for slice in slices {
        runs.extend(started(&pipeline.step(now, Input::Changed(slice)).commands));
    }
    println!("100,000 changes into the queue        {}", per(begin.elapsed(), OBJECTS));
    let start = Instant::now();
    let ran = finish(&mut pipeline, runs, now);
    println!("{ran} runs started and ended        {}", per(start.elapsed(), ran));
    let took = begin.elapsed();
    println!("{ran} requests through the queue    {}", per(took, ran));
    if std::env::args().any(|argument| argument == "--lines") {
        println!("windlass/queue.pods\t{}\ts", took.as_secs_f64());
    }
    drop(old);
    lists(&cache);
}

fn lists(cache: &Cache) {
    let label = Question { labels: Some(Selector::parse("app=app-777").unwrap()), ..Question::default() };
    for (what, query) in [
        ("list 100 of 100,000 by label          ", Query { question: label, ..Query::default() }),
        (
            "list 100 of 100,000 by owner          ",
            Query { owner_uid: Some("owner-777".into()), ..Query::default() },
        ),
    ] {
        let start = Instant::now();
        for _ in 0..1_000 {
            assert_eq!(black_box(cache.list(&pods(), black_box(&query))).unwrap().len(), 100);
        }
        println!("{what}{}", per(start.elapsed(), 1_000));
    }
}
