//! ConversionReview: what is asked, and what may be answered.

use serde_json::{Map, Value, json};

use crate::object;

const GROUP: &str = "apiextensions.k8s.io";

/// The review that asks about objects, in the first of the webhook's versions that exists.
pub(super) fn request(
    versions: &[String],
    objects: &[&Value],
    api_version: &str,
    uid: &str,
) -> Result<Value, String> {
    let known = versions.iter().find(|version| matches!(version.as_str(), "v1" | "v1beta1"));
    let version = known.ok_or("no supported conversion review versions")?;
    Ok(json!({
        "kind": "ConversionReview",
        "apiVersion": format!("{GROUP}/{version}"),
        "request": {"uid": uid, "desiredAPIVersion": api_version, "objects": objects},
        "response": {"uid": "", "convertedObjects": null, "result": {"metadata": {}}},
    }))
}

/// The objects of the answer to a review.
pub(super) fn objects(answer: &Value, asked: &Value, uid: &str) -> Result<Vec<Value>, String> {
    let strict = asked["apiVersion"] == "apiextensions.k8s.io/v1";
    let (api_version, kind) = (object::api_version(answer), object::kind(answer));
    if strict && (api_version != object::api_version(asked) || kind != "ConversionReview") {
        return Err(format!(
            "expected webhook response of {GROUP}/v1, Kind=ConversionReview, got {api_version}, Kind={kind}"
        ));
    }
    let Some(response) = answer.get("response").filter(|response| response.is_object()) else {
        return Err("no response provided".to_owned());
    };
    let text = |path: &str| object::at(response, path).and_then(Value::as_str).unwrap_or_default();
    if strict && text("uid") != uid {
        return Err(format!("expected response.uid={uid:?}, got {:?}", text("uid")));
    }
    let (status, message) = (text("result.status"), text("result.message"));
    if status != "Success" {
        return Err(match message {
            "" => format!("response.result.status was '{status}', not 'Success'"),
            message => message.to_owned(),
        });
    }
    Ok(response.get("convertedObjects").and_then(Value::as_array).cloned().unwrap_or_default())
}

/// Refuses an object that is not the original in another version, and gives it the original's metadata but for
/// labels and annotations. The error follows `conversion webhook for … returned`.
pub(super) fn check(
    original: &Value,
    converted: &mut Value,
    api_version: &str,
    index: usize,
) -> Result<(), String> {
    let group_version = object::api_version(converted);
    if group_version != api_version {
        return Err(format!(
            "invalid object at index {index}: invalid groupVersion (expected {api_version}, received {group_version})"
        ));
    }
    if object::kind(original) != object::kind(converted) {
        let (expected, received) = (object::kind(original), object::kind(converted));
        return Err(format!(
            "invalid object at index {index}: invalid kind (expected {expected}, received {received})"
        ));
    }
    type Part = fn(&Value) -> &str;
    let parts: [(&str, Part); 3] =
        [("name", object::name), ("namespace", object::namespace), ("UID", object::uid)];
    for (name, part) in parts {
        let (held, found) = (part(original), part(converted));
        if held != found {
            return Err(format!("invalid object: must have the same {name}: {held} != {found}"));
        }
    }
    restore_metadata(original, converted).map_err(|why| format!("invalid metadata: {why}"))
}

fn restore_metadata(original: &Value, converted: &mut Value) -> Result<(), String> {
    let answered = match converted.get("metadata") {
        Some(Value::Object(answered)) => answered.clone(),
        Some(other) => {
            return Err(format!("invalid metadata of type {} in converted object", go_type(other)));
        }
        None => return Err("missing metadata in converted object".to_owned()),
    };
    let mut metadata = object::metadata(original).cloned().unwrap_or_default();
    for field in ["labels", "annotations"] {
        match answered.get(field) {
            None | Some(Value::Null) => drop(metadata.remove(field)),
            Some(Value::Object(map)) => {
                check_texts(field, map)?;
                metadata.insert(field.into(), Value::Object(map.clone()));
            }
            Some(other) => {
                let found = go_type(other);
                return Err(format!("invalid metadata.{field} of type {found} in converted object"));
            }
        }
    }
    object::as_map(converted).insert("metadata".into(), Value::Object(metadata));
    Ok(())
}

fn check_texts(field: &str, map: &Map<String, Value>) -> Result<(), String> {
    match map.iter().find(|(_, value)| !value.is_string()) {
        None => Ok(()),
        Some((key, value)) => Err(format!(
            "metadata.{field}[{key}] must be a string, but is {} in converted object",
            go_type(value)
        )),
    }
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn original() -> Value {
        json!({"apiVersion": "x.io/v1", "kind": "X", "metadata": {"name": "n", "uid": "u", "labels": {"a": "1"},
            "resourceVersion": "7"}})
    }

    fn refused(change: impl FnOnce(&mut Value)) -> String {
        let mut converted = original();
        converted["apiVersion"] = "x.io/v2".into();
        change(&mut converted);
        check(&original(), &mut converted, "x.io/v2", 0).err().unwrap_or_default()
    }

    #[test]
    fn of_metadata_only_labels_and_annotations_are_taken() {
        let mut converted = original();
        converted["apiVersion"] = "x.io/v2".into();
        converted["metadata"] =
            json!({"name": "n", "uid": "u", "labels": {"b": "2"}, "resourceVersion": "9"});
        assert_eq!(check(&original(), &mut converted, "x.io/v2", 0), Ok(()));
        assert_eq!(
            converted["metadata"],
            json!({"name": "n", "uid": "u", "labels": {"b": "2"}, "resourceVersion": "7"})
        );
    }

    #[test]
    fn an_object_that_became_another_is_refused() {
        for (found, message) in [
            (refused(|object| object["metadata"]["name"] = "m".into()), "must have the same name: n != m"),
            (refused(|object| object["metadata"]["uid"] = "v".into()), "must have the same UID: u != v"),
            (refused(|object| object["kind"] = "Y".into()), "invalid kind (expected X, received Y)"),
            (
                refused(|object| object["apiVersion"] = "x.io/v3".into()),
                "invalid groupVersion (expected x.io/v2, received x.io/v3)",
            ),
            (
                refused(|object| object["metadata"]["labels"] = json!({"a": 1})),
                "metadata.labels[a] must be a string, but is int64",
            ),
        ] {
            assert!(found.contains(message), "{found}");
        }
    }

    #[test]
    fn an_answer_that_is_not_this_reviews_is_refused() {
        let asked = request(&["v9".to_owned(), "v1".to_owned()], &[], "x.io/v2", "id").unwrap_or_default();
        let answer = |uid: &str, result: Value| {
            json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "ConversionReview",
                "response": {"uid": uid, "result": result, "convertedObjects": []}})
        };
        let told = |answer: &Value| objects(answer, &asked, "id").err().unwrap_or_default();
        assert_eq!(told(&answer("id", json!({"status": "Success"}))), "");
        assert_eq!(told(&answer("x", json!({}))), "expected response.uid=\"id\", got \"x\"");
        assert_eq!(told(&answer("id", json!({"status": "Failed", "message": "no"}))), "no");
        assert_eq!(told(&answer("id", json!({}))), "response.result.status was '', not 'Success'");
        assert!(told(&json!({"kind": "Pod"})).starts_with("expected webhook response of"));
    }
}
