//! What people do wrong, and what they are told: the thing, the place, the next step. The other modules go on.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[path = "bad_input/files.rs"]
mod files;
#[path = "bad_input/places.rs"]
mod places;

/// Asserts that a message says all of this.
#[track_caller]
fn says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in:\n{message}");
    }
}

/// An error as the command line shows it: with its causes.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
