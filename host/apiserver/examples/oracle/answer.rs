//! What ours answers to a case of each subject. The test of recorded answers uses it as well.

use serde_json::{Value, json};
use windlass_apiserver::patch::{PatchError, strategic_patch};
use windlass_apiserver::schema::quantity::{self, Quantity};
use windlass_apiserver::schema::{FieldValidation, builtin, decode};
use windlass_apiserver::selector::{FieldSelector, LabelSelector};
use windlass_apiserver::wire::{json as go_json, protobuf};

#[path = "answer/apply.rs"]
mod apply;
#[path = "answer/custom.rs"]
mod custom;

/// The answer; `None` if there is no such subject.
pub(crate) fn answer(subject: &str, case: &Value) -> Option<Value> {
    Some(match subject {
        "quantity" => quantities(case),
        "selector" => selector(case),
        "strategic" => strategic(case),
        "codec" => codec(case),
        "apply" => apply::apply(case),
        "schema" | "rules" => custom::schema(case),
        _ => return None,
    })
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn quantities(case: &Value) -> Value {
    let texts: Vec<&str> = case.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let mut parsed = Vec::new();
    let mut answers: Vec<Value> = Vec::new();
    for text in texts {
        let amount = match Quantity::parse(text) {
            Ok(amount) => amount,
            Err(error) => {
                answers.push(error.to_string().into());
                continue;
            }
        };
        let quoted = |form: Result<String, quantity::QuantityError>| match form {
            Ok(form) => format!("\"{form}\""),
            Err(error) => error.to_string(),
        };
        let (stored, milli) = (quoted(quantity::canonical(text)), quoted(quantity::canonical_milli(text)));
        answers.push(json!({"stored": stored, "milli": milli, "sign": amount.sign()}));
        parsed.push(amount);
    }
    if let [left, right] = &parsed[..] {
        answers.push((left.cmp(right) as i8).into());
    }
    answers.into()
}

fn selector(case: &Value) -> Value {
    let sets: Vec<_> = case["sets"].as_array().into_iter().flatten().filter_map(Value::as_object).collect();
    let listed = |matches: Vec<bool>| if matches.is_empty() { Value::Null } else { matches.into() };
    if let Some(text) = case["labels"].as_str() {
        return match LabelSelector::parse(text) {
            Err(error) => error.0.message.into(),
            Ok(selector) => {
                let matches = sets.iter().map(|set| selector.matches_map(Some(set))).collect();
                json!({"text": selector.to_string(), "matches": listed(matches)})
            }
        };
    }
    match FieldSelector::read(text(case, "fields")) {
        Err(error) => error.to_string().into(),
        Ok(selector) => {
            let holds = |set: &&serde_json::Map<String, Value>| {
                selector.holds(|field| set.get(field).and_then(Value::as_str).unwrap_or_default())
            };
            let matches = listed(sets.iter().map(holds).collect());
            json!({"text": selector.to_string(), "matches": matches, "empty": selector.is_everything()})
        }
    }
}

fn strategic(case: &Value) -> Value {
    let Some(schema) = builtin(text(case, "group"), text(case, "version"), text(case, "kind")) else {
        return "malformed".into();
    };
    if !case["original"].is_object() || !case["patch"].is_object() {
        return "malformed".into();
    }
    let mut object = case["original"].clone();
    match strategic_patch(&mut object, case["patch"].clone(), &schema) {
        Ok(()) => object,
        Err(error) => {
            let code = match error {
                PatchError::BadRequest(_) => 400,
                PatchError::Rejected(_) | PatchError::Unprocessable => 422,
                PatchError::TooLarge(_) => 413,
                PatchError::Internal(_) => 500,
            };
            format!("{code} {error}").into()
        }
    }
}

fn codec(case: &Value) -> Value {
    use base64::Engine as _;

    let (version, kind) = (text(case, "apiVersion"), text(case, "kind"));
    let (group, short) = version.rsplit_once('/').unwrap_or(("", version));
    let Some(schema) = builtin(group, short, kind) else { return "malformed".into() };
    let mut object = case.clone();
    let unknown = match decode(&schema, &mut object, FieldValidation::Warn, Vec::new()) {
        Ok(unknown) => unknown,
        Err(error) => return error.to_string().into(),
    };
    let mut answer = json!({"json": shown(&object)});
    if !unknown.is_empty() {
        answer["unknown"] = unknown.into();
    }
    let mut encoded = Vec::new();
    if let Err(error) = protobuf::encode(&object, &mut encoded) {
        answer["protobuf"] = error.to_string().into();
        return answer;
    }
    answer["protobuf"] = base64::engine::general_purpose::STANDARD.encode(&encoded).into();
    // What comes as protobuf is read by the schema as well.
    answer["back"] = match protobuf::decode(&encoded, (version, kind)) {
        Ok(mut back) => match decode(&schema, &mut back, FieldValidation::Ignore, Vec::new()) {
            Ok(_) => shown(&back).into(),
            Err(error) => error.to_string().into(),
        },
        Err(error) => error.to_string().into(),
    };
    answer
}

fn shown(object: &Value) -> String {
    let (version, kind) = (text(object, "apiVersion"), text(object, "kind"));
    let (group, version) = version.rsplit_once('/').unwrap_or(("", version));
    let mut out = Vec::new();
    go_json::write_object(go_json::Order::of(group, version, kind), object, &mut out);
    out.push(b'\n');
    String::from_utf8_lossy(&out).into_owned()
}
