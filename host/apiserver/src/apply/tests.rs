//! Cases of ownership.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]
