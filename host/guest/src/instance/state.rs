//! What the host keeps beside one invocation: who runs, its accounts, and what it said last.

use super::memory::{MemoryAccount, Refusal};
use crate::{
    host::{Activity, Caller, Host},
    limits::{BOUNDS, BOUNDS_LEN, Bound, Limits},
    text::plain_cut,
};
use std::{collections::VecDeque, fmt::Display, sync::Arc};
use windlass_core::call::ApiError;

/// The data of an invocation's store.
pub(crate) struct State {
    pub(crate) caller: Arc<Caller>,
    pub(crate) host: Arc<dyn Host>,
    pub(crate) memory: MemoryAccount,
    pub(crate) tally: Tally,
    /// The host function that is at work, for the message of a deadline.
    pub(crate) doing: Option<&'static str>,
    /// Whether the cluster gave an answer that explains a failure of this run.
    pub(crate) explained: bool,
    /// How often each bound was reached.
    reached: [u32; BOUNDS_LEN],
    last_words: LastWords,
}

/// What an invocation has used of its bounds, and what was dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Calls of imports.
    pub host_calls: u32,
    /// Reads that the cache answered.
    pub cached_reads: u32,
    /// Reads that the cache could have answered if it held enough; the server did.
    pub cache_misses: u32,
    /// Reads that the server was asked for, for this reason or another.
    pub server_reads: u32,
    /// Log lines written.
    pub log_lines: u32,
    /// Log lines dropped.
    pub log_lines_dropped: u32,
    /// Kubernetes Events passed on.
    pub events: u32,
    /// Kubernetes Events dropped: too many, malformed, or outside the grant.
    pub events_dropped: u32,
    /// Metric samples passed on.
    pub metric_samples: u32,
    /// Metric samples dropped: too many or malformed.
    pub metric_samples_dropped: u32,
    /// Reads that are followed.
    pub subscriptions: u32,
    /// Reads that were to be followed where there is no request to run again.
    pub subscriptions_dropped: u32,
    /// Random bytes handed out.
    pub random_bytes: usize,
}

/// A bound that ends the run.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Breach {
    /// Which.
    pub(crate) bound: Bound,
    message: String,
}

impl Breach {
    /// `what` says what was too much: `more than 3 calls in one run`.
    pub(crate) fn of(bound: Bound, limits: &Limits, what: impl Display) -> Self {
        Self { bound, message: format!("{what}; {}", limits.hint(bound)) }
    }
}

impl State {
    pub(crate) fn new(caller: Arc<Caller>, host: Arc<dyn Host>) -> Self {
        let memory = MemoryAccount::new(&caller.terms.limits);
        Self {
            caller,
            host,
            memory,
            tally: Tally::default(),
            doing: None,
            explained: false,
            reached: [0; BOUNDS_LEN],
            last_words: LastWords::default(),
        }
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.caller.terms.limits
    }

    pub(crate) fn describing(&self) -> bool {
        self.caller.activity == Activity::Describe
    }

    /// Counts a call of an import; one too many ends the run.
    pub(crate) fn count_call(&mut self, doing: &'static str) -> Result<(), Breach> {
        self.doing = Some(doing);
        self.tally.host_calls += 1;
        let max = self.limits().count(Bound::HostCalls);
        if self.tally.host_calls <= max {
            return Ok(());
        }
        let what = format!(
            "more than {max} host calls in one run; does it ask in a loop for what one list would answer?"
        );
        Err(Breach::of(Bound::HostCalls, self.limits(), what))
    }

    /// Counts that a bound was reached.
    pub(crate) fn reach(&mut self, bound: Bound, times: usize) {
        let reached = &mut self.reached[bound as usize];
        *reached = reached.saturating_add(u32::try_from(times).unwrap_or(u32::MAX));
    }

    /// Tells which bounds were reached, and how often.
    pub(crate) fn tell_reached(&mut self) {
        if let Some(bound) = self.memory.refusal().and_then(Refusal::bound) {
            self.reach(bound, self.memory.refusals() as usize);
        }
        for (bound, count) in BOUNDS.into_iter().zip(std::mem::take(&mut self.reached)) {
            if count > 0 {
                self.host.reached(&self.caller, bound, count);
            }
        }
    }

    /// Escapes text for people and cuts it at the bound for such; counts a cut.
    pub(crate) fn plain(&mut self, text: &str) -> String {
        let (plain, cut) = plain_cut(text, self.limits().size(Bound::LogText));
        self.reach(Bound::LogText, usize::from(cut));
        plain
    }

    /// A call is over; remembers whether its error explains a failure of the run.
    pub(crate) fn answered<R>(&mut self, answer: Result<R, ApiError>) -> Result<R, ApiError> {
        self.doing = None;
        if let Err(error) = &answer {
            self.explained |= error.explains_failure();
        }
        answer
    }

    /// Keeps a warning or error line: panics of guests come as such.
    pub(crate) fn remember(&mut self, line: &str) {
        // Rust's runtime adds advice after a panic, which nobody can follow in a sandbox.
        if !line.starts_with("note: run with `RUST_BACKTRACE=") {
            self.last_words.push(line);
        }
    }

    /// The last lines of warnings and errors, oldest first.
    pub(crate) fn last_words(&self) -> String {
        self.last_words.join()
    }
}

/// The last few lines that a guest wrote at level warn or above; escaped before they come here.
#[derive(Debug, Default)]
struct LastWords {
    lines: VecDeque<String>,
}

impl LastWords {
    /// A panic's text is one to three lines in every language that was tried.
    const LINES_MAX: usize = 4;
    const LINE_BYTES_MAX: usize = 1 << 10;

    fn push(&mut self, line: &str) {
        if self.lines.len() == Self::LINES_MAX {
            self.lines.pop_front();
        }
        let end = line.floor_char_boundary(Self::LINE_BYTES_MAX);
        self.lines.push_back(line[..end].to_owned());
    }

    fn join(&self) -> String {
        self.lines.iter().map(String::as_str).collect::<Vec<_>>().join(" | ")
    }
}
