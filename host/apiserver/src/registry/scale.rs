//! The scale subresource: `spec.replicas` of any kind behind one form.

use serde_json::{Map, Value, json};

use super::{Body, PatchKind, Place, Registry, Written};
use crate::catalog::Resource;
use crate::object;
use crate::query::WriteOptions;
use crate::resource::ScalePaths;
use crate::status::{ApiError, Cause};

/// Where a kind keeps what a Scale shows.
struct Paths {
    spec_replicas: String,
    status_replicas: String,
    selector: Selector,
}

enum Selector {
    /// A label selector object, shown as text.
    Object(&'static str),
    /// A map of labels, shown as text.
    Map(&'static str),
    /// Text already.
    Text(String),
    None,
}

impl Paths {
    fn of(resource: &Resource) -> Self {
        if let Some(custom) = resource.definition.custom() {
            let ScalePaths { spec_replicas, status_replicas, label_selector } =
                custom.scale.clone().unwrap_or_default();
            let selector = label_selector.map_or(Selector::None, Selector::Text);
            return Self { spec_replicas, status_replicas, selector };
        }
        let selector = match &*resource.definition.plural {
            "replicationcontrollers" => Selector::Map("spec.selector"),
            _ => Selector::Object("spec.selector"),
        };
        let (spec_replicas, status_replicas) = ("spec.replicas".into(), "status.replicas".into());
        Self { spec_replicas, status_replicas, selector }
    }

    fn selector(&self, held: &Value) -> String {
        match &self.selector {
            Selector::Object(path) => object::at(held, path).map(selector_text).unwrap_or_default(),
            Selector::Map(path) => {
                let labels = object::at(held, path).and_then(Value::as_object);
                labels.map(|labels| equalities(labels).join(",")).unwrap_or_default()
            }
            Selector::Text(path) => {
                object::at(held, path).and_then(Value::as_str).unwrap_or_default().to_owned()
            }
            Selector::None => String::new(),
        }
    }
}

/// A label selector object in text form.
fn selector_text(selector: &Value) -> String {
    let labels = selector.get("matchLabels").and_then(Value::as_object);
    let mut parts = labels.map(equalities).unwrap_or_default();
    for expression in selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten() {
        let text = |field: &str| expression.get(field).and_then(Value::as_str).unwrap_or_default();
        let values = expression.get("values").and_then(Value::as_array).into_iter().flatten();
        let values: Vec<&str> = values.filter_map(Value::as_str).collect();
        let (key, values) = (text("key"), values.join(","));
        parts.push(match text("operator") {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "Exists" => key.to_owned(),
            _ => format!("!{key}"),
        });
    }
    parts.join(",")
}

fn equalities(labels: &Map<String, Value>) -> Vec<String> {
    labels.iter().map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect()
}

/// The Scale that an object shows.
pub fn scale_of(resource: &Resource, held: &Value) -> Value {
    let paths = Paths::of(resource);
    let replicas = |path: &str| object::at(held, path).and_then(Value::as_i64).unwrap_or_default();
    let mut meta = Map::new();
    for field in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        if let Some(value) = object::metadata(held).and_then(|meta| meta.get(field)) {
            meta.insert(field.into(), value.clone());
        }
    }
    let mut spec = Map::new();
    if replicas(&paths.spec_replicas) != 0 {
        spec.insert("replicas".into(), replicas(&paths.spec_replicas).into());
    }
    let mut status = json!({"replicas": replicas(&paths.status_replicas)});
    let selector = paths.selector(held);
    if !selector.is_empty() {
        status["selector"] = selector.into();
    }
    json!({"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": meta, "spec": spec, "status": status})
}

impl Registry {
    /// The Scale of an object.
    pub fn get_scale(&self, place: &Place) -> Result<Value, ApiError> {
        Ok(scale_of(&place.resource, &self.get(place)?.value()))
    }

    /// Writes `spec.replicas` from a Scale made of the current one; `make` sees that and gives the new one.
    pub async fn update_scale(
        &self,
        place: &Place,
        options: &WriteOptions,
        mut make: impl FnMut(Value) -> Result<Value, ApiError> + Send,
    ) -> Result<Written, ApiError> {
        let paths = Paths::of(&place.resource);
        let mut change = |old: &Value| {
            let mut scale = make(scale_of(&place.resource, old))?;
            check_types(&mut scale)?;
            let replicas = object::at(&scale, "spec.replicas").and_then(Value::as_i64).unwrap_or_default();
            if replicas < 0 {
                let why = "must be greater than or equal to 0";
                let cause = Cause::invalid("spec.replicas", &replicas.to_string(), why);
                return Err(ApiError::invalid("autoscaling", "Scale", &place.name, vec![cause]));
            }
            let mut new = old.clone();
            let version = object::resource_version(&scale);
            if !version.is_empty() {
                object::metadata_mut(&mut new).insert("resourceVersion".into(), version.into());
            }
            set(&mut new, &paths.spec_replicas, replicas.into());
            Ok(new)
        };
        self.update_with(place, options, &mut change).await
    }

    /// PUT of a Scale.
    pub async fn put_scale(
        &self,
        place: &Place,
        body: Body,
        options: &WriteOptions,
    ) -> Result<Written, ApiError> {
        self.update_scale(place, options, |_| Ok(body.value.clone())).await
    }

    /// Patch of a Scale.
    pub async fn patch_scale(
        &self,
        place: &Place,
        kind: PatchKind,
        patch: &Body,
        options: &WriteOptions,
    ) -> Result<Written, ApiError> {
        let schema = crate::schema::builtin("autoscaling", "v1", "Scale");
        let make = |scale| super::ownership::patched(kind, &scale, &patch.value, schema.as_deref());
        self.update_scale(place, options, make).await
    }
}

/// A Scale is decoded as any other object, whatever it is a Scale of.
fn check_types(scale: &mut Value) -> Result<(), ApiError> {
    let schema = crate::schema::builtin("autoscaling", "v1", "Scale");
    let schema = schema.expect("the table has the kind Scale");
    let checked = crate::schema::decode(&schema, scale, crate::query::FieldValidation::Ignore, Vec::new());
    checked.map(drop).map_err(|error| {
        ApiError::bad_request(format!("Scale in version \"v1\" cannot be handled as a Scale: {error}"))
    })
}

fn set(object: &mut Value, path: &str, value: Value) {
    let mut at = object::as_map(object);
    let mut parts = path.split('.').filter(|part| !part.is_empty()).peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            at.insert(part.into(), value);
            return;
        }
        at = object::child_mut(at, part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_read_as_kubectl_passes_them_on() {
        let selector = json!({
            "matchLabels": {"a": "b"},
            "matchExpressions": [
                {"key": "c", "operator": "In", "values": ["d", "e"]},
                {"key": "f", "operator": "DoesNotExist"},
            ],
        });
        assert_eq!(selector_text(&selector), "a=b,c in (d,e),!f");
    }

    #[test]
    fn a_missing_path_is_made() {
        let mut object = json!({"spec": 1});
        set(&mut object, ".spec.deep.replicas", 3.into());
        assert_eq!(object, json!({"spec": {"deep": {"replicas": 3}}}));
    }
}
