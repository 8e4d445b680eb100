//! Reads mappings field by field and collects what is wrong, so that one look tells everything.

use super::{
    error::Problem,
    yaml::{At, Malformed, Node, Value},
};
use std::{fmt::Display, ops::RangeInclusive};

/// Collects problems while a manifest is read.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) problems: Vec<Problem>,
}

/// The known fields of one mapping. A field that is `null` counts as absent.
pub(super) struct Fields<'n> {
    pub(super) at: At,
    path: &'static str,
    found: Vec<(&'static str, &'n Node)>,
    /// It is no mapping; that is reported already, and each missing field would only repeat it.
    broken: bool,
}

impl<'n> Fields<'n> {
    pub(super) fn get(&self, name: &str) -> Option<&'n Node> {
        self.found.iter().find(|(found, _)| *found == name).map(|(_, node)| *node)
    }

    /// Reports the absence of a field at the mapping it should be in.
    pub(super) fn required(&self, reader: &mut Reader, name: &str, example: &str) -> Option<&'n Node> {
        let node = self.get(name);
        if node.is_none() && !self.broken {
            let message = if self.path.is_empty() {
                format!("a manifest has no `{name}`")
            } else {
                format!("`{}` has no `{name}`", self.path)
            };
            let at = At { width: 1, ..self.at };
            reader.problems.push(Problem::new(at, message).help(format!("add `{example}`")));
        }
        node
    }
}

impl Reader {
    pub(super) fn problem(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// The fields of a mapping; `path` names it in messages and is empty for the whole file.
    pub(super) fn fields<'n>(
        &mut self,
        node: &'n Node,
        path: &'static str,
        known: &'static [&'static str],
    ) -> Fields<'n> {
        let mut fields = Fields { at: node.at, path, found: Vec::new(), broken: false };
        let Value::Map(entries) = &node.value else {
            let what = if path.is_empty() { "a manifest".to_owned() } else { format!("`{path}`") };
            let problem = Problem::new(node.at, format!("{what} is a mapping of fields"));
            self.problem(problem.help(format!("its fields are {}", known.join(", "))));
            fields.broken = true;
            return fields;
        };
        if let Some((first, _)) = entries.first() {
            fields.at = first.at;
        }
        for (key, value) in entries {
            let text = key.text().unwrap_or_default();
            match known.iter().find(|name| **name == text) {
                None => self.unknown(key.at, text, path, known),
                Some(name) if fields.get(name).is_some() => {
                    let problem = Problem::new(key.at, format!("field `{name}` stands here twice"));
                    self.problem(problem.help("keep one of them"));
                }
                Some(_) if value.is_null() => {}
                Some(name) => fields.found.push((name, value)),
            }
        }
        fields
    }

    fn unknown(&mut self, at: At, text: &str, path: &str, known: &[&str]) {
        let place = if path.is_empty() { String::new() } else { format!(" in `{path}`") };
        let mut problem = Problem::new(at, format!("unknown field `{text}`{place}"));
        if let Some(near) = nearest(text, known.iter().copied()) {
            problem = problem.label(format!("did you mean `{near}`?"));
        }
        self.problem(problem.help(format!("the fields here are {}", known.join(", "))));
    }

    pub(super) fn text<'n>(&mut self, node: &'n Node, path: &str) -> Option<&'n str> {
        let text = node.text();
        if text.is_none() {
            self.problem(Problem::new(node.at, format!("`{path}` is a text, not a list or a mapping")));
        }
        text
    }

    pub(super) fn boolean(&mut self, node: &Node, path: &str) -> Option<bool> {
        match node.to_json() {
            Ok(serde_json::Value::Bool(value)) => Some(value),
            _ => {
                self.problem(Problem::new(node.at, format!("`{path}` is `true` or `false`")));
                None
            }
        }
    }

    pub(super) fn whole_number(
        &mut self,
        node: &Node,
        path: &str,
        range: RangeInclusive<u32>,
    ) -> Option<u32> {
        let number =
            node.to_json().ok().and_then(|json| json.as_u64()).and_then(|number| u32::try_from(number).ok());
        let within = number.filter(|number| range.contains(number));
        if within.is_none() {
            let message = format!("`{path}` is a whole number from {} to {}", range.start(), range.end());
            self.problem(Problem::new(node.at, message));
        }
        within
    }

    /// Something that its own reader understands; what that says of it stands beside the caret.
    pub(super) fn parsed<T>(
        &mut self,
        node: &Node,
        path: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.text(node, path)?;
        let parsed = parse(text);
        parsed
            .map_err(|why| {
                self.problem(Problem::new(node.at, format!("`{path}` cannot be `{text}`")).label(why));
            })
            .ok()
    }

    /// Something written with a unit, within a range that messages show in the same form.
    pub(super) fn measure<T: PartialOrd>(
        &mut self,
        node: &Node,
        path: &str,
        parse: impl Fn(&str) -> Result<T, String>,
        (range, show): (RangeInclusive<T>, impl Fn(&T) -> String),
    ) -> Option<T> {
        let text = self.text(node, path)?;
        match parse(text) {
            Err(why) => {
                self.problem(Problem::new(node.at, format!("`{path}` cannot be `{text}`")).label(why))
            }
            Ok(value) if range.contains(&value) => return Some(value),
            Ok(_) => {
                let message = format!("`{path}` cannot be `{text}`");
                let (from, to) = (show(range.start()), show(range.end()));
                self.problem(Problem::new(node.at, message).label(format!("it goes from {from} to {to}")));
            }
        }
        None
    }

    /// A list of texts with their places.
    pub(super) fn texts<'n>(&mut self, node: &'n Node, path: &str) -> Vec<(At, &'n str)> {
        let Value::List(items) = &node.value else {
            let example = node.text().map_or_else(|| "[…]".to_owned(), |text| format!("[{text}]"));
            self.problem(
                Problem::new(node.at, format!("`{path}` is a list")).label(format!("write `{example}`")),
            );
            return Vec::new();
        };
        items.iter().filter_map(|item| Some((item.at, self.text(item, path)?))).collect()
    }

    pub(super) fn malformed(&mut self, malformed: Malformed) {
        self.problem(Problem::new(malformed.at, malformed.message));
    }
}

/// The known word that a mistyped one probably meant; none if nothing is near.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    let distance = |name: &str| strsim::damerau_levenshtein(&lower, &name.to_lowercase());
    let (best, name) = known.into_iter().map(|name| (distance(name), name)).min()?;
    // A third of the letters may be wrong; more than that is another word.
    (best <= word.chars().count().max(3) / 3).then_some(name)
}

/// `a, b or c`, for messages.
pub(super) fn one_of<T: Display>(words: &[T]) -> String {
    match words {
        [] => String::new(),
        [only] => only.to_string(),
        [rest @ .., last] => {
            let rest: Vec<String> = rest.iter().map(ToString::to_string).collect();
            format!("{} or {last}", rest.join(", "))
        }
    }
}
