//! Holds a custom resource against its schema.

use serde_json::{Map, Value};

use super::cel::Rules;
use super::check::Checks;
use super::error::{FieldError, Path, Reason};
use super::format::is_of_format;
use super::list_type;
use super::node::{Kind, Rest, Schema};
use super::numbers::{self, Fault};

/// What a custom resource is held against.
#[derive(Clone, Copy)]
pub struct Custom<'a> {
    /// Its schema.
    pub schema: &'a Schema,
    /// The schema's `x-kubernetes-validations`, if it has any.
    pub rules: Option<&'a Rules>,
    /// `spec.subresources.scale.specReplicasPath`, as in `.spec.replicas`.
    pub spec_replicas_path: Option<&'a str>,
    /// `spec.subresources.scale.statusReplicasPath`.
    pub status_replicas_path: Option<&'a str>,
}

/// All that is wrong with `new`, in the server's order and words. On update, `old` is what is stored: invalid parts
/// that did not change are tolerated.
#[must_use]
pub fn validate_custom(custom: &Custom<'_>, new: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    Walk { errors: &mut errors }.value(custom.schema, new, old, &Path::Root);
    for path in [custom.spec_replicas_path, custom.status_replicas_path].into_iter().flatten() {
        errors.extend(scale_error(new, path));
    }
    list_type::validate_embedded(custom.schema, new, &Path::Root, &mut errors);
    // Lists that were wrong before may stay so.
    let mut before = Vec::new();
    if let Some(old) = old {
        list_type::validate_lists(custom.schema, old, &Path::Root, &mut before);
    }
    if before.is_empty() {
        list_type::validate_lists(custom.schema, new, &Path::Root, &mut errors);
    }
    let Some(rules) = custom.rules else { return errors };
    let blocks = |error: &FieldError| {
        matches!(
            error.reason,
            Reason::NotSupported | Reason::Required | Reason::TooLong | Reason::TooMany | Reason::TypeInvalid
        )
    };
    if errors.iter().any(blocks) {
        let detail = "some validation rules were not checked because the object was invalid; correct the existing \
                      errors to complete validation";
        errors.push(FieldError::invalid("<nil>", &Value::Null, detail));
    } else {
        errors.extend(rules.validate(new, old));
    }
    errors
}

/// Replicas that are no count.
fn scale_error(object: &Value, path: &str) -> Option<FieldError> {
    let pointer = path.replace('.', "/");
    let value = object.pointer(&pointer)?;
    match value.as_i64() {
        Some(count) if count < 0 => {
            Some(FieldError::invalid(path, value, "should be a non-negative integer"))
        }
        Some(count) if count > i64::from(i32::MAX) => {
            let detail = format!("should be less than or equal to {}", i32::MAX);
            Some(FieldError::invalid(path, value, detail))
        }
        Some(_) => None,
        None => {
            let kind = match value {
                Value::String(_) => "string",
                Value::Bool(_) => "bool",
                Value::Number(_) => "float64",
                Value::Array(_) => "[]interface {}",
                _ => "map[string]interface {}",
            };
            let shown = value.as_str().map_or_else(|| super::error::go_plain(value), str::to_owned);
            let detail = format!("{path} accessor error: {shown} is of the type {kind}, expected int64");
            Some(FieldError::invalid(path, &Value::from(0), detail))
        }
    }
}

struct Walk<'e> {
    errors: &'e mut Vec<FieldError>,
}

impl Walk<'_> {
    fn tell(&mut self, reason: Reason, path: &Path<'_>, value: &Value, detail: &str) {
        let field = path.to_string();
        // Errors at the root have no field.
        let field = match field.strip_prefix('.') {
            Some(undeclared) => undeclared.to_owned(),
            None if field.is_empty() => "<nil>".to_owned(),
            None => field,
        };
        self.errors.push(FieldError::of_value(reason, field, value, detail));
    }

    /// One of the messages that name the path and "body".
    fn rule(&mut self, path: &Path<'_>, value: &Value, rest: &str) {
        self.tell(Reason::Invalid, path, value, &format!("{path} in body {rest}"));
    }

    fn value(&mut self, schema: &Schema, value: &Value, old: Option<&Value>, path: &Path<'_>) {
        // What did not change is tolerated.
        if old == Some(value) {
            return;
        }
        self.is_of_type(schema, value, path);
        if value.is_null() {
            self.allowed(schema, value, path);
            return;
        }
        if let Some(checks) = &schema.checks {
            self.junctors(checks, value, path);
            self.scalar(schema, checks, value, path);
        } else if schema.kind == Kind::Integer {
            // A number may be none of its type even without a rule.
            self.scalar(schema, &Checks::default(), value, path);
        }
        if let Value::Array(items) = value {
            self.items(schema, items, (old, path));
        }
        self.allowed(schema, value, path);
        if let Value::Object(map) = value {
            self.object(schema, map, (old, path));
        }
    }

    /// Tells a wrong type; what else is wrong is told all the same.
    fn is_of_type(&mut self, schema: &Schema, value: &Value, path: &Path<'_>) {
        let wanted = match schema.kind {
            Kind::Object => "object",
            Kind::Array => "array",
            Kind::String => "string",
            Kind::Integer => "integer",
            Kind::Number => "number",
            Kind::Boolean => "boolean",
            Kind::IntOrString => "integer,string",
            _ => return,
        };
        let found = type_name(value);
        let fits = match value {
            Value::Null => schema.nullable,
            Value::Number(number) => match schema.kind {
                Kind::Number => true,
                Kind::Integer | Kind::IntOrString => is_whole(number),
                _ => false,
            },
            _ => wanted.split(',').any(|wanted| wanted == found),
        };
        if fits {
            return;
        }
        let format = schema.checks.as_ref().and_then(|checks| checks.format.as_deref());
        let (wanted, found) = match (format, value) {
            // Texts and lists are left to the format.
            (Some(_), Value::String(_) | Value::Array(_)) if schema.kind == Kind::String => return,
            (None, _) | (_, Value::Null | Value::String(_) | Value::Array(_)) => (wanted, found),
            (Some(format), Value::Number(number)) if number.is_f64() => (format, "double"),
            (Some(format), Value::Number(_)) => (format, "int64"),
            (Some(format), _) => (format, ""),
        };
        let detail = format!("{path} in body must be of type {wanted}: \"{found}\"");
        self.tell(Reason::TypeInvalid, path, &Value::from(found), &detail);
    }

    fn junctors(&mut self, checks: &Checks, value: &Value, path: &Path<'_>) {
        if !checks.any_of.is_empty() {
            let results: Vec<Vec<FieldError>> =
                checks.any_of.iter().map(|one| holds(one, value, path)).collect();
            if !results.iter().any(Vec::is_empty) {
                self.composite(path, "must validate at least one schema (anyOf)");
                self.errors.extend(results.into_iter().next().unwrap_or_default());
            }
        }
        if !checks.one_of.is_empty() {
            let results: Vec<Vec<FieldError>> =
                checks.one_of.iter().map(|one| holds(one, value, path)).collect();
            match results.iter().filter(|errors| errors.is_empty()).count() {
                1 => {}
                0 => {
                    self.composite(path, "must validate one and only one schema (oneOf). Found none valid");
                    self.errors.extend(results.into_iter().next().unwrap_or_default());
                }
                count => self.composite(
                    path,
                    &format!(
                        "must validate one and only one schema (oneOf). Found {count} valid alternatives"
                    ),
                ),
            }
        }
        if !checks.all_of.is_empty() {
            let results: Vec<Vec<FieldError>> =
                checks.all_of.iter().map(|one| holds(one, value, path)).collect();
            let failed = results.iter().filter(|errors| !errors.is_empty()).count();
            let none = failed == results.len();
            self.errors.extend(results.into_iter().flatten());
            if failed > 0 {
                let rest = if none { ". None validated" } else { "" };
                self.composite(path, &format!("must validate all the schemas (allOf){rest}"));
            }
        }
        if let Some(not) = &checks.not
            && holds(not, value, path).is_empty()
        {
            self.composite(path, "must not validate the schema (not)");
        }
    }

    /// Errors of several schemas at once carry no field, only the path in their text.
    fn composite(&mut self, path: &Path<'_>, rest: &str) {
        let detail = format!("\"{path}\" {rest}");
        self.errors.push(FieldError::invalid("<nil>", &Value::from(""), detail));
    }

    fn scalar(&mut self, schema: &Schema, checks: &Checks, value: &Value, path: &Path<'_>) {
        match value {
            Value::String(text) => self.text(checks, text, path),
            Value::Number(number) if schema.kind != Kind::String => {
                self.number(numbers::faults(schema.kind, checks, number, &path.to_string()), value, path);
            }
            _ => {}
        }
    }

    fn text(&mut self, checks: &Checks, text: &str, path: &Path<'_>) {
        let len = text.chars().count() as u64;
        let value = Value::from(text);
        if let Some(max) = checks.length_max.filter(|max| len > *max) {
            let max = usize::try_from(max).unwrap_or(usize::MAX);
            self.errors.push(FieldError::too_long(path, max));
        }
        if let Some(min) = checks.length_min.filter(|min| len < *min) {
            self.rule(path, &value, &format!("should be at least {min} chars long"));
        }
        if let Some(pattern) = &checks.pattern
            && pattern.is_match(text) != Some(true)
        {
            self.rule(path, &value, &format!("should match '{}'", pattern.text));
        }
        if let Some(format) = checks.format.as_deref().filter(|format| !is_of_format(format, text)) {
            let detail = format!("{path} in body must be of type {format}: {}", super::error::quoted(text));
            self.tell(Reason::TypeInvalid, path, &value, &detail);
        }
    }

    fn number(&mut self, faults: Vec<Fault>, value: &Value, path: &Path<'_>) {
        for fault in faults {
            match fault {
                Fault::Range(detail) => {
                    self.errors.push(FieldError::invalid("<nil>", &Value::from(""), detail));
                }
                Fault::Rule(rest) => self.rule(path, value, &rest),
                Fault::Factor(factor) => {
                    let detail = format!("factor MultipleOf declared for {path} must be positive: {factor}");
                    self.tell(Reason::Invalid, path, &factor, &detail);
                }
            }
        }
    }

    fn allowed(&mut self, schema: &Schema, value: &Value, path: &Path<'_>) {
        let Some(allowed) = schema.checks.as_ref().and_then(|checks| checks.allowed.as_ref()) else { return };
        if allowed.contains(value) {
            return;
        }
        let shown: Vec<String> = allowed
            .iter()
            .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
            .collect();
        self.errors.push(FieldError::not_supported(path, value, shown.iter().map(String::as_str)));
    }

    fn items(&mut self, schema: &Schema, items: &[Value], (old, path): (Option<&Value>, &Path<'_>)) {
        if let Some(item) = &schema.items {
            for (at, value) in items.iter().enumerate() {
                let old = old.and_then(|old| list_type::same_item(schema, value, old));
                self.value(item, value, old, &path.index(at));
            }
        }
        let Some(checks) = &schema.checks else { return };
        let len = items.len();
        if let Some(min) = checks.items_min.filter(|min| (len as u64) < *min) {
            self.rule(path, &Value::from(len), &format!("should have at least {min} items"));
        }
        if let Some(max) = checks.items_max.filter(|max| len as u64 > *max) {
            self.errors.push(FieldError::too_many(path, len, usize::try_from(max).unwrap_or(usize::MAX)));
        }
        let repeats = |at: usize| items[..at].contains(&items[at]);
        if checks.unique_items && (1..len).any(repeats) {
            self.rule(path, &Value::from(""), "shouldn't contain duplicates");
        }
    }

    fn object(
        &mut self,
        schema: &Schema,
        map: &Map<String, Value>,
        (old, path): (Option<&Value>, &Path<'_>),
    ) {
        let len = map.len();
        if let Some(checks) = &schema.checks {
            if let Some(min) = checks.properties_min.filter(|min| (len as u64) < *min) {
                self.rule(path, &Value::from(len), &format!("should have at least {min} properties"));
            }
            if let Some(max) = checks.properties_max.filter(|max| len as u64 > *max) {
                let max = usize::try_from(max).unwrap_or(usize::MAX);
                let root = matches!(path, Path::Root).then(|| "<nil>".to_owned());
                let field = root.unwrap_or_else(|| path.to_string());
                self.errors.push(FieldError::too_many(field, len, max));
            }
        }
        for name in schema.required.iter().filter(|name| !map.contains_key(&***name)) {
            self.errors.push(FieldError::required(path.field(name), ""));
        }
        for (name, value) in map {
            let old = old.and_then(|old| old.get(name));
            match (schema.field(name), &schema.rest) {
                (Some(field), _) => self.value(&field.schema, value, old, &path.field(name)),
                // At the root, a dot stands before what is not declared.
                (None, Rest::Each(each)) if matches!(path, Path::Root) => {
                    self.value(each, value, old, &path.field(&format!(".{name}")));
                }
                (None, Rest::Each(each)) => self.value(each, value, old, &path.field(name)),
                (None, _) => {}
            }
        }
    }
}

/// What is wrong with a value by itself; places are below it, `<nil>` is the whole.
pub(super) fn value_errors(schema: &Schema, value: &Value) -> Vec<FieldError> {
    let mut errors = holds(schema, value, &Path::Root);
    for error in errors.iter_mut().filter(|error| error.field.is_empty()) {
        "<nil>".clone_into(&mut error.field);
    }
    errors
}

/// What is wrong with a value by one of several schemas.
fn holds(schema: &Schema, value: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    Walk { errors: &mut errors }.value(schema, value, None, path);
    errors
}

/// A whole number, written as one or not, that a float can hold exactly.
fn is_whole(number: &serde_json::Number) -> bool {
    const EXACT_MAX: f64 = 9_007_199_254_740_991.0;
    !number.is_f64() || number.as_f64().is_some_and(|float| float.fract() == 0.0 && float.abs() <= EXACT_MAX)
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
