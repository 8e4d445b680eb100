//! Facts as log lines: for people by default, as JSON by setting.
//!
//! Targets tell the lines apart in a filter: `windlass::module`, `windlass::watch`, `windlass::run`, `windlass::call`,
//! `windlass::guest`, `windlass::host`. A run that went well is a `debug` line, everything else of note is `info` or
//! more.

mod readable;
#[cfg(test)]
mod tests;

use super::Observer;
use readable::Readable;
use std::{
    fmt,
    io::{self, IsTerminal as _},
    time::Duration,
};
use tracing::{debug, error, info, trace, warn};
use tracing_subscriber::{EnvFilter, util::SubscriberInitExt as _};
use windlass_core::{
    fact::{Fact, LogLevel, Reason, RunEnded},
    fight::FightStage,
    name::ModuleName,
    outcome::Outcome,
    quarantine::{Stage, Standing},
};
use windlass_guest::{
    limits::{Bound, Effect},
    text::visible_json,
};

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Readable,
    /// One JSON object a line.
    Json,
}

/// What is logged and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// How lines look.
    pub format: LogFormat,
    /// `tracing`'s filter syntax: `info`, `info,windlass::run=debug`.
    pub filter: String,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { format: LogFormat::Readable, filter: "info".to_owned() }
    }
}

/// Logging cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Not `tracing`'s syntax.
    #[error(
        "the log filter `{filter}` cannot be read; write a level (`info`) or levels by target (`info,windlass::run=debug`)"
    )]
    Filter {
        /// As it was given.
        filter: String,
        /// What is wrong with it.
        #[source]
        source: tracing_subscriber::filter::ParseError,
    },
    /// Something else logs in this process.
    #[error("logging is set up already in this process")]
    AlreadyInstalled(#[source] tracing_subscriber::util::TryInitError),
}

/// Sends the log of this process to standard error.
///
/// # Errors
/// The filter cannot be read, or logging is set up already.
pub fn install_log(settings: &LogSettings) -> Result<(), LogError> {
    let filter = EnvFilter::try_new(&settings.filter)
        .map_err(|source| LogError::Filter { filter: settings.filter.clone(), source })?;
    // Colours are for a terminal, and only where it does not ask for none.
    let coloured = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|no| no.is_empty());
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(coloured);
    let installed = match settings.format {
        LogFormat::Readable => lines.with_writer(io::stderr).event_format(Readable).finish().try_init(),
        LogFormat::Json => {
            let lines = lines.with_writer(|| VisibleJson(io::stderr())).json().flatten_event(true);
            lines.finish().try_init()
        }
    };
    installed.map_err(LogError::AlreadyInstalled)
}

/// Escapes in JSON lines what JSON itself lets through and a terminal obeys. Each write is a whole line.
struct VisibleJson<W>(W);

impl<W: io::Write> io::Write for VisibleJson<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.write_all(visible_json(&String::from_utf8_lossy(line)).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Tells facts to `tracing`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Log;

impl Observer for Log {
    fn fact(&self, fact: &Fact) {
        match fact {
            Fact::RunEnded(run) => run_ended(run),
            Fact::CallAnswered { .. } | Fact::WriteSpared { .. } | Fact::CallRefused { .. } => call(fact),
            Fact::GuestLog { .. } => guest_log(fact),
            Fact::WatchSynced { .. } | Fact::WatchFailed { .. } | Fact::KindAbsent { .. } => watch(fact),
            Fact::BoundReached { module, bound, count } => bound_reached(module, bound, *count),
            Fact::TargetsFailed { module, controller, watch, message } => {
                warn!(target: "windlass::run", %module, %controller, %watch, "{message}; asked again later");
            }
            Fact::Dropped { bound, count } => {
                warn!(target: "windlass::host", bound, count, "a bound was reached and something was dropped");
            }
            Fact::Fight(fight) if fight.stage == FightStage::Over => {
                info!(target: "windlass::fight", "{fight}")
            }
            Fact::Fight(fight) => warn!(target: "windlass::fight", "{fight}"),
            Fact::Leadership { leading: true, .. } => {
                info!(target: "windlass::host", "this host leads and runs the modules");
            }
            Fact::Leadership { leading: false, holder } => {
                let holder = holder.as_deref().unwrap_or("nobody");
                info!(target: "windlass::host", holder, "this host waits for the lease");
            }
            _ => module(fact),
        }
    }
}

/// What ends a run or refuses a call is told with the run or to the guest; only what is left out would pass unseen.
pub(super) fn bound_reached(module: &ModuleName, bound: &str, count: u32) {
    let effect = Bound::of_field(bound).map(|bound| bound.row().effect);
    if effect == Some(Effect::Drops) {
        warn!(target: "windlass::guest", %module, count, "the limit `{bound}` was reached and something left out; spec.limits.{bound} raises it");
    } else {
        debug!(target: "windlass::guest", %module, count, "the limit `{bound}` was reached; spec.limits.{bound} raises it");
    }
}

fn standing_of(module: &ModuleName, standing: &Standing) {
    let Standing { stage, failures, message } = standing;
    match stage {
        Stage::Free => info!(target: "windlass::module", %module, "module runs as it likes again"),
        Stage::Slowed => {
            warn!(target: "windlass::module", %module, failures, "module is slowed: all its runs fail: {message}");
        }
        Stage::Quarantined => {
            error!(target: "windlass::module", %module, failures, "module is in quarantine and runs once a minute: all its runs fail: {message}");
        }
    }
}

fn module(fact: &Fact) {
    match fact {
        Fact::ModuleOffered { module, digest } => {
            info!(target: "windlass::module", %module, digest = %digest.short(), "module seen");
        }
        Fact::ModuleRejected { module, reason } => {
            error!(target: "windlass::module", %module, "module rejected: {reason}");
        }
        Fact::ModuleWaiting { module, reason } => {
            warn!(target: "windlass::module", %module, "module waits: {reason}");
        }
        Fact::ModuleServing { module, digest, generation, took } => {
            let (digest, generation, took) = (digest.short(), generation.0, Took(*took));
            info!(target: "windlass::module", %module, %digest, generation, %took, "module serves");
        }
        Fact::ModuleRolledBack { module, bad, good, reason } => {
            let (bad, good) = (bad.short(), good.short());
            error!(target: "windlass::module", %module, %bad, %good, "module goes back to its earlier version: {reason}");
        }
        Fact::ModuleStanding { module, standing } => standing_of(module, standing),
        Fact::ModuleAsleep { module } => {
            debug!(target: "windlass::module", %module, "module sleeps");
        }
        Fact::ModuleWoken { module, took, compiled: false } => {
            let took = Took(*took);
            debug!(target: "windlass::module", %module, %took, "module woke");
        }
        Fact::ModuleWoken { module, took, compiled: true } => {
            let took = Took(*took);
            warn!(target: "windlass::module", %module, %took, "module woke: its compiled code was gone or void, so it was compiled again");
        }
        Fact::ModuleNotWoken { module, reason, retry_in } => {
            let retry_in = Took(*retry_in);
            error!(target: "windlass::module", %module, %retry_in, "{reason}");
        }
        Fact::ModuleWithdrawn { module } => info!(target: "windlass::module", %module, "module taken out"),
        _ => {}
    }
}

fn watch(fact: &Fact) {
    match fact {
        Fact::WatchSynced { kind, objects } => {
            info!(target: "windlass::watch", %kind, objects, "watch in step");
        }
        Fact::WatchFailed { kind, reason, retry_in } => {
            let retry_in = Took(*retry_in);
            warn!(target: "windlass::watch", %kind, %retry_in, "watch failed: {reason}");
        }
        Fact::KindAbsent { kind } => {
            warn!(target: "windlass::watch", %kind, "the API server does not serve this kind; waiting for its CRD");
        }
        _ => {}
    }
}

fn call(fact: &Fact) {
    match fact {
        Fact::CallAnswered { request, verb, kind, name, subresource, error, changed, took } => {
            let (controller, took) = (&request.controller, Took(*took));
            let part = Subresource(subresource.as_deref());
            match error {
                None if !changed => {
                    debug!(target: "windlass::call", %controller, request = %request.name, %took, "{verb} {kind} {name}{part} changed nothing");
                }
                None => {
                    info!(target: "windlass::call", %controller, request = %request.name, %took, "{verb} {kind} {name}{part}");
                }
                Some(error) => {
                    warn!(target: "windlass::call", %controller, request = %request.name, %took, "{verb} {kind} {name}{part} failed: {error}");
                }
            }
        }
        Fact::WriteSpared { request, verb, kind, name, subresource } => {
            let (controller, part) = (&request.controller, Subresource(subresource.as_deref()));
            debug!(target: "windlass::call", %controller, request = %request.name, "{verb} {kind} {name}{part}: unchanged, not sent");
        }
        // Further ones of the kind are counted in the metrics.
        Fact::CallRefused { module, reason, first: true } => {
            warn!(target: "windlass::call", %module, "call refused: {reason}");
        }
        _ => {}
    }
}

fn run_ended(run: &RunEnded) {
    let (controller, request) = (&run.request.controller, &run.request.name);
    let (reason, took, cpu, waited) = (Why(&run.reason), Took(run.took), Took(run.cpu), Took(run.waited));
    let (calls, outcome) = (run.calls, run.outcome.label());
    match &run.outcome {
        Outcome::Done | Outcome::Abandoned => {
            debug!(target: "windlass::run", %controller, %request, %reason, outcome, %took, %cpu, %waited, calls, "run");
        }
        Outcome::RequeueAfter(after) => {
            let after = Took(*after);
            debug!(target: "windlass::run", %controller, %request, %reason, outcome, %after, %took, %cpu, %waited, calls, "run");
        }
        Outcome::Retry { message, .. } => {
            warn!(target: "windlass::run", %controller, %request, %reason, outcome, %took, %cpu, %waited, calls, "run failed: {message}");
        }
        Outcome::Terminal { message, .. } => {
            error!(target: "windlass::run", %controller, %request, %reason, outcome, %took, %cpu, %waited, calls, "run failed, not tried again until something changes: {message}");
        }
        Outcome::Trapped(trap) => {
            let (kind, frames) = (trap.kind.as_str(), trap.frames.join(" < "));
            error!(target: "windlass::run", %controller, %request, %reason, outcome, kind, %took, %cpu, %waited, calls, frames, "instance died: {}", trap.message);
        }
    }
}

fn guest_log(fact: &Fact) {
    let Fact::GuestLog { request, module, level, message, fields } = fact else { return };
    let request = For(request.as_ref());
    let fields = Fields(fields);
    match level {
        LogLevel::Trace => trace!(target: "windlass::guest", %module, %request, "{message}{fields}"),
        LogLevel::Debug => debug!(target: "windlass::guest", %module, %request, "{message}{fields}"),
        LogLevel::Info => info!(target: "windlass::guest", %module, %request, "{message}{fields}"),
        LogLevel::Warn => warn!(target: "windlass::guest", %module, %request, "{message}{fields}"),
        LogLevel::Error => error!(target: "windlass::guest", %module, %request, "{message}{fields}"),
    }
}

/// A time with the precision that people read: three digits.
struct Took(Duration);

impl fmt::Display for Took {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_micros() {
            micros @ 0..1000 => write!(f, "{micros}µs"),
            micros @ 1000..10_000 => write!(f, "{:.1}ms", micros as f64 / 1e3),
            micros @ 10_000..1_000_000 => write!(f, "{}ms", micros / 1000),
            micros => write!(f, "{:.1}s", micros as f64 / 1e6),
        }
    }
}

/// Why a run was made, in words.
struct Why<'a>(&'a Reason);

impl fmt::Display for Why<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Reason::Changed => f.write_str("it changed"),
            Reason::Appeared => f.write_str("it appeared"),
            Reason::Gone => f.write_str("it is gone"),
            Reason::Related { watch, kind, name } => write!(f, "{kind} {name} changed ({watch})"),
            Reason::Overflowed => f.write_str("the queue was full when it changed"),
            Reason::Followed { kind, name: Some(name) } => write!(f, "{kind} {name} changed, which it reads"),
            Reason::Followed { kind, name: None } => write!(f, "a list of {kind} that it reads changed"),
            Reason::Requeued => f.write_str("it asked to run again"),
            Reason::Retried => f.write_str("the run before failed"),
            Reason::Resync => f.write_str("resync"),
            Reason::Reloaded => f.write_str("the module was replaced"),
            Reason::Asked => f.write_str("an operator asked"),
        }
    }
}

/// `/status`, or nothing.
struct Subresource<'a>(Option<&'a str>);

impl fmt::Display for Subresource<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |subresource| write!(f, "/{subresource}"))
    }
}

/// The request that a guest's line is about, or that it describes itself.
struct For<'a>(Option<&'a windlass_core::name::Request>);

impl fmt::Display for For<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(request) => write!(f, "{request}"),
            None => f.write_str("describe"),
        }
    }
}

/// A guest's own fields: ` key=value`. Their names are not known when the host is built, so they go with the text.
struct Fields<'a>(&'a [(String, String)]);

impl fmt::Display for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(name, value)| write!(f, " {name}={value}"))
    }
}
