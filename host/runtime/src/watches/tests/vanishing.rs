//! A kind whose definition goes and comes again.

use super::*;
use serde_json::{Value, json};
use windlass_cluster::client::{self, Client};
use windlass_core::{
    call::{Action, Call, DeleteOptions, Reply, Shape, WriteOptions},
    name::ObjectName,
};

const DEFINITION: &str = "widgets.demo.example.com";

fn widget() -> Resource {
    let kind = Kind::new("demo.example.com/v1", "Widget");
    Resource { kind, plural: "widgets".into(), namespaced: true }
}

/// Reads and writes past the host.
struct Admin {
    client: Client,
    discovery: Arc<Discovery>,
}

impl Admin {
    fn new(server: &ApiServer) -> Self {
        let connection = Connection::in_process(server.service());
        let discovery = Discovery::new(&connection);
        let client = Client::new(&connection, discovery.clone(), client::Settings::default());
        Self { client, discovery }
    }

    async fn call(&self, kind: &Kind, action: Action) -> Reply {
        self.client.call(&Call { kind: kind.clone(), subresource: None, action }).await.unwrap()
    }

    async fn create(&self, kind: &Kind, name: ObjectName, body: Value) {
        let write = WriteOptions { field_manager: "test".into(), dry_run: false };
        self.call(kind, Action::Create { name, body: body.to_string(), write }).await;
    }

    fn definitions() -> Kind {
        Kind::new("apiextensions.k8s.io/v1", "CustomResourceDefinition")
    }

    async fn define(&self) {
        let body = json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": DEFINITION},
            "spec": {"group": "demo.example.com", "scope": "Namespaced", "names": {"plural": "widgets", "kind": "Widget"},
                "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object"}}}]},
        });
        self.create(&Self::definitions(), ObjectName::cluster(""), body).await;
        loop {
            self.discovery.invalidate();
            if self.discovery.resolve(&widget().kind).await.unwrap().is_some() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn undefine(&self) {
        let name = ObjectName::cluster(DEFINITION);
        let delete = Action::Delete { name: name.clone(), options: DeleteOptions::default() };
        self.call(&Self::definitions(), delete).await;
        let get = Action::Get { name, shape: Shape::Metadata };
        while self.call(&Self::definitions(), get.clone()).await != Reply::Object(None) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Bench {
    /// Drives until the cache holds so many widgets.
    async fn until_held(&mut self, count: usize) {
        let end = Instant::now() + Duration::from_secs(20);
        while self.watches.cache.len(&widget().kind) != count {
            let input = tokio::time::timeout_at(end, self.told.recv()).await;
            let Ok(Some(input)) = input else { panic!("there are never {count} widgets in the cache") };
            self.step(input);
        }
    }

    fn absences(&self) -> usize {
        self.observer.all(|fact| matches!(fact, Fact::KindAbsent { .. }).then_some(())).len()
    }
}

#[tokio::test]
async fn a_kind_that_goes_stops_quietly_holds_up_no_version_and_is_followed_when_it_comes_again() {
    let mut bench = Bench::new().await;
    let admin = Admin::new(&bench.server);
    let sample = |name: &str| json!({"apiVersion": "demo.example.com/v1", "kind": "Widget", "metadata": {"name": name}});
    let kind = widget().kind;
    admin.define().await;
    admin.create(&kind, ObjectName::namespaced("default", "one"), sample("one")).await;
    bench.offer_of(widget(), "widgets", 1, &["default"]);
    bench.until(&["widgets"]).await;
    bench.until_held(1).await;

    admin.undefine().await;
    bench.until_held(0).await;
    bench.serving.clear();
    bench.offer_of(widget(), "widgets", 2, &[]);
    bench.until(&["widgets"]).await;
    assert_eq!(bench.watched(), [""], "the next version takes another watch, and does not wait for it");
    assert_eq!(bench.absences(), 2, "each watch says so once");
    let failures = bench.observer.all(|fact| matches!(fact, Fact::WatchFailed { .. }).then_some(()));
    assert_eq!(failures.len(), 0);

    admin.define().await;
    admin.create(&kind, ObjectName::namespaced("default", "two"), sample("two")).await;
    bench.until_held(1).await;
    bench.watches.stop_all();
    bench.server.shutdown().await;
}
