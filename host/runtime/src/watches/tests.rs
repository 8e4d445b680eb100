//! Watches that the server refuses, or whose kind goes: the pipeline, the reflector and the embedded server together.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod vanishing;

use super::*;
use crate::{observe::Memory, tell};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
};
use tokio::{sync::mpsc, time::Instant};
use tower::BoxError;
use windlass_apiserver::ApiServer;
use windlass_cluster::{connect::Connection, reflector, transport::RequestBody};
use windlass_core::{
    description::{Controller, Description, Permission, Selection},
    grant::{Grant, Rule, Scope},
    input::{Command, Version},
    name::{Digest, ModuleName, Resource},
    pipeline::{self, Pipeline},
    time::Time,
};

/// A host without modules' code, over a server that refuses watches of all namespaces at will.
struct Bench {
    server: ApiServer,
    forbids: Arc<AtomicBool>,
    observer: Arc<Memory>,
    pipeline: Pipeline,
    watches: Watches,
    told: mpsc::Receiver<Input>,
    serving: BTreeSet<String>,
    began: Instant,
}

fn connection(server: &ApiServer, forbids: Arc<AtomicBool>) -> Connection {
    let service = server.service();
    Connection::in_process(tower::service_fn(move |request: Request<RequestBody>| {
        let (mut service, forbids) = (service.clone(), forbids.clone());
        async move {
            if forbids.load(Ordering::Relaxed) && request.uri().path() == "/api/v1/configmaps" {
                let status = r#"{"kind":"Status","code":403,"reason":"Forbidden","message":"configmaps is forbidden"}"#;
                let body = Full::from(status).map_err(BoxError::from).boxed_unsync();
                return Ok(Response::builder().status(403).body(body).unwrap());
            }
            let answer = tower::Service::call(&mut service, request).await.unwrap();
            Ok::<_, BoxError>(answer.map(|body| body.map_err(BoxError::from).boxed_unsync()))
        }
    }))
}

impl Bench {
    async fn new() -> Self {
        let server = ApiServer::builder().start().await.unwrap();
        let forbids = Arc::new(AtomicBool::new(true));
        let connection = connection(&server, forbids.clone());
        let discovery = Discovery::new(&connection);
        let settings = reflector::Settings {
            backoff_min: Duration::from_millis(50),
            backoff_max: Duration::from_millis(200),
            ..reflector::Settings::default()
        };
        let reflector = Reflector::new(connection, discovery.clone(), settings);
        let (inputs, told) = tell::channel();
        let (cache, observer) = (Arc::new(Cache::new()), Arc::new(Memory::new(1000)));
        let observers = Observers::default().with(observer.clone());
        let pipeline = Pipeline::new(cache.clone(), pipeline::Settings::default());
        let watches = Watches::new(reflector, discovery, cache, inputs, observers);
        let (serving, began) = (BTreeSet::new(), Instant::now());
        Self { server, forbids, observer, pipeline, watches, told, serving, began }
    }

    fn step(&mut self, input: Input) {
        let now = Time(u64::try_from(self.began.elapsed().as_micros()).unwrap());
        for command in self.pipeline.step(now, input).commands {
            match command {
                Command::StartWatch(id, spec) => self.watches.start(id, spec),
                Command::StopWatch(id) => self.watches.stop(id),
                Command::Serve { module, .. } => drop(self.serving.insert(module.to_string())),
                _ => {}
            }
        }
    }

    /// Offers a module that follows config maps in these namespaces; none: everywhere; after a `*`: everywhere, and these
    /// by name.
    fn offer(&mut self, module: &str, digest: u8, namespaces: &[&str]) {
        let resource =
            Resource { kind: Kind::new("v1", "ConfigMap"), plural: "configmaps".into(), namespaced: true };
        self.offer_of(resource, module, digest, namespaces);
    }

    fn offer_of(&mut self, resource: Resource, module: &str, digest: u8, namespaces: &[&str]) {
        let all = || vec!["*".to_owned()];
        let permission =
            Permission { api_groups: all(), resources: all(), resource_names: Vec::new(), verbs: all() };
        let named = |list: &[&str]| Scope::Namespaces(list.iter().map(|one| Arc::from(*one)).collect());
        let scopes = match namespaces {
            [] => vec![Scope::AllNamespaces],
            ["*", list @ ..] => vec![Scope::AllNamespaces, named(list)],
            list => vec![named(list)],
        };
        let rules = scopes.into_iter().map(|scope| Rule { permission: permission.clone(), scope });
        let controller = Controller {
            name: "maps".into(),
            reconciles: resource.kind.clone(),
            selection: Selection::default(),
            predicates: Vec::new(),
            watches: Vec::new(),
        };
        let version = Version {
            module: ModuleName(module.into()),
            digest: Digest([digest; 32]),
            description: Arc::new(Description { controllers: vec![controller], ..Description::default() }),
            grant: Arc::new(Grant { rules: rules.collect() }),
            settings: "{}".into(),
            resources: vec![resource],
            concurrency: 1,
            runs_max: 1,
            resync: Duration::ZERO,
            paused: false,
            suppress_no_op_writes: true,
        };
        self.step(Input::Offer(Box::new(version)));
    }

    /// Drives until these modules serve.
    async fn until(&mut self, want: &[&str]) {
        let end = Instant::now() + Duration::from_secs(20);
        while !self.serving.iter().map(String::as_str).eq(want.iter().copied()) {
            let input = tokio::time::timeout_at(end, self.told.recv()).await;
            let Ok(Some(input)) = input else { panic!("{want:?} do not serve, but {:?}", self.serving) };
            self.step(input);
        }
    }

    /// The namespaces of the watches that run; empty: all.
    fn watched(&self) -> Vec<String> {
        let watches = self.pipeline.status().watches.into_iter();
        watches.map(|watch| watch.namespace.as_deref().unwrap_or_default().to_owned()).collect()
    }
}

#[tokio::test]
async fn where_watching_all_namespaces_is_forbidden_each_granted_one_is_watched_until_it_is_allowed() {
    let mut bench = Bench::new().await;
    bench.offer("all", 1, &[]);
    bench.offer("two", 2, &["default", "kube-system"]);
    assert_eq!(bench.watched(), [""], "one watch would serve both");
    bench.until(&["two"]).await;
    assert_eq!(bench.watched(), ["", "default", "kube-system"]);
    let reasons = bench.observer.all(|fact| match fact {
        Fact::WatchFailed { reason, .. } => Some(reason.clone()),
        _ => None,
    });
    let lacks = "a ClusterRole with {apiGroups: [\"\"], resources: [configmaps], verbs: [get, list, watch]}";
    assert!(reasons.iter().any(|reason| reason.contains(lacks)), "{reasons:?}");

    bench.forbids.store(false, Ordering::Relaxed);
    bench.until(&["all", "two"]).await;
    assert_eq!(bench.watched(), [""]);
    bench.watches.stop_all();
    bench.server.shutdown().await;
}

#[tokio::test]
async fn who_may_follow_all_follows_what_the_grant_names_until_the_server_lets_the_host_follow_all() {
    let mut bench = Bench::new().await;
    bench.offer("m", 1, &["*", "default"]);
    bench.until(&["m"]).await;
    assert_eq!(bench.watched(), ["", "default"]);
    assert_eq!(bench.pipeline.status().modules[0].narrowed.len(), 1);

    bench.forbids.store(false, Ordering::Relaxed);
    let end = Instant::now() + Duration::from_secs(20);
    while bench.watched() != [""] {
        let input = tokio::time::timeout_at(end, bench.told.recv()).await.unwrap();
        bench.step(input.unwrap());
    }
    assert_eq!(bench.pipeline.status().modules[0].narrowed, []);
    bench.watches.stop_all();
    bench.server.shutdown().await;
}
