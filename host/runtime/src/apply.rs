//! Brings YAML files into the cluster, as `kubectl apply --server-side` would: what `windlass dev` does first.

use serde::Deserialize as _;
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use windlass_cluster::{client::Client, discovery::DiscoveryError};
use windlass_core::{
    call::{Action, ApiError, Call, PatchType, Reply, Shape, WriteOptions},
    name::{Kind, ObjectName},
};

/// The field manager of what is applied here.
const FIELD_MANAGER: &str = "windlass-dev";

/// A CustomResourceDefinition is established within a moment, or something is wrong with it.
const ESTABLISHED_WITHIN: Duration = Duration::from_secs(10);

/// An object out of a file.
#[derive(Clone, Debug)]
pub struct Document {
    /// Where it stands.
    pub file: PathBuf,
    /// Its kind.
    pub kind: Kind,
    /// Its name; the namespace where the file says one.
    pub name: ObjectName,
    /// The whole object.
    pub body: Value,
}

/// A file that could not be brought in.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// It cannot be read.
    #[error("{} cannot be read", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// It is no YAML.
    #[error("{} is no YAML", .file.display())]
    Yaml {
        /// The file.
        file: PathBuf,
        /// Where and why.
        #[source]
        source: serde_yaml_ng::Error,
    },
    /// An object in it is incomplete.
    #[error("{}: an object without `{field}`", .file.display())]
    Incomplete {
        /// The file.
        file: PathBuf,
        /// What is missing.
        field: &'static str,
    },
    /// The cluster does not know the kind.
    #[error("{}: the cluster does not serve {kind}; put its CustomResourceDefinition into crds/", .file.display())]
    UnknownKind {
        /// The file.
        file: PathBuf,
        /// The kind.
        kind: Kind,
    },
    /// The cluster does not answer what it serves.
    #[error("the cluster does not say what it serves")]
    Discovery(#[from] DiscoveryError),
    /// The cluster refused it.
    #[error("{}: {kind} {name} was refused", .file.display())]
    Refused {
        /// The file.
        file: PathBuf,
        /// The kind.
        kind: Kind,
        /// The object.
        name: ObjectName,
        /// The answer.
        #[source]
        source: Box<ApiError>,
    },
    /// A definition is not served.
    #[error("{}: {name} was not established within {} s; `kubectl describe crd {name}` tells why", .file.display(), ESTABLISHED_WITHIN.as_secs())]
    NotEstablished {
        /// The file.
        file: PathBuf,
        /// The definition.
        name: ObjectName,
    },
}

impl Document {
    /// Takes an object apart. `file` is told in errors.
    ///
    /// # Errors
    /// When it has no kind or no name.
    pub fn new(file: &Path, body: Value) -> Result<Self, ApplyError> {
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
        let want = |pointer: &str, field| {
            text(pointer).ok_or_else(|| ApplyError::Incomplete { file: file.to_owned(), field })
        };
        let kind = Kind::new(want("/apiVersion", "apiVersion")?, want("/kind", "kind")?);
        let name = ObjectName {
            namespace: text("/metadata/namespace").map(Into::into),
            name: want("/metadata/name", "metadata.name")?.into(),
        };
        Ok(Self { file: file.to_owned(), kind, name, body })
    }

    fn refused(&self, source: ApiError) -> ApplyError {
        ApplyError::Refused {
            file: self.file.clone(),
            kind: self.kind.clone(),
            name: self.name.clone(),
            source: Box::new(source),
        }
    }
}

/// Every object in the `.yaml`, `.yml` and `.json` files of a folder, in the order of the files' names. No folder, no
/// objects.
///
/// # Errors
/// A file that cannot be read or holds no object.
pub fn documents(dir: &Path) -> Result<Vec<Document>, ApplyError> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(ApplyError::Unreadable { file: dir.to_owned(), source }),
    };
    let mut files: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.extension().is_some_and(|end| end == "yaml" || end == "yml" || end == "json"));
    files.sort();
    let mut documents = Vec::new();
    for file in files {
        documents.extend(of_file(&file)?);
    }
    Ok(documents)
}

fn of_file(file: &Path) -> Result<Vec<Document>, ApplyError> {
    let text = std::fs::read_to_string(file);
    let text = text.map_err(|source| ApplyError::Unreadable { file: file.to_owned(), source })?;
    let mut documents = Vec::new();
    for document in serde_yaml_ng::Deserializer::from_str(&text) {
        let body = Value::deserialize(document);
        let body = body.map_err(|source| ApplyError::Yaml { file: file.to_owned(), source })?;
        if !body.is_null() {
            documents.push(Document::new(file, body)?);
        }
    }
    Ok(documents)
}

/// Applies one object. A namespaced object without a namespace goes to `default`.
///
/// # Errors
/// When the kind is not served or the server refuses.
pub async fn apply(client: &Client, document: &Document) -> Result<(), ApplyError> {
    let served = client.discovery().resolve(&document.kind).await?;
    let unknown = || ApplyError::UnknownKind { file: document.file.clone(), kind: document.kind.clone() };
    let served = served.ok_or_else(unknown)?;
    let mut name = document.name.clone();
    if served.resource.namespaced && name.namespace.is_none() {
        name.namespace = Some("default".into());
    }
    let action = Action::Patch {
        name,
        patch_type: PatchType::Apply,
        body: document.body.to_string(),
        force: true,
        write: WriteOptions { field_manager: FIELD_MANAGER.into(), dry_run: false },
    };
    let call = Call { kind: document.kind.clone(), subresource: None, action };
    client.call(&call).await.map(drop).map_err(|error| document.refused(error))
}

/// Waits until a CustomResourceDefinition is served, and makes discovery look again.
///
/// # Errors
/// When it is not established in time.
pub async fn established(client: &Client, definition: &Document) -> Result<(), ApplyError> {
    let action = Action::Get { name: definition.name.clone(), shape: Shape::Whole };
    let call = Call { kind: definition.kind.clone(), subresource: None, action };
    let served = async {
        loop {
            let reply = client.call(&call).await.map_err(|error| definition.refused(error))?;
            if matches!(&reply, Reply::Object(Some(object)) if is_established(object)) {
                return Ok::<_, ApplyError>(());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let not_established =
        |_| ApplyError::NotEstablished { file: definition.file.clone(), name: definition.name.clone() };
    tokio::time::timeout(ESTABLISHED_WITHIN, served).await.map_err(not_established)??;
    client.discovery().invalidate();
    Ok(())
}

fn is_established(object: &str) -> bool {
    let object: Value = serde_json::from_str(object).unwrap_or_default();
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
    conditions
        .is_some_and(|list| list.iter().any(|one| one["type"] == "Established" && one["status"] == "True"))
}
