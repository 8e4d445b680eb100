//! What the sample modules look at, and waiting until they have seen to it.

use crate::Cluster;
use serde_json::{Value, json};

/// The label by which `hello` is asked to greet somebody.
pub const HELLO: &str = "hello.windlass.dev/name";

/// A ConfigMap of the namespace `default` with one label.
pub fn config_map(name: &str, label: &str, value: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "default", "labels": {label: value}},
    })
}

/// A Website of the namespace `default`.
pub fn website(name: &str) -> Value {
    json!({
        "apiVersion": "example.windlass.dev/v1", "kind": "Website",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"hostname": format!("{name}.example.com"), "content": "0"},
    })
}

impl Cluster {
    /// Asks `hello` to greet somebody in the ConfigMap of this name.
    pub async fn ask_hello(&self, name: &str, whom: &str) {
        self.apply(&config_map(name, HELLO, whom)).await.unwrap();
    }

    /// Waits until `hello` has done so.
    pub async fn until_greeted(&self, name: &str, whom: &str) {
        let at = ("v1 ConfigMap", &*format!("default/{name}"));
        self.until_has(at, &json!({"data": {"greeting": format!("Hello, {whom}")}})).await;
    }

    /// Creates a Website and waits until it is taken care of.
    pub async fn with_website(&self, name: &str) {
        self.create(&website(name)).await.unwrap();
        let at = ("example.windlass.dev/v1 Website", &*format!("default/{name}"));
        self.until_has(at, &json!({"status": {"observedGeneration": 1}})).await;
    }
}
