//! What a reconciler did in a test: calls, log lines, metrics.

use std::cell::RefCell;

use serde_json::Value;

use crate::host::Metric;
use crate::{Kind, Level, ObjectName};

/// A call to the cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// `get`, `list`, `create`, `update`, `patch`, `apply` or `delete`.
    pub verb: &'static str,
    /// The kind.
    pub kind: Kind,
    /// The object; of a list only the namespace.
    pub name: ObjectName,
    /// `status`, …
    pub subresource: Option<String>,
    /// What was sent; null for reads and deletions.
    pub body: Value,
    /// A read that runs the request again when its answer changes.
    pub subscribed: bool,
}

impl Call {
    pub(super) fn new(
        verb: &'static str,
        kind: &Kind,
        name: &ObjectName,
        subresource: Option<&str>,
        body: &str,
    ) -> Self {
        Self {
            verb,
            kind: kind.clone(),
            name: name.clone(),
            subresource: subresource.map(Into::into),
            body: serde_json::from_str(body).unwrap_or(Value::Null),
            subscribed: false,
        }
    }

    pub(super) fn following(self, subscribed: bool) -> Self {
        Self { subscribed, ..self }
    }
}

/// `apply Deployment/status default/web`
impl std::fmt::Display for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.verb, self.kind.kind)?;
        if let Some(subresource) = &self.subresource {
            write!(f, "/{subresource}")?;
        }
        write!(f, " {}", self.name)
    }
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// How much it matters.
    pub level: Level,
    /// The text.
    pub message: String,
    /// What machines may search for.
    pub fields: Vec<(String, String)>,
}

/// A call of a metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    /// Which kind of metric.
    pub metric: Metric,
    /// Its name.
    pub name: String,
    /// What was added, set or observed.
    pub value: f64,
    /// Names and values of its labels.
    pub labels: Vec<(String, String)>,
}

impl Measurement {
    pub(super) fn new(metric: Metric, name: &str, value: f64, labels: &[(&str, &str)]) -> Self {
        Self { metric, name: name.into(), value, labels: owned(labels) }
    }
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
}

thread_local! {
    /// The lines of the run on this thread; none outside of one, when lines go nowhere.
    static LINES: RefCell<Option<Vec<Line>>> = const { RefCell::new(None) };
}

pub(crate) fn record_line(level: Level, message: &str, fields: &[(&str, &str)]) {
    LINES.with_borrow_mut(|lines| {
        if let Some(lines) = lines {
            lines.push(Line { level, message: message.into(), fields: owned(fields) });
        }
    });
}

/// Runs something and returns the lines that it wrote.
pub(super) fn lines_of<T>(run: impl FnOnce() -> T) -> (T, Vec<Line>) {
    crate::log::set_up();
    let before = LINES.replace(Some(Vec::new()));
    let answer = run();
    (answer, LINES.replace(before).unwrap_or_default())
}
