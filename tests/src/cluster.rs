//! A cluster of one's own: the embedded API server over TLS, and a client that goes the way a host goes.

use crate::{PATIENCE, subset};
use serde_json::Value;
use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};
use tempfile::TempDir;
use windlass_apiserver::{ApiServer, AuditLog, AuditRecord};
use windlass_runtime::{
    Client, ClientSettings, ConnectOptions, Connection, Discovery,
    apply::{self, Document},
    core::{
        call::{Action, ApiError, Call, DeleteOptions, ListQuery, PatchType, Reply, Shape, WriteOptions},
        name::{Kind, ObjectName},
    },
};

/// Requests that the audit log keeps; a test that makes more fails where it reads them.
const AUDIT_LEN_MAX: usize = 400_000;

/// Between two looks at an object that is awaited.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// A running API server and an administrator's client.
pub struct Cluster {
    server: ApiServer,
    folder: TempDir,
    audit: AuditLog,
    client: Client,
    /// Where it listens.
    pub address: SocketAddr,
}

/// The object of a merge patch, a deletion, a wait: its kind (`apps/v1 Deployment`) and its name (`default/home`).
pub type At<'a> = (&'a str, &'a str);

impl Cluster {
    /// An empty cluster with some of kube-controller-manager's controllers (`*` for all).
    pub async fn start(controllers: &[&str]) -> Self {
        let audit = AuditLog::new(AUDIT_LEN_MAX);
        let builder = ApiServer::builder().audit_log(audit.clone()).controllers(controllers.iter().copied());
        let server = builder.start().await.unwrap();
        let listening = server.listen((Ipv4Addr::LOCALHOST, 0).into()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("kubeconfig"), server.kubeconfig(&listening)).unwrap();
        let connection = open(&folder.path().join("kubeconfig")).await;
        let client = client(&connection);
        Self { server, folder, audit, client, address: listening.address }
    }

    /// A kubeconfig for the administrator.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// Another way to it, as a host opens one.
    pub async fn connect(&self) -> Connection {
        open(&self.kubeconfig()).await
    }

    /// Ends it, watches and all.
    pub async fn stop(self) {
        self.server.shutdown().await;
    }

    /// What was asked of it so far.
    pub fn audit(&self) -> Vec<AuditRecord> {
        assert_eq!(self.audit.dropped(), 0, "the audit log is too short for this test");
        self.audit.records()
    }

    /// Makes one call; `name` is `namespace/name`, or a name alone for what lives in no namespace.
    pub async fn call(
        &self,
        kind: &str,
        subresource: Option<&str>,
        action: Action,
    ) -> Result<Reply, ApiError> {
        let call = Call { kind: kind_of(kind), subresource: subresource.map(str::to_owned), action };
        self.client.call(&call).await
    }

    /// An object as it is now.
    pub async fn get(&self, (kind, name): At<'_>) -> Option<Value> {
        let action = Action::Get { name: object_name(name), shape: Shape::Whole };
        match self.call(kind, None, action).await.unwrap() {
            Reply::Object(object) => object.map(|text| serde_json::from_str(&text).unwrap()),
            other => panic!("a get was answered with {other:?}"),
        }
    }

    /// Every object of a kind.
    pub async fn list(&self, kind: &str) -> Vec<Value> {
        let action = Action::List { query: ListQuery::default(), shape: Shape::Whole };
        match self.call(kind, None, action).await.unwrap() {
            Reply::Page(page) => page.items.iter().map(|text| serde_json::from_str(text).unwrap()).collect(),
            other => panic!("a list was answered with {other:?}"),
        }
    }

    /// Makes an object that must not be there yet.
    pub async fn create(&self, object: &Value) -> Result<(), ApiError> {
        let document = Document::new(Path::new("test"), object.clone()).unwrap();
        let (name, body) = (document.name.clone(), object.to_string());
        let action = Action::Create { name, body, write: as_test() };
        self.call(&document.kind.to_string(), None, action).await.map(drop)
    }

    /// Applies an object, as `kubectl apply --server-side` does.
    pub async fn apply(&self, object: &Value) -> Result<(), ApiError> {
        let document = Document::new(Path::new("test"), object.clone()).unwrap();
        self.patch_with(
            (&document.kind.to_string(), &document.name.to_string()),
            None,
            PatchType::Apply,
            object,
        )
        .await
    }

    /// Merges something into an object.
    pub async fn merge(&self, at: At<'_>, with: &Value) -> Result<(), ApiError> {
        self.patch_with(at, None, PatchType::Merge, with).await
    }

    /// Merges something into an object's status, as the controller that owns it would.
    pub async fn set_status(&self, at: At<'_>, status: &Value) -> Result<(), ApiError> {
        let body = serde_json::json!({ "status": status });
        self.patch_with(at, Some("status"), PatchType::Merge, &body).await
    }

    async fn patch_with(
        &self,
        (kind, name): At<'_>,
        subresource: Option<&str>,
        patch_type: PatchType,
        body: &Value,
    ) -> Result<(), ApiError> {
        let (name, body) = (object_name(name), body.to_string());
        let force = patch_type == PatchType::Apply;
        let action = Action::Patch { name, patch_type, body, force, write: as_test() };
        self.call(kind, subresource, action).await.map(drop)
    }

    /// Deletes an object; finalizers may hold it.
    pub async fn delete(&self, (kind, name): At<'_>) -> Result<(), ApiError> {
        let action = Action::Delete { name: object_name(name), options: DeleteOptions::default() };
        self.call(kind, None, action).await.map(drop)
    }

    /// Brings in what a sample module defines, and waits until it is served.
    pub async fn define(&self, module: &str) {
        let folder = crate::modules::folder(module).join("crds");
        for document in &apply::documents(&folder).unwrap() {
            apply::apply(&self.client, document).await.unwrap();
            apply::established(&self.client, document).await.unwrap();
        }
    }

    /// Waits until an object holds all of `wanted`; see [`subset`].
    pub async fn until_has(&self, at: At<'_>, wanted: &Value) -> Value {
        self.until(at, |found| match found {
            None => Err("it is not there".to_owned()),
            Some(found) => subset::lacking(wanted, found).map_or(Ok(()), Err),
        })
        .await
        .unwrap_or_default()
    }

    /// Waits until an object is gone.
    pub async fn until_gone(&self, at: At<'_>) {
        self.until(at, |found| match found {
            None => Ok(()),
            Some(found) => Err(format!("it is there: {found:#}")),
        })
        .await;
    }

    /// Waits until an object is as it should be; what is wrong with it at last is told by the panic.
    pub async fn until(
        &self,
        at: At<'_>,
        mut is_right: impl FnMut(Option<&Value>) -> Result<(), String>,
    ) -> Option<Value> {
        let mut wrong = String::new();
        let looking = async {
            loop {
                let found = self.get(at).await;
                match is_right(found.as_ref()) {
                    Ok(()) => return found,
                    Err(why) => wrong = why,
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        match tokio::time::timeout(PATIENCE, looking).await {
            Ok(found) => found,
            Err(_) => panic!("{} {} did not become right in {PATIENCE:?}: {wrong}", at.0, at.1),
        }
    }
}

async fn open(kubeconfig: &Path) -> Connection {
    let options = ConnectOptions { kubeconfig: Some(kubeconfig.to_owned()), context: None };
    Connection::open(&options).await.unwrap()
}

/// A client over a connection, with a discovery of its own.
pub fn client(connection: &Connection) -> Client {
    Client::new(connection, Discovery::new(connection), ClientSettings::default())
}

fn as_test() -> WriteOptions {
    WriteOptions { field_manager: "test".into(), dry_run: false }
}

/// `apps/v1 Deployment`.
pub fn kind_of(text: &str) -> Kind {
    let (api_version, kind) = text.split_once(' ').unwrap_or_else(|| panic!("`{text}` names no kind"));
    Kind::new(api_version, kind)
}

/// `default/home`, or `home`.
pub fn object_name(text: &str) -> ObjectName {
    match text.split_once('/') {
        Some((namespace, name)) => ObjectName::namespaced(namespace, name),
        None => ObjectName::cluster(text),
    }
}
