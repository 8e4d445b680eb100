//! How ownership moves: what an update takes from the other writers, and what an apply merges, leaves and drops.

use serde_json::Value;

use super::compare::Comparison;
use super::fields::fields_of;
use super::managed::{Managed, Owned, Writer};
use super::merge::merged;
use super::path::Element;
use super::reconcile::{reconciled, with_named_fields};
use super::remove::without;
use super::set::Set;
use super::shape::Type;

/// A field that another writer owns and that an apply would change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Who owns it.
    pub writer: Writer,
    /// Which field: `.spec.replicas`.
    pub field: String,
    pub(super) path: Vec<Element>,
}

/// What is the same for each step of one write.
pub(super) struct Merge<'a> {
    pub(super) kind: Type<'a>,
    /// Fields that this endpoint does not write.
    pub(super) reset: &'a Set,
}

impl Merge<'_> {
    /// The schema may have changed since the sets were written.
    fn reconcile(&self, managed: &mut Managed) {
        for owned in managed.entries.values_mut() {
            owned.fields = reconciled(self.kind, &owned.fields);
        }
    }

    /// Takes from all writers what the change from `live` to `new` touched, and returns what it set.
    pub(super) fn update(&self, live: &Value, new: &Value, managed: &mut Managed) -> Set {
        self.reconcile(managed);
        let change = Comparison::between(self.kind, live, new).excluding(self.reset);
        let set = change.modified.union(&change.added);
        for owned in managed.entries.values_mut() {
            let fields = std::mem::take(&mut owned.fields);
            owned.fields = fields.difference(&set).difference(&change.removed);
        }
        managed.entries.retain(|_, owned| !owned.fields.is_empty());
        set
    }

    /// Lays `config` over `live` in the name of `writer`. The result is the new object.
    pub(super) fn apply(
        &self,
        live: &Value,
        config: &Value,
        managed: &mut Managed,
        writer: &Writer,
        (api_version, force): (&str, bool),
    ) -> Result<Value, Failure> {
        self.reconcile(managed);
        let merged =
            merged(self.kind, Some(live), Some(config)).map_err(Failure::Merge)?.unwrap_or(Value::Null);
        let fields = fields_of(self.kind, config).recursive_difference(self.reset);
        let before = managed.entries.get(writer);
        let last = before.map(|owned| owned.fields.clone());
        let time = before.and_then(|owned| owned.time.clone());
        let owned = Owned { fields, api_version: api_version.to_owned(), time };
        managed.entries.insert(writer.clone(), owned);
        let new = match last {
            Some(last) => self.pruned(merged, &last, managed, writer),
            None => merged,
        };
        let change = Comparison::between(self.kind, live, &new).excluding(self.reset);
        let set = change.modified.union(&change.added);
        let conflicts = if force { Vec::new() } else { conflicts(managed, writer, &set) };
        if !conflicts.is_empty() {
            return Err(Failure::Conflicts(conflicts));
        }
        for (other, owned) in &mut managed.entries {
            if other != writer {
                let fields = std::mem::take(&mut owned.fields);
                owned.fields = fields.difference(&set).difference(&change.removed);
            }
        }
        managed.entries.retain(|_, owned| !owned.fields.is_empty());
        Ok(new)
    }

    /// `merged` without what the writer applied before and now leaves out, unless somebody else owns it too.
    fn pruned(&self, merged: Value, last: &Set, managed: &Managed, writer: &Writer) -> Value {
        let now = managed.entries.get(writer).map(|owned| &owned.fields);
        let dropped = last.clone().difference(now.unwrap_or(&Set::default()));
        if dropped.is_empty() {
            return merged;
        }
        let kind = Some(self.kind);
        let named = |set: &Set| with_named_fields(kind, set);
        let last = named(last);
        let all = named(&fields_of(self.kind, &merged));
        let pruned = without(self.kind, merged.clone(), &last);
        // What somebody owns comes back.
        let mut owned = Set::default();
        for entry in managed.entries.values() {
            owned.union_with(&entry.fields);
        }
        let kept = named(&fields_of(self.kind, &pruned)).union(&named(&owned));
        let pruned = without(self.kind, merged.clone(), &all.clone().difference(&kept));
        // What nobody owns and this writer never applied comes back as well.
        let kept = named(&fields_of(self.kind, &pruned));
        without(self.kind, merged, &all.difference(&kept).intersection(&last))
    }
}

/// Why an apply cannot be done.
pub(super) enum Failure {
    Conflicts(Vec<Conflict>),
    /// The objects cannot be merged: `.spec.ports: duplicate entries for key …`.
    Merge(String),
}

fn conflicts(managed: &Managed, writer: &Writer, set: &Set) -> Vec<Conflict> {
    let mut found = Vec::new();
    for (other, owned) in &managed.entries {
        if other == writer {
            continue;
        }
        owned.fields.intersection(set).for_each(&mut |path| {
            let field = path.iter().map(ToString::to_string).collect();
            found.push(Conflict { writer: other.clone(), field, path: path.to_vec() });
        });
    }
    found
}
