//! What a plan found in one object, as places in its text; and finding one path on the spot.

use super::{FieldPlan, digest, header::Span};
use crate::{
    field_path::{FieldPath, each_value},
    json::Scanner,
};
use std::{borrow::Cow, ops::Range, sync::Arc};

/// What a [`FieldPlan`] found in one object.
#[derive(Clone, Debug)]
pub(super) struct Projection {
    plan: Arc<FieldPlan>,
    /// For each path: the two halves of the digest, how many strings, and the place of each.
    words: Box<[u32]>,
}

/// What was found at one path.
#[derive(Clone, Copy)]
pub(super) struct Found<'p> {
    digest: [u32; 2],
    spans: &'p [[u32; 2]],
}

impl Projection {
    /// Searches the JSON once for all of the plan's paths. What does not stand in it as it is meant comes back, to be
    /// laid behind the text.
    pub(super) fn of(plan: &Arc<FieldPlan>, json: &str, text_len: usize) -> (Self, String) {
        let mut decoded = String::new();
        let mut found: Vec<_> = plan.searched.iter().map(|_| (digest::begin(), Vec::<u32>::new())).collect();
        each_value(&plan.searched, json, &mut |path, range| {
            let (digest, spans) = &mut found[path];
            digest.add(&json[range.clone()]);
            let Some(string) = string(json, range.clone()) else { return };
            let span = match string {
                Cow::Borrowed(text) => Span {
                    at: (range.start + usize::from(text.len() < range.len())) as u32,
                    len: text.len() as u32,
                },
                Cow::Owned(text) => {
                    decoded.push_str(&text);
                    Span { at: (text_len + decoded.len() - text.len()) as u32, len: text.len() as u32 }
                }
            };
            spans.extend([span.at, span.len]);
        });
        let mut words = Vec::with_capacity(found.iter().map(|(_, spans)| 3 + spans.len()).sum());
        for (digest, spans) in found {
            let digest = digest.finish();
            words.extend([(digest >> 32) as u32, digest as u32, spans.len() as u32 / 2]);
            words.extend(spans);
        }
        (Self { plan: plan.clone(), words: words.into() }, decoded)
    }

    pub(super) fn plan(&self) -> &FieldPlan {
        &self.plan
    }

    /// What was found at one of the plan's paths.
    pub(super) fn found(&self, path: usize) -> Found<'_> {
        let mut words = &self.words[..];
        for _ in 0..path {
            let len = words.get(2).map_or(0, |count| *count as usize * 2);
            words = words.get(3 + len..).unwrap_or_default();
        }
        let [high, low, count, rest @ ..] = words else { return Found { digest: [0; 2], spans: &[] } };
        let (spans, _) = rest.as_chunks::<2>();
        Found { digest: [*high, *low], spans: spans.get(..*count as usize).unwrap_or_default() }
    }
}

impl<'p> Found<'p> {
    pub(super) fn digest(self) -> u64 {
        u64::from(self.digest[0]) << 32 | u64::from(self.digest[1])
    }

    pub(super) fn strings(self, text: &'p str) -> impl Iterator<Item = &'p str> {
        self.spans.iter().map(move |[at, len]| Span { at: *at, len: *len }.of(text))
    }
}

/// The digest and the strings at one path, found now.
pub(super) fn search<'t>(path: &FieldPath, json: &'t str) -> (u64, Vec<Cow<'t, str>>) {
    let (mut digest, mut strings) = (digest::begin(), Vec::new());
    each_value(std::slice::from_ref(path), json, &mut |_, range| {
        digest.add(&json[range.clone()]);
        strings.extend(string(json, range));
    });
    (digest.finish(), strings)
}

/// A value as a string: its text, a number's or boolean's JSON form. None for what is none of these.
fn string(json: &str, range: Range<usize>) -> Option<Cow<'_, str>> {
    let text = json.get(range)?;
    match text.as_bytes().first()? {
        b'"' => {
            let mut scanner = Scanner::new(text);
            let string = scanner.string().ok()?;
            scanner.value(string).ok()
        }
        b't' | b'f' => Some(Cow::Borrowed(text)),
        b'{' | b'[' | b'n' => None,
        // Whole numbers of every width that fits are written in one way only; of others serde_json's form counts.
        _ if text.len() < 19 && text.bytes().all(|byte| byte.is_ascii_digit()) => Some(Cow::Borrowed(text)),
        _ => {
            serde_json::from_str::<serde_json::Number>(text).ok().map(|number| Cow::Owned(number.to_string()))
        }
    }
}
