//! From what a guest returned to what the queue understands.

use super::TargetsError;
use crate::{
    bindings::windlass::controller::{
        module::{self, Failure},
        types,
    },
    limits::{Bound, Limits},
    text::plain,
};
use std::time::Duration;
use windlass_core::{name::ObjectName, outcome::Outcome};

/// Bytes of a failure's message.
const MESSAGE_BYTES_MAX: usize = 4 << 10;
/// A hundred years: longer waits are as good as "until something changes".
const WAIT_MAX: Duration = Duration::from_secs(100 * 365 * 86_400);

/// A reconcile's result. `explained`: an answer of the cluster in this run explains a failure.
pub(super) fn of_result(result: Result<module::Outcome, Failure>, explained: bool) -> Outcome {
    let wrong = |what: &str, ms: f64| Outcome::Retry {
        message: format!("the reconciler asked for {what} after {ms} ms, which is no time to wait"),
        after: None,
        explained: false,
    };
    match result {
        Ok(module::Outcome::Done) => Outcome::Done,
        Ok(module::Outcome::RequeueAfterMs(ms)) => {
            wait(ms).map_or_else(|| wrong("a requeue", ms), Outcome::RequeueAfter)
        }
        Err(Failure::Terminal(message)) => {
            Outcome::Terminal { message: plain(&message, MESSAGE_BYTES_MAX), explained }
        }
        Err(Failure::Retry(retry)) => {
            let message = plain(&retry.message, MESSAGE_BYTES_MAX);
            match retry.after_ms.map(|ms| wait(ms).ok_or(ms)) {
                None => Outcome::Retry { message, after: None, explained },
                Some(Ok(after)) => Outcome::Retry { message, after: Some(after), explained },
                Some(Err(ms)) => wrong("a retry", ms),
            }
        }
    }
}

/// The answer of `targets`, which must have one list for each change.
pub(super) fn of_targets(
    result: Result<Vec<Vec<types::ObjectName>>, Failure>,
    changes: usize,
    limits: &Limits,
) -> Result<Vec<Vec<ObjectName>>, TargetsError> {
    let lists = result.map_err(|failure| match failure {
        Failure::Retry(module::Retry { message, .. }) | Failure::Terminal(message) => {
            TargetsError::Failed(plain(&message, MESSAGE_BYTES_MAX))
        }
    })?;
    if lists.len() != changes {
        let answered = lists.len();
        return Err(TargetsError::Unfit(format!("{changes} changes were asked and {answered} lists came")));
    }
    let per_change_max = limits.size(Bound::TargetsPerChange);
    if let Some(long) = lists.iter().map(Vec::len).find(|length| *length > per_change_max) {
        let hint = limits.hint(Bound::TargetsPerChange);
        return Err(TargetsError::TooMany(format!("one change leads to {long} objects; {hint}")));
    }
    if let Some(no_name) = lists.iter().flatten().find(|name| !is_named(name)) {
        let namespace = no_name.namespace.as_deref().unwrap_or_default();
        let text = plain(&format!("{namespace}/{}", no_name.name), 200);
        return Err(TargetsError::Unfit(format!("`{text}` is no name of an object")));
    }
    let name = |name: types::ObjectName| ObjectName {
        namespace: name.namespace.filter(|namespace| !namespace.is_empty()).map(Into::into),
        name: name.name.into(),
    };
    Ok(lists.into_iter().map(|list| list.into_iter().map(name).collect()).collect())
}

/// Whether an object could have this name: it goes into logs and, with the next read, into a path.
fn is_named(name: &types::ObjectName) -> bool {
    let segment = |text: &str| {
        text.len() <= 253
            && !matches!(text, "." | "..")
            && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"/%?#\\".contains(&byte))
    };
    !name.name.is_empty() && segment(&name.name) && name.namespace.as_deref().is_none_or(segment)
}

fn wait(ms: f64) -> Option<Duration> {
    if !ms.is_finite() || ms < 0.0 {
        return None;
    }
    Some(Duration::try_from_secs_f64(ms / 1_000.0).map_or(WAIT_MAX, |wait| wait.min(WAIT_MAX)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn a_wait_that_is_no_time_is_a_failure_and_a_very_long_one_is_cut() {
        for ms in [f64::NAN, f64::INFINITY, -1.0] {
            let outcome = of_result(Ok(module::Outcome::RequeueAfterMs(ms)), true);
            assert!(matches!(outcome, Outcome::Retry { explained: false, .. }), "{ms}: {outcome:?}");
        }
        for (ms, want) in [(0.0, Duration::ZERO), (1.5, Duration::from_micros(1_500)), (1e300, WAIT_MAX)] {
            assert_eq!(
                of_result(Ok(module::Outcome::RequeueAfterMs(ms)), false),
                Outcome::RequeueAfter(want)
            );
        }
    }

    #[test]
    fn what_the_guest_says_is_escaped() {
        let outcome = of_result(Err(Failure::Terminal("\x1b[31mred".to_owned())), false);
        assert_eq!(outcome, Outcome::Terminal { message: "\\u{1b}[31mred".to_owned(), explained: false });
    }

    #[test]
    fn targets_must_answer_every_change() {
        let one = || types::ObjectName { namespace: Some("a".to_owned()), name: "b".to_owned() };
        let mut limits = Limits::default();
        limits.set(Bound::TargetsPerChange, 1);
        let named = Ok(vec![vec![ObjectName::namespaced("a", "b")]]);
        assert_eq!(of_targets(Ok(vec![vec![one()]]), 1, &limits), named);
        assert!(matches!(of_targets(Ok(vec![]), 1, &limits), Err(TargetsError::Unfit(_))));
        assert!(matches!(
            of_targets(Ok(vec![vec![one(), one()]]), 1, &limits),
            Err(TargetsError::TooMany(_))
        ));
        for (namespace, name) in
            [("a", ""), ("a", ".."), ("a", "b/c"), ("..", "b"), ("a", "\x1b[2J"), ("a%2f", "b")]
        {
            let odd = types::ObjectName { namespace: Some(namespace.to_owned()), name: name.to_owned() };
            let error = of_targets(Ok(vec![vec![odd]]), 1, &limits).unwrap_err().to_string();
            assert!(error.contains("no name of an object") && !error.contains('\x1b'), "{error}");
        }
    }
}
