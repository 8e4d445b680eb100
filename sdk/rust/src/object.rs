//! Objects of any kind, without a type.

use std::{borrow::Cow, ops::Index};

use serde_json::{Map, Value};

use crate::{Error, Kind, Manifest, ObjectName, Result, json, owner_reference};

/// An object of any kind, as its JSON.
///
/// Built for [`apply`](crate::Context::apply), part by part:
///
/// ```
/// use windlass::Object;
/// let object = Object::new("v1/ConfigMap", "settings")
///     .in_namespace(Some("default"))
///     .label("app", "web")
///     .with("data", serde_json::json!({ "color": "blue" }));
/// assert_eq!(object["data"]["color"], "blue");
/// ```
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Object(Map<String, Value>);

impl Object {
    /// An object of this kind (`"apps/v1/Deployment"`) and name.
    #[must_use]
    pub fn new(kind: impl Into<Kind>, name: impl Into<String>) -> Self {
        let kind = kind.into();
        let mut metadata = Map::new();
        metadata.insert("name".into(), Value::String(name.into()));
        let mut object = Map::new();
        object.insert("apiVersion".into(), Value::String(kind.api_version));
        object.insert("kind".into(), Value::String(kind.kind));
        object.insert("metadata".into(), Value::Object(metadata));
        Self(object)
    }

    /// The same object in a namespace; none takes it out.
    #[must_use]
    pub fn in_namespace(mut self, namespace: Option<&str>) -> Self {
        match namespace {
            Some(namespace) => self.metadata().insert("namespace".into(), namespace.into()),
            None => self.metadata().remove("namespace"),
        };
        self
    }

    /// The same object with a label.
    #[must_use]
    pub fn label(mut self, key: &str, value: impl Into<String>) -> Self {
        self.set_in("labels", key, value.into());
        self
    }

    /// The same object with an annotation.
    #[must_use]
    pub fn annotation(mut self, key: &str, value: impl Into<String>) -> Self {
        self.set_in("annotations", key, value.into());
        self
    }

    /// The same object, managed by `owner`. An owner without a uid, one that was not read from the cluster, is
    /// left out; [`owner_reference`] tells that case.
    #[must_use]
    pub fn owned_by(mut self, owner: &impl Manifest) -> Self {
        if let Ok(reference) = owner_reference(owner).and_then(|owner| Ok(serde_json::to_value(owner)?)) {
            self.metadata().insert("ownerReferences".into(), Value::Array(vec![reference]));
        }
        self
    }

    /// The same object with this top-level field: `spec`, `data`, `rules`, …
    #[must_use]
    pub fn with(mut self, field: &str, value: Value) -> Self {
        self.0.insert(field.into(), value);
        self
    }

    /// What stands at a JSON pointer (RFC 6901): `/spec/replicas`.
    #[must_use]
    pub fn at(&self, pointer: &str) -> Option<&Value> {
        let mut steps = pointer.strip_prefix('/')?.split('/');
        let mut value = self.0.get(&*unescape(steps.next()?))?;
        for step in steps {
            value = match value {
                Value::Object(fields) => fields.get(&*unescape(step))?,
                Value::Array(items) => items.get(step.parse::<usize>().ok()?)?,
                _ => return None,
            };
        }
        Some(value)
    }

    /// The text at a JSON pointer.
    #[must_use]
    pub fn str_at(&self, pointer: &str) -> Option<&str> {
        self.at(pointer)?.as_str()
    }

    /// The whole number at a JSON pointer.
    #[must_use]
    pub fn i64_at(&self, pointer: &str) -> Option<i64> {
        self.at(pointer)?.as_i64()
    }

    /// The value of a label.
    #[must_use]
    pub fn label_value(&self, key: &str) -> Option<&str> {
        self.0.get("metadata")?.get("labels")?.get(key)?.as_str()
    }

    /// The object's fields.
    #[must_use]
    pub fn fields(&self) -> &Map<String, Value> {
        &self.0
    }

    /// The object's fields, to be changed.
    pub fn fields_mut(&mut self) -> &mut Map<String, Value> {
        &mut self.0
    }

    fn metadata(&mut self) -> &mut Map<String, Value> {
        object_at(&mut self.0, "metadata")
    }

    fn set_in(&mut self, map: &str, key: &str, value: String) {
        object_at(self.metadata(), map).insert(key.into(), Value::String(value));
    }

    fn metadata_str(&self, key: &str) -> Option<&str> {
        self.0.get("metadata")?.get(key)?.as_str()
    }
}

/// `~1` stands for a slash in a step of a pointer, `~0` for a tilde. (Without `str::replace`, whose search
/// costs a module 4 KB.)
fn unescape(step: &str) -> Cow<'_, str> {
    if !step.contains('~') {
        return Cow::Borrowed(step);
    }
    let mut text = String::with_capacity(step.len());
    let mut letters = step.chars();
    while let Some(letter) = letters.next() {
        text.push(match letter {
            '~' if letters.next() == Some('1') => '/',
            letter => letter,
        });
    }
    Cow::Owned(text)
}

/// The object under `key`, which is put there if something else or nothing is.
fn object_at<'a>(parent: &'a mut Map<String, Value>, key: &str) -> &'a mut Map<String, Value> {
    let value = parent.entry(key).or_insert(Value::Null);
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    value.as_object_mut().expect("made one above")
}

impl Index<&str> for Object {
    type Output = Value;

    /// A top-level field; `null` if there is none.
    fn index(&self, field: &str) -> &Value {
        self.0.get(field).unwrap_or(&Value::Null)
    }
}

impl Manifest for Object {
    fn kind(&self) -> Kind {
        let text = |key: &str| self.0.get(key).and_then(Value::as_str).unwrap_or_default();
        Kind::new(text("apiVersion"), text("kind"))
    }

    fn object_name(&self) -> ObjectName {
        ObjectName {
            namespace: self.metadata_str("namespace").map(Into::into),
            name: self.metadata_str("name").unwrap_or_default().into(),
        }
    }

    fn uid(&self) -> Option<&str> {
        self.metadata_str("uid")
    }

    fn resource_version(&self) -> Option<&str> {
        self.metadata_str("resourceVersion")
    }

    fn finalizers(&self) -> Vec<String> {
        let list = self.at("/metadata/finalizers").and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).map(Into::into).collect()
    }

    fn is_deleting(&self) -> bool {
        self.metadata_str("deletionTimestamp").is_some()
    }

    fn to_json(&self) -> Result<String> {
        Ok(serde_json::to_string(&self.0)?)
    }

    fn from_json(text: &str) -> Result<Self> {
        json::from_str(text)
            .map(Self)
            .map_err(|error| Error::terminal(format!("the object cannot be read: {error}")))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a panic is a test's way to fail")]
    use super::*;

    #[test]
    fn pointers_reach_top_level_and_nested_fields() {
        let object =
            Object::new("v1/Pod", "p").with("spec", serde_json::json!({ "a/b": [1, { "~c": "d" }] }));
        assert_eq!(object.str_at("/kind"), Some("Pod"));
        assert_eq!(object.i64_at("/spec/a~1b/0"), Some(1));
        assert_eq!(object.str_at("/spec/a~1b/1/~0c"), Some("d"));
        assert_eq!(object.at("/status/phase"), None);
        assert_eq!(object.at("spec"), None);
    }

    #[test]
    fn an_owner_must_have_been_read_from_the_cluster() {
        let owner = Object::new("example.dev/v1/Website", "home");
        let child = || Object::new("v1/Service", "home");
        assert_eq!(child().owned_by(&owner).at("/metadata/ownerReferences"), None);
        let mut stored = owner;
        stored.metadata().insert("uid".into(), "u-1".into());
        assert_eq!(
            child().owned_by(&stored).at("/metadata/ownerReferences/0").unwrap(),
            &serde_json::json!({
                "apiVersion": "example.dev/v1", "kind": "Website", "name": "home", "uid": "u-1",
                "controller": true, "blockOwnerDeletion": true,
            })
        );
    }
}
