//! Writes whose callers are cut off, against the embedded API server.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use super::*;
use std::{collections::BTreeSet, net::Ipv4Addr, time::Duration};
use windlass_apiserver::ApiServer;
use windlass_cluster::{
    client::Settings,
    connect::{ConnectOptions, Connection},
    discovery::Discovery,
};
use windlass_core::{
    cache::Found,
    call::{Answered, DeleteOptions, PatchType, WriteOptions},
    fact::Reason,
    input::{RunId, WatchId, WatchSpec},
    name::{ControllerName, Digest, Generation, Kind, ModuleName, ObjectName, Request},
    object::FieldPlan,
};

/// A server, a client of it, and a cache whose watch has seen the first version of the ConfigMap `default/m`.
struct Bench {
    server: Option<ApiServer>,
    _folder: tempfile::TempDir,
    client: Client,
    cache: Arc<Cache>,
    writes: OwnWrites,
}

fn maps() -> Kind {
    Kind::new("v1", "ConfigMap")
}

fn name() -> ObjectName {
    ObjectName::namespaced("default", "m")
}

fn apply(value: &str) -> Call {
    let body = format!(
        r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"m","namespace":"default"}},"data":{{"k":"{value}"}}}}"#
    );
    let write = WriteOptions { field_manager: "test".into(), dry_run: false };
    let action = Action::Patch { name: name(), patch_type: PatchType::Apply, body, force: true, write };
    Call { kind: maps(), subresource: None, action }
}

impl Bench {
    async fn new() -> Self {
        let server = ApiServer::builder().start().await.unwrap();
        let listening = server.listen((Ipv4Addr::LOCALHOST, 0).into()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("kubeconfig");
        std::fs::write(&kubeconfig, server.kubeconfig(&listening)).unwrap();
        let options = ConnectOptions { kubeconfig: Some(kubeconfig), context: None };
        let connection = Connection::open(&options).await.unwrap();
        let client = Client::new(&connection, Discovery::new(&connection), Settings::default());
        let cache = Arc::new(Cache::new());
        let plan = Arc::new(FieldPlan::default());
        let spec = WatchSpec { kind: maps(), selection: <_>::default(), metadata_only: false, plan };
        cache.open(WatchId(1), &spec);
        let writes = OwnWrites::start(client.clone(), cache.clone());
        let bench = Self { server: Some(server), _folder: folder, client, cache, writes };
        let first = bench.send(&apply("1")).await;
        let version = first.resource_version().to_owned();
        bench.cache.replace(WatchId(1), vec![(*first).clone()], &version);
        bench
    }

    /// Writes without telling the cache, as somebody else would.
    async fn send(&self, call: &Call) -> Arc<Object> {
        match self.client.call(call).await.unwrap() {
            Reply::Written { object: Answered::Object(object), .. } => object,
            other => panic!("{other:?}"),
        }
    }

    async fn end(&mut self) {
        self.server.take().unwrap().shutdown().await;
    }

    fn found(&self) -> Option<Arc<Object>> {
        match self.cache.find(&maps(), &name(), Shape::Whole) {
            Found::Object(object) => Some(object),
            Found::Absent => panic!("it is there"),
            Found::Unknown => None,
        }
    }

    fn run(&self) -> Run {
        let controller = ControllerName { module: ModuleName("m".into()), controller: "maps".into() };
        Run {
            id: RunId(1),
            request: Request { controller, name: name() },
            kind: maps(),
            selection: Arc::default(),
            digest: Digest([0; 32]),
            generation: Generation(1),
            reason: Reason::Changed,
            failures: 0,
            waited: Duration::ZERO,
            spares: None,
        }
    }
}

#[tokio::test]
async fn a_write_whose_caller_is_cut_off_is_looked_up_and_seen() {
    let mut bench = Bench::new().await;
    let call = apply("2");
    {
        let under_way = bench.writes.begin(&call).unwrap();
        bench.send(&call).await;
        // The run is ended here, before the answer came.
        drop(under_way);
    }
    assert!(bench.found().is_none(), "the server is asked meanwhile");
    let seen = async {
        loop {
            match bench.found() {
                Some(object) => return object,
                None => tokio::time::sleep(Duration::from_millis(2)).await,
            }
        }
    };
    let seen = tokio::time::timeout(Duration::from_secs(30), seen).await.unwrap();
    assert!(seen.json().contains(r#""k":"2""#), "{}", seen.json());
    assert_eq!(bench.cache.own_writes().settled, 1);
    bench.end().await;
}

#[tokio::test]
async fn a_run_after_a_write_of_unknown_outcome_has_the_object_as_the_server_has_it() {
    let mut bench = Bench::new().await;
    let call = apply("2");
    let mut seen = BTreeSet::new();
    let mut under_way = bench.writes.begin(&call).unwrap();
    bench.send(&call).await;
    under_way.answered(&Err(ApiError::host("OutcomeUnknown", "the answer was lost")));
    drop(under_way);
    let object = bench.writes.object_of(&bench.run()).await.unwrap().unwrap();
    assert!(object.json().contains(r#""k":"2""#), "{}", object.json());
    seen.insert(object.resource_version().to_owned());
    // From the cache again, and no older.
    let object = bench.writes.object_of(&bench.run()).await.unwrap().unwrap();
    seen.insert(object.resource_version().to_owned());
    assert_eq!((seen.len(), bench.cache.must_ask(&maps(), &name())), (1, false));
    bench.end().await;
    // Nobody answers, and the cache does not know: the run cannot be.
    drop(bench.writes.begin(&apply("3")).unwrap());
    assert!(bench.writes.object_of(&bench.run()).await.is_err());
}

#[tokio::test]
async fn an_answer_is_seen_before_anybody_else_is_told() {
    let mut bench = Bench::new().await;
    let call = apply("2");
    let mut under_way = bench.writes.begin(&call).unwrap();
    let answer = bench.client.call(&call).await;
    under_way.answered(&answer);
    assert!(bench.found().unwrap().json().contains(r#""k":"2""#));
    assert_eq!(under_way.before().map(|before| before.version().is_empty()), Some(false));
    drop(under_way);
    bench.end().await;
}

#[tokio::test]
async fn what_a_live_read_showed_no_cached_read_shows_older() {
    let mut bench = Bench::new().await;
    let get =
        Call { kind: maps(), subresource: None, action: Action::Get { name: name(), shape: Shape::Whole } };
    // Somebody else writes, and the watch does not tell of it.
    bench.send(&apply("2")).await;
    assert!(bench.found().unwrap().json().contains(r#""k":"1""#));
    let Reply::Object(Some(text)) = bench.writes.read(&get).await.unwrap() else { panic!("it is there") };
    assert!(text.contains(r#""k":"2""#), "{text}");
    assert_eq!(bench.found().unwrap().json(), text);
    let action = Action::Delete { name: name(), options: DeleteOptions::default() };
    bench.client.call(&Call { kind: maps(), subresource: None, action }).await.unwrap();
    let list = Action::List { query: ListQuery::default(), shape: Shape::Whole };
    let list = Call { kind: maps(), subresource: None, action: list };
    assert!(bench.writes.read(&list).await.is_ok());
    assert!(matches!(bench.cache.find(&maps(), &name(), Shape::Whole), Found::Absent));
    bench.end().await;
}
