//! An object as the cache holds it: its JSON, normalised once, and where in it the parts stand that are needed often.
//!
//! The header owns no text: names, labels, owners and what a plan found are places in the JSON, two words each, so
//! nothing is interned that would have to be given back. Measured with its indexes: 1.08 × a Pod's JSON, where a tree
//! of values takes 9.4 ×; `benches/peers` holds the two side by side.

mod digest;
mod header;
mod ingest;
mod projection;
#[cfg(test)]
mod tests;

pub use crate::json::JsonError;
use crate::{
    field_path::FieldPath,
    name::{Kind, NameRef},
};
use header::Header;
pub use header::{Labels, Owner};
pub use ingest::IngestError;
use projection::Projection;
use serde::Deserialize;
use std::{borrow::Cow, cmp::Ordering, sync::Arc};

/// Field paths and annotations that relations, predicates and indexes of one kind need. Values found at ingest, in
/// the watch's own task, spare dispatch the parsing.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct FieldPlan {
    /// The paths first, then one for each annotation.
    searched: Vec<FieldPath>,
    annotations: Vec<Box<str>>,
}

impl FieldPlan {
    /// Paths whose values and digests are kept, and annotations whose values are.
    #[must_use]
    pub fn new(paths: Vec<FieldPath>, annotations: Vec<Box<str>>) -> Self {
        let mut searched = paths;
        searched.extend(annotations.iter().map(|key| FieldPath::annotation(key)));
        Self { searched, annotations }
    }

    /// The paths, without those of annotations.
    #[must_use]
    pub fn paths(&self) -> &[FieldPath] {
        &self.searched[..self.searched.len() - self.annotations.len()]
    }

    fn annotation(&self, key: &str) -> Option<usize> {
        let at = self.annotations.iter().position(|name| **name == *key)?;
        Some(self.paths().len() + at)
    }
}

/// An object: header and normalised JSON (`apiVersion` and `kind` there, `managedFields` cut, all else byte for byte).
#[derive(Clone, Debug)]
pub struct Object {
    header: Header,
    /// The JSON, and behind it what of the header's parts does not stand in it as it is meant (escapes).
    text: Box<str>,
    projection: Option<Box<Projection>>,
}

impl Object {
    /// Takes in one object as the server sent it. `kind` is put back where a list left it out.
    ///
    /// # Errors
    /// When the text is no object with a name.
    pub fn ingest(kind: &Kind, raw: &str) -> Result<Self, IngestError> {
        let (header, text) = ingest::ingest(kind, raw)?;
        Ok(Self { header, text, projection: None })
    }

    /// Takes in the metadata of one object as an object of `kind`, which says that it is no more. What else a whole
    /// object holds is cut.
    ///
    /// # Errors
    /// When the text is no object with a name.
    pub fn ingest_metadata(kind: &Kind, raw: &str) -> Result<Self, IngestError> {
        match ingest::metadata_of_another(kind, raw)? {
            Some(metadata) => Self::ingest(kind, &format!("{{\"metadata\":{metadata}}}")),
            None => Self::ingest(kind, raw),
        }
    }

    /// The same object with the plan's fields found.
    #[must_use]
    pub fn projected(mut self, plan: &Arc<FieldPlan>) -> Self {
        if plan.searched.is_empty() {
            return self;
        }
        let (projection, decoded) = Projection::of(plan, self.json(), self.text.len());
        self.projection = Some(Box::new(projection));
        if !decoded.is_empty() {
            self.text = [&*self.text, &*decoded].concat().into();
        }
        self
    }

    /// The whole object as JSON text.
    #[must_use]
    pub fn json(&self) -> &str {
        self.text.get(..self.header.json_len as usize).unwrap_or_default()
    }

    /// Namespace and name.
    #[must_use]
    pub fn name(&self) -> NameRef<'_> {
        let namespace = self.header.namespace.of(&self.text);
        NameRef {
            namespace: Some(namespace).filter(|text| !text.is_empty()),
            name: self.header.name.of(&self.text),
        }
    }

    /// `metadata.uid`; a name may come again with another uid (I1).
    #[must_use]
    pub fn uid(&self) -> &str {
        self.header.uid.of(&self.text)
    }

    /// `metadata.resourceVersion`; compare with [`compare_versions`].
    #[must_use]
    pub fn resource_version(&self) -> &str {
        self.header.resource_version.of(&self.text)
    }

    /// Whether it is the same state of the same object.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.resource_version() == other.resource_version() && self.uid() == other.uid()
    }

    /// `metadata.generation`, where the kind has one.
    #[must_use]
    pub fn generation(&self) -> Option<i64> {
        self.header.generation()
    }

    /// Its metadata alone, as a metadata watch would show it. None if the text has none, which no ingested one lacks.
    #[must_use]
    pub fn metadata_only(&self) -> Option<Self> {
        let kind = Kind::new("meta.k8s.io/v1", "PartialObjectMetadata");
        Self::ingest_metadata(&kind, self.json()).ok()
    }

    /// Seconds that it still has to end once its deletion began; zero where nothing is said.
    #[must_use]
    pub fn deletion_grace_seconds(&self) -> u64 {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Grace {
            deletion_grace_period_seconds: Option<u64>,
        }
        #[derive(Deserialize)]
        struct Deleted {
            metadata: Grace,
        }
        let deleted = serde_json::from_str::<Deleted>(self.json());
        deleted.ok().and_then(|deleted| deleted.metadata.deletion_grace_period_seconds).unwrap_or(0)
    }

    /// Whether `metadata.deletionTimestamp` is set.
    #[must_use]
    pub fn is_deleting(&self) -> bool {
        self.header.deleting
    }

    /// `metadata.labels`.
    #[must_use]
    pub fn labels(&self) -> Labels<'_> {
        self.header.labels(&self.text)
    }

    /// The value of a label.
    #[must_use]
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels().get(key)
    }

    /// `metadata.ownerReferences`.
    pub fn owners(&self) -> impl Iterator<Item = Owner<'_>> {
        self.header.owners(&self.text)
    }

    /// The owner that is the controller.
    #[must_use]
    pub fn controller(&self) -> Option<Owner<'_>> {
        self.owners().find(|owner| owner.controller)
    }

    /// `metadata.finalizers`.
    pub fn finalizers(&self) -> impl Iterator<Item = &str> {
        self.header.finalizers(&self.text)
    }

    /// Digest of `metadata.annotations`.
    #[must_use]
    pub fn annotations_digest(&self) -> u64 {
        self.header.annotations_digest
    }

    /// Digest of who owns which field: `metadata.managedFields` before they were cut, without the times.
    #[must_use]
    pub fn ownership_digest(&self) -> u64 {
        self.header.ownership_digest()
    }

    /// Digest of what one field manager owns through one subresource (empty: the object itself), by whatever operation
    /// and version, times left out. None: it owns nothing there. Good for comparing states of one object within one
    /// process.
    #[must_use]
    pub fn ownership(&self, manager: &str, subresource: &str) -> Option<u64> {
        self.header.ownership(manager, subresource)
    }

    /// The value of an annotation: from the projection, else by reading the JSON.
    #[must_use]
    pub fn annotation(&self, key: &str) -> Option<Cow<'_, str>> {
        if let Some(projection) = &self.projection
            && let Some(at) = projection.plan().annotation(key)
        {
            return projection.found(at).strings(&self.text).next().map(Cow::Borrowed);
        }
        projection::search(&FieldPath::annotation(key), self.json()).1.into_iter().next()
    }

    /// Digest of all the values at a path: from the projection, else by reading the JSON. Two states with the same
    /// digest have the same values there, written alike.
    #[must_use]
    pub fn field_digest(&self, path: &FieldPath) -> u64 {
        match self.projected_at(path) {
            Some(found) => found.digest(),
            None => projection::search(path, self.json()).0,
        }
    }

    /// The strings at a path (numbers and booleans in their JSON form), in document order: from the projection, else
    /// by reading the JSON.
    pub fn each_string<'o>(&'o self, path: &FieldPath, each: &mut dyn FnMut(Cow<'o, str>)) {
        match self.projected_at(path) {
            Some(found) => found.strings(&self.text).for_each(|text| each(Cow::Borrowed(text))),
            None => projection::search(path, self.json()).1.into_iter().for_each(each),
        }
    }

    /// Whether this is one of the strings at a path.
    #[must_use]
    pub fn has_string(&self, path: &FieldPath, wanted: &str) -> bool {
        let mut there = false;
        self.each_string(path, &mut |text| there |= text == wanted);
        there
    }

    fn projected_at(&self, path: &FieldPath) -> Option<projection::Found<'_>> {
        let projection = self.projection.as_deref()?;
        let at = projection.plan().searched.iter().position(|known| known == path)?;
        Some(projection.found(at))
    }
}

/// Objects are equal when their texts are.
impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        self.json() == other.json()
    }
}

/// Compares two resourceVersions of one resource: decimal digits of any length (I8). None if either is no such number.
#[must_use]
pub fn compare_versions(one: &str, other: &str) -> Option<Ordering> {
    let number = |text: &str| {
        !text.is_empty() && !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    (number(one) && number(other)).then(|| one.len().cmp(&other.len()).then_with(|| one.cmp(other)))
}
