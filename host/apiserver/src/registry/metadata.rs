//! `metadata` of new and changed objects: what the server sets, keeps and refuses.

use serde_json::Value;

use super::Place;
use crate::clock;
use crate::object;
use crate::status::{ApiError, Cause};

/// Letters and digits of generated names: no vowels, and nothing that looks like another.
const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
/// Longest base of a generated name: 63 less the random part.
const BASE_LEN_MAX: usize = 58;

/// Checks and fills in `metadata` of an object about to be created, but for its name.
pub(super) fn begin(place: &Place, object: &mut Value) -> Result<(), ApiError> {
    let definition = &place.resource.definition;
    let namespace = object::namespace(object);
    if definition.namespaced {
        if !namespace.is_empty() && namespace != place.namespace {
            return Err(ApiError::bad_request(
                "the namespace of the provided object does not match the namespace sent on the request",
            ));
        }
    } else if !namespace.is_empty() {
        return Err(ApiError::bad_request("namespace may not be set on a cluster-scoped object"));
    }
    let meta = object::metadata_mut(object);
    if definition.namespaced {
        meta.insert("namespace".into(), place.namespace.as_str().into());
    }
    for field in ["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"] {
        meta.remove(field);
    }
    meta.insert("uid".into(), uuid::Uuid::new_v4().to_string().into());
    meta.insert("creationTimestamp".into(), clock::now().into());
    Ok(())
}

/// Whether the name is to be made from `generateName`.
pub(super) fn wants_generated_name(object: &Value) -> bool {
    object::name(object).is_empty() && !object::meta_str(object, "generateName").is_empty()
}

/// A name made from `generateName`.
pub(super) fn generated_name(object: &Value) -> String {
    let base = object::meta_str(object, "generateName");
    let mut end = base.len().min(BASE_LEN_MAX);
    while !base.is_char_boundary(end) {
        end -= 1;
    }
    let random = uuid::Uuid::new_v4().into_bytes();
    let suffix = random.iter().take(5).map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]));
    base[..end].chars().chain(suffix).collect()
}

/// What is wrong with the metadata of a new object.
pub(super) fn faults(place: &Place, object: &Value) -> Vec<Cause> {
    let mut causes = name_faults(place, object);
    causes.extend(map_faults(object));
    causes.extend(owner_faults(object));
    causes.extend(finalizer_faults(object));
    causes
}

fn name_faults(place: &Place, object: &Value) -> Vec<Cause> {
    let name = object::name(object);
    if name.is_empty() {
        return vec![Cause::required("metadata.name", "name or generateName is required")];
    }
    let rule = place.resource.strategy.name_rule;
    let shown = go_quoted(name);
    rule.faults(name).iter().map(|fault| Cause::invalid("metadata.name", &shown, fault)).collect()
}

const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const QUALIFIED_NAME: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
/// All annotations of an object together.
const ANNOTATION_BYTES_MAX: usize = 256 << 10;

fn map_faults(object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    for (key, value) in object::labels(object).into_iter().flatten() {
        causes.extend(qualified_faults("metadata.labels", key));
        let value = value.as_str().unwrap_or_default();
        if value.len() > 63 {
            causes.push(Cause::invalid(
                "metadata.labels",
                &go_quoted(value),
                "must be no more than 63 bytes",
            ));
        }
        if !value.is_empty() && !is_label_part(value) {
            causes.push(Cause::invalid("metadata.labels", &go_quoted(value), LABEL_VALUE));
        }
    }
    let mut bytes = 0;
    for (key, value) in object::annotations(object).into_iter().flatten() {
        causes.extend(qualified_faults("metadata.annotations", &key.to_lowercase()));
        bytes += key.len() + value.as_str().unwrap_or_default().len();
    }
    if bytes > ANNOTATION_BYTES_MAX {
        let message = format!("Too long: may not be more than {ANNOTATION_BYTES_MAX} bytes");
        causes.push(Cause::of("FieldValueTooLong", message, "metadata.annotations"));
    }
    causes
}

fn qualified_faults(field: &str, key: &str) -> Option<Cause> {
    let (prefix, name) = key.split_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    if prefix.is_some_and(|prefix| !crate::strategy::NameRule::Subdomain.faults(prefix).is_empty()) {
        let why = "prefix part a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
        return Some(Cause::invalid(field, &go_quoted(key), why));
    }
    if name.len() > 63 {
        return Some(Cause::invalid(field, &go_quoted(key), "name part must be no more than 63 bytes"));
    }
    (!is_label_part(name)).then(|| Cause::invalid(field, &go_quoted(key), QUALIFIED_NAME))
}

fn is_label_part(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.first().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

fn owner_faults(object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let mut controllers = 0;
    for (index, owner) in object::owner_references(object).iter().enumerate() {
        let at = format!("metadata.ownerReferences[{index}]");
        for field in ["apiVersion", "kind", "name", "uid"] {
            if owner.get(field).and_then(Value::as_str).unwrap_or_default().is_empty() {
                let why =
                    if field == "apiVersion" { "version must not be empty" } else { "must not be empty" };
                causes.push(Cause::invalid(format!("{at}.{field}"), "\"\"", why));
            }
        }
        controllers += usize::from(owner.get("controller") == Some(&Value::Bool(true)));
    }
    if controllers > 1 {
        let why = "Only one reference can have Controller set to true. Found \"true\" in references for several owners";
        causes.push(Cause::invalid("metadata.ownerReferences", "[]", why));
    }
    causes
}

fn finalizer_faults(object: &Value) -> Vec<Cause> {
    let names = object::finalizers(object);
    names.filter_map(|name| qualified_faults("metadata.finalizers", name)).collect()
}

/// Puts back what an update may not change.
pub(super) fn keep(object: &mut Value, old: &Value) {
    let old = object::metadata(old);
    let meta = object::metadata_mut(object);
    for field in [
        "name",
        "namespace",
        "uid",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generation",
        "resourceVersion",
    ] {
        match old.and_then(|old| old.get(field)) {
            Some(value) => meta.insert(field.into(), value.clone()),
            None => meta.remove(field),
        };
    }
    meta.remove("selfLink");
}

/// What is wrong with a change of metadata.
pub(super) fn update_faults(object: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = map_faults(object);
    causes.extend(owner_faults(object));
    causes.extend(finalizer_faults(object));
    if object::deletion_timestamp(old).is_some() {
        let new: Vec<String> = object::finalizers(object)
            .filter(|finalizer| !object::has_finalizer(old, finalizer))
            .map(go_quoted)
            .collect();
        if !new.is_empty() {
            let why = format!(
                "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
                new.join(", ")
            );
            // The real server checks this twice, in general and per kind, and tells both.
            let cause = Cause::forbidden("metadata.finalizers", &why);
            causes.extend([cause.clone(), cause]);
        }
    }
    causes
}

/// A string as Go's `%q` prints it.
pub(super) fn go_quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}
