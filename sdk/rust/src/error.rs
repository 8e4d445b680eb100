//! What a reconciler fails with, and when it is tried again.

use std::{any::Any, fmt, time::Duration};

use crate::ApiError;
use crate::bindings::windlass::controller::module::{Failure, Retry};

/// The result of everything that may fail in a reconciler.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a run failed. Every `std::error::Error` becomes one by `?`.
///
/// A failed run is tried again with exponential backoff, unless the error says
/// [when](Self::retry_after), or that it is [terminal](Self::terminal): then not until something changes.
/// The API server's `Retry-After` is kept.
///
/// It is no `std::error::Error` itself, for then `?` could not take all of those.
pub struct Error(Box<Inner>);

struct Inner {
    message: String,
    api: Option<ApiError>,
    terminal: bool,
    after: Option<Duration>,
}

impl Error {
    /// A failure that may pass: tried again with backoff.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self(Box::new(Inner { message: message.into(), api: None, terminal: false, after: None }))
    }

    /// A failure that only a change can mend, such as a spec that contradicts itself. Not tried again until
    /// the object or something watched changes.
    #[must_use]
    pub fn terminal(message: impl Into<String>) -> Self {
        let mut error = Self::new(message);
        error.0.terminal = true;
        error
    }

    /// The failure of a call, with what was tried.
    pub(crate) fn of_call(what: fmt::Arguments<'_>, api: ApiError) -> Self {
        let mut error = Self::new(format!("{what}: {}: {}", api.reason, api.message));
        error.0.after = api.retry_after_ms.map(duration_of_ms);
        error.0.api = Some(api);
        error
    }

    /// The same failure, tried again after this long instead of by backoff.
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.0.after = Some(after);
        self.0.terminal = false;
        self
    }

    /// The same failure with what was being done before its text.
    #[must_use]
    pub fn context(mut self, what: impl fmt::Display) -> Self {
        self.0.message = format!("{what}: {}", self.0.message);
        self
    }

    /// The API's answer, if a call failed.
    #[must_use]
    pub fn api(&self) -> Option<&ApiError> {
        self.0.api.as_ref()
    }

    /// Whether a call failed for this reason, such as `Conflict`.
    #[must_use]
    pub fn is(&self, reason: &str) -> bool {
        self.0.api.as_ref().is_some_and(|api| api.reason == reason)
    }

    /// Whether somebody else changed the object in between (or owns the field).
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        self.is("Conflict")
    }

    /// Whether there is no such object.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.is("NotFound")
    }

    /// Whether the object that was to be created exists.
    #[must_use]
    pub fn is_already_exists(&self) -> bool {
        self.is("AlreadyExists")
    }

    /// Whether only a change can mend it.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        self.0.terminal
    }

    /// When it is tried again, if the error says so.
    #[must_use]
    pub fn after(&self) -> Option<Duration> {
        self.0.after
    }

    pub(crate) fn into_failure(self) -> Failure {
        if self.0.terminal {
            return Failure::Terminal(self.0.message);
        }
        let after_ms = self.0.after.map(|after| after.as_secs_f64() * 1000.0);
        Failure::Retry(Retry { message: self.0.message, after_ms })
    }
}

/// A duration from the contract's milliseconds; what is no duration counts as zero.
pub(crate) fn duration_of_ms(ms: f64) -> Duration {
    Duration::try_from_secs_f64(ms / 1000.0).unwrap_or_default()
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

/// The text, as `main` and `unwrap` show it.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        if self.0.terminal { f.write_str(" (terminal)") } else { Ok(()) }
    }
}

impl<E: std::error::Error + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        if let Some(api) = (&error as &dyn Any).downcast_ref::<ApiError>() {
            return Self::of_call(format_args!("the call failed"), api.clone());
        }
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(source) = cause {
            message = format!("{message}: {source}");
            cause = source.source();
        }
        Self::new(message)
    }
}

/// Adds to errors what was being done.
pub trait ResultExt<T> {
    /// Puts `what` before the error's text.
    ///
    /// # Errors
    /// The same as before.
    fn context(self, what: impl fmt::Display) -> Result<T>;
}

impl<T, E: Into<Error>> ResultExt<T> for std::result::Result<T, E> {
    fn context(self, what: impl fmt::Display) -> Result<T> {
        self.map_err(|error| error.into().context(what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conflict() -> ApiError {
        ApiError {
            code: 409,
            reason: "Conflict".into(),
            message: "changed".into(),
            status: None,
            retry_after_ms: Some(250.0),
        }
    }

    #[test]
    fn an_api_error_keeps_its_reason_and_its_delay_through_the_question_mark() {
        let run = || -> Result<()> { Err(conflict())? };
        let error = run().err().map(|error| error.context("saving"));
        let error = error.as_ref();
        assert!(error.is_some_and(Error::is_conflict));
        assert_eq!(error.and_then(Error::after), Some(Duration::from_millis(250)));
        assert_eq!(
            error.map(ToString::to_string).as_deref(),
            Some("saving: the call failed: Conflict: changed")
        );
    }

    #[test]
    fn terminal_and_delayed_errors_become_what_the_contract_has_for_them() {
        assert_eq!(Error::terminal("no").into_failure(), Failure::Terminal("no".into()));
        assert_eq!(
            Error::new("later").retry_after(Duration::from_micros(1500)).into_failure(),
            Failure::Retry(Retry { message: "later".into(), after_ms: Some(1.5) })
        );
    }
}
