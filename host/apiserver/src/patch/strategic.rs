//! Strategic merge patch: a merge patch that knows by which field the items of a list are told apart, and that takes
//! directives (`$patch`, `$retainKeys`, `$setElementOrder/…`, `$deleteFromPrimitiveList/…`).

use serde_json::{Map, Value};

use super::PatchError;
use crate::schema::{Kind, PatchMeta, Rest, Schema, go_plain};

const PATCH: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const DELETE_FROM: &str = "$deleteFromPrimitiveList";
const SET_ORDER: &str = "$setElementOrder";

/// Merges `patch` into an object of a built-in kind.
///
/// # Errors
/// A directive is malformed, or items lack the field that tells them apart.
pub fn strategic_patch(document: &mut Value, patch: Value, schema: &Schema) -> Result<(), PatchError> {
    match (document, patch) {
        (Value::Object(original), Value::Object(patch)) => merge_map(original, patch, schema),
        _ => Err(PatchError::BadRequest("Invalid JSON document".to_owned())),
    }
}

fn merge_map(
    original: &mut Map<String, Value>,
    mut patch: Map<String, Value>,
    schema: &Schema,
) -> Result<(), PatchError> {
    if let Some(directive) = patch.get(PATCH) {
        match directive.as_str() {
            Some("replace") => {
                patch.remove(PATCH);
                *original = patch;
            }
            Some("delete") => original.clear(),
            _ => return Err(bad_directive(directive, &patch)),
        }
        return Ok(());
    }
    retain_keys(original, &mut patch)?;
    set_orders(original, &mut patch, schema)?;
    for (key, value) in patch {
        let deletes = key.starts_with(DELETE_FROM);
        let name = if deletes { directive_field(&key, DELETE_FROM)? } else { &key };
        merge_field(original, name, value, (schema, deletes))?;
    }
    Ok(())
}

fn merge_field(
    original: &mut Map<String, Value>,
    name: &str,
    value: Value,
    (schema, deletes): (&Schema, bool),
) -> Result<(), PatchError> {
    if value.is_null() {
        original.remove(name);
        return Ok(());
    }
    match (original.get_mut(name), value) {
        (Some(Value::Object(own)), Value::Object(theirs)) => {
            let (inner, meta) = lookup(schema, name)?;
            if meta.replace {
                *own = theirs;
            } else {
                merge_map(own, theirs, inner)?;
            }
        }
        (Some(Value::Array(own)), Value::Array(theirs)) => {
            let (inner, meta) = lookup(schema, name)?;
            if deletes || meta.merge {
                let items = std::mem::take(own);
                *own = merge_list(items, theirs, (inner, meta), deletes)?;
            } else {
                *own = theirs;
            }
        }
        _ if deletes => {}
        (_, mut value) => {
            drop_nulls(&mut value);
            match without_directives(value) {
                Some(value) => original.insert(name.to_owned(), value),
                None => original.remove(name),
            };
        }
    }
    Ok(())
}

/// The schema of a field, of its items if it is a list, and how it is patched.
fn lookup<'a>(schema: &'a Schema, name: &str) -> Result<(&'a Schema, &'a PatchMeta), PatchError> {
    static PLAIN: PatchMeta = PatchMeta { merge: false, replace: false, retain_keys: false, merge_key: None };
    let (inner, meta): (&Schema, &PatchMeta) = match (schema.field(name), &schema.rest) {
        (Some(field), _) => (&field.schema, &field.patch),
        (None, Rest::Each(each)) => (each, &PLAIN),
        (None, Rest::Open) if &*schema.go_type != "runtime.RawExtension" => (schema, &PLAIN),
        (None, Rest::Closed | Rest::Open) => {
            let kind = schema.go_type.rsplit('.').next().unwrap_or_default();
            let text = format!("unable to find api field in struct {kind} for the json field {name:?}");
            return Err(PatchError::Internal(text));
        }
    };
    Ok((inner.items.as_deref().unwrap_or(inner), meta))
}

/// Drops the fields that `$retainKeys` does not list.
fn retain_keys(original: &mut Map<String, Value>, patch: &mut Map<String, Value>) -> Result<(), PatchError> {
    let Some(listed) = patch.remove(RETAIN_KEYS) else { return Ok(()) };
    let malformed = || PatchError::BadRequest("invalid patch format of retainKeys".to_owned());
    let listed = listed.as_array().ok_or_else(malformed)?;
    let is_listed = |name: &str| listed.iter().any(|value| value == name);
    for (name, value) in &*patch {
        let directive = name.starts_with(DELETE_FROM) || name.starts_with(SET_ORDER);
        if !value.is_null() && !directive && !is_listed(name) {
            return Err(malformed());
        }
    }
    original.retain(|name, _| is_listed(name));
    Ok(())
}

/// Merges the lists whose order the patch gives.
fn set_orders(
    original: &mut Map<String, Value>,
    patch: &mut Map<String, Value>,
    schema: &Schema,
) -> Result<(), PatchError> {
    let keys: Vec<String> = patch.keys().filter(|key| key.starts_with(SET_ORDER)).cloned().collect();
    for key in keys {
        let Some(order) = patch.remove(&key) else { continue };
        let order = into_list(order)?;
        let name = directive_field(&key, SET_ORDER)?.to_owned();
        let own = original.get(&name).cloned().map(into_list).transpose()?;
        let theirs = patch.get(&name).cloned().map(into_list).transpose()?;
        let (inner, meta) = lookup(schema, &name)?;
        check_order(theirs.as_deref().unwrap_or_default(), &order, meta.merge_key.as_deref())?;
        let server_order = own.clone().unwrap_or_default();
        let sent = theirs.clone().unwrap_or_default();
        let merged = match (own, theirs) {
            (None, None) => continue,
            (Some(own), None) => own,
            (None, Some(theirs)) => theirs.into_iter().filter_map(without_directives).collect(),
            (Some(own), Some(theirs)) if meta.merge => merge_list(own, theirs, (inner, meta), false)?,
            (Some(_), Some(theirs)) => theirs,
        };
        let maps = are_maps(&server_order, &sent)?;
        let merge_key = meta.merge_key.as_deref();
        let (listed, others) = partition(merged, &order, merge_key)?;
        let by = Identity { merge_key, maps };
        original.insert(name.clone(), Value::Array(by.ordered(listed, others, &order, &server_order)?));
        patch.remove(&name);
    }
    Ok(())
}

/// The items of the patch have to be in the order that the patch itself gives.
fn check_order(patch: &[Value], order: &[Value], merge_key: Option<&str>) -> Result<(), PatchError> {
    if patch.is_empty() || order.is_empty() {
        return Ok(());
    }
    let is_deletion =
        |item: &&Value| merge_key.is_some() && item.get(PATCH).is_some_and(|directive| directive == "delete");
    let items: Vec<&Value> = patch.iter().filter(|item| !is_deletion(item)).collect();
    let (mut at, mut place) = (0, 0);
    while at < items.len() && place < order.len() {
        if items[at].get(PATCH).is_some() {
            at += 1;
            continue;
        }
        if key_of(items[at], merge_key)? == key_of(&order[place], merge_key)? {
            at += 1;
        }
        place += 1;
    }
    if at == items.len() {
        return Ok(());
    }
    // A directive behind the last item of the order counts as one too many, as in the real library.
    let (patch, order) = (go_list(patch), go_list(order));
    Err(PatchError::Internal(format!(
        "The order in patch list:\n{patch}\n doesn't match {SET_ORDER} list:\n{order}\n"
    )))
}

fn merge_list(
    original: Vec<Value>,
    patch: Vec<Value>,
    (schema, meta): (&Schema, &PatchMeta),
    deletes: bool,
) -> Result<Vec<Value>, PatchError> {
    if original.is_empty() && patch.is_empty() {
        return Ok(original);
    }
    let merge_key = meta.merge_key.as_deref();
    let maps = are_maps(&original, &patch)?;
    if !maps {
        return merge_scalars(original, patch, deletes);
    }
    let Some(key) = merge_key else {
        let kind = go_kind(schema);
        return Err(PatchError::Internal(format!("cannot merge lists without merge key for {kind}")));
    };
    let (original, patch) = item_directives(original, patch, key)?;
    let order = patch.clone();
    let server_order = original.clone();
    let merged = merge_items(original, patch, key, schema)?;
    let (listed, others) = partition(merged, &order, merge_key)?;
    Identity { merge_key, maps }.ordered(listed, others, &order, &server_order)
}

fn merge_scalars(original: Vec<Value>, patch: Vec<Value>, deletes: bool) -> Result<Vec<Value>, PatchError> {
    if deletes {
        return Ok(original.into_iter().filter(|item| !patch.contains(item)).collect());
    }
    let mut merged: Vec<Value> = Vec::with_capacity(original.len() + patch.len());
    for item in original.iter().chain(&patch) {
        if !merged.contains(item) {
            merged.push(item.clone());
        }
    }
    let (listed, others) = merged.into_iter().partition(|item| patch.contains(item));
    Identity { merge_key: None, maps: false }.ordered(listed, others, &patch, &original)
}

/// Carries out the directives among the items of a patch; the rest is still to be merged.
fn item_directives(
    mut original: Vec<Value>,
    patch: Vec<Value>,
    key: &str,
) -> Result<(Vec<Value>, Vec<Value>), PatchError> {
    let mut plain = Vec::with_capacity(patch.len());
    let mut replaces = false;
    for item in patch {
        match item.get(PATCH) {
            None => plain.push(item),
            Some(directive) => match directive.as_str() {
                Some("delete") => {
                    let value = key_of(&item, Some(key))?.clone();
                    original.retain(|own| own.get(key) != Some(&value));
                }
                Some("replace") => replaces = true,
                Some("merge") => {
                    let text = "merging lists cannot yet be specified in the patch";
                    return Err(PatchError::Internal(text.to_owned()));
                }
                _ => return Err(bad_directive(directive, item.as_object().unwrap_or(&Map::new()))),
            },
        }
    }
    Ok(if replaces { (plain, Vec::new()) } else { (original, plain) })
}

fn merge_items(
    mut original: Vec<Value>,
    patch: Vec<Value>,
    key: &str,
    schema: &Schema,
) -> Result<Vec<Value>, PatchError> {
    for item in patch {
        let value = key_of(&item, Some(key))?;
        let at = original.iter().position(|own| own.get(key) == Some(value));
        match (at.and_then(|at| original.get_mut(at)), item) {
            (Some(Value::Object(own)), Value::Object(item)) => merge_map(own, item, schema)?,
            (_, item) => original.push(item),
        }
    }
    Ok(original)
}

/// The items that `listed` names, and the others.
fn partition(
    items: Vec<Value>,
    listed: &[Value],
    merge_key: Option<&str>,
) -> Result<(Vec<Value>, Vec<Value>), PatchError> {
    let (mut inside, mut outside) = (Vec::new(), Vec::new());
    for item in items {
        let value = key_of(&item, merge_key)?;
        let is_listed = listed.iter().any(|other| match merge_key {
            None => other == value,
            Some(key) => other.get(key) == Some(value),
        });
        if is_listed { inside.push(item) } else { outside.push(item) }
    }
    Ok((inside, outside))
}

/// How items are looked up in an order.
struct Identity<'a> {
    merge_key: Option<&'a str>,
    maps: bool,
}

impl Identity<'_> {
    fn place(&self, order: &[Value], item: &Value) -> Option<usize> {
        let of = |item: &Value| -> Value {
            if !self.maps {
                return item.clone();
            }
            self.merge_key.and_then(|key| item.get(key)).cloned().unwrap_or(Value::Null)
        };
        let wanted = of(item);
        order.iter().position(|other| of(other) == wanted)
    }

    /// The patch's items in the patch's order, the others in the server's, interleaved by the server's order. Items new
    /// to the server come first.
    fn ordered(
        &self,
        listed: Vec<Value>,
        others: Vec<Value>,
        order: &[Value],
        server_order: &[Value],
    ) -> Result<Vec<Value>, PatchError> {
        if self.maps {
            for item in listed.iter().chain(order).chain(&others).chain(server_order) {
                key_of(item, self.merge_key)?;
            }
        }
        let mut listed = self.sorted(listed, order).into_iter().peekable();
        let mut others = self.sorted(others, server_order).into_iter().peekable();
        let mut out = Vec::new();
        loop {
            let take_other = match (others.peek(), listed.peek()) {
                (None, None) => return Ok(out),
                (Some(_), None) => true,
                (None, Some(_)) => false,
                (Some(other), Some(own)) => {
                    let places = (self.place(server_order, other), self.place(server_order, own));
                    matches!(places, (Some(other), Some(own)) if other < own)
                }
            };
            out.extend(if take_other { others.next() } else { listed.next() });
        }
    }

    fn sorted(&self, items: Vec<Value>, order: &[Value]) -> Vec<Value> {
        let is_deletion =
            |item: &Value| self.maps && item.get(PATCH).is_some_and(|directive| directive == "delete");
        let (deletions, mut rest): (Vec<Value>, Vec<Value>) = items.into_iter().partition(is_deletion);
        rest.sort_by_cached_key(|item| self.place(order, item).unwrap_or(usize::MAX));
        rest.extend(deletions);
        rest
    }
}

/// The value that tells an item apart.
fn key_of<'a>(item: &'a Value, merge_key: Option<&str>) -> Result<&'a Value, PatchError> {
    let Some(key) = merge_key else { return Ok(item) };
    let Value::Object(fields) = item else {
        return Err(wrong_type("map[string]interface {}", item));
    };
    fields.get(key).ok_or_else(|| {
        let item = go_plain(item);
        PatchError::Internal(format!("map: {item} does not contain declared merge key: {key}"))
    })
}

/// Whether the items of both lists are objects; they have to be all of one type.
fn are_maps(original: &[Value], patch: &[Value]) -> Result<bool, PatchError> {
    let internal = |text: &str| PatchError::Internal(text.to_owned());
    let mut items = original.iter().chain(patch);
    let first = items.next().ok_or_else(|| internal("no elements in any of the given slices"))?;
    if first.is_array() {
        return Err(PatchError::Rejected("lists of lists are not supported".to_owned()));
    }
    if items.any(|item| go_type(item) != go_type(first)) {
        return Err(PatchError::Internal(format!(
            "list element types are not identical: [{} {}]",
            go_list(original),
            go_list(patch)
        )));
    }
    Ok(first.is_object())
}

/// What Go calls the kind of type that a schema describes.
fn go_kind(schema: &Schema) -> &'static str {
    match schema.kind {
        Kind::Object if matches!(schema.rest, Rest::Each(_)) => "map",
        Kind::String => "string",
        Kind::Boolean => "bool",
        Kind::Bytes | Kind::Array => "slice",
        Kind::Integer if &*schema.go_type == "int32" => "int32",
        Kind::Integer => "int64",
        _ => "struct",
    }
}

fn into_list(value: Value) -> Result<Vec<Value>, PatchError> {
    match value {
        Value::Array(items) => Ok(items),
        other => Err(wrong_type("[]interface {}", &other)),
    }
}

fn wrong_type(wanted: &str, found: &Value) -> PatchError {
    PatchError::Internal(format!("expected a {wanted}, but received a {}", go_type(found)))
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "%!s(<nil>)",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

fn go_list(items: &[Value]) -> String {
    format!("[{}]", items.iter().map(go_plain).collect::<Vec<_>>().join(" "))
}

fn bad_directive(directive: &Value, map: &Map<String, Value>) -> PatchError {
    let map = go_plain(&Value::Object(map.clone()));
    let shown = match directive {
        Value::String(text) => text.clone(),
        Value::Null => "%!s(<nil>)".to_owned(),
        other => format!("%!s({}={})", go_type(other), go_plain(other)),
    };
    PatchError::Internal(format!("unknown patch type: {shown} in map: {map}"))
}

/// The field that a directive is for: `$setElementOrder/containers`.
fn directive_field<'a>(key: &'a str, prefix: &str) -> Result<&'a str, PatchError> {
    match key.split_once('/') {
        Some((found, field)) if found == prefix => Ok(field),
        _ => {
            let of = if prefix == DELETE_FROM { "primitive list" } else { "setElementOrder list" };
            Err(PatchError::BadRequest(format!("invalid patch format of {of}")))
        }
    }
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// A value that is new, without the directives in it; `None` if it is itself under one.
fn without_directives(value: Value) -> Option<Value> {
    match value {
        Value::Object(map) if map.contains_key(PATCH) => None,
        Value::Object(map) => Some(Value::Object(
            map.into_iter().filter_map(|(name, value)| Some((name, without_directives(value)?))).collect(),
        )),
        Value::Array(items) => Some(Value::Array(items.into_iter().filter_map(without_directives).collect())),
        other => Some(other),
    }
}
