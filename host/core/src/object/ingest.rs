//! Taking in an object: one pass over its text finds every part of the header, one copy normalises it.

use super::{
    digest,
    header::{
        Header, MANAGER_WORDS, OWNER_WORDS, SPAN_WORDS, Span, label_words, manager_identity, manager_words,
        owner_words,
    },
};
use crate::{
    json::{JsonError, Scanner, Text},
    name::Kind,
};
use std::{borrow::Cow, collections::BTreeMap, ops::Range};

/// Places are kept in 32 bits, one of which says something else.
const LEN_MAX: usize = 1 << 30;

/// Text that is no Kubernetes object.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// Not JSON, or `metadata` is not what it should be.
    #[error("not a Kubernetes object")]
    Json(#[from] JsonError),
    /// `metadata.name` is missing or empty.
    #[error("an object of kind {0} without metadata.name")]
    Nameless(Kind),
}

/// Where the parts stand in the raw text.
#[derive(Default)]
struct Parts<'t> {
    has_kind: bool,
    has_api_version: bool,
    has_metadata: bool,
    namespace: Option<Text>,
    name: Option<Text>,
    uid: Option<Text>,
    resource_version: Option<Text>,
    generation: Option<i64>,
    annotations_digest: u64,
    labels: Vec<(Text, Text)>,
    owners: Vec<OwnerParts>,
    finalizers: Vec<Text>,
    /// Who and what.
    managers: Vec<(u64, u64)>,
    deleting: bool,
    /// managedFields with one neighbouring comma.
    cut: Range<usize>,
    /// The text after the brace that opens the object, and where the object ends.
    body: Range<usize>,
    raw: &'t str,
}

#[derive(Default)]
struct OwnerParts {
    api_version: Option<Text>,
    kind: Option<Text>,
    name: Option<Text>,
    uid: Option<Text>,
    controller: bool,
}

/// The header and the normalised text.
pub(super) fn ingest(kind: &Kind, raw: &str) -> Result<(Header, Box<str>), IngestError> {
    if raw.len() > LEN_MAX {
        return Err(JsonError { what: "an object too long to be held", at: LEN_MAX }.into());
    }
    let mut scanner = Scanner::new(raw);
    let mut parts = Parts { raw, ..Parts::default() };
    parts.object(&mut scanner)?;
    scanner.end()?;
    if !parts.has_metadata {
        return Err(scanner.fail("an object without metadata").into());
    }
    if parts.name.is_none_or(|name| name.start == name.end) {
        return Err(IngestError::Nameless(kind.clone()));
    }
    let layout = Layout::of(kind, &parts);
    layout.build(parts, &scanner)
}

/// The metadata of an object that says that it is of another kind.
pub(super) fn metadata_of_another<'t>(kind: &Kind, raw: &'t str) -> Result<Option<&'t str>, JsonError> {
    let mut scanner = Scanner::new(raw);
    scanner.enter(b'{')?;
    let (mut first, mut another, mut metadata) = (true, false, None);
    while let Some(key) = scanner.key(&mut first)? {
        let value = scanner.skip()?;
        if scanner.is(key, "kind") {
            another = raw[value].trim_matches('"') != &*kind.kind;
        } else if scanner.is(key, "metadata") {
            metadata = Some(&raw[value]);
        }
    }
    if another && metadata.is_none() {
        return Err(scanner.fail("an object without metadata"));
    }
    Ok(metadata.filter(|_| another))
}

impl Parts<'_> {
    fn object(&mut self, scanner: &mut Scanner<'_>) -> Result<(), JsonError> {
        scanner.enter(b'{')?;
        self.body.start = scanner.at();
        let mut first = true;
        while let Some(key) = scanner.key(&mut first)? {
            if scanner.is(key, "metadata") {
                self.has_metadata = true;
                self.metadata(scanner)?;
            } else if scanner.is(key, "kind") {
                self.has_kind = true;
                scanner.string()?;
            } else if scanner.is(key, "apiVersion") {
                self.has_api_version = true;
                scanner.string()?;
            } else {
                scanner.skip()?;
            }
        }
        self.body.end = scanner.at();
        Ok(())
    }

    fn metadata(&mut self, scanner: &mut Scanner<'_>) -> Result<(), JsonError> {
        scanner.enter(b'{')?;
        let (mut first, mut before) = (true, scanner.at());
        while let Some(key) = scanner.key(&mut first)? {
            if scanner.is(key, "managedFields") && scanner.peek() == Some(b'[') {
                self.managed(scanner)?;
                self.cut = before..scanner.at();
                if scanner.takes(b',') {
                    // The comma that the next key needs before it is the one before this one, if any.
                    if scanner.peek() != Some(b'"') {
                        return Err(scanner.fail("expected a key"));
                    }
                    first = true;
                    self.cut = key.start - 1..scanner.at();
                }
            } else if !scanner.is_null()? {
                self.member(key, scanner)?;
            }
            before = scanner.at();
        }
        Ok(())
    }

    /// A member of the metadata that is not null.
    fn member(&mut self, key: Text, scanner: &mut Scanner<'_>) -> Result<(), JsonError> {
        match if key.escaped { "" } else { &self.raw[key.start..key.end] } {
            "name" => self.name = Some(scanner.string()?),
            "namespace" => self.namespace = Some(scanner.string()?),
            "uid" => self.uid = Some(scanner.string()?),
            "resourceVersion" => self.resource_version = Some(scanner.string()?),
            "generation" => {
                let number = scanner.skip()?;
                let number = self.raw[number].parse().map_err(|_| scanner.fail("expected a whole number"))?;
                self.generation = Some(number);
            }
            "deletionTimestamp" => {
                scanner.string()?;
                self.deleting = true;
            }
            "annotations" => {
                let value = scanner.skip()?;
                self.annotations_digest = digest::begin().text(&self.raw[value]).finish();
            }
            "labels" => self.labels(scanner)?,
            "ownerReferences" => self.owners(scanner)?,
            "finalizers" => each_element(scanner, |scanner| {
                self.finalizers.push(scanner.string()?);
                Ok(())
            })?,
            _ => {
                scanner.skip()?;
            }
        }
        Ok(())
    }

    /// Sorted by key; of a key that comes twice the last counts.
    fn labels(&mut self, scanner: &mut Scanner<'_>) -> Result<(), JsonError> {
        scanner.enter(b'{')?;
        let mut first = true;
        while let Some(key) = scanner.key(&mut first)? {
            self.labels.push((key, scanner.string()?));
        }
        let text = |key: &Text| &self.raw[key.start..key.end];
        let plain = !self.labels.iter().any(|(key, _)| key.escaped);
        if plain && self.labels.is_sorted_by(|(one, _), (other, _)| text(one) < text(other)) {
            return Ok(());
        }
        let mut sorted = BTreeMap::new();
        for (key, value) in self.labels.drain(..) {
            sorted.insert(scanner.value(key)?, (key, value));
        }
        self.labels.extend(sorted.into_values());
        Ok(())
    }

    fn owners(&mut self, scanner: &mut Scanner<'_>) -> Result<(), JsonError> {
        each_element(scanner, |scanner| {
            let mut owner = OwnerParts::default();
            scanner.enter(b'{')?;
            let mut first = true;
            while let Some(key) = scanner.key(&mut first)? {
                if scanner.is(key, "apiVersion") {
                    owner.api_version = Some(scanner.string()?);
                } else if scanner.is(key, "kind") {
                    owner.kind = Some(scanner.string()?);
                } else if scanner.is(key, "name") {
                    owner.name = Some(scanner.string()?);
                } else if scanner.is(key, "uid") {
                    owner.uid = Some(scanner.string()?);
                } else {
                    let value = scanner.skip()?;
                    owner.controller |= scanner.is(key, "controller") && &self.raw[value] == "true";
                }
            }
            if owner.api_version.is_none() || owner.kind.is_none() || owner.name.is_none() {
                return Err(scanner.fail("an owner reference without apiVersion, kind or name"));
            }
            self.owners.push(owner);
            Ok(())
        })
    }

    /// What each manager owns. Managers and their operations are few, so a list does.
    fn managed(&mut self, scanner: &mut Scanner<'_>) -> Result<(), JsonError> {
        each_element(scanner, |scanner| {
            if scanner.peek() != Some(b'{') {
                return scanner.skip().map(drop);
            }
            scanner.enter(b'{')?;
            let (mut manager, mut subresource) = (Cow::Borrowed(""), Cow::Borrowed(""));
            let (mut operation, mut version, mut fields) = (0..0, 0..0, 0..0);
            let mut first = true;
            while let Some(key) = scanner.key(&mut first)? {
                if scanner.is(key, "manager") {
                    let text = scanner.string()?;
                    manager = scanner.value(text)?;
                } else if scanner.is(key, "subresource") {
                    let text = scanner.string()?;
                    subresource = scanner.value(text)?;
                } else if scanner.is(key, "operation") {
                    operation = scanner.skip()?;
                } else if scanner.is(key, "apiVersion") {
                    version = scanner.skip()?;
                } else if scanner.is(key, "fieldsV1") {
                    fields = scanner.skip()?;
                } else {
                    scanner.skip()?;
                }
            }
            let who = manager_identity(&manager, &subresource);
            let known = self.managers.iter().position(|(known, _)| *known == who);
            let what = digest::begin().number(known.map_or(0, |at| self.managers[at].1));
            let [operation, version, fields] = [operation, version, fields].map(|part| &self.raw[part]);
            let what = what.text(operation).text(version).text(fields).finish();
            match known {
                Some(at) => self.managers[at].1 = what,
                None => self.managers.push((who, what)),
            }
            Ok(())
        })
    }

    fn words(&self) -> usize {
        self.managers.len() * MANAGER_WORDS
            + self.labels.len() * 2
            + self.owners.len() * OWNER_WORDS
            + self.finalizers.len() * SPAN_WORDS
    }
}

fn each_element<'t>(
    scanner: &mut Scanner<'t>,
    mut each: impl FnMut(&mut Scanner<'t>) -> Result<(), JsonError>,
) -> Result<(), JsonError> {
    scanner.enter(b'[')?;
    let mut first = true;
    while scanner.element(&mut first)? {
        each(scanner)?;
    }
    Ok(())
}

/// From places in the raw text to places in the normalised one.
struct Layout {
    head: String,
    body: Range<usize>,
    cut: Range<usize>,
    json_len: usize,
    /// What does not stand in the JSON as it is meant.
    decoded: String,
}

impl Layout {
    fn of(kind: &Kind, parts: &Parts<'_>) -> Self {
        let mut head = String::from("{");
        let mut put_back = |key: &str, value: &str| {
            head.push_str(key);
            head.push_str(&serde_json::Value::from(value).to_string());
            head.push(',');
        };
        if !parts.has_kind {
            put_back("\"kind\":", &kind.kind);
        }
        if !parts.has_api_version {
            put_back("\"apiVersion\":", &kind.api_version);
        }
        let json_len = head.len() + parts.body.len() - parts.cut.len();
        Self { head, body: parts.body.clone(), cut: parts.cut.clone(), json_len, decoded: String::new() }
    }

    fn at(&self, raw: usize) -> u32 {
        let gone = if raw >= self.cut.end { self.cut.len() } else { 0 };
        (self.head.len() + raw - self.body.start - gone) as u32
    }

    /// Lays a text behind the JSON.
    fn behind(&mut self, text: &str) -> Span {
        let at = self.json_len + self.decoded.len();
        self.decoded.push_str(text);
        Span { at: at as u32, len: text.len() as u32 }
    }

    fn span(&mut self, text: Option<Text>, scanner: &Scanner<'_>) -> Result<Span, JsonError> {
        let Some(text) = text else { return Ok(Span::default()) };
        if text.escaped {
            return Ok(self.behind(&scanner.value(text)?));
        }
        Ok(Span { at: self.at(text.start), len: (text.end - text.start) as u32 })
    }

    fn label(&mut self, (key, value): (Text, Text), scanner: &Scanner<'_>) -> Result<[u32; 2], JsonError> {
        let compact = !key.escaped && !value.escaped && value.start == key.end + 3;
        let words = if compact {
            label_words(self.at(key.start), key.end - key.start, value.end - value.start)
        } else {
            let (key, value) = (scanner.value(key)?, scanner.value(value)?);
            let at = self.behind(&format!("{key}\":\"{value}")).at;
            label_words(at, key.len(), value.len())
        };
        words.ok_or(JsonError { what: "a label too long to be one", at: key.start })
    }

    fn build(mut self, parts: Parts<'_>, scanner: &Scanner<'_>) -> Result<(Header, Box<str>), IngestError> {
        let mut words = Vec::with_capacity(parts.words());
        for (who, what) in &parts.managers {
            words.extend(manager_words(*who, *what));
        }
        for label in &parts.labels {
            words.extend(self.label(*label, scanner)?);
        }
        for owner in &parts.owners {
            let mut spans = [Span::default(); 4];
            for (span, part) in spans.iter_mut().zip([owner.api_version, owner.kind, owner.name, owner.uid]) {
                *span = self.span(part, scanner)?;
            }
            words.extend(owner_words(spans, owner.controller));
        }
        for finalizer in &parts.finalizers {
            let span = self.span(Some(*finalizer), scanner)?;
            words.extend([span.at, span.len]);
        }
        let mut header = Header {
            words: words.into(),
            generation: 0,
            annotations_digest: parts.annotations_digest,
            namespace: self.span(parts.namespace, scanner)?,
            name: self.span(parts.name, scanner)?,
            uid: self.span(parts.uid, scanner)?,
            resource_version: self.span(parts.resource_version, scanner)?,
            json_len: self.json_len as u32,
            managers: parts.managers.len() as u32,
            labels: parts.labels.len() as u32,
            owners: parts.owners.len() as u32,
            deleting: parts.deleting,
        };
        header.set_generation(parts.generation);
        Ok((header, self.text(parts.raw)))
    }

    /// The one copy.
    fn text(self, raw: &str) -> Box<str> {
        let mut text = String::with_capacity(self.json_len + self.decoded.len());
        text.push_str(&self.head);
        if self.cut.is_empty() {
            text.push_str(&raw[self.body]);
        } else {
            text.push_str(&raw[self.body.start..self.cut.start]);
            text.push_str(&raw[self.cut.end..self.body.end]);
        }
        text.push_str(&self.decoded);
        text.into()
    }
}
