//! The test cluster's objects and the server's rules for them.

mod answer;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::bindings::windlass::controller::objects::{Page, Written};
use crate::host::Wrote;
use crate::{
    ApiError, DeleteOptions, Index, Kind, ObjectName, PatchType, Propagation, Query, ReadOptions, Shape,
    Timestamp, WriteOptions,
};

use super::{apply, field, selector};
use answer::{bad_request, conflict, invalid, not_found, refused};

/// `apiVersion`, kind, namespace, name: the order of lists.
type Key = (String, String, String, String);

struct Stored {
    object: Map<String, Value>,
    /// What the module applied last, per subresource.
    applied: BTreeMap<String, Value>,
}

/// Objects by key.
#[derive(Default)]
pub(super) struct Store {
    objects: BTreeMap<Key, Stored>,
    version: u64,
    created: u64,
    pub(super) indexes: Vec<Index>,
}

fn key(kind: &Kind, name: &ObjectName) -> Key {
    let namespace = name.namespace.clone().unwrap_or_default();
    (kind.api_version.clone(), kind.kind.clone(), namespace, name.name.clone())
}

fn metadata(object: &mut Map<String, Value>) -> &mut Map<String, Value> {
    let value = object.entry("metadata").or_insert_with(|| json!({}));
    if !value.is_object() {
        *value = json!({});
    }
    value.as_object_mut().expect("made one above")
}

fn parse(text: &str) -> Result<Map<String, Value>, ApiError> {
    serde_json::from_str(text).map_err(|error| bad_request(&format!("the body is no JSON object: {error}")))
}

impl Store {
    pub(super) fn get(&self, kind: &Kind, name: &ObjectName) -> Option<Value> {
        self.objects.get(&key(kind, name)).map(|stored| Value::Object(stored.object.clone()))
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.objects
            .keys()
            .map(|(_, kind, namespace, name)| {
                let slash = if namespace.is_empty() { "" } else { "/" };
                format!("{kind} {namespace}{slash}{name}")
            })
            .collect()
    }

    pub(super) fn read(
        &self,
        kind: &Kind,
        name: &ObjectName,
        options: &ReadOptions,
    ) -> Result<Option<String>, ApiError> {
        let Some(stored) = self.objects.get(&key(kind, name)) else { return Ok(None) };
        match options.subresource.as_deref() {
            None | Some("status") => Ok(Some(shaped(&stored.object, options.shape).to_string())),
            Some("scale") => Ok(Some(scale_of(&stored.object).to_string())),
            Some(other) => {
                Err(refused(404, "NotFound", &format!("there is no subresource {other} in a test")))
            }
        }
    }

    pub(super) fn list(&self, kind: &Kind, query: &Query, options: &ReadOptions) -> Result<Page, ApiError> {
        let mut items = Vec::new();
        for ((api_version, of_kind, namespace, _), stored) in &self.objects {
            let asked = *api_version == kind.api_version && *of_kind == kind.kind;
            if asked && query.namespace.as_ref().is_none_or(|wanted| wanted == namespace) {
                let object = Value::Object(stored.object.clone());
                if self.satisfies(&object, query)? {
                    items.push(shaped(&stored.object, options.shape).to_string());
                }
            }
        }
        let from: usize = query.continue_token.as_deref().map_or(Ok(0), str::parse).unwrap_or(usize::MAX);
        let limit = query.limit.map_or(usize::MAX, |limit| limit as usize);
        let more = items.len() > from.saturating_add(limit);
        Ok(Page {
            items: items.into_iter().skip(from).take(limit).collect(),
            continue_token: more.then(|| (from + limit).to_string()),
            resource_version: self.version.to_string(),
        })
    }

    fn satisfies(&self, object: &Value, query: &Query) -> Result<bool, ApiError> {
        let labels = query.label_selector.as_deref().unwrap_or_default();
        let fields = query.field_selector.as_deref().unwrap_or_default();
        let owned = query.owner_uid.as_deref().is_none_or(|uid| owners(object).any(|owner| owner == uid));
        let indexed = match &query.index {
            None => true,
            Some(wanted) => {
                let index = self.indexes.iter().find(|index| index.name == wanted.index);
                let index =
                    index.ok_or_else(|| bad_request(&format!("there is no index {:?}", wanted.index)))?;
                field::values(object, &index.field).contains(&wanted.value)
            }
        };
        Ok(owned
            && indexed
            && selector::labels_match(object, labels).map_err(|error| bad_request(&error))?
            && selector::fields_match(object, fields).map_err(|error| bad_request(&error))?)
    }

    /// Puts an object there without asking the server's rules; fills in what the server would.
    pub(super) fn put(&mut self, kind: &Kind, name: &ObjectName, object: Value, now: Timestamp) {
        let Value::Object(mut object) = object else { return };
        let key = key(kind, name);
        self.version += 1;
        let (uid, version) = (self.next_uid(), self.version);
        let metadata = metadata(&mut object);
        metadata.entry("uid").or_insert(uid.into());
        metadata.entry("generation").or_insert(1.into());
        metadata.entry("creationTimestamp").or_insert(now.to_string().into());
        metadata.insert("resourceVersion".into(), version.to_string().into());
        self.objects.insert(key, Stored { object, applied: BTreeMap::new() });
    }

    pub(super) fn create(
        &mut self,
        kind: &Kind,
        name: &ObjectName,
        body: &str,
        options: &WriteOptions,
        now: Timestamp,
    ) -> Wrote {
        if let Some(subresource) = &options.subresource {
            let message = format!("there is no subresource {subresource} in a test");
            return Err(refused(404, "NotFound", &message));
        }
        let mut object = parse(body)?;
        let mut name = name.clone();
        if name.name.is_empty() {
            let stem = metadata(&mut object).get("generateName").and_then(Value::as_str);
            let stem = stem.ok_or_else(|| invalid(kind, &name, "metadata.name: Required value"))?;
            name.name = format!("{stem}{:05}", self.created + 1);
        }
        if self.objects.contains_key(&key(kind, &name)) {
            let message = format!("{} {name} exists already", kind.kind);
            return Err(refused(409, "AlreadyExists", &message));
        }
        object.remove("status");
        if metadata(&mut object).contains_key("resourceVersion") {
            return Err(bad_request("resourceVersion should not be set on objects to be created"));
        }
        self.insert(kind, &name, object, options.dry_run, now)
    }

    /// Stores a new object.
    fn insert(
        &mut self,
        kind: &Kind,
        name: &ObjectName,
        mut object: Map<String, Value>,
        dry_run: bool,
        now: Timestamp,
    ) -> Wrote {
        object.insert("apiVersion".into(), kind.api_version.clone().into());
        object.insert("kind".into(), kind.kind.clone().into());
        let metadata = metadata(&mut object);
        metadata.insert("name".into(), name.name.clone().into());
        match &name.namespace {
            Some(namespace) => metadata.insert("namespace".into(), namespace.clone().into()),
            None => metadata.remove("namespace"),
        };
        for field in ["uid", "generation", "creationTimestamp", "deletionTimestamp"] {
            metadata.remove(field);
        }
        if dry_run {
            return Ok(written(&object));
        }
        self.put(kind, name, Value::Object(object), now);
        Ok(written(&self.objects[&key(kind, name)].object))
    }

    pub(super) fn update(
        &mut self,
        kind: &Kind,
        name: &ObjectName,
        body: &str,
        options: &WriteOptions,
        now: Timestamp,
    ) -> Wrote {
        let mut object = parse(body)?;
        if !metadata(&mut object).contains_key("resourceVersion") {
            return Err(bad_request("an update needs metadata.resourceVersion: read the object first"));
        }
        self.replace(kind, name, object, options, now)
    }

    /// Patches an object by a form and a body.
    pub(super) fn patch(
        &mut self,
        kind: &Kind,
        name: &ObjectName,
        (form, body): (PatchType, &str),
        options: &WriteOptions,
        now: Timestamp,
    ) -> Wrote {
        if form == PatchType::Apply {
            return self.apply(kind, name, body, options, now);
        }
        let stored = self.objects.get(&key(kind, name)).ok_or_else(|| not_found(kind, name))?;
        let mut object = Value::Object(stored.object.clone());
        match form {
            PatchType::Json => {
                let patch: json_patch::Patch = serde_json::from_str(body)
                    .map_err(|error| bad_request(&format!("no JSON patch: {error}")))?;
                json_patch::patch(&mut object, &patch)
                    .map_err(|error| invalid(kind, name, &error.to_string()))?;
            }
            PatchType::Merge => json_patch::merge(&mut object, &Value::Object(parse(body)?)),
            PatchType::Strategic | PatchType::Apply => {
                return Err(refused(
                    415,
                    "UnsupportedMediaType",
                    "a test has no strategic merge patch: no schemas",
                ));
            }
        }
        let Value::Object(object) = object else { return Err(bad_request("the patch leaves no object")) };
        self.replace(kind, name, object, options, now)
    }

    fn apply(
        &mut self,
        kind: &Kind,
        name: &ObjectName,
        body: &str,
        options: &WriteOptions,
        now: Timestamp,
    ) -> Wrote {
        let config = parse(body)?;
        for (field, expected) in [("apiVersion", &kind.api_version), ("kind", &kind.kind)] {
            if config.get(field).and_then(Value::as_str) != Some(expected) {
                return Err(bad_request(&format!("an applied body needs {field}: {expected}")));
            }
        }
        let part = options.subresource.clone().unwrap_or_default();
        let key = key(kind, name);
        let config = Value::Object(config);
        let answer = match self.objects.get(&key) {
            None if part.is_empty() => {
                let mut object = Map::new();
                apply::apply(&mut object, &Value::Null, &config);
                object.remove("status");
                self.insert(kind, name, object, options.dry_run, now)?
            }
            None => return Err(not_found(kind, name)),
            Some(stored) => {
                let mut object = stored.object.clone();
                apply::apply(&mut object, stored.applied.get(&part).unwrap_or(&Value::Null), &config);
                self.replace(kind, name, object, options, now)?
            }
        };
        if let Some(stored) = self.objects.get_mut(&key).filter(|_| !options.dry_run) {
            stored.applied.insert(part, config);
        }
        Ok(answer)
    }

    /// Writes the new form of an object by the rules of the part that is written.
    fn replace(
        &mut self,
        kind: &Kind,
        name: &ObjectName,
        mut new: Map<String, Value>,
        options: &WriteOptions,
        now: Timestamp,
    ) -> Wrote {
        let key = key(kind, name);
        let old = &self.objects.get(&key).ok_or_else(|| not_found(kind, name))?.object;
        let version = metadata(&mut new).get("resourceVersion");
        if version.is_some_and(|version| Some(version) != old["metadata"].get("resourceVersion")) {
            return Err(conflict(
                kind,
                name,
                "the object has been modified; please apply your changes to the latest",
            ));
        }
        let mut next = match options.subresource.as_deref() {
            None => of_main_resource(old, new),
            Some("status") => with_field(old, "status", new.remove("status")),
            Some("scale") => scaled(old, &new),
            Some(other) => {
                return Err(refused(404, "NotFound", &format!("there is no subresource {other} in a test")));
            }
        };
        if next == *old || options.dry_run {
            return Ok(written(&next));
        }
        if differs_in_spec(old, &next) {
            bump_generation(&mut next);
        }
        self.version += 1;
        metadata(&mut next).insert("resourceVersion".into(), self.version.to_string().into());
        let answer = written(&next);
        let finished = is_finished(&next);
        self.objects.get_mut(&key).expect("found above").object = next;
        if finished {
            self.remove(&key, now);
        }
        Ok(answer)
    }

    pub(super) fn delete(
        &mut self,
        kind: &Kind,
        name: &ObjectName,
        options: &DeleteOptions,
        now: Timestamp,
    ) -> Result<bool, ApiError> {
        let key = key(kind, name);
        let Some(stored) = self.objects.get_mut(&key) else { return Ok(true) };
        let found = metadata(&mut stored.object);
        for (field, wanted) in [("uid", &options.uid), ("resourceVersion", &options.resource_version)] {
            let differs = |wanted: &String| found.get(field).and_then(Value::as_str) != Some(wanted);
            if wanted.as_ref().is_some_and(differs) {
                return Err(conflict(kind, name, &format!("precondition failed: {field}")));
            }
        }
        if options.dry_run {
            return Ok(false);
        }
        if options.propagation == Some(Propagation::Orphan) {
            let uid = found.get("uid").cloned().unwrap_or_default();
            self.objects.values_mut().for_each(|stored| forget_owner(&mut stored.object, &uid));
        }
        Ok(self.end(&key, now))
    }

    /// Ends an object, or marks it for its end where finalizers hold it. True when it is gone.
    fn end(&mut self, key: &Key, now: Timestamp) -> bool {
        let Some(stored) = self.objects.get_mut(key) else { return true };
        let held = stored.object["metadata"]["finalizers"].as_array().is_some_and(|held| !held.is_empty());
        if !held {
            self.remove(key, now);
            return true;
        }
        let found = metadata(&mut stored.object);
        if !found.contains_key("deletionTimestamp") {
            self.version += 1;
            found.insert("deletionTimestamp".into(), now.to_string().into());
            found.insert("resourceVersion".into(), self.version.to_string().into());
            bump_generation(&mut stored.object);
        }
        false
    }

    /// Removes an object and what has no owner left.
    fn remove(&mut self, key: &Key, now: Timestamp) {
        self.version += 1;
        self.objects.remove(key);
        let living: Vec<String> =
            self.objects.values().filter_map(|stored| uid_of(&stored.object).map(Into::into)).collect();
        let garbage: Vec<Key> = self
            .objects
            .iter()
            .filter(|(_, stored)| {
                let object = Value::Object(stored.object.clone());
                let mut owners = owners(&object).peekable();
                owners.peek().is_some() && owners.all(|owner| !living.iter().any(|uid| uid == owner))
            })
            .map(|(key, _)| key.clone())
            .collect();
        for key in garbage {
            self.end(&key, now);
        }
    }

    fn next_uid(&mut self) -> String {
        self.created += 1;
        format!("00000000-0000-4000-8000-{:012}", self.created)
    }
}

fn uid_of(object: &Map<String, Value>) -> Option<&str> {
    object.get("metadata")?.get("uid")?.as_str()
}

fn owners(object: &Value) -> impl Iterator<Item = &str> {
    let list = object["metadata"]["ownerReferences"].as_array();
    list.into_iter().flatten().filter_map(|owner| owner["uid"].as_str())
}

fn forget_owner(object: &mut Map<String, Value>, uid: &Value) {
    if let Some(Value::Array(owners)) = metadata(object).get_mut("ownerReferences") {
        owners.retain(|owner| owner["uid"] != *uid);
    }
}

fn written(object: &Map<String, Value>) -> Written {
    Written { object: Value::Object(object.clone()).to_string(), warnings: Vec::new() }
}

fn shaped(object: &Map<String, Value>, shape: Shape) -> Value {
    let mut object = object.clone();
    if shape == Shape::Metadata {
        object.retain(|field, _| matches!(field.as_str(), "apiVersion" | "kind" | "metadata"));
    }
    Value::Object(object)
}

/// A write of the object itself: the status stays, and what the server alone sets.
fn of_main_resource(old: &Map<String, Value>, mut new: Map<String, Value>) -> Map<String, Value> {
    match old.get("status") {
        Some(status) => new.insert("status".into(), status.clone()),
        None => new.remove("status"),
    };
    let of_new = metadata(&mut new);
    for field in [
        "name",
        "namespace",
        "uid",
        "generation",
        "creationTimestamp",
        "deletionTimestamp",
        "resourceVersion",
    ] {
        match old["metadata"].get(field) {
            Some(value) => of_new.insert(field.into(), value.clone()),
            None => of_new.remove(field),
        };
    }
    new
}

fn with_field(old: &Map<String, Value>, field: &str, value: Option<Value>) -> Map<String, Value> {
    let mut next = old.clone();
    match value {
        Some(value) => next.insert(field.into(), value),
        None => next.remove(field),
    };
    next
}

fn scaled(old: &Map<String, Value>, scale: &Map<String, Value>) -> Map<String, Value> {
    let mut next = old.clone();
    let replicas = scale.get("spec").and_then(|spec| spec.get("replicas"));
    if let (Some(replicas), Some(Value::Object(spec))) = (replicas, next.get_mut("spec")) {
        spec.insert("replicas".into(), replicas.clone());
    }
    next
}

fn scale_of(object: &Map<String, Value>) -> Value {
    let of =
        |field: &str| object.get(field).and_then(|part| part.get("replicas")).cloned().unwrap_or(0.into());
    json!({
        "apiVersion": "autoscaling/v1",
        "kind": "Scale",
        "metadata": object["metadata"],
        "spec": { "replicas": of("spec") },
        "status": { "replicas": of("status") },
    })
}

fn differs_in_spec(old: &Map<String, Value>, new: &Map<String, Value>) -> bool {
    let matters = |field: &&String| !matches!(field.as_str(), "metadata" | "status");
    old.keys().chain(new.keys()).filter(matters).any(|field| old.get(field) != new.get(field))
}

fn bump_generation(object: &mut Map<String, Value>) {
    let metadata = metadata(object);
    let generation = metadata.get("generation").and_then(Value::as_i64).unwrap_or(0);
    metadata.insert("generation".into(), (generation + 1).into());
}

/// It was to go, and nothing holds it any more.
fn is_finished(object: &Map<String, Value>) -> bool {
    let metadata = &object["metadata"];
    !metadata["deletionTimestamp"].is_null() && metadata["finalizers"].as_array().is_none_or(Vec::is_empty)
}
