//! A scenario: a folder with a `scenario.yaml` that says which module runs, what is done to the cluster, and what must
//! be there in the end.

use crate::{Cluster, Host, Hosting, PATIENCE, cluster, modules, subset};
use serde::Deserialize;
use serde_json::Value;
use std::{path::Path, time::Duration};
use windlass_runtime::{Grants, apply::Document};

/// What `scenario.yaml` holds. Objects are written as for `kubectl`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Scenario {
    /// What it shows, a sentence.
    pub shows: String,
    /// The sample module that runs; what it defines is there first.
    pub module: String,
    /// kube-controller-manager's controllers that run in the server.
    #[serde(default)]
    pub controllers: Vec<String>,
    /// Objects that are there before the module is.
    #[serde(default)]
    pub given: Vec<Value>,
    /// What is done, in order.
    pub steps: Vec<Step>,
    /// Each of these objects is there in the end, and holds all that is said here.
    #[serde(default)]
    pub expect: Vec<Value>,
    /// None of these is there in the end.
    #[serde(default)]
    pub absent: Vec<Named>,
    /// The module does not run more often: it must not wake itself.
    pub runs_max: usize,
}

/// An object by its name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// `apps/v1 Deployment`.
    pub kind: String,
    /// `default/home`.
    pub name: String,
}

/// One thing that is done.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Step {
    /// As `kubectl apply --server-side`.
    Apply(Value),
    /// As `kubectl patch --type merge`.
    Patch(Change),
    /// As `kubectl delete`, without waiting.
    Delete(Named),
    /// What another controller would write.
    SetStatus(Change),
    /// Waits until an object holds all of this.
    WaitFor(Change),
    /// Waits until an object is gone.
    WaitGone(Named),
    /// As `windlass reconcile`, for an object of the module's own kind: `default/home`.
    Reconcile(String),
}

/// An object and a part of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// `apps/v1 Deployment`.
    kind: String,
    /// `default/home`.
    name: String,
    /// The part.
    with: Value,
}

impl Scenario {
    /// Reads a scenario's folder.
    pub fn read(folder: &Path) -> Result<Self, String> {
        let file = folder.join("scenario.yaml");
        let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        // By way of JSON: YAML's own form of a step would be a tag (`!apply`), which nobody writes.
        let value: Value =
            serde_yaml_ng::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))?;
        serde_json::from_value(value).map_err(|error| format!("{}: {error}", file.display()))
    }

    /// Runs it; panics where it does not go as it says.
    pub async fn run(&self) {
        let controllers: Vec<&str> = self.controllers.iter().map(String::as_str).collect();
        let cluster = Cluster::start(&controllers).await;
        cluster.define(&self.module).await;
        for object in &self.given {
            cluster.apply(object).await.unwrap();
        }
        let hosting = Hosting { grants: Grants::ByManifest, ..Hosting::default() };
        let (wasm, manifest) = (modules::module(&self.module), modules::manifest(&self.module));
        let [wasm_name, manifest_name] = ["wasm", "yaml"].map(|end| format!("{}.{end}", self.module));
        let files = [(&*manifest_name, manifest.as_bytes()), (&*wasm_name, &*wasm)];
        let host = Host::start_with(&cluster, hosting, &files).await;
        host.serving(&self.module).await;
        for (nth, step) in self.steps.iter().enumerate() {
            self.step(&cluster, &host, step).await.unwrap_or_else(|why| panic!("step {}: {why}", nth + 1));
        }
        self.end(&cluster, &host).await;
        host.stop().await;
        cluster.stop().await;
    }

    async fn step(&self, cluster: &Cluster, host: &Host, step: &Step) -> Result<(), String> {
        let done = match step {
            Step::Apply(object) => cluster.apply(object).await,
            Step::Patch(change) => cluster.merge(change.at(), &change.with).await,
            Step::Delete(named) => cluster.delete(named.at()).await,
            Step::SetStatus(change) => cluster.set_status(change.at(), &change.with).await,
            Step::WaitFor(change) => {
                cluster.until_has(change.at(), &change.with).await;
                Ok(())
            }
            Step::WaitGone(named) => {
                cluster.until_gone(named.at()).await;
                Ok(())
            }
            Step::Reconcile(object) => {
                host.reconcile(&self.module, object).await;
                Ok(())
            }
        };
        done.map_err(|error| error.to_string())
    }

    /// The end is awaited, then held against a host that has come to rest: a state that only passes by is none.
    async fn end(&self, cluster: &Cluster, host: &Host) {
        let awaited = async {
            loop {
                host.until_idle().await;
                if self.wrong(cluster).await.is_none() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, awaited).await.is_err() {
            panic!("the end is not as expected: {}", self.wrong(cluster).await.unwrap_or_default());
        }
        let runs = host.runs().len();
        assert!(runs <= self.runs_max, "{runs} runs, at most {} were expected", self.runs_max);
    }

    /// The first thing that is not as it should be in the end.
    async fn wrong(&self, cluster: &Cluster) -> Option<String> {
        for object in &self.expect {
            let document = Document::new(Path::new("scenario.yaml"), object.clone()).unwrap();
            let (kind, name) = (document.kind.to_string(), document.name.to_string());
            let lacking = match cluster.get((&kind, &name)).await {
                None => Some("it is not there".to_owned()),
                Some(found) => subset::lacking(object, &found),
            };
            if let Some(lacking) = lacking {
                return Some(format!("{kind} {name}: {lacking}"));
            }
        }
        for named in &self.absent {
            if cluster.get(named.at()).await.is_some() {
                return Some(format!("{} {} is there", named.kind, named.name));
            }
        }
        None
    }
}

impl Named {
    fn at(&self) -> cluster::At<'_> {
        (&self.kind, &self.name)
    }
}

impl Change {
    fn at(&self) -> cluster::At<'_> {
        (&self.kind, &self.name)
    }
}
