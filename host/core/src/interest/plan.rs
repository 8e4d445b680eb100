//! What to find in each object at ingest, and what to index: the union over everybody's needs of a kind.

use super::need::Need;
use crate::{
    description::{Description, Predicate, Relation},
    field_path::FieldPath,
    name::Kind,
    object::FieldPlan,
};
use std::collections::{BTreeMap, BTreeSet};

/// Plans and declared indexes by kind.
#[derive(Debug, Default)]
pub(crate) struct Plans {
    paths: BTreeMap<Kind, BTreeMap<String, FieldPath>>,
    annotations: BTreeMap<Kind, BTreeSet<Box<str>>>,
    indexes: BTreeMap<Kind, BTreeMap<String, FieldPath>>,
}

impl Plans {
    /// Takes in what one version needs.
    pub(crate) fn add(&mut self, description: &Description, needs: &[Need]) {
        for index in &description.indexes {
            self.path(&index.kind, &index.field);
            self.index(&index.kind, &index.field);
        }
        for need in needs {
            for predicate in &need.predicates {
                if let Predicate::Field(path) = predicate {
                    self.path(&need.kind, path);
                }
            }
            match &need.watch {
                Some((_, Relation::Annotated(lookup))) => {
                    let keys = [Some(&lookup.name), lookup.namespace.as_ref()].into_iter().flatten();
                    self.annotations.entry(need.kind.clone()).or_default().extend(keys.cloned());
                }
                Some((_, Relation::Referenced(lookup))) => {
                    self.path(&need.target.kind, &lookup.name);
                    self.index(&need.target.kind, &lookup.name);
                    if let Some(namespace) = &lookup.namespace {
                        self.path(&need.target.kind, namespace);
                    }
                }
                _ => {}
            }
        }
    }

    fn path(&mut self, kind: &Kind, path: &FieldPath) {
        let paths = self.paths.entry(kind.clone()).or_default();
        paths.insert(path.as_str().to_owned(), path.clone());
    }

    fn index(&mut self, kind: &Kind, path: &FieldPath) {
        let paths = self.indexes.entry(kind.clone()).or_default();
        paths.insert(path.as_str().to_owned(), path.clone());
    }

    /// What is to be indexed, by kind.
    pub(crate) fn indexes(&self) -> BTreeMap<Kind, Vec<FieldPath>> {
        let lists = self.indexes.iter();
        lists.map(|(kind, paths)| (kind.clone(), paths.values().cloned().collect())).collect()
    }

    /// What is to be found, by kind.
    pub(crate) fn fields(self) -> BTreeMap<Kind, FieldPlan> {
        let Self { mut paths, mut annotations, .. } = self;
        let kinds: BTreeSet<Kind> = paths.keys().chain(annotations.keys()).cloned().collect();
        let plan = |kind: Kind| {
            let paths = paths.remove(&kind).unwrap_or_default().into_values().collect();
            let annotations = annotations.remove(&kind).unwrap_or_default().into_iter().collect();
            (kind, FieldPlan::new(paths, annotations))
        };
        kinds.into_iter().map(plan).collect()
    }
}
