//! Server-side apply and the record of field ownership, as the real server's merge library does it.
//!
//! *Flow.* Every write passes here before it is stored: an apply through [`apply`], all others through
//! [`track_update`]; [`settle_times`] then keeps a write that changed nothing from being one.
//!
//! *Guarantees.* A field that another manager owns is not changed without force, and every conflict is named. A field
//! that its last owner no longer applies is removed. The same apply twice changes nothing.
//!
//! *Assumptions.* Objects were decoded by their schema. All versions of a kind share one structure, so sets written in
//! another version are read by the schema at hand.

mod compare;
mod fields;
mod last_applied;
mod managed;
mod merge;
mod path;
mod reconcile;
mod remove;
mod set;
mod shape;
#[cfg(test)]
mod tests;
mod update;

use std::sync::OnceLock;

use serde_json::{Map, Value, json};

pub use managed::{BadManaged, Managed, Operation, Owned, Writer};
pub use path::{Element, Scalar};
pub use set::{BadFields, Set};
pub use update::Conflict;

use crate::schema::{Schema, zero_object};
use shape::Type;
use update::{Failure, Merge};

/// More entries of updates than this are merged into one.
const UPDATE_ENTRIES_MAX: usize = 10;

/// Who writes what, and when.
#[derive(Clone, Copy)]
pub struct Ctx<'a> {
    /// The field manager's name.
    pub manager: &'a str,
    /// `group/version` of the request.
    pub api_version: &'a str,
    /// The kind of the object.
    pub kind: &'a str,
    /// The subresource, or empty.
    pub subresource: &'a str,
    /// Conflicts are won.
    pub force: bool,
    /// Now, RFC 3339 in whole seconds.
    pub now: &'a str,
    /// What the object may look like.
    pub schema: &'a Schema,
    /// The fields that this endpoint does not write: `status` on the main one.
    pub reset: &'a Set,
}

/// Why an apply is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// Other managers own fields that would change: 409, reason Conflict, one cause each.
    #[error("{}", conflict_message(.0))]
    Conflicts(Vec<Conflict>),
    /// 400.
    #[error("{0}")]
    BadRequest(String),
    /// The object does not fit its schema, which the real server answers with 500.
    #[error("{0}")]
    Invalid(String),
}

/// The message of a Conflict status.
fn conflict_message(conflicts: &[Conflict]) -> String {
    if let [one] = conflicts {
        return format!("Apply failed with 1 conflict: conflict with {}: {}", one.writer, one.field);
    }
    let mut lines: Vec<String> = Vec::new();
    let mut last: Option<&Writer> = None;
    for conflict in conflicts {
        if last != Some(&conflict.writer) {
            lines.push(format!("conflicts with {}:", conflict.writer));
            last = Some(&conflict.writer);
        }
        lines.push(format!("- {}", conflict.field));
    }
    format!("Apply failed with {} conflicts: {}", conflicts.len(), lines.join("\n"))
}

impl Conflict {
    /// The message of the conflict's cause; its reason is `FieldManagerConflict`.
    #[must_use]
    pub fn message(&self) -> String {
        format!("conflict with {}", self.writer)
    }
}

/// Applies `applied` over `live`, or over nothing. The result carries the new `managedFields`.
///
/// # Errors
/// Conflicts, or `applied` is not of the kind or does not fit its schema.
pub fn apply(live: Option<&Value>, applied: &Value, ctx: &Ctx<'_>) -> Result<Value, ApplyError> {
    let text = |name: &str| applied[name].as_str().unwrap_or_default();
    if text("apiVersion") != ctx.api_version || text("kind") != ctx.kind {
        let kind = type_name(text("apiVersion"), text("kind"));
        return Err(ApplyError::BadRequest(format!("invalid object type: {kind}")));
    }
    if applied["metadata"].get("managedFields").is_some_and(|fields| !fields.is_null()) {
        return Err(ApplyError::BadRequest("metadata.managedFields must be nil".to_owned()));
    }
    let empty;
    let object = match live {
        Some(live) => live,
        None => {
            empty = empty_object(ctx);
            &empty
        }
    };
    let managed = Managed::decode(object["metadata"].get("managedFields"))
        .map_err(|error| ApplyError::Invalid(format!("failed to decode managed fields: {error}")))?;
    match applied_as(object, applied, managed.clone(), ctx, ctx.force) {
        Err(ApplyError::Conflicts(conflicts)) if ctx.manager == "kubectl" => {
            let left = last_applied::not_migrated(object, conflicts, ctx);
            if left.is_empty() {
                applied_as(object, applied, managed, ctx, true)
            } else {
                Err(ApplyError::Conflicts(left))
            }
        }
        result => result,
    }
    .map(|mut new| {
        last_applied::refresh(&mut new, applied, ctx);
        new
    })
}

fn applied_as(
    live: &Value,
    applied: &Value,
    mut managed: Managed,
    ctx: &Ctx<'_>,
    force: bool,
) -> Result<Value, ApplyError> {
    if managed.entries.is_empty() {
        if let Some(misfits) = misfits(live, ctx) {
            let text = format!(
                "failed to create manager for existing fields: failed to convert new object {misfits}"
            );
            return Err(ApplyError::Invalid(text.replacen("): ", ") to smd typed: ", 1)));
        }
        let empty = empty_object(ctx);
        let earlier = Ctx { manager: "before-first-apply", ..*ctx };
        record_update(&empty, live, &mut managed, &earlier);
    }
    check_patch(applied, ctx)?;
    if let Some(misfits) = misfits(live, ctx) {
        return Err(ApplyError::Invalid(format!("failed to create typed live object {misfits}")));
    }
    let merge = Merge::new(ctx);
    let manager = if ctx.manager.is_empty() { "unknown" } else { ctx.manager };
    let writer = Writer::new(manager, Operation::Apply, ctx.api_version, ctx.subresource);
    let mut new = match merge.apply(live, applied, &mut managed, &writer, force) {
        Ok(new) => new,
        Err(Failure::Conflicts(conflicts)) => return Err(ApplyError::Conflicts(conflicts)),
        Err(Failure::Converted(error)) => return Err(ApplyError::Invalid(error)),
        Err(Failure::Merge(error)) => {
            return Err(ApplyError::Invalid(format!("failed to merge config: {error}")));
        }
    };
    if let Some(owned) = managed.entries.get_mut(&writer) {
        owned.fields = std::mem::take(&mut owned.fields).difference(never_owned());
        if new != *live {
            owned.time = Some(ctx.now.to_owned());
        }
        if owned.fields.is_empty() {
            managed.entries.remove(&writer);
        }
    }
    put_managed(&mut new, &managed);
    Ok(new)
}

/// Records in `new` who owns what after an update, a create (`live` is `None`) or a patch other than apply.
pub fn track_update(live: Option<&Value>, new: &mut Value, ctx: &Ctx<'_>) {
    let mut managed = live_or_new(live, new, ctx);
    if let Some(metadata) = new.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    // Nothing is recorded for objects whose record was cleared, until somebody applies.
    if managed.entries.is_empty() && live.is_some_and(|live| live["metadata"]["uid"].is_string()) {
        return;
    }
    let fits = |object: &Value| misfits(object, ctx).is_none();
    if !fits(new) || !live.is_none_or(fits) {
        return;
    }
    let empty;
    let object = match live {
        Some(live) => live,
        None => {
            empty = empty_object(ctx);
            &empty
        }
    };
    record_update(object, new, &mut managed, ctx);
    cap_updates(&mut managed);
    put_managed(new, &managed);
}

fn record_update(live: &Value, new: &Value, managed: &mut Managed, ctx: &Ctx<'_>) {
    let merge = Merge::new(ctx);
    let Some(set) = merge.update(live, new, managed) else { return };
    let mut set = set.difference(never_owned());
    if set.is_empty() {
        return;
    }
    let manager = if ctx.manager.is_empty() { "unknown" } else { ctx.manager };
    let writer = Writer::new(manager, Operation::Update, ctx.api_version, ctx.subresource);
    if let Some(before) = managed.entries.get(&writer) {
        set.union_with(&before.fields);
    }
    let owned =
        Owned { fields: set, api_version: ctx.api_version.to_owned(), time: Some(ctx.now.to_owned()) };
    managed.entries.insert(writer, owned);
}

/// The record to start from: what the request gives, if it may and is of the form, else the live one.
fn live_or_new(live: Option<&Value>, new: &Value, ctx: &Ctx<'_>) -> Managed {
    let of = |object: &Value| Managed::decode(object["metadata"].get("managedFields"));
    let of_live = || live.and_then(|live| of(live).ok()).unwrap_or_default();
    if !ctx.subresource.is_empty() {
        return of_live();
    }
    let given = new["metadata"].get("managedFields").and_then(Value::as_array).map(Vec::as_slice);
    if matches!(given, Some([])) || matches!(given, Some([Value::Object(only)]) if only.is_empty()) {
        return Managed::default();
    }
    match of(new) {
        Ok(managed) if !managed.entries.is_empty() => managed,
        _ => of_live(),
    }
}

/// Merges the oldest updates of each version into one entry, until few enough are left.
fn cap_updates(managed: &mut Managed) {
    let mut updates: Vec<(i64, Writer)> = managed
        .entries
        .iter()
        .filter(|(writer, _)| writer.operation == Operation::Update)
        .map(|(writer, owned)| (owned.seconds(), writer.clone()))
        .collect();
    updates.sort();
    let mut len = updates.len();
    let mut firsts: Vec<Writer> = Vec::new();
    for (_, writer) in updates {
        if len <= UPDATE_ENTRIES_MAX {
            return;
        }
        let Some(first) = firsts.iter().find(|first| first.api_version == writer.api_version) else {
            firsts.push(writer);
            continue;
        };
        let bucket = Writer::new("ancient-changes", Operation::Update, &writer.api_version, "");
        let first = first.clone();
        if !managed.entries.contains_key(&bucket)
            && let Some(owned) = managed.entries.remove(&first)
        {
            managed.entries.insert(bucket.clone(), owned);
        }
        if let Some(owned) = managed.entries.remove(&writer)
            && let Some(all) = managed.entries.get_mut(&bucket)
        {
            all.fields.union_with(&owned.fields);
            all.time = owned.time;
        }
        len -= 1;
    }
}

/// Takes the old times back if nothing but times changed between both, so that the write is none. Tells whether the
/// objects are then equal.
pub fn settle_times(live: &Value, new: &mut Value) -> bool {
    let strip = |object: &Value| -> Vec<Value> {
        let mut entries = object["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
        for entry in entries.iter_mut().filter_map(Value::as_object_mut) {
            entry.remove("time");
        }
        entries
    };
    let mut old_entries = strip(live);
    let mut new_entries = strip(new);
    // Entries are sorted by time among other things.
    old_entries.sort_by_key(ToString::to_string);
    new_entries.sort_by_key(ToString::to_string);
    if old_entries != new_entries || !same_but_managed(live, new) {
        return false;
    }
    match (live["metadata"].get("managedFields"), new.get_mut("metadata").and_then(Value::as_object_mut)) {
        (Some(entries), Some(metadata)) => {
            metadata.insert("managedFields".to_owned(), entries.clone());
        }
        (None, Some(metadata)) => {
            metadata.remove("managedFields");
        }
        (_, None) => {}
    }
    true
}

fn same_but_managed(left: &Value, right: &Value) -> bool {
    let (Some(left), Some(right)) = (left.as_object(), right.as_object()) else { return left == right };
    let same = |left: &Map<String, Value>, right: &Map<String, Value>, except: &str| {
        let rest = |map: &Map<String, Value>| map.len() - usize::from(map.contains_key(except));
        rest(left) == rest(right)
            && left.iter().all(|(name, value)| name == except || right.get(name) == Some(value))
    };
    let metadata = match (left.get("metadata"), right.get("metadata")) {
        (Some(Value::Object(left)), Some(Value::Object(right))) => same(left, right, "managedFields"),
        (left, right) => left == right,
    };
    metadata && same(left, right, "metadata")
}

/// What a kind looks like before anyone wrote to it.
fn empty_object(ctx: &Ctx<'_>) -> Value {
    let mut object = if ctx.schema.builtin { zero_object(ctx.schema) } else { json!({}) };
    object["apiVersion"] = ctx.api_version.into();
    object["kind"] = ctx.kind.into();
    object
}

fn put_managed(object: &mut Value, managed: &Managed) {
    let Some(object) = object.as_object_mut() else { return };
    let metadata = object.entry("metadata").or_insert_with(|| json!({}));
    let Some(metadata) = metadata.as_object_mut() else { return };
    match managed.encode() {
        Some(entries) => metadata.insert("managedFields".to_owned(), entries),
        None => metadata.remove("managedFields"),
    };
}

/// Fields that the server itself writes are nobody's.
fn never_owned() -> &'static Set {
    static SET: OnceLock<Set> = OnceLock::new();
    SET.get_or_init(|| {
        Set::of_fields(&[
            &["apiVersion"],
            &["kind"],
            &["metadata"],
            &["metadata", "name"],
            &["metadata", "namespace"],
            &["metadata", "creationTimestamp"],
            &["metadata", "selfLink"],
            &["metadata", "uid"],
            &["metadata", "clusterName"],
            &["metadata", "generation"],
            &["metadata", "managedFields"],
            &["metadata", "resourceVersion"],
        ])
    })
}

/// What of a stored object does not fit its schema, which cannot be compared then. Built-in objects were decoded by
/// theirs and always do.
fn misfits(object: &Value, ctx: &Ctx<'_>) -> Option<String> {
    if ctx.schema.builtin {
        return None;
    }
    told(object, fields::misfits(Type::root(ctx.schema), object, true), ctx)
}

/// Refuses what is to be applied if it does not fit its schema.
fn check_patch(applied: &Value, ctx: &Ctx<'_>) -> Result<(), ApplyError> {
    match told(applied, fields::misfits(Type::root(ctx.schema), applied, false), ctx) {
        None => Ok(()),
        Some(text) => Err(ApplyError::Invalid(format!("failed to create typed patch object {text}"))),
    }
}

fn told(object: &Value, misfits: Vec<String>, ctx: &Ctx<'_>) -> Option<String> {
    let text = match misfits.as_slice() {
        [] => return None,
        [one] => one.clone(),
        several => format!("errors:\n  {}", several.join("\n  ")),
    };
    let name = |field: &str| object["metadata"][field].as_str().unwrap_or_default();
    let kind = type_name(ctx.api_version, ctx.kind);
    Some(format!("({}/{}; {kind}): {text}", name("namespace"), name("name")))
}

/// As Go prints a group, version and kind.
fn type_name(api_version: &str, kind: &str) -> String {
    let slash = if api_version.contains('/') { "" } else { "/" };
    format!("{slash}{api_version}, Kind={kind}")
}
