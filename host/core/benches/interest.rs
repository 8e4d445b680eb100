//! What a change of one module costs beside many others of the same kind: `cargo bench -p windlass-core --bench interest`.
#![allow(clippy::print_stdout, reason = "a program for people at a terminal")]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use windlass_core::{
    cache::Cache,
    description::{Controller, Description, Permission, Selection},
    grant::{Grant, Rule, Scope},
    input::{Command, Input, Version},
    name::{Digest, Kind, ModuleName, Resource},
    pipeline::{Pipeline, Settings},
    time::Time,
};

const NOW: Time = Time(1_000_000);
const CHANGES: usize = 20;

fn grant() -> Grant {
    let all = || vec!["*".to_owned()];
    let permission =
        Permission { api_groups: all(), resources: all(), resource_names: Vec::new(), verbs: all() };
    Grant { rules: vec![Rule { permission, scope: Scope::AllNamespaces }] }
}

/// A module that follows Pods by this selection.
fn version(module: usize, digest: usize, selection: Selection) -> Version {
    let pods = Kind::new("v1", "Pod");
    let controller = Controller {
        name: "pod".into(),
        reconciles: pods.clone(),
        selection,
        predicates: Vec::new(),
        watches: Vec::new(),
    };
    Version {
        module: ModuleName(format!("module-{module}").into()),
        digest: Digest([u8::try_from(digest % 256).unwrap_or_default(); 32]),
        description: Arc::new(Description { controllers: vec![controller], ..Description::default() }),
        grant: Arc::new(grant()),
        settings: "{}".into(),
        resources: vec![Resource { kind: pods, plural: "pods".into(), namespaced: true }],
        concurrency: 1,
        resync: Duration::ZERO,
        paused: false,
        suppress_no_op_writes: true,
        runs_max: 64,
    }
}

/// Takes in a version and the first lists of the watches that it starts. How long the pipeline took for both.
fn offer(pipeline: &mut Pipeline, version: Version) -> Duration {
    let version = Box::new(version);
    let start = Instant::now();
    let commands = pipeline.step(NOW, Input::Offer(version)).commands;
    for command in &commands {
        if let Command::StartWatch(watch, _) = command {
            pipeline.step(NOW, Input::Synced(*watch));
        }
    }
    start.elapsed()
}

fn measure(what: &str, modules: usize, selection: impl Fn(usize) -> Selection) {
    let mut pipeline = Pipeline::new(Arc::new(Cache::new()), Settings::default());
    pipeline.step(NOW, Input::Leading(true));
    for module in 0..modules {
        offer(&mut pipeline, version(module, 0, selection(module)));
    }
    let mut took: Vec<_> =
        (1..=CHANGES).map(|at| offer(&mut pipeline, version(at, at, selection(modules + at)))).collect();
    took.sort();
    let ms = |at: usize| took[at].as_secs_f64() * 1e3;
    println!("{modules:>5} modules, {what:<28} least {:>8.3} ms  median {:>8.3} ms", ms(0), ms(CHANGES / 2));
}

fn main() {
    for modules in [1_000, 5_000] {
        measure("each a namespace of its own", modules, |at| Selection {
            namespaces: vec![format!("n{at}").into()],
            ..Selection::default()
        });
        measure("each a name of its own", modules, |at| Selection {
            fields: Some(format!("metadata.name=x{at}").into()),
            ..Selection::default()
        });
        measure("all the same", modules, |_| Selection::default());
    }
}
