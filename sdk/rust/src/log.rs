//! Log lines: `windlass::info!("{} of {} ready", ready, wanted)`. The host adds module, request and trace.
//!
//! With the feature `log`, the macros of the crate `log` come here too. Standard output and panics reach the
//! log without anything.

use std::fmt::Arguments;

use crate::Level;

/// Writes one line with fields that machines may search for.
pub fn write(level: Level, message: &str, fields: &[(&str, &str)]) {
    #[cfg(target_arch = "wasm32")]
    {
        use crate::bindings::windlass::controller::log;
        let fields: Vec<log::Field> = fields
            .iter()
            .map(|(key, value)| log::Field { key: (*key).into(), value: (*value).into() })
            .collect();
        log::write(level, message, &fields);
    }
    #[cfg(not(target_arch = "wasm32"))]
    crate::testing::record_line(level, message, fields);
}

#[doc(hidden)]
pub fn line(level: Level, message: Arguments<'_>) {
    match message.as_str() {
        Some(text) => write(level, text, &[]),
        None => write(level, &message.to_string(), &[]),
    }
}

/// Writes a line at the level `error`.
#[macro_export]
macro_rules! error {
    ($($text:tt)+) => { $crate::log::line($crate::Level::Error, format_args!($($text)+)) };
}

/// Writes a line at the level `warn`.
#[macro_export]
macro_rules! warn {
    ($($text:tt)+) => { $crate::log::line($crate::Level::Warn, format_args!($($text)+)) };
}

/// Writes a line at the level `info`.
#[macro_export]
macro_rules! info {
    ($($text:tt)+) => { $crate::log::line($crate::Level::Info, format_args!($($text)+)) };
}

/// Writes a line at the level `debug`.
#[macro_export]
macro_rules! debug {
    ($($text:tt)+) => { $crate::log::line($crate::Level::Debug, format_args!($($text)+)) };
}

/// Writes a line at the level `trace`.
#[macro_export]
macro_rules! trace {
    ($($text:tt)+) => { $crate::log::line($crate::Level::Trace, format_args!($($text)+)) };
}

/// Sends the lines of the crate `log` here.
#[cfg(feature = "log")]
struct Bridge;

#[cfg(feature = "log")]
impl ::log::Log for Bridge {
    fn enabled(&self, _: &::log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &::log::Record<'_>) {
        let level = match record.level() {
            ::log::Level::Error => Level::Error,
            ::log::Level::Warn => Level::Warn,
            ::log::Level::Info => Level::Info,
            ::log::Level::Debug => Level::Debug,
            ::log::Level::Trace => Level::Trace,
        };
        write(level, &record.args().to_string(), &[("target", record.target())]);
    }

    fn flush(&self) {}
}

/// Makes panics one readable line each, and takes over the lines of other crates.
#[cfg(target_arch = "wasm32")]
pub(crate) fn set_up() {
    #[cfg(feature = "log")]
    if ::log::set_logger(&Bridge).is_ok() {
        ::log::set_max_level(::log::LevelFilter::Trace);
    }
    std::panic::set_hook(Box::new(|panic| match panic.location() {
        Some(at) => crate::error!("panicked at {}:{}: {}", at.file(), at.line(), text_of(panic)),
        None => crate::error!("panicked: {}", text_of(panic)),
    }));
}

#[cfg(target_arch = "wasm32")]
fn text_of<'a>(panic: &'a std::panic::PanicHookInfo<'_>) -> &'a str {
    panic.payload_as_str().unwrap_or("(no message)")
}

/// Nothing to set up in a test: panics are the test's, and lines are recorded.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn set_up() {
    #[cfg(feature = "log")]
    if ::log::set_logger(&Bridge).is_ok() {
        ::log::set_max_level(::log::LevelFilter::Trace);
    }
}
