//! Log lines for people who watch: time, level, part, whom it is about, what happened, and the rest in grey.
//!
//! ```text
//! 13:04:05.123 INFO  call   website/site default/shop  patch apps/v1 Deployment default/shop  took=3.5ms
//! ```

use std::fmt::{self, Write as _};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer, time::FormatTime as _, time::SystemTime},
    registry::LookupSpan,
};
use windlass_guest::text::visible;

/// Formats events as lines for people. Times are UTC.
pub(super) struct Readable;

/// Whom a line is about: these fields stand first and without their names.
const SUBJECTS: [&str; 3] = ["module", "controller", "request"];

const GREY: &str = "\x1b[2m";
const PLAIN: &str = "\x1b[0m";

impl<S, N> FormatEvent<S, N> for Readable
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let (grey, plain) = if writer.has_ansi_escapes() { (GREY, PLAIN) } else { ("", "") };
        let metadata = event.metadata();
        let level = level(*metadata.level(), writer.has_ansi_escapes());
        let target = metadata.target();
        let part = target.strip_prefix("windlass::").unwrap_or(target);
        write!(writer, "{grey}{}{plain} {level} {grey}{part:<6}{plain} ", time_of_day())?;
        if !fields.subject.is_empty() {
            write!(writer, "{}  ", fields.subject)?;
        }
        write!(writer, "{}", fields.message)?;
        if !fields.rest.is_empty() {
            write!(writer, " {grey}{}{plain}", fields.rest)?;
        }
        writeln!(writer)
    }
}

/// `13:04:05.123`: whoever watches knows the day.
fn time_of_day() -> String {
    let mut whole = String::new();
    let formatted = SystemTime.format_time(&mut Writer::new(&mut whole));
    // `2026-01-31T13:04:05.123456Z`
    formatted.ok().and_then(|()| whole.get(11..23)).unwrap_or("--:--:--.---").to_owned()
}

fn level(level: Level, coloured: bool) -> &'static str {
    match (level, coloured) {
        (Level::ERROR, true) => "\x1b[31mERROR\x1b[0m",
        (Level::WARN, true) => "\x1b[33mWARN \x1b[0m",
        (Level::INFO, true) => "\x1b[32mINFO \x1b[0m",
        (Level::DEBUG, true) => "\x1b[34mDEBUG\x1b[0m",
        (Level::TRACE, true) => "\x1b[35mTRACE\x1b[0m",
        (Level::ERROR, false) => "ERROR",
        (Level::WARN, false) => "WARN ",
        (Level::INFO, false) => "INFO ",
        (Level::DEBUG, false) => "DEBUG",
        (Level::TRACE, false) => "TRACE",
    }
}

/// An event's fields, as they stand in the line.
#[derive(Default)]
struct Fields {
    subject: String,
    message: String,
    rest: String,
}

impl Fields {
    /// What a guest, an object or the server wrote does not reach a terminal as it is.
    fn add(&mut self, field: &Field, value: &str) {
        let value = &*visible(value);
        let name = field.name();
        if name == "message" {
            value.clone_into(&mut self.message);
        } else if SUBJECTS.contains(&name) {
            let gap = if self.subject.is_empty() { "" } else { " " };
            self.subject.push_str(gap);
            self.subject.push_str(value);
        } else {
            let quote = if value.is_empty() || value.contains(char::is_whitespace) { "\"" } else { "" };
            // Writing into a String cannot fail.
            write!(self.rest, " {name}={quote}{value}{quote}").unwrap_or_default();
        }
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value);
    }

    /// Every other type ends here: fields given with `%`, numbers, and the message.
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, &format!("{value:?}"));
    }
}
