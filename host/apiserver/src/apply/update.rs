//! How ownership moves: what an update takes from the other writers, and what an apply merges, leaves and drops.

use serde_json::Value;

use super::Ctx;
use super::compare::Comparison;
use super::fields::{fields_of, misfits};
use super::managed::{Managed, Operation, Owned, Writer};
use super::merge::merged;
use super::path::Element;
use super::reconcile::{reconciled, with_named_fields};
use super::remove::without;
use super::set::Set;
use super::shape::Type;
use crate::schema::{FieldValidation, decode_custom};

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
    kind: Type<'a>,
    ctx: &'a Ctx<'a>,
}

/// What a write changes, as the writers of one version see it.
struct Change {
    set: Set,
    removed: Set,
}

impl<'a> Merge<'a> {
    pub(super) fn new(ctx: &'a Ctx<'a>) -> Self {
        Self { kind: Type::root(ctx.schema), ctx }
    }

    fn change(&self, live: &Value, new: &Value) -> Change {
        let change = Comparison::between(self.kind, live, new).excluding(self.ctx.reset);
        Change { set: change.modified.union(&change.added), removed: change.removed }
    }

    /// Why an object cannot be converted for a writer of another version, if there is one: a list has an item twice.
    fn cannot_be_converted(&self, managed: &Managed, object: &Value) -> Option<String> {
        let is_other = |owned: &Owned| owned.api_version != self.ctx.api_version;
        if self.ctx.schema.builtin || !managed.entries.values().any(is_other) {
            return None;
        }
        let found = misfits(self.kind, &self.read(object), false);
        (!found.is_empty()).then(|| found.join("\n"))
    }

    /// The change for those who write in other versions: conversion brings both objects to the form of one that was
    /// read, without empty labels for example.
    fn converted(&self, live: &Value, new: &Value) -> Change {
        self.change(&self.read(live), &self.read(new))
    }

    fn read(&self, object: &Value) -> Value {
        let mut read = object.clone();
        if !self.ctx.schema.builtin {
            let decoded = decode_custom(self.ctx.schema, &mut read, FieldValidation::Ignore, Vec::new());
            // What cannot be read is compared as it is.
            if decoded.is_err() {
                return object.clone();
            }
        }
        read
    }

    /// The schema may have changed since the sets were written. Who wrote in a group that the kind is not of owns
    /// nothing.
    fn reconcile(&self, managed: &mut Managed) {
        let group = |version: &'_ str| version.rsplit_once('/').map(|(group, _)| group.to_owned());
        let own = group(self.ctx.api_version);
        managed.entries.retain(|_, owned| group(&owned.api_version) == own);
        for owned in managed.entries.values_mut() {
            owned.fields = reconciled(self.kind, &owned.fields);
        }
    }

    /// Takes from all writers what the change from `live` to `new` touched, and returns what it set; `None` if that
    /// cannot be told, which leaves nobody owning anything.
    pub(super) fn update(&self, live: &Value, new: &Value, managed: &mut Managed) -> Option<Set> {
        self.reconcile(managed);
        if [live, new].iter().any(|object| self.cannot_be_converted(managed, object).is_some()) {
            managed.entries.clear();
            return None;
        }
        let change = self.change(live, new);
        self.take(managed, None, (live, new), &change);
        Some(change.set)
    }

    /// Takes what a change touched from all writers but one.
    fn take(
        &self,
        managed: &mut Managed,
        but: Option<&Writer>,
        (live, new): (&Value, &Value),
        change: &Change,
    ) {
        let mut converted = None;
        for (writer, owned) in &mut managed.entries {
            if Some(writer) == but {
                continue;
            }
            let change = if owned.api_version == self.ctx.api_version {
                change
            } else {
                converted.get_or_insert_with(|| self.converted(live, new))
            };
            let fields = std::mem::take(&mut owned.fields);
            owned.fields = fields.difference(&change.set).difference(&change.removed);
        }
        managed.entries.retain(|_, owned| !owned.fields.is_empty());
    }

    /// Lays `config` over `live` in the name of `writer`. The result is the new object.
    pub(super) fn apply(
        &self,
        live: &Value,
        config: &Value,
        managed: &mut Managed,
        writer: &Writer,
        force: bool,
    ) -> Result<Value, Failure> {
        self.reconcile(managed);
        if let Some(why) = self.cannot_be_converted(managed, live) {
            return Err(Failure::Converted(why));
        }
        let merged =
            merged(self.kind, Some(live), Some(config)).map_err(Failure::Merge)?.unwrap_or(Value::Null);
        let fields = fields_of(self.kind, config).recursive_difference(self.ctx.reset);
        let before = managed.entries.get(writer);
        let last = before.map(|owned| (owned.fields.clone(), owned.api_version.clone()));
        let time = before.and_then(|owned| owned.time.clone());
        let owned = Owned { fields, api_version: self.ctx.api_version.to_owned(), time };
        managed.entries.insert(writer.clone(), owned);
        let new = match last {
            Some((last, version)) => {
                // What was applied in another version last is taken out in that one.
                let converts = version != self.ctx.api_version;
                if converts {
                    self.read(&self.pruned(self.read(&merged), (&last, &version), managed, writer))
                } else {
                    self.pruned(merged, (&last, &version), managed, writer)
                }
            }
            None => merged,
        };
        let change = self.change(live, &new);
        let conflicts =
            if force { Vec::new() } else { self.conflicts(managed, writer, (live, &new), &change) };
        if !conflicts.is_empty() {
            return Err(Failure::Conflicts(conflicts));
        }
        self.take(managed, Some(writer), (live, &new), &change);
        Ok(new)
    }

    /// What others own of what a change sets.
    fn conflicts(
        &self,
        managed: &Managed,
        writer: &Writer,
        (live, new): (&Value, &Value),
        change: &Change,
    ) -> Vec<Conflict> {
        let (mut found, mut converted) = (Vec::new(), None);
        for (other, owned) in managed.entries.iter().filter(|(other, _)| *other != writer) {
            let change = if owned.api_version == self.ctx.api_version {
                change
            } else {
                converted.get_or_insert_with(|| self.converted(live, new))
            };
            owned.fields.intersection(&change.set).for_each(&mut |path| {
                let field = path.iter().map(ToString::to_string).collect();
                found.push(Conflict { writer: other.clone(), field, path: path.to_vec() });
            });
        }
        // Of one manager, writers to subresources come first.
        found.sort_by(|left: &Conflict, right: &Conflict| {
            fn key(of: &Conflict) -> (&str, Operation, &str, bool, &str) {
                let Writer { manager, operation, api_version, subresource } = &of.writer;
                (manager, *operation, api_version, subresource.is_empty(), subresource)
            }
            key(left).cmp(&key(right))
        });
        found
    }

    /// `merged` without what the writer applied before and now leaves out, unless somebody else owns it too.
    fn pruned(
        &self,
        merged: Value,
        (last, version): (&Set, &str),
        managed: &Managed,
        writer: &Writer,
    ) -> Value {
        let now = managed.entries.get(writer).map(|owned| &owned.fields);
        let dropped = last.clone().difference(now.unwrap_or(&Set::default()));
        // What others own in another version is looked for there.
        let converts = managed.entries.values().any(|owned| owned.api_version != version);
        if dropped.is_empty() && !converts {
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
        let pruned = if converts { self.read(&pruned) } else { pruned };
        // What nobody owns and this writer never applied comes back as well.
        let kept = named(&fields_of(self.kind, &pruned));
        without(self.kind, merged, &all.difference(&kept).intersection(&last))
    }
}

/// Why an apply cannot be done.
pub(super) enum Failure {
    Conflicts(Vec<Conflict>),
    /// The live object cannot be converted for another writer.
    Converted(String),
    /// The objects cannot be merged: `.spec.ports: duplicate entries for key …`.
    Merge(String),
}
