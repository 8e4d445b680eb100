//! `log`: lines for people, escaped and bounded. Panics of guests arrive here too, as warnings.

use crate::{
    bindings::windlass::controller::log, host::LogLine, instance::State, limits::Bound, text::plain,
};
use windlass_core::fact::LogLevel;

/// Bytes of a field's key.
const KEY_BYTES_MAX: usize = 100;

impl log::Host for State {
    async fn write(
        &mut self,
        level: log::Level,
        message: String,
        fields: Vec<log::Field>,
    ) -> wasmtime::Result<()> {
        let level = level_of(level);
        let message = self.plain(message.trim_end_matches(['\n', '\r']));
        if level >= LogLevel::Warn {
            // Also past the bound: a guest that has logged much may still panic.
            self.remember(&message);
        }
        if self.tally.log_lines >= self.limits().count(Bound::LogLines) {
            self.tally.log_lines_dropped += 1;
            self.reach(Bound::LogLines, 1);
            return Ok(());
        }
        self.tally.log_lines += 1;
        let fields_max = self.limits().size(Bound::LogFields);
        self.reach(Bound::LogFields, fields.len().saturating_sub(fields_max));
        let fields = fields
            .into_iter()
            .take(fields_max)
            .map(|field| (plain(&field.key, KEY_BYTES_MAX), self.plain(&field.value)))
            .collect();
        self.host.log(&self.caller, LogLine { level, message, fields });
        Ok(())
    }
}

fn level_of(level: log::Level) -> LogLevel {
    match level {
        log::Level::Trace => LogLevel::Trace,
        log::Level::Debug => LogLevel::Debug,
        log::Level::Info => LogLevel::Info,
        log::Level::Warn => LogLevel::Warn,
        log::Level::Error => LogLevel::Error,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use crate::testing::Fake;
    use log::Host;

    #[tokio::test]
    async fn lines_are_escaped_bounded_and_what_is_dropped_is_counted() {
        let fake = Fake::default();
        let mut state = fake.state(|terms| terms.limits.set(Bound::LogLines, 2));
        for at in 0..5 {
            let field = log::Field { key: "k\x1b".to_owned(), value: "v\n".to_owned() };
            state.write(log::Level::Warn, format!("line {at}\x07\n"), vec![field]).await.unwrap();
        }
        let lines = fake.lines.lock().unwrap();
        let message = "line 0\\u{7}".to_owned();
        let fields = vec![("k\\u{1b}".to_owned(), "v\\n".to_owned())];
        assert_eq!(lines[0], LogLine { level: LogLevel::Warn, message, fields });
        assert_eq!((lines.len(), state.tally.log_lines_dropped), (2, 3));
        assert!(state.last_words().ends_with("line 4\\u{7}"));
    }
}
