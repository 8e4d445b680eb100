//! When a call is sent again (H1), and what is said when its answer is lost.

use super::{Settings, Wire, answer::retry_after};
use crate::transport::{Failure, Transport, TransportError};
use bytes::Bytes;
use http::{Method, Response};
use std::time::Duration;
use tokio::time::Instant;
use windlass_core::call::ApiError;

/// First wait before a read is sent again over a new connection; doubles up to [`RESET_WAIT_MAX`].
const RESET_WAIT_MIN: Duration = Duration::from_millis(50);
const RESET_WAIT_MAX: Duration = Duration::from_secs(1);

/// Sends a request, and again where that is safe and was asked for, within the call's time.
pub(super) async fn send(
    transport: &Transport,
    wire: &Wire,
    writes: bool,
    settings: &Settings,
) -> Result<Response<Bytes>, ApiError> {
    let deadline = Instant::now() + settings.timeout;
    let mut attempt = 0;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let sent = transport.exchange(wire.request()?, left, settings.answer_len_max).await;
        let wait = match &sent {
            Ok(answer) => asked_to_wait(answer),
            Err(error) => reset(error, wire, attempt),
        };
        let left = deadline.saturating_duration_since(Instant::now());
        match wait.filter(|wait| attempt < settings.retries_max && *wait < left) {
            Some(wait) => tokio::time::sleep(wait).await,
            None => return sent.map_err(|error| explain(&error, writes)),
        }
        attempt += 1;
    }
}

/// 429 or 5xx with Retry-After: exactly so long.
fn asked_to_wait(answer: &Response<Bytes>) -> Option<Duration> {
    let status = answer.status();
    if status.as_u16() == 429 || status.is_server_error() { retry_after(answer.headers()) } else { None }
}

/// A read over a connection that broke.
fn reset(error: &TransportError, wire: &Wire, attempt: u32) -> Option<Duration> {
    let again = wire.method == Method::GET && error.failure() == Failure::Broken;
    again.then(|| (RESET_WAIT_MIN * 2_u32.saturating_pow(attempt)).min(RESET_WAIT_MAX))
}

fn explain(error: &TransportError, writes: bool) -> ApiError {
    if error.failure() == Failure::TooLarge && !writes {
        return ApiError::host("TooLarge", error.to_string());
    }
    if writes && !error.never_sent() {
        return ApiError::host(
            "OutcomeUnknown",
            format!("{error}; the write may have been carried out: read the object before writing again"),
        );
    }
    ApiError::host("Unavailable", error.to_string())
}
