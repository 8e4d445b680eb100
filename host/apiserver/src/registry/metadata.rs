//! `metadata` of new and changed objects: what the server sets, keeps and refuses.

use serde_json::Value;

use super::Place;
use crate::clock;
use crate::object;
use crate::status::{ApiError, Cause};
use crate::validate::texts;

/// Letters and digits of generated names: no vowels, and nothing that looks like another.
const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
/// Longest base of a generated name: 63 less the random part.
const BASE_LEN_MAX: usize = 58;

/// Checks and fills in `metadata` of an object about to be created, but for its name.
pub(super) fn begin(place: &Place, object: &mut Value) -> Result<(), ApiError> {
    wipe(object);
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
    meta.insert("uid".into(), uuid::Uuid::new_v4().to_string().into());
    meta.insert("creationTimestamp".into(), clock::now().into());
    Ok(())
}

/// Takes away what only the server says of a new object.
pub(super) fn wipe(object: &mut Value) {
    let meta = object::metadata_mut(object);
    for field in ["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"] {
        meta.remove(field);
    }
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
    causes.extend(domain_faults(place, object));
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

/// All annotations of an object together.
const ANNOTATION_BYTES_MAX: usize = 256 << 10;

fn map_faults(object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    for (key, value) in object::labels(object).into_iter().flatten() {
        causes.extend(told("metadata.labels", key, texts::qualified(key)));
        let value = value.as_str().unwrap_or_default();
        causes.extend(told("metadata.labels", value, texts::label_value(value)));
    }
    let mut bytes = 0;
    for (key, value) in object::annotations(object).into_iter().flatten() {
        causes.extend(told("metadata.annotations", key, texts::qualified(&key.to_lowercase())));
        bytes += key.len() + value.as_str().unwrap_or_default().len();
    }
    if bytes > ANNOTATION_BYTES_MAX {
        let message = format!("Too long: may not be more than {ANNOTATION_BYTES_MAX} bytes");
        causes.push(Cause::of("FieldValueTooLong", message, "metadata.annotations"));
    }
    causes
}

/// Everything that a rule says about a text.
fn told(field: &str, text: &str, why: Vec<String>) -> Vec<Cause> {
    let shown = go_quoted(text);
    why.iter().map(|why| Cause::invalid(field, &shown, why)).collect()
}

fn owner_faults(object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let mut controller: Option<String> = None;
    let owners = object::owner_references(object);
    for owner in owners {
        let text = |field: &str| owner.get(field).and_then(Value::as_str).unwrap_or_default();
        for field in ["apiVersion", "kind", "name", "uid"] {
            if text(field).is_empty() {
                let why =
                    if field == "apiVersion" { "version must not be empty" } else { "must not be empty" };
                causes.push(Cause::invalid(format!("metadata.ownerReferences.{field}"), "\"\"", why));
            }
        }
        if owner.get("controller") != Some(&Value::Bool(true)) {
            continue;
        }
        let this = format!("{}/{}", text("kind"), text("name"));
        if let Some(first) = &controller {
            let why = format!(
                "Only one reference can have Controller set to true. Found \"true\" in references for {first} and {this}"
            );
            let shown = serde_json::to_string(owners).unwrap_or_default();
            causes.push(Cause::invalid("metadata.ownerReferences", &shown, &why));
        } else {
            controller = Some(this);
        }
    }
    causes
}

fn finalizer_faults(object: &Value) -> Vec<Cause> {
    let names = object::finalizers(object);
    names.flat_map(|name| told("metadata.finalizers", name, texts::qualified(name))).collect()
}

/// Finalizers without a domain that the system knows.
const KNOWN_FINALIZERS: [&str; 3] = ["kubernetes", "orphan", "foregroundDeletion"];

/// Kinds of the first API groups want a domain in a finalizer's name, beside what holds for all.
fn domain_faults(place: &Place, object: &Value) -> Vec<Cause> {
    const YOUNGER: [&str; 5] =
        ["coordination.k8s.io", "apiextensions.k8s.io", "events.k8s.io", "policy", "apiregistration.k8s.io"];
    let definition = &place.resource.definition;
    let strict = definition.custom().is_none()
        && !YOUNGER.contains(&&*definition.group)
        && !(definition.group.is_empty() && &*definition.kind == "Event");
    let names = object::finalizers(object).enumerate().filter(|_| strict);
    let names = names.filter(|(_, name)| !name.contains('/') && !KNOWN_FINALIZERS.contains(name));
    let why = "name is neither a standard finalizer name nor is it fully qualified";
    names
        .map(|(at, name)| Cause::invalid(format!("metadata.finalizers[{at}]"), &go_quoted(name), why))
        .collect()
}

/// Puts back what an update may not change, and tells what it may not even try.
pub(super) fn keep(object: &mut Value, old: &Value) -> Vec<Cause> {
    let uid = object::uid(object);
    let other_uid = !uid.is_empty() && uid != object::uid(old);
    // The real server checks this twice, in general and per kind.
    let cause = Cause::invalid("metadata.uid", &go_quoted(uid), "field is immutable");
    let causes = if other_uid { vec![cause.clone(), cause] } else { Vec::new() };
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
    causes
}

/// What is wrong with a change of metadata. The real server checks this twice, in general and per kind, and tells both.
pub(super) fn update_faults(place: &Place, object: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = map_faults(object);
    causes.extend(owner_faults(object));
    causes.extend(finalizer_faults(object));
    let change = change_faults(object, old);
    causes.extend(change.clone());
    for part in checked_again(place) {
        match part {
            Again::Change => {
                causes.extend(change.clone());
                causes.extend(domain_faults(place, object));
            }
            Again::Whole => causes.extend(faults(place, object)),
        }
    }
    causes
}

/// What is checked of any change of metadata.
fn change_faults(object: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    if object::deletion_timestamp(old).is_some() {
        let mut new: Vec<String> = object::finalizers(object)
            .filter(|finalizer| !object::has_finalizer(old, finalizer))
            .map(go_quoted)
            .collect();
        new.sort();
        if !new.is_empty() {
            let why = format!(
                "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
                new.join(", ")
            );
            causes.push(Cause::forbidden("metadata.finalizers", &why));
        }
    }
    causes.extend(map_faults(object));
    causes.extend(owner_faults(object));
    causes
}

/// What the checks of a kind repeat of its metadata when it changes.
#[derive(Clone, Copy)]
enum Again {
    /// What is checked of any change.
    Change,
    /// What is checked of a new object.
    Whole,
}

/// Group, kind, what is checked again, in this order. Others check the change.
const CHECKED_AGAIN: [(&str, &str, &[Again]); 19] = [
    ("", "ConfigMap", &[Again::Change, Again::Whole]),
    ("", "Event", &[]),
    ("", "LimitRange", &[Again::Whole]),
    ("", "PersistentVolume", &[Again::Whole, Again::Whole]),
    ("", "PersistentVolumeClaim", &[Again::Change, Again::Whole]),
    ("", "Namespace", &[Again::Whole, Again::Change]),
    ("", "Pod", &[Again::Change, Again::Whole]),
    ("", "Secret", &[Again::Change, Again::Whole]),
    ("", "ServiceAccount", &[Again::Change, Again::Whole]),
    ("apiextensions.k8s.io", "CustomResourceDefinition", &[Again::Change]),
    ("batch", "Job", &[Again::Whole, Again::Change]),
    ("networking.k8s.io", "Ingress", &[Again::Change, Again::Whole]),
    ("policy", "PodDisruptionBudget", &[]),
    ("rbac.authorization.k8s.io", "ClusterRole", &[Again::Whole, Again::Change]),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding", &[Again::Whole, Again::Change]),
    ("rbac.authorization.k8s.io", "Role", &[Again::Whole, Again::Change]),
    ("rbac.authorization.k8s.io", "RoleBinding", &[Again::Whole, Again::Change]),
    ("storage.k8s.io", "StorageClass", &[Again::Whole, Again::Change]),
    ("scheduling.k8s.io", "PriorityClass", &[Again::Change]),
];

fn checked_again(place: &Place) -> &'static [Again] {
    let definition = &place.resource.definition;
    let row = CHECKED_AGAIN.iter().find(|row| (row.0, row.1) == (&*definition.group, &*definition.kind));
    // A status is checked by its own rules, which look at the change.
    row.filter(|_| place.subresource.is_empty()).map_or(&[Again::Change], |row| row.2)
}

/// A string as Go's `%q` prints it.
pub(super) fn go_quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}
