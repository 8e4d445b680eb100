//! Writes past the faults: objects come, change, go, come again under the same name, enter and leave selections.

use crate::modules::{KINDS, NAMESPACES, WIDGETS};
use serde_json::{Value, json};
use windlass_apiserver::{
    controllers::Client,
    registry::{DeleteOptions, Place},
    status::ApiError,
};

/// Names of objects, of every kind.
const NAMES: [&str; 4] = ["o0", "o1", "o2", "o3"];

/// What writes.
pub(crate) struct Workload {
    client: Client,
    random: fastrand::Rng,
    /// Writes so far, put into the objects so that each state differs.
    nth: u32,
}

impl Workload {
    pub(crate) fn new(client: Client, random: fastrand::Rng) -> Self {
        Self { client, random, nth: 0 }
    }

    /// Makes the namespaces.
    pub(crate) async fn prepare(&self) -> Result<(), ApiError> {
        for name in NAMESPACES {
            let place = self.client.place(("", "v1", "namespaces"), "", name)?;
            let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
            self.client.create(&place, object).await?;
        }
        Ok(())
    }

    /// One or some writes.
    pub(crate) async fn write(&mut self) {
        let writes = if self.random.u8(0..5) == 0 { self.random.u8(2..12) } else { 1 };
        for _ in 0..writes {
            self.write_one().await;
        }
    }

    async fn write_one(&mut self) {
        self.nth += 1;
        let at = self.random.usize(0..KINDS.len());
        let namespace = NAMESPACES[self.random.usize(0..NAMESPACES.len())];
        let name = NAMES[self.random.usize(0..NAMES.len())];
        let (api_version, kind, plural) = KINDS[at];
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let plural = plural.split('.').next().unwrap_or_default();
        let Ok(place) = self.client.place((group, version, plural), namespace, name) else { return };
        let held = self.client.get(&place).ok();
        let chance = self.random.u8(0..10);
        match held {
            None => self.create(&place, api_version, kind).await,
            Some(_) if chance < 2 => self.delete(&place).await,
            Some(_) if chance < 3 => {
                self.delete(&place).await;
                self.create(&place, api_version, kind).await;
            }
            Some(held) => self.change(&place, held).await,
        }
    }

    async fn create(&mut self, place: &Place, api_version: &str, kind: &str) {
        let metadata = json!({"name": place.name, "namespace": place.namespace});
        let mut object = json!({"apiVersion": api_version, "kind": kind, "metadata": metadata});
        self.fill(&mut object);
        if kind == "Secret" {
            object["type"] = json!(if self.random.bool() { "Opaque" } else { "example.com/other" });
        }
        if kind == "Deployment" {
            let template = json!({"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
            object["spec"] = json!({"selector": {"matchLabels": {"app": "x"}}, "template": template, "replicas": self.nth % 5});
        }
        self.client.create(place, object).await.expect("a right object");
    }

    async fn change(&mut self, place: &Place, mut held: Value) {
        self.fill(&mut held);
        if held["kind"] == "Deployment" && self.random.bool() {
            held["spec"]["replicas"] = json!(self.nth % 50);
        }
        self.client.update(place, held).await.expect("nobody else writes");
    }

    async fn delete(&mut self, place: &Place) {
        self.client.delete(place, &DeleteOptions::default()).await.expect("it was there");
    }

    /// Labels, annotations, owners, contents at random.
    fn fill(&mut self, object: &mut Value) {
        let mut one_of = |texts: &[&str]| texts[self.random.usize(0..texts.len())].to_owned();
        let mut labels = json!({"nth": self.nth.to_string()});
        if let team @ ("a" | "b") = &*one_of(&["a", "a", "b", ""]) {
            labels["team"] = json!(team);
        }
        labels["for"] = json!(one_of(&NAMES));
        object["metadata"]["labels"] = labels;
        object["metadata"]["annotations"] = json!({"for": one_of(&NAMES)});
        let (api_version, kind, _) = KINDS[self.random.usize(0..KINDS.len())];
        let owner = json!({
            "apiVersion": api_version, "kind": kind, "name": NAMES[self.random.usize(0..NAMES.len())],
            "uid": "00000000-0000-4000-8000-000000000000", "controller": self.random.bool(),
        });
        let owned = self.random.u8(0..4) > 0;
        object["metadata"]["ownerReferences"] = if owned { json!([owner]) } else { json!([]) };
        if object["kind"] == "ConfigMap" {
            object["data"] =
                json!({"secret": NAMES[self.random.usize(0..NAMES.len())], "nth": self.nth.to_string()});
        }
    }

    /// Installs the definition of widgets, or takes it away with all of them.
    pub(crate) async fn toggle_definition(&mut self) {
        let resource = ("apiextensions.k8s.io", "v1", "customresourcedefinitions");
        let name = KINDS[WIDGETS].2;
        let place = self.client.place(resource, "", name).expect("it is built in");
        if self.client.get(&place).is_ok() {
            self.delete(&place).await;
        } else {
            self.client.create(&place, definition(name)).await.expect("a right definition");
        }
    }

    /// Whether widgets are served.
    pub(crate) fn serves_widgets(&self) -> bool {
        self.client.place(("chaos.example.com", "v1", "widgets"), "", "").is_ok()
    }
}

fn definition(name: &str) -> Value {
    let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let version =
        json!({"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": name},
        "spec": {
            "group": "chaos.example.com", "scope": "Namespaced",
            "names": {"plural": "widgets", "kind": "Widget"}, "versions": [version],
        },
    })
}
