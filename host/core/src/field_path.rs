//! Field paths of the contract: `.a.b[*].c`, `.a['x.y']`.

use crate::json::{JsonError, Scanner};
use std::{fmt, ops::Range};

/// Steps that are followed into a text; nothing of Kubernetes lies deeper.
const DEPTH_MAX: usize = 128;

/// One step into an object.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Step {
    Field(Box<str>),
    Each,
}

/// A parsed field path. Two paths are equal if they were written alike.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FieldPath {
    text: Box<str>,
    steps: Box<[Step]>,
}

/// A text that is no field path: what was wrong, and where (bytes from the start).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no field path: {what} at byte {at}; write it like `.spec.items[*].name` or `.metadata.labels['a.b/c']`"
)]
pub struct FieldPathError {
    /// The whole text.
    pub text: String,
    /// What was expected.
    pub what: &'static str,
    /// Byte offset.
    pub at: usize,
}

impl FieldPath {
    /// Parses a path.
    ///
    /// # Errors
    /// When the text is not of the form `.field`, `['any text']` and `[*]`, one or more times.
    pub fn parse(text: &str) -> Result<Self, FieldPathError> {
        let fail = |what, at| FieldPathError { text: text.to_owned(), what, at };
        let mut steps = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let at = text.len() - rest.len();
            if let Some(after) = rest.strip_prefix("[*]") {
                steps.push(Step::Each);
                rest = after;
            } else if let Some(after) = rest.strip_prefix("['") {
                let (name, after) = after.split_once("']").ok_or_else(|| fail("a `[` without `']`", at))?;
                steps.push(Step::Field(name.into()));
                rest = after;
            } else if let Some(after) = rest.strip_prefix('.') {
                let end = after.find(['.', '[']).unwrap_or(after.len());
                if end == 0 {
                    return Err(fail("a `.` without a name", at));
                }
                steps.push(Step::Field(after[..end].into()));
                rest = &after[end..];
            } else {
                return Err(fail("expected `.` or `[`", at));
            }
        }
        if steps.is_empty() {
            return Err(fail("nothing is named", 0));
        }
        Ok(Self { text: text.into(), steps: steps.into() })
    }

    /// The path of one annotation.
    pub(crate) fn annotation(key: &str) -> Self {
        let steps = ["metadata", "annotations", key].map(|name| Step::Field(name.into()));
        Self { text: format!(".metadata.annotations['{key}']").into(), steps: steps.into() }
    }

    /// The path as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Calls `found` with the number of the path and the place of the value, for every value of a JSON text that one of
/// the paths names, in document order, in one pass. What no path leads into is skipped. Stops at what is no JSON.
pub(crate) fn each_value(paths: &[FieldPath], json: &str, found: &mut dyn FnMut(usize, Range<usize>)) {
    let mut search = Search { scanner: Scanner::new(json), paths, open: (0..paths.len()).collect(), found };
    let all = 0..paths.len();
    // What was taken in as an object is JSON; of what is not, what stands before the mistake counts.
    search.value(all, 0).unwrap_or_default();
}

/// A pass over a text with the paths that are still followed.
struct Search<'s, 't> {
    scanner: Scanner<'t>,
    paths: &'s [FieldPath],
    /// Numbers of paths: those followed at the present depth last.
    open: Vec<usize>,
    found: &'s mut dyn FnMut(usize, Range<usize>),
}

impl Search<'_, '_> {
    /// Goes over a value that these of the open paths lead to by their first `depth` steps.
    fn value(&mut self, here: Range<usize>, depth: usize) -> Result<(), JsonError> {
        let next = self.scanner.peek();
        let start = self.scanner.at();
        let deeper = |path: &usize| self.paths[*path].steps.len() > depth;
        match next {
            Some(b'{') if self.open[here.clone()].iter().any(deeper) => self.object(here.clone(), depth)?,
            Some(b'[') if self.open[here.clone()].iter().any(deeper) => self.array(here.clone(), depth)?,
            _ => {
                self.scanner.skip()?;
            }
        }
        for at in here {
            let path = self.open[at];
            if self.paths[path].steps.len() == depth {
                (self.found)(path, start..self.scanner.at());
            }
        }
        Ok(())
    }

    fn object(&mut self, here: Range<usize>, depth: usize) -> Result<(), JsonError> {
        self.scanner.enter(b'{')?;
        let mut first = true;
        while let Some(key) = self.scanner.key(&mut first)? {
            let name = if key.escaped { Some(self.scanner.value(key)?) } else { None };
            let name = name.as_deref();
            let scanner = &self.scanner;
            let leads = |step: &Step| match (step, name) {
                (Step::Each, _) => true,
                (Step::Field(field), None) => scanner.is(key, field),
                (Step::Field(field), Some(name)) => **field == *name,
            };
            let inner = follow(&mut self.open, self.paths, here.clone(), depth, leads);
            self.inner(inner, depth)?;
        }
        Ok(())
    }

    fn array(&mut self, here: Range<usize>, depth: usize) -> Result<(), JsonError> {
        self.scanner.enter(b'[')?;
        let mut first = true;
        while self.scanner.element(&mut first)? {
            let each = |step: &Step| *step == Step::Each;
            let inner = follow(&mut self.open, self.paths, here.clone(), depth, each);
            self.inner(inner, depth)?;
        }
        Ok(())
    }

    fn inner(&mut self, inner: Range<usize>, depth: usize) -> Result<(), JsonError> {
        let before = inner.start;
        if inner.is_empty() || depth + 1 > DEPTH_MAX {
            self.scanner.skip()?;
        } else {
            self.value(inner, depth + 1)?;
        }
        self.open.truncate(before);
        Ok(())
    }
}

/// Opens those of the paths `here` whose step at this depth leads on.
fn follow(
    open: &mut Vec<usize>,
    paths: &[FieldPath],
    here: Range<usize>,
    depth: usize,
    leads: impl Fn(&Step) -> bool,
) -> Range<usize> {
    let before = open.len();
    for at in here {
        let path = open[at];
        if paths[path].steps.get(depth).is_some_and(&leads) {
            open.push(path);
        }
    }
    before..open.len()
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    fn check(path: &str, want: &[&str]) {
        let json = r#"{"spec": {"items": [{"name": "a"}, {"name": "b"}, {}], "x.y": 3}, "ok": true}"#;
        let mut found = Vec::new();
        each_value(&[FieldPath::parse(path).unwrap()], json, &mut |_, place| found.push(&json[place]));
        assert_eq!(found, want, "{path}");
    }

    #[test]
    fn a_path_finds_every_value_it_names() {
        check(".spec.items[*].name", &["\"a\"", "\"b\""]);
        check(".spec['x.y']", &["3"]);
        check(".ok", &["true"]);
        check(".spec.missing.deeper", &[]);
        check(".spec.items", &[r#"[{"name": "a"}, {"name": "b"}, {}]"#]);
    }

    #[test]
    fn what_is_no_path_is_refused_with_the_place() {
        for (text, at) in [("", 0), ("spec", 0), (".spec..x", 5), (".a['b", 2), (".", 0)] {
            assert_eq!(FieldPath::parse(text).unwrap_err().at, at, "{text}");
        }
    }
}
