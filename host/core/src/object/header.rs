//! The places of an object's parts, packed: a fixed part, and one list of words for all that varies in number.

use super::digest;
use std::fmt;

/// No generation; the server counts from 1.
const NO_GENERATION: i64 = i64::MIN;
/// In the length of an owner's uid: it is the controller.
const CONTROLLER: u32 = 1 << 31;

pub(super) const MANAGER_WORDS: usize = 4;
pub(super) const LABEL_WORDS: usize = 2;
pub(super) const OWNER_WORDS: usize = 8;
pub(super) const SPAN_WORDS: usize = 2;

/// A place in an object's text.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Span {
    pub(super) at: u32,
    pub(super) len: u32,
}

impl Span {
    #[inline]
    pub(super) fn of(self, text: &str) -> &str {
        let at = self.at as usize;
        text.get(at..at + self.len as usize).unwrap_or_default()
    }

    fn read(words: &[u32]) -> Self {
        match words {
            [at, len, ..] => Self { at: *at, len: *len },
            _ => Self::default(),
        }
    }
}

/// What of an object is needed without reading it again.
#[derive(Clone, Debug)]
pub(super) struct Header {
    /// One after the other: managers, labels, owners, finalizers.
    pub(super) words: Box<[u32]>,
    pub(super) generation: i64,
    pub(super) annotations_digest: u64,
    pub(super) namespace: Span,
    pub(super) name: Span,
    pub(super) uid: Span,
    pub(super) resource_version: Span,
    /// The text is longer where something was decoded.
    pub(super) json_len: u32,
    pub(super) managers: u32,
    pub(super) labels: u32,
    pub(super) owners: u32,
    pub(super) deleting: bool,
}

/// An owner reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner<'o> {
    /// The owner's `apiVersion`.
    pub api_version: &'o str,
    /// The owner's kind.
    pub kind: &'o str,
    /// The owner's name; its namespace is the dependent's or none.
    pub name: &'o str,
    /// The owner's uid.
    pub uid: &'o str,
    /// Whether it is the controller.
    pub controller: bool,
}

impl Owner<'_> {
    /// The owner's API group; empty for the core group.
    #[must_use]
    pub fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }
}

/// An object's labels, sorted by key.
#[derive(Clone, Copy)]
pub struct Labels<'o> {
    text: &'o str,
    words: &'o [u32],
}

impl<'o> Labels<'o> {
    /// Keys and values.
    pub fn iter(self) -> impl Iterator<Item = (&'o str, &'o str)> {
        self.words
            .chunks_exact(LABEL_WORDS)
            .map(move |words| (key(self.text, words), value(self.text, words)))
    }

    /// The value of a label.
    #[must_use]
    pub fn get(self, wanted: &str) -> Option<&'o str> {
        let (labels, _) = self.words.as_chunks::<LABEL_WORDS>();
        let at = labels.binary_search_by(|words| key(self.text, words).cmp(wanted)).ok()?;
        Some(value(self.text, &labels[at]))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.words.is_empty()
    }
}

impl PartialEq for Labels<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.words.len() == other.words.len() && self.iter().eq(other.iter())
    }
}

impl fmt::Debug for Labels<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

// A label is `key":"value`: where it begins, and both lengths in one word.
fn key<'o>(text: &'o str, words: &[u32]) -> &'o str {
    Span { at: words[0], len: words[1] >> 16 }.of(text)
}

fn value<'o>(text: &'o str, words: &[u32]) -> &'o str {
    Span { at: words[0] + (words[1] >> 16) + 3, len: words[1] & 0xffff }.of(text)
}

/// The words of a label that begins there.
pub(super) fn label_words(at: u32, key_len: usize, value_len: usize) -> Option<[u32; LABEL_WORDS]> {
    let (key, value) = (u16::try_from(key_len).ok()?, u16::try_from(value_len).ok()?);
    Some([at, u32::from(key) << 16 | u32::from(value)])
}

/// The words of an owner: apiVersion, kind, name, uid.
pub(super) fn owner_words(spans: [Span; 4], controller: bool) -> [u32; OWNER_WORDS] {
    let [version, kind, name, uid] = spans;
    let marked = if controller { uid.len | CONTROLLER } else { uid.len };
    [version.at, version.len, kind.at, kind.len, name.at, name.len, uid.at, marked]
}

/// The words of a manager: who, and a digest of what.
pub(super) fn manager_words(who: u64, what: u64) -> [u32; MANAGER_WORDS] {
    let halves = |number: u64| [(number >> 32) as u32, number as u32];
    let ([a, b], [c, d]) = (halves(who), halves(what));
    [a, b, c, d]
}

/// Who a manager is: its name and the subresource.
pub(super) fn manager_identity(manager: &str, subresource: &str) -> u64 {
    digest::begin().text(manager).text(subresource).finish()
}

impl Header {
    pub(super) fn set_generation(&mut self, generation: Option<i64>) {
        self.generation = generation.unwrap_or(NO_GENERATION);
    }

    pub(super) fn generation(&self) -> Option<i64> {
        Some(self.generation).filter(|number| *number != NO_GENERATION)
    }

    /// The words of one part, and those after it.
    fn part(&self, before: usize, len: usize) -> &[u32] {
        self.words.get(before..before + len).unwrap_or_default()
    }

    fn managers(&self) -> &[u32] {
        self.part(0, self.managers as usize * MANAGER_WORDS)
    }

    pub(super) fn ownership(&self, manager: &str, subresource: &str) -> Option<u64> {
        let who = manager_identity(manager, subresource);
        let (managers, _) = self.managers().as_chunks::<MANAGER_WORDS>();
        let number = |high: u32, low: u32| u64::from(high) << 32 | u64::from(low);
        managers.iter().find(|[a, b, ..]| number(*a, *b) == who).map(|[.., c, d]| number(*c, *d))
    }

    pub(super) fn ownership_digest(&self) -> u64 {
        let words = self.managers().iter();
        words.fold(digest::begin(), |digest, word| digest.number(u64::from(*word))).finish()
    }

    pub(super) fn labels<'o>(&'o self, text: &'o str) -> Labels<'o> {
        let before = self.managers().len();
        Labels { text, words: self.part(before, self.labels as usize * LABEL_WORDS) }
    }

    pub(super) fn owners<'o>(&'o self, text: &'o str) -> impl Iterator<Item = Owner<'o>> {
        let before = self.managers().len() + self.labels as usize * LABEL_WORDS;
        let words = self.part(before, self.owners as usize * OWNER_WORDS);
        words.chunks_exact(OWNER_WORDS).map(move |words| Owner {
            api_version: Span::read(words).of(text),
            kind: Span::read(&words[2..]).of(text),
            name: Span::read(&words[4..]).of(text),
            uid: Span { at: words[6], len: words[7] & !CONTROLLER }.of(text),
            controller: words[7] & CONTROLLER != 0,
        })
    }

    pub(super) fn finalizers<'o>(&'o self, text: &'o str) -> impl Iterator<Item = &'o str> {
        let before =
            self.managers().len() + self.labels as usize * LABEL_WORDS + self.owners as usize * OWNER_WORDS;
        let words = self.words.get(before..).unwrap_or_default();
        words.chunks_exact(SPAN_WORDS).map(move |words| Span::read(words).of(text))
    }
}
