//! The whole crate against the embedded API server: in process, and over TLS and HTTP/2.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::watch;
use windlass_apiserver::ApiServer;
use windlass_cluster::{
    client::{self, Client},
    connect::{ConnectOptions, Connection},
    discovery::Discovery,
    events::{Note, Recorder, Reference},
    lease::{self, Lease},
    reflector::{self, Delta, Reflector, Running, Sink, WatchError},
};
use windlass_core::{
    cache::Staging,
    call::{Action, ApiError, Call, DeleteOptions, ListQuery, PatchType, Reply, Shape, WriteOptions},
    description::Selection,
    input::WatchSpec,
    name::{Kind, ObjectName},
    object::Object,
};

/// Name → version; none while nothing is held.
type Names = Option<BTreeMap<String, String>>;

/// A cache of one kind.
struct Cache {
    held: watch::Sender<Names>,
    staged: Staging,
    failures: Arc<Mutex<Vec<String>>>,
}

fn entry(object: &Object) -> (String, String) {
    (object.name().name.to_owned(), object.resource_version().to_owned())
}

impl Sink for Cache {
    async fn begin(&mut self) {
        self.staged.clear();
    }
    async fn stage(&mut self, deltas: Vec<Delta>) {
        deltas.into_iter().for_each(|delta| delta.stage(&mut self.staged, Arc::new));
    }
    async fn commit(&mut self, _: &str) {
        self.held.send_replace(Some(self.staged.take().iter().map(|object| entry(object)).collect()));
    }
    async fn change(&mut self, deltas: Vec<Delta>, _: &str) {
        self.held.send_modify(|held| {
            let held = held.as_mut().expect("changes come after a commit");
            for delta in deltas {
                let (name, version) = entry(delta.object());
                match delta {
                    Delta::Upsert(_) => drop(held.insert(name, version)),
                    Delta::Remove(_) => drop(held.remove(&name)),
                }
            }
        });
    }
    async fn bookmark(&mut self, _: &str) {}
    async fn failed(&mut self, error: &WatchError, _: Duration) {
        self.failures.lock().unwrap().push(error.to_string());
    }
    async fn absent(&mut self) {
        self.held.send_replace(None);
    }
}

/// A running watch of one kind in the namespace `default`.
struct Watched {
    held: watch::Receiver<Names>,
    failures: Arc<Mutex<Vec<String>>>,
    _running: Running,
}

impl Watched {
    /// Waits until the names held are these.
    async fn until(&mut self, want: Option<&[&str]>) {
        let is = |held: &Names| {
            held.as_ref().map(|held| held.keys().map(String::as_str).collect()) == want.map(<[_]>::to_vec)
        };
        let reached = tokio::time::timeout(Duration::from_secs(20), self.held.wait_for(is)).await.is_ok();
        assert!(
            reached,
            "{want:?} was not reached; held is {:?}; failures: {:?}",
            self.held.borrow(),
            self.failures.lock().unwrap()
        );
    }
}

struct Bench {
    server: ApiServer,
    connection: Connection,
    discovery: Arc<Discovery>,
    client: Client,
}

impl Bench {
    async fn new(tls: bool) -> Self {
        let server = ApiServer::builder().start().await.unwrap();
        let connection = if tls { over_tls(&server).await } else { Connection::in_process(server.service()) };
        let discovery = Discovery::new(&connection);
        let client = Client::new(&connection, discovery.clone(), client::Settings::default());
        Self { server, connection, discovery, client }
    }

    fn watch(&self, kind: &Kind) -> Watched {
        self.watch_spec(spec(kind))
    }

    fn watch_spec(&self, spec: WatchSpec) -> Watched {
        let settings = reflector::Settings::default();
        let reflector = Reflector::new(self.connection.clone(), self.discovery.clone(), settings);
        let (held, names) = watch::channel(None);
        let failures = Arc::<Mutex<_>>::default();
        let cache = Cache { held, staged: Staging::default(), failures: failures.clone() };
        Watched { held: names, failures, _running: reflector.start(spec, cache) }
    }

    async fn call(&self, kind: &Kind, action: Action) -> Result<Reply, ApiError> {
        self.client.call(&Call { kind: kind.clone(), subresource: None, action }).await
    }
}

/// A kind in the namespace `default`.
fn spec(kind: &Kind) -> WatchSpec {
    WatchSpec {
        kind: kind.clone(),
        selection: Selection { namespaces: vec!["default".into()], ..Selection::default() },
        metadata_only: false,
        plan: Arc::default(),
    }
}

async fn over_tls(server: &ApiServer) -> Connection {
    let listening = server.listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kubeconfig");
    std::fs::write(&path, server.kubeconfig(&listening)).unwrap();
    let connection =
        Connection::open(&ConnectOptions { kubeconfig: Some(path), context: None }).await.unwrap();
    assert!(connection.check().await.unwrap().git_version.starts_with('v'));
    connection
}

fn config_map() -> Kind {
    Kind::new("v1", "ConfigMap")
}

fn name(name: &str) -> ObjectName {
    ObjectName::namespaced("default", name)
}

fn write() -> WriteOptions {
    WriteOptions { field_manager: "windlass/test".into(), dry_run: false }
}

fn create(namespace: Option<&str>, body: &Value) -> Action {
    let name = ObjectName { namespace: namespace.map(Into::into), name: "".into() };
    Action::Create { name, body: body.to_string(), write: write() }
}

fn map(name: &str) -> Action {
    create(Some("default"), &json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}))
}

fn patch(object: &str, patch_type: PatchType, body: &Value) -> Action {
    Action::Patch { name: name(object), patch_type, body: body.to_string(), force: true, write: write() }
}

fn list(limit: Option<u32>) -> Action {
    let query = ListQuery { namespace: Some("default".into()), limit, ..ListQuery::default() };
    Action::List { query, shape: Shape::Whole }
}

fn written(reply: Result<Reply, ApiError>) -> Value {
    match reply.unwrap() {
        Reply::Written { object, .. } => serde_json::from_str(object.json()).unwrap(),
        other => panic!("{other:?}"),
    }
}

/// Lists, watches, creates, patches, reads and deletes config maps.
async fn check(tls: bool) {
    let bench = Bench::new(tls).await;
    let kind = config_map();
    bench.call(&kind, map("first")).await.unwrap();
    let mut watched = bench.watch(&kind);
    watched.until(Some(&["first"])).await;

    let body =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "1"}});
    let made = written(bench.call(&kind, create(Some("default"), &body)).await);
    assert_eq!(made["data"]["k"], "1");
    assert!(made["metadata"]["managedFields"].is_null(), "cut, as in the cache");
    watched.until(Some(&["a", "first"])).await;
    let patched =
        written(bench.call(&kind, patch("a", PatchType::Merge, &json!({"data": {"k": "2"}}))).await);
    bench.call(&kind, map("b")).await.unwrap();
    watched.until(Some(&["a", "b", "first"])).await;
    let version = watched.held.borrow().as_ref().and_then(|held| held.get("a").cloned());
    assert_eq!(version.as_deref(), patched["metadata"]["resourceVersion"].as_str());

    let read = bench.call(&kind, Action::Get { name: name("a"), shape: Shape::Metadata }).await.unwrap();
    let Reply::Object(Some(read)) = read else { panic!("{read:?}") };
    assert!(read.contains("PartialObjectMetadata") && !read.contains("\"data\""), "{read}");
    let page = bench.call(&kind, list(Some(2))).await.unwrap();
    let Reply::Page(page) = page else { panic!("{page:?}") };
    assert!(page.items.len() == 2 && page.continue_token.is_some(), "{page:?}");

    let delete = |version: Option<&str>| {
        let options =
            DeleteOptions { resource_version: version.map(str::to_owned), ..DeleteOptions::default() };
        Action::Delete { name: name("a"), options }
    };
    let conflict = bench.call(&kind, delete(Some("1"))).await.unwrap_err();
    assert_eq!((conflict.code, conflict.reason.as_str()), (409, "Conflict"));
    let deleted = bench.call(&kind, delete(None)).await;
    assert!(matches!(deleted, Ok(Reply::Deleted { gone: true, uid: Some(_), left: None })), "{deleted:?}");
    watched.until(Some(&["b", "first"])).await;
    let gone = bench.call(&kind, Action::Get { name: name("a"), shape: Shape::Whole }).await;
    assert_eq!(gone, Ok(Reply::Object(None)));
    assert_eq!(*watched.failures.lock().unwrap(), Vec::<String>::new());
    drop(watched);
    bench.server.shutdown().await;
}

#[tokio::test]
async fn objects_are_listed_watched_created_patched_and_deleted_over_tls() {
    check(true).await;
}

#[tokio::test]
async fn objects_are_listed_watched_created_patched_and_deleted_in_process() {
    check(false).await;
}

fn definition() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.demo.example.com"},
        "spec": {
            "group": "demo.example.com", "scope": "Namespaced", "names": {"plural": "widgets", "kind": "Widget"},
            "versions": [{"name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}],
        },
    })
}

#[tokio::test]
async fn a_watch_of_a_kind_begins_when_its_definition_comes_and_ends_quietly_when_it_goes() {
    let bench = Bench::new(false).await;
    let widget = Kind::new("demo.example.com/v1", "Widget");
    let definitions = Kind::new("apiextensions.k8s.io/v1", "CustomResourceDefinition");
    let body = json!({"apiVersion": "demo.example.com/v1", "kind": "Widget", "metadata": {"name": "w"}});
    let mut watched = bench.watch(&widget);
    for _ in 0..2 {
        bench.call(&definitions, create(None, &definition())).await.unwrap();
        bench.discovery.invalidate();
        watched.until(Some(&[])).await;
        bench.call(&widget, create(Some("default"), &body)).await.unwrap();
        watched.until(Some(&["w"])).await;
        let name = ObjectName::cluster("widgets.demo.example.com");
        bench.call(&definitions, Action::Delete { name, options: DeleteOptions::default() }).await.unwrap();
        bench.discovery.invalidate();
        watched.until(None).await;
    }
}

#[tokio::test]
async fn m5_definitions_are_followed_so_a_kind_needs_no_hint_also_with_another_version_and_scope() {
    let bench = Bench::new(false).await;
    let reflector =
        Reflector::new(bench.connection.clone(), bench.discovery.clone(), reflector::Settings::default());
    let _following = reflector.follow_served();
    let definitions = Kind::new("apiextensions.k8s.io/v1", "CustomResourceDefinition");
    let everywhere = |version: &str| {
        let kind = Kind::new(&format!("demo.example.com/{version}"), "Widget");
        bench.watch_spec(WatchSpec { selection: Selection::default(), ..spec(&kind) })
    };
    let (mut first, mut second) = (everywhere("v1"), everywhere("v2"));
    for (version, scope) in [("v1", "Namespaced"), ("v1", "Cluster"), ("v2", "Namespaced")] {
        let mut body = definition();
        body["spec"]["scope"] = json!(scope);
        body["spec"]["versions"][0]["name"] = json!(version);
        bench.call(&definitions, create(None, &body)).await.unwrap();
        let (served, other) = if version == "v1" { (&mut first, &second) } else { (&mut second, &first) };
        served.until(Some(&[])).await;
        assert_eq!(*other.held.borrow(), None);
        let api_version = format!("demo.example.com/{version}");
        let widget = json!({"apiVersion": api_version, "kind": "Widget", "metadata": {"name": "w"}});
        let namespace = (scope == "Namespaced").then_some("default");
        let kind = Kind::new(&api_version, "Widget");
        let mut made = bench.call(&kind, create(namespace, &widget)).await;
        for _ in 0..100 {
            // Calls learn of another scope a moment later than the watch.
            if made.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
            made = bench.call(&kind, create(namespace, &widget)).await;
        }
        served.until(Some(&["w"])).await;
        let name = ObjectName::cluster("widgets.demo.example.com");
        bench.call(&definitions, Action::Delete { name, options: DeleteOptions::default() }).await.unwrap();
        served.until(None).await;
    }
    assert_eq!(*first.failures.lock().unwrap(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kind_is_served_as_soon_as_its_definition_is_established() {
    let bench = Bench::new(false).await;
    let definitions = Kind::new("apiextensions.k8s.io/v1", "CustomResourceDefinition");
    for round in 0..30 {
        let plural = format!("widget{round}s");
        let mut body = definition();
        body["metadata"]["name"] = json!(format!("{plural}.demo.example.com"));
        body["spec"]["names"] = json!({"plural": plural, "kind": format!("Widget{round}")});
        let made = written(bench.call(&definitions, create(None, &body)).await);
        let name = ObjectName::cluster(made["metadata"]["name"].as_str().unwrap());
        loop {
            tokio::task::yield_now().await;
            let read = Action::Get { name: name.clone(), shape: Shape::Whole };
            let Reply::Object(Some(read)) = bench.call(&definitions, read).await.unwrap() else { continue };
            let read: Value = serde_json::from_str(&read).unwrap();
            let conditions = read["status"]["conditions"].as_array().cloned().unwrap_or_default();
            if conditions.iter().any(|one| one["type"] == "Established" && one["status"] == "True") {
                break;
            }
        }
        let path = format!("/apis/demo.example.com/v1/{plural}");
        let request = http::Request::get(path).body(Default::default()).unwrap();
        let answer = bench.connection.calls().send(request, Duration::from_secs(5)).await.unwrap();
        assert_eq!(answer.status(), 200, "round {round}");
    }
}

#[tokio::test]
async fn r18_what_is_held_equals_a_list_at_exactly_its_version() {
    let bench = Bench::new(false).await;
    let kind = config_map();
    for one in ["a", "b", "c"] {
        bench.call(&kind, map(one)).await.unwrap();
    }
    let mut watched = bench.watch(&kind);
    watched.until(Some(&["a", "b", "c"])).await;
    let options = DeleteOptions::default();
    bench.call(&kind, Action::Delete { name: name("b"), options }).await.unwrap();
    bench.call(&kind, patch("a", PatchType::Merge, &json!({"data": {"k": "2"}}))).await.unwrap();
    bench.call(&kind, map("d")).await.unwrap();
    watched.until(Some(&["a", "c", "d"])).await;
    let held: reflector::Versions = {
        let held = watched.held.borrow();
        let held = held.as_ref().unwrap().iter();
        held.map(|(one, version)| (name(one), version.as_str().into())).collect()
    };
    let version = held[&name("d")].clone();
    // What came after that version does not count.
    bench.call(&kind, map("e")).await.unwrap();
    let reflector =
        Reflector::new(bench.connection.clone(), bench.discovery.clone(), reflector::Settings::default());
    let differences = |held: reflector::Versions| {
        let (reflector, version, spec) = (reflector.clone(), version.clone(), spec(&kind));
        async move { reflector.differences(&spec, &version, &held).await.unwrap() }
    };
    assert_eq!(differences(held.clone()).await, Vec::<String>::new());
    let mut wrong = held.clone();
    wrong.remove(&name("a"));
    wrong.insert(name("c"), "1".into());
    wrong.insert(name("x"), "1".into());
    assert_eq!(differences(wrong).await.len(), 3);
}

#[tokio::test]
async fn a_second_host_is_told_who_leads_and_leads_after_the_release() {
    let bench = Bench::new(false).await;
    let leads = |lease: &Lease| {
        let mut leadership = lease.leadership();
        async move { leadership.wait_for(|now| now.leading).await.unwrap().clone() }
    };
    let one = Lease::run(&bench.connection, "one", lease::Settings::default()).unwrap();
    assert_eq!(leads(&one).await.term, 1);
    let two = Lease::run(&bench.connection, "two", lease::Settings::default()).unwrap();
    let told = two.leadership().wait_for(|now| now.holder.is_some()).await.unwrap().clone();
    assert_eq!((told.leading, told.holder.as_deref()), (false, Some("one")));
    one.release().await;
    assert_eq!(leads(&two).await.holder.as_deref(), Some("two"));
    two.release().await;
}

#[tokio::test]
async fn a_noted_event_is_an_event_of_the_cluster_with_its_count() {
    let bench = Bench::new(false).await;
    let (recorder, task) = Recorder::start(bench.client.clone(), "host_1");
    for _ in 0..3 {
        recorder.note(Note {
            regarding: Reference { kind: config_map(), name: name("a"), uid: "u".to_owned() },
            related: None,
            warning: true,
            reason: "Failed".to_owned(),
            action: "Reconcile".to_owned(),
            text: "no such thing".to_owned(),
            controller: "windlass.dev/test".into(),
        });
    }
    drop(recorder);
    task.await.unwrap();
    let page = bench.call(&Kind::new("v1", "Event"), list(None)).await.unwrap();
    let Reply::Page(page) = page else { panic!("{page:?}") };
    let event: Value = serde_json::from_str(&page.items[0]).unwrap();
    assert_eq!((page.items.len(), &event["message"]), (1, &json!("no such thing")), "{event}");
    assert_eq!(event["series"]["count"], 3, "{event}");
}
