//! For each ConfigMap labelled `hello.windlass.dev/name: X`, keeps `data.greeting` at `Hello, X`.

use windlass::bindings::exports::windlass::controller::reconciler::Guest;
use windlass::bindings::windlass::controller::{
    log::{self, Level},
    module::{Change, Controller, Description, Failure, Outcome, Permission, Request, Retry, Selection},
    objects::{self, PatchType, WriteOptions},
    types::{Kind, ObjectName},
};

const LABEL: &str = "hello.windlass.dev/name";

struct Hello;

impl Guest for Hello {
    fn describe() -> Description {
        Description {
            title: "Hello".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            controllers: vec![Controller {
                name: "hello".into(),
                reconciles: config_map(),
                selection: Selection {
                    namespaces: vec![],
                    label_selector: Some(LABEL.into()),
                    field_selector: None,
                },
                predicates: vec![],
                watches: vec![],
            }],
            indexes: vec![],
            permissions: vec![Permission {
                api_groups: vec![String::new()],
                resources: vec!["configmaps".into()],
                resource_names: vec![],
                verbs: vec!["patch".into()],
            }],
            definitions: vec![],
            finalizers: vec![],
            settings_schema: None,
        }
    }

    fn reconcile(request: Request) -> Result<Outcome, Failure> {
        let Some(object) = &request.object else { return Ok(Outcome::Done) };
        let object: serde_json::Value = serde_json::from_str(object)
            .map_err(|error| Failure::Terminal(format!("the object cannot be read: {error}")))?;
        let Some(name) = object["metadata"]["labels"][LABEL].as_str() else { return Ok(Outcome::Done) };
        let greeting = format!("Hello, {name}");
        if object["data"]["greeting"] == greeting.as_str() {
            return Ok(Outcome::Done);
        }
        let body = serde_json::json!({"data": {"greeting": greeting}}).to_string();
        let options = WriteOptions { subresource: None, force: false, dry_run: false };
        objects::patch(&config_map(), &request.name, PatchType::Merge, &body, &options).map_err(|error| {
            Failure::Retry(Retry { message: error.message, after_ms: error.retry_after_ms })
        })?;
        log::write(Level::Info, &format!("greeted {name}"), &[]);
        Ok(Outcome::Done)
    }

    fn targets(changes: Vec<Change>) -> Result<Vec<Vec<ObjectName>>, Failure> {
        Ok(changes.iter().map(|_| Vec::new()).collect())
    }
}

fn config_map() -> Kind {
    Kind { api_version: "v1".into(), kind: "ConfigMap".into() }
}

#[cfg(target_arch = "wasm32")]
windlass::bindings::__export!(Hello);
