//! Definitions of custom resources, and objects written one after the other.

use serde_json::{Value, json};
use windlass_apiserver::schema::{
    Custom, FieldError, FieldValidation, Rules, apply_defaults, decode_custom, schema_errors, structural,
    validate_custom,
};

pub(super) fn schema(case: &Value) -> Value {
    let source = &case["schema"];
    if !source.is_object() {
        return "malformed".into();
    }
    let refused = schema_errors(source, "spec.validation.openAPIV3Schema");
    if !refused.is_empty() {
        return json!({"refused": told(&refused)});
    }
    let schema = structural(source);
    let rules = Rules::of(source, "x.example.com", "v1", "Widget");
    let custom = Custom {
        schema: &schema,
        rules: rules.as_ref(),
        spec_replicas_path: None,
        status_replicas_path: None,
    };
    let mut before: Option<Value> = None;
    let mut answers: Vec<Value> = Vec::new();
    for object in case["objects"].as_array().into_iter().flatten() {
        let mut next = object.clone();
        let unknown = match decode_custom(&schema, &mut next, FieldValidation::Warn, Vec::new()) {
            Ok(unknown) => unknown,
            Err(error) => {
                answers.push(format!("unreadable: {error}").into());
                continue;
            }
        };
        apply_defaults(&schema, &mut next);
        let mut unknown: Vec<&str> =
            unknown.iter().map(|text| text.trim_start_matches("unknown field ").trim_matches('"')).collect();
        unknown.sort_unstable();
        let mut answer = json!({"object": next, "unknown": unknown});
        let faults = validate_custom(&custom, &next, before.as_ref());
        if faults.is_empty() {
            before = Some(next);
        } else {
            answer["refused"] = told(&faults);
        }
        answers.push(answer);
    }
    answers.into()
}

fn told(faults: &[FieldError]) -> Value {
    let line =
        |fault: &FieldError| format!("{} | {} | {}", fault.reason.as_str(), fault.field, fault.message);
    let mut lines: Vec<String> = faults.iter().map(line).collect();
    lines.sort_unstable();
    lines.into()
}
