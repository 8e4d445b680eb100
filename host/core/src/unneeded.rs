//! Writes that would change nothing, and need not be sent.
//!
//! An apply that a module repeats is one if the object still has what the last answer showed: the same value in each
//! applied field, and the same ownership of fields. A merge patch is one if the object already is as the patch would make
//! it, and a change of the object would wake the request whatever changed: what is seen may be a moment old.

use crate::{
    call::{Action, Call, PatchType},
    interest::Need,
    name::{Kind, ModuleName, ObjectName},
    object::Object,
    time::Time,
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, HashMap},
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
    time::Duration,
};

/// So many applies of one module are remembered; of further ones the oldest are forgotten, and go out again.
const APPLIES_MAX: usize = 16_384;

/// What of one controller's writes may be spared, and what wakes its requests.
#[derive(Clone, Debug)]
pub struct Spares {
    /// The controller's needs without predicates.
    pub(crate) unfiltered: Arc<[Need]>,
    /// A real write goes out at least so often; zero: never.
    pub(crate) resync: Duration,
}

impl Spares {
    /// Whether any change of this object, as it is now, would wake this request.
    fn wakes(&self, request: &ObjectName, kind: &Kind, object: &Object) -> bool {
        self.unfiltered.iter().any(|need| need.kind == *kind && need.wakes(request, object))
    }
}

/// Where an apply went: all else of the call is compared.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Place {
    kind: Kind,
    name: ObjectName,
    subresource: Option<Box<str>>,
}

/// The last apply somewhere, and what its answer showed.
#[derive(Clone, Debug)]
struct Applied {
    body: u64,
    manager: Box<str>,
    force: bool,
    uid: Box<str>,
    /// Of what its manager owns there.
    ownership: Option<u64>,
    /// Digest of the values that the object had in each applied field.
    values: u64,
    at: Time,
    nth: u64,
}

#[derive(Debug, Default)]
struct Applies {
    by_place: HashMap<Place, Applied>,
    by_age: BTreeMap<u64, Place>,
}

/// Remembers each module's last applies.
#[derive(Debug, Default)]
pub struct Unneeded {
    modules: BTreeMap<ModuleName, Applies>,
    nth: u64,
}

impl Unneeded {
    /// Whether a write may be left out: the object, as readers see it, is as the write would make it.
    #[must_use]
    pub fn is(
        &self,
        (module, request): (&ModuleName, &ObjectName),
        call: &Call,
        seen: &Object,
        spares: &Spares,
        now: Time,
    ) -> bool {
        if call.action.is_dry_run() {
            return false;
        }
        let Action::Patch { patch_type, body, .. } = &call.action else { return false };
        match patch_type {
            PatchType::Apply => self.repeats(module, call, seen, (spares.resync, now)),
            PatchType::Merge => spares.wakes(request, &call.kind, seen) && merge_changes_nothing(body, seen),
            PatchType::Json | PatchType::Strategic => false,
        }
    }

    fn repeats(
        &self,
        module: &ModuleName,
        call: &Call,
        seen: &Object,
        (resync, now): (Duration, Time),
    ) -> bool {
        let Some((place, apply)) = apply_of(call, seen, now) else { return false };
        let last = self.modules.get(module).and_then(|applies| applies.by_place.get(&place));
        last.is_some_and(|last| {
            let due = !resync.is_zero() && now.since(last.at) >= resync;
            let same_call =
                (last.body, last.force) == (apply.body, apply.force) && last.manager == apply.manager;
            let same_object = last.uid == apply.uid && last.ownership == apply.ownership;
            !due && same_call && same_object && last.values == apply.values
        })
    }

    /// A module's write was answered with this object. How many applies were forgotten for it.
    pub fn answered(&mut self, module: &ModuleName, call: &Call, object: &Object, now: Time) -> u64 {
        if call.action.is_dry_run() {
            return 0;
        }
        let Some((place, apply)) = apply_of(call, object, now) else { return 0 };
        self.nth += 1;
        let nth = self.nth;
        let applies = self.modules.entry(module.clone()).or_default();
        applies.by_age.insert(nth, place.clone());
        if let Some(last) = applies.by_place.insert(place, Applied { nth, ..apply }) {
            applies.by_age.remove(&last.nth);
        }
        let mut forgotten = 0;
        while applies.by_place.len() > APPLIES_MAX
            && let Some((_, oldest)) = applies.by_age.pop_first()
        {
            applies.by_place.remove(&oldest);
            forgotten += 1;
        }
        forgotten
    }

    /// The module is gone.
    pub fn forget(&mut self, module: &ModuleName) {
        self.modules.remove(module);
    }
}

/// An apply and what an object has of it. None: another call, or one that is to be sent in any case.
fn apply_of(call: &Call, object: &Object, now: Time) -> Option<(Place, Applied)> {
    let Action::Patch { name, patch_type: PatchType::Apply, body, force, write } = &call.action else {
        return None;
    };
    let wanted: Value = serde_json::from_str(body).ok()?;
    if is_bound_to_a_state(&wanted) {
        return None;
    }
    let held: Value = serde_json::from_str(object.json()).ok()?;
    let subresource = call.subresource.as_deref().map(Box::from);
    let place = Place { kind: call.kind.clone(), name: name.clone(), subresource };
    let mut values = DefaultHasher::new();
    values_of(&wanted, Some(&held), &mut values);
    let mut digest = DefaultHasher::new();
    body.hash(&mut digest);
    let applied = Applied {
        body: digest.finish(),
        manager: (*write.field_manager).into(),
        force: *force,
        uid: object.uid().into(),
        ownership: object.ownership(&write.field_manager, call.subresource.as_deref().unwrap_or_default()),
        values: values.finish(),
        at: now,
        nth: 0,
    };
    Some((place, applied))
}

/// Whether a body says which version of the object it is for, or speaks of what the cache does not hold.
fn is_bound_to_a_state(body: &Value) -> bool {
    let metadata = body.get("metadata");
    let has = |field| metadata.is_some_and(|metadata| metadata.get(field).is_some());
    has("resourceVersion") || has("managedFields")
}

/// Hashes what an object has in each field of a body. Lists are taken whole: who adds to one changes it.
fn values_of(wanted: &Value, held: Option<&Value>, hasher: &mut DefaultHasher) {
    match wanted {
        Value::Object(fields) if !fields.is_empty() => {
            for (key, value) in fields {
                key.hash(hasher);
                values_of(value, held.and_then(|held| held.get(key)), hasher);
            }
        }
        _ => held.map(ToString::to_string).hash(hasher),
    }
}

/// Whether an RFC 7386 merge leaves an object as it is.
fn merge_changes_nothing(body: &str, seen: &Object) -> bool {
    let (Ok(patch), Ok(held)) = (serde_json::from_str(body), serde_json::from_str(seen.json())) else {
        return false;
    };
    !is_bound_to_a_state(&patch) && patch.is_object() && holds(&patch, Some(&held))
}

fn holds(patch: &Value, held: Option<&Value>) -> bool {
    match (patch, held) {
        (Value::Null, held) => held.is_none(),
        (Value::Object(fields), Some(Value::Object(have))) => {
            fields.iter().all(|(key, value)| holds(value, have.get(key)))
        }
        (patch, Some(held)) => patch == held,
        (_, None) => false,
    }
}

#[cfg(test)]
mod tests;
