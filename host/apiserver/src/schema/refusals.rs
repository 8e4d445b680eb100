//! What the server refuses in a CRD's `openAPIV3Schema`: schemas that are not structural, or contradict themselves.

use serde_json::{Value, json};

use super::error::{FieldError, Path};
use super::{given, keywords, pattern_error};

/// Where a schema stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Root,
    Item,
    Field,
}

/// All that keeps `source` from being the schema of a custom resource, sorted as the server sorts it. `path` is where
/// the schema stands in its object: `spec.validation.openAPIV3Schema`.
#[must_use]
pub fn schema_errors(source: &Value, path: &str) -> Vec<FieldError> {
    let mut found = Refusals { errors: Vec::new() };
    let root = Path::Root;
    let path = root.field(path);
    // The structure is judged where no keyword stands in the way, and defaults where the structure is right.
    if keywords::is_supported(source) {
        found.structure(source, Level::Root, &path);
        found.completeness(source, source, &path);
        if found.errors.is_empty() {
            given::defaults(source, true, &path, &mut found.errors);
        }
    }
    if flag(source, "nullable") {
        let field = path.field("nullable");
        found.errors.push(FieldError::forbidden(field, "nullable cannot be true at the root"));
    }
    keywords::validate(source, &path, &mut found.errors);
    found.lists_and_maps(source, &path);
    found.errors.sort_by_key(ToString::to_string);
    found.errors.dedup();
    found.errors
}

struct Refusals {
    errors: Vec<FieldError>,
}

impl Refusals {
    fn structure(&mut self, schema: &Value, level: Level, path: &Path<'_>) {
        let kind = schema["type"].as_str().unwrap_or_default();
        if kind == "array" && !schema["items"].is_object() {
            self.errors.push(FieldError::required(path.field("items"), "must be specified"));
        }
        if schema["items"].is_object() {
            self.structure(&schema["items"], Level::Item, &path.field("items"));
        }
        for (name, inner) in properties(schema) {
            self.structure(inner, Level::Field, &path.field("properties").key(name));
        }
        if let Some(rest) = schema.get("additionalProperties").filter(|rest| !rest.is_null()) {
            if level == Level::Root {
                let field = path.field("additionalProperties");
                self.errors.push(FieldError::forbidden(field, "must not be used at the root"));
            }
            if rest.is_object() {
                self.structure(rest, Level::Field, &path.field("additionalProperties"));
            }
        }
        self.extensions(schema, path);
        let int_or_string = json!([{"type": "integer"}, {"type": "string"}]);
        let any_of = flag(schema, "x-kubernetes-int-or-string") && schema["anyOf"] == int_or_string;
        let all_of =
            flag(schema, "x-kubernetes-int-or-string") && schema["allOf"][0]["anyOf"] == int_or_string;
        self.values(schema, (any_of, all_of), path);
        self.kind(schema, kind, level, path);
        self.metadata(schema, level, path);
    }

    fn extensions(&mut self, schema: &Value, path: &Path<'_>) {
        if !flag(schema, "x-kubernetes-int-or-string") {
            return;
        }
        for name in ["x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"] {
            if flag(schema, name) {
                let detail = "must be false if x-kubernetes-int-or-string is true";
                self.errors.push(FieldError::invalid(path.field(name), &Value::Bool(true), detail));
            }
        }
    }

    fn kind(&mut self, schema: &Value, kind: &str, level: Level, path: &Path<'_>) {
        let field = path.field("type");
        let embedded = flag(schema, "x-kubernetes-embedded-resource");
        let open = flag(schema, "x-kubernetes-int-or-string")
            || flag(schema, "x-kubernetes-preserve-unknown-fields");
        if embedded && kind != "object" {
            let detail = "must be object if x-kubernetes-embedded-resource is true";
            self.errors.push(if kind.is_empty() {
                FieldError::required(field, detail)
            } else {
                FieldError::invalid_text(field, kind, detail)
            });
        } else if kind.is_empty() && !open {
            let detail = match level {
                Level::Root => "must not be empty at the root",
                Level::Item => "must not be empty for specified array items",
                Level::Field => "must not be empty for specified object fields",
            };
            self.errors.push(FieldError::required(field, detail));
        }
        if embedded && !schema["additionalProperties"].is_null() {
            let detail = "must not be used if x-kubernetes-embedded-resource is set";
            self.errors.push(FieldError::forbidden(path.field("additionalProperties"), detail));
        }
        if level == Level::Root && !kind.is_empty() && kind != "object" {
            self.errors.push(FieldError::invalid_text(field, kind, "must be object at the root"));
        }
        let bare =
            properties(schema).next().is_none() && !flag(schema, "x-kubernetes-preserve-unknown-fields");
        if embedded && bare {
            let detail = "must not be empty if x-kubernetes-embedded-resource is true without \
                          x-kubernetes-preserve-unknown-fields";
            self.errors.push(FieldError::required(path.field("properties"), detail));
        }
    }

    /// `metadata` may be restricted only in its name, and is never described.
    fn metadata(&mut self, schema: &Value, level: Level, path: &Path<'_>) {
        let is_object = level == Level::Root || flag(schema, "x-kubernetes-embedded-resource");
        if !is_object {
            return;
        }
        let inside = path.field("properties");
        for (name, wanted) in [("kind", "string"), ("apiVersion", "string"), ("metadata", "object")] {
            let Some(field) = schema["properties"].get(name) else { continue };
            let kind = field["type"].as_str().unwrap_or_default();
            if kind != wanted {
                let path = inside.key(name);
                self.errors.push(FieldError::invalid_text(
                    path.field("type"),
                    kind,
                    format!("must be {wanted}"),
                ));
            }
        }
        let Some(Value::Object(metadata)) = schema["properties"].get("metadata") else { return };
        let named = |(name, _): &(&String, &Value)| ["name", "generateName"].contains(&name.as_str());
        let only_names = properties(&schema["properties"]["metadata"]).all(|entry| named(&entry));
        let plain = metadata.keys().all(|key| ["type", "properties", "description"].contains(&key.as_str()));
        if level == Level::Root && !(only_names && plain) {
            let detail = "must not specify anything other than name and generateName, but metadata is implicitly specified";
            self.errors.push(FieldError::forbidden(inside.key("metadata"), detail));
        }
    }

    /// The value validations of one level.
    fn values(&mut self, schema: &Value, (skip_any_of, skip_first): (bool, bool), path: &Path<'_>) {
        for junctor in ["anyOf", "allOf", "oneOf"] {
            if junctor == "anyOf" && skip_any_of {
                continue;
            }
            for (at, inner) in schema[junctor].as_array().into_iter().flatten().enumerate() {
                let skips = junctor == "allOf" && at == 0 && skip_first;
                self.nested(inner, skips, &path.field(junctor).index(at));
            }
        }
        if schema["not"].is_object() {
            self.nested(&schema["not"], false, &path.field("not"));
        }
        if let Some(pattern) = schema["pattern"].as_str()
            && let Err(error) = regex::Regex::new(pattern)
        {
            let why = pattern_error::go_message(pattern, &error);
            let detail =
                format!("must be a valid regular expression, but isn't: error parsing regexp: {why}");
            self.errors.push(FieldError::invalid_text(path.field("pattern"), pattern, detail));
        }
    }

    /// A schema under a junctor may restrict values, but say nothing of the structure.
    fn nested(&mut self, schema: &Value, skip_any_of: bool, path: &Path<'_>) {
        self.values(schema, (skip_any_of, false), path);
        if schema["items"].is_object() {
            self.nested(&schema["items"], false, &path.field("items"));
        }
        for (name, inner) in properties(schema) {
            self.nested(inner, false, &path.field("properties").key(name));
        }
        for (name, what) in [
            ("type", "empty"),
            ("additionalProperties", "undefined"),
            ("default", "undefined"),
            ("title", "empty"),
            ("description", "empty"),
            ("nullable", "false"),
            ("x-kubernetes-preserve-unknown-fields", "false"),
            ("x-kubernetes-embedded-resource", "false"),
            ("x-kubernetes-int-or-string", "false"),
            ("x-kubernetes-list-map-keys", "empty"),
            ("x-kubernetes-list-type", "undefined"),
            ("x-kubernetes-map-type", "undefined"),
            ("x-kubernetes-validations", "empty"),
        ] {
            let given = match schema.get(name) {
                None | Some(Value::Null | Value::Bool(false)) => false,
                Some(Value::String(text)) => !text.is_empty(),
                Some(Value::Array(list)) => !list.is_empty(),
                Some(_) => true,
            };
            if given {
                let detail = format!("must be {what} to be structural");
                self.errors.push(FieldError::forbidden(path.field(name), detail));
            }
        }
        if schema["properties"].get("metadata").is_some() {
            let detail = "must not be specified in a nested context";
            self.errors.push(FieldError::forbidden(path.field("properties").key("metadata"), detail));
        }
    }

    /// What a junctor speaks of has to be described outside of it. `whole` is the structure at that place.
    fn completeness(&mut self, schema: &Value, whole: &Value, path: &Path<'_>) {
        for junctor in ["anyOf", "allOf", "oneOf"] {
            for (at, inner) in schema[junctor].as_array().into_iter().flatten().enumerate() {
                self.is_described(inner, whole, (&path.field(junctor).index(at), path));
            }
        }
        if schema["not"].is_object() {
            self.is_described(&schema["not"], whole, (&path.field("not"), path));
        }
        if schema["items"].is_object() {
            self.completeness(&schema["items"], &schema["items"], &path.field("items"));
        }
        for (name, inner) in properties(schema) {
            self.completeness(inner, inner, &path.field("properties").key(name));
        }
        if schema["additionalProperties"].is_object() {
            let rest = &schema["additionalProperties"];
            self.completeness(rest, rest, &path.field("additionalProperties"));
        }
    }

    fn is_described(&mut self, nested: &Value, whole: &Value, (path, outer): (&Path<'_>, &Path<'_>)) {
        if nested["items"].is_object() {
            if whole["items"].is_object() {
                self.is_described(
                    &nested["items"],
                    &whole["items"],
                    (&path.field("items"), &outer.field("items")),
                );
            } else {
                let detail = format!("because it is defined in {}", path.field("items"));
                self.errors.push(FieldError::required(outer.field("items"), detail));
            }
        }
        for (name, inner) in properties(nested) {
            let (here, there) = (path.field("properties"), outer.field("properties"));
            let (here, there) = (here.key(name), there.key(name));
            match whole["properties"].get(name) {
                Some(described) => self.is_described(inner, described, (&here, &there)),
                None => {
                    let detail = format!("because it is defined in {here}");
                    self.errors.push(FieldError::required(there, detail));
                }
            }
        }
        for junctor in ["anyOf", "allOf", "oneOf"] {
            for (at, inner) in nested[junctor].as_array().into_iter().flatten().enumerate() {
                self.is_described(inner, whole, (&path.field(junctor).index(at), outer));
            }
        }
        if nested["not"].is_object() {
            self.is_described(&nested["not"], whole, (&path.field("not"), outer));
        }
    }

    /// Rules, list types, their keys, and map types.
    fn lists_and_maps(&mut self, schema: &Value, path: &Path<'_>) {
        self.rules(schema, path);
        let list_type = &schema["x-kubernetes-list-type"];
        let field = path.field("x-kubernetes-list-type");
        if let Some(name) = list_type.as_str() {
            if schema["type"] != "array" {
                let kind = schema["type"].as_str().unwrap_or_default();
                let detail = "must be array if x-kubernetes-list-type is specified";
                self.errors.push(if kind.is_empty() {
                    FieldError::required(path.field("type"), detail)
                } else {
                    FieldError::invalid_text(path.field("type"), kind, detail)
                });
            }
            if !["atomic", "set", "map"].contains(&name) {
                self.errors.push(FieldError::not_supported(field, list_type, ["atomic", "set", "map"]));
            }
        }
        self.list_keys(schema, path);
        if let Some(name) = schema["x-kubernetes-map-type"].as_str() {
            let field = path.field("x-kubernetes-map-type");
            if schema["type"] != "object" {
                let kind = schema["type"].as_str().unwrap_or_default();
                let detail = "must be object if x-kubernetes-map-type is specified";
                self.errors.push(if kind.is_empty() {
                    FieldError::required(path.field("type"), detail)
                } else {
                    FieldError::invalid_text(path.field("type"), kind, detail)
                });
            }
            if !["atomic", "granular"].contains(&name) {
                let allowed = ["atomic", "granular"];
                self.errors.push(FieldError::not_supported(field, &schema["x-kubernetes-map-type"], allowed));
            }
        }
        if schema["items"].is_object() {
            self.lists_and_maps(&schema["items"], &path.field("items"));
        }
        for (name, inner) in properties(schema) {
            self.lists_and_maps(inner, &path.field("properties").key(name));
        }
        if schema["additionalProperties"].is_object() {
            self.lists_and_maps(&schema["additionalProperties"], &path.field("additionalProperties"));
        }
    }

    fn list_keys(&mut self, schema: &Value, path: &Path<'_>) {
        let field = path.field("x-kubernetes-list-map-keys");
        let keys: Vec<&str> = schema["x-kubernetes-list-map-keys"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        if schema["x-kubernetes-list-type"] != "map" {
            if !keys.is_empty() {
                let kind = path.field("x-kubernetes-list-type");
                let detail = "must be map if x-kubernetes-list-map-keys is non-empty";
                let given = schema["x-kubernetes-list-type"].as_str();
                self.errors.push(match given {
                    None => FieldError::required(kind, detail),
                    Some(given) => FieldError::invalid_text(kind, given, detail),
                });
            }
            return;
        }
        if keys.is_empty() {
            let detail = "must not be empty if x-kubernetes-list-type is map";
            self.errors.push(FieldError::required(field, detail));
        }
        let items = &schema["items"];
        if items.is_null() {
            let detail = "must have a schema if x-kubernetes-list-type is map";
            self.errors.push(FieldError::required(path.field("items"), detail));
            return;
        }
        if items["type"] != "object" {
            let kind = items["type"].as_str().unwrap_or_default();
            let detail = "must be object if parent array's x-kubernetes-list-type is map";
            self.errors.push(FieldError::invalid_text(path.field("items").field("type"), kind, detail));
            return;
        }
        let given = &schema["x-kubernetes-list-map-keys"];
        for (at, key) in keys.iter().enumerate() {
            let inside = (path.field("items"), items);
            self.list_key(key, inside, (&field, given));
            if keys[..at].contains(key) {
                self.errors.push(FieldError::invalid(field, given, "must not contain duplicate entries"));
            }
        }
    }

    fn list_key(
        &mut self,
        key: &str,
        (path, items): (Path<'_>, &Value),
        (field, given): (&Path<'_>, &Value),
    ) {
        let Some(described) = items["properties"].get(key) else {
            let detail = "entries must all be names of item properties";
            self.errors.push(FieldError::invalid(field, given, detail));
            return;
        };
        let inside = path.field("properties");
        let inside = inside.key(key);
        if described["type"] == "array" || described["type"] == "object" {
            let detail = "must be a scalar type if parent array's x-kubernetes-list-type is map";
            self.errors.push(FieldError::invalid_text(inside.field("type"), "object", detail));
        }
        let required = items["required"].as_array().is_some_and(|list| list.iter().any(|name| name == key));
        if !required && described.get("default").is_none() {
            let detail = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a \
                          required property";
            self.errors.push(FieldError::required(inside.field("default"), detail));
        }
    }

    /// The rules in CEL, as texts.
    fn rules(&mut self, schema: &Value, path: &Path<'_>) {
        let path = path.field("x-kubernetes-validations");
        for (at, rule) in schema["x-kubernetes-validations"].as_array().into_iter().flatten().enumerate() {
            let path = path.index(at);
            let text = |name: &str| rule[name].as_str().unwrap_or_default();
            let (code, message) = (text("rule").trim(), text("message").trim());
            if code.is_empty() {
                self.errors.push(FieldError::required(path.field("rule"), "rule is not specified"));
            } else if !text("message").is_empty() && message.is_empty() {
                let detail = "must be non-empty if specified";
                self.errors.push(FieldError::invalid_text(path.field("message"), text("message"), detail));
            } else if message.contains('\n') {
                let detail = "must not contain line breaks";
                self.errors.push(FieldError::invalid_text(path.field("message"), text("message"), detail));
            } else if code.contains('\n') && message.is_empty() {
                let detail = "message must be specified if rule contains line breaks";
                self.errors.push(FieldError::required(path.field("message"), detail));
            }
            let reasons =
                ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];
            if rule["reason"].as_str().is_some_and(|reason| !reasons.contains(&reason)) {
                let field = path.field("reason");
                self.errors.push(FieldError::not_supported(field, &rule["reason"], reasons));
            }
            if let Some(detail) = rule_error(code) {
                self.errors.push(FieldError::invalid(path.field("rule"), &go_rule(rule), detail));
            }
        }
    }
}

/// Why a rule is no expression.
fn rule_error(code: &str) -> Option<String> {
    if code.is_empty() {
        return None;
    }
    kube_cel::cel::Program::compile(code).err().map(|error| format!("compilation failed: {error}"))
}

/// A rule as Go encodes its own form of it.
fn go_rule(rule: &Value) -> Value {
    let text = |name: &str| rule[name].as_str().unwrap_or_default();
    json!({
        "Rule": text("rule"), "Message": text("message"), "MessageExpression": text("messageExpression"),
        "Reason": rule["reason"], "FieldPath": text("fieldPath"), "OptionalOldSelf": rule["optionalOldSelf"],
    })
}

fn flag(schema: &Value, name: &str) -> bool {
    schema[name] == true
}

fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema["properties"].as_object().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(schema: Value, errors: &[&str]) {
        let found: Vec<String> = schema_errors(&schema, "s").iter().map(ToString::to_string).collect();
        assert_eq!(found, errors);
    }

    #[test]
    fn what_is_not_structural_is_refused() {
        check(
            json!({"type": "object", "properties": {"a": {}}}),
            &["s.properties[a].type: Required value: must not be empty for specified object fields"],
        );
        check(json!({"type": "string"}), &["s.type: Invalid value: \"string\": must be object at the root"]);
        check(json!({}), &["s.type: Required value: must not be empty at the root"]);
        check(
            json!({"type": "object", "properties": {"a": {"type": "array"}}}),
            &["s.properties[a].items: Required value: must be specified"],
        );
        check(
            json!({"type": "object", "additionalProperties": {"type": "string"}}),
            &["s.additionalProperties: Forbidden: must not be used at the root"],
        );
        check(
            json!({"type": "object", "anyOf": [{"type": "object", "properties": {"b": {"minimum": 1}}}]}),
            &[
                "s.anyOf[0].type: Forbidden: must be empty to be structural",
                "s.properties[b]: Required value: because it is defined in s.anyOf[0].properties[b]",
            ],
        );
        check(
            json!({"type": "object", "properties": {"metadata": {"type": "object", "properties": {"labels": {"type": "object"}}}}}),
            &[
                "s.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified",
            ],
        );
        check(
            json!({"type": "object", "properties": {"p": {"x-kubernetes-int-or-string": true, "anyOf": [{"type": "integer"}, {"type": "string"}]}}}),
            &[],
        );
    }

    #[test]
    fn rules_are_expressions() {
        let with = |rule: &str| json!({"type": "object", "x-kubernetes-validations": [{"rule": rule}]});
        check(with("has(self.metadata)"), &[]);
        check(with(" "), &["s.x-kubernetes-validations[0].rule: Required value: rule is not specified"]);
        let errors = schema_errors(&with("self.a =="), "s");
        assert_eq!(errors.len(), 1);
        assert_eq!(errors[0].field, "s.x-kubernetes-validations[0].rule");
        assert!(errors[0].message.contains("compilation failed"), "{}", errors[0].message);
    }

    #[test]
    fn lists_say_how_their_items_are_told_apart() {
        let list = |extra: Value| {
            let mut list = json!({"type": "array", "items": {"type": "object", "properties": {"k": {"type": "string"}}}});
            for (name, value) in extra.as_object().into_iter().flatten() {
                list[name] = value.clone();
            }
            json!({"type": "object", "properties": {"l": list}})
        };
        check(
            list(json!({"x-kubernetes-list-type": "map"})),
            &[
                "s.properties[l].x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map",
            ],
        );
        check(
            list(json!({"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k", "z"]})),
            &[
                "s.properties[l].items.properties[k].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property",
                "s.properties[l].x-kubernetes-list-map-keys: Invalid value: [\"k\",\"z\"]: entries must all be names of item properties",
            ],
        );
        check(
            list(json!({"x-kubernetes-list-type": "bag"})),
            &[
                "s.properties[l].x-kubernetes-list-type: Unsupported value: \"bag\": supported values: \"atomic\", \"set\", \"map\"",
            ],
        );
    }
}
