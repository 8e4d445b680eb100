//! What a request is, as far as faults go by it, and what befalls it.

use std::time::Duration;

use tokio::time::Instant;

use super::random::Draws;
use super::{Fault, Faults};
use crate::chain::RequestInfo;
use crate::query::Query;

/// A request.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    /// `list configmaps`, `watch deployments.apps`, `get /apis`: what draws are for.
    pub(super) subject: String,
    /// `configmaps`, `deployments.apps`; the path where it is none.
    pub(super) resource: String,
    verb: &'static str,
    /// The version that is named, if it is one.
    pub(super) version: Option<u64>,
    /// Whether a list goes on with a page.
    continues: bool,
    /// The version must be this very one.
    exact: bool,
}

impl Asked {
    pub(super) fn of<B>(request: &http::Request<B>) -> Self {
        let query = Query::parse(request.uri().query());
        let path = request.uri().path();
        let info = RequestInfo::parse(request.method(), path, query.flag("watch"), None);
        let resource = match (info.is_resource, info.group.is_empty()) {
            (true, true) => info.resource,
            (true, false) => format!("{}.{}", info.resource, info.group),
            (false, _) => path.to_owned(),
        };
        Self {
            subject: format!("{} {resource}", info.verb),
            resource,
            verb: info.verb,
            version: query.get("resourceVersion").parse().ok().filter(|version| *version > 0),
            continues: !query.get("continue").is_empty(),
            exact: query.get("resourceVersionMatch") == "Exact",
        }
    }

    pub(super) fn is_watch(&self) -> bool {
        self.verb == "watch"
    }

    /// Whether an answer from an earlier state is a right answer: the version may be any, or any from one on.
    pub(super) fn may_be_stale(&self, query: &Query) -> bool {
        let any = query.get("resourceVersion") == "0";
        let from = self.version.is_some() && query.get("resourceVersionMatch") == "NotOlderThan";
        self.verb == "list" && !self.continues && (any || from)
    }

    /// Whether a fault of the refusing sort can befall the request.
    fn can_be_refused_by(&self, fault: Fault) -> bool {
        let in_time = self.is_watch() || self.verb == "list";
        match fault {
            Fault::VersionTooLarge => in_time && self.version.is_some() && !self.exact,
            Fault::Expired => in_time && (self.version.is_some() || self.continues),
            Fault::WatchExpired => self.is_watch() && self.version.is_some(),
            Fault::WatchEndsAtOnce => self.is_watch(),
            _ => true,
        }
    }
}

/// Faults that come in place of the server's answer, in the order of the draws.
const INSTEAD: [Fault; 9] = [
    Fault::Unreachable,
    Fault::TooManyRequests,
    Fault::Limited,
    Fault::InternalError,
    Fault::Unavailable,
    Fault::VersionTooLarge,
    Fault::Expired,
    Fault::WatchExpired,
    Fault::WatchEndsAtOnce,
];

/// What befalls a running watch in the end.
#[derive(Debug, Clone)]
pub(super) struct Ending {
    pub(super) fault: Fault,
    pub(super) at: Instant,
    /// Whether a cut is an error to the client, or looks like an end.
    pub(super) with_error: bool,
}

const ENDINGS: [Fault; 6] = [
    Fault::WatchEndsEarly,
    Fault::WatchCut,
    Fault::WatchLapsed,
    Fault::WatchFailed,
    Fault::WatchThrottled,
    Fault::WatchSilent,
];

/// A watch that is to end early ends within this.
const ENDING_MAX: Duration = Duration::from_secs(60);
/// Longest time without a server at a restart.
const DOWN_MAX: Duration = Duration::from_secs(15);

impl Faults {
    /// The fault that comes in place of the answer. Each fault takes one draw, struck or not.
    pub(super) fn instead(&self, asked: &Asked, draws: &mut Draws) -> Option<Fault> {
        let down = draws.time(Duration::from_secs(1), DOWN_MAX);
        if self.strikes(draws, Fault::Restart, asked) {
            self.restart(down);
        }
        let drawn = INSTEAD.map(|fault| draws.happens(self.profile().rate(fault)));
        if self.is_down() {
            self.note(Fault::Unreachable, asked);
            return Some(Fault::Unreachable);
        }
        let struck =
            INSTEAD.iter().zip(drawn).find(|(fault, drawn)| *drawn && asked.can_be_refused_by(**fault));
        let fault = match struck {
            Some((fault, _)) if !self.is_stopped() => *fault,
            _ if self.forbids(asked) => Fault::Forbidden,
            _ => return None,
        };
        self.note(fault, asked);
        Some(fault)
    }

    /// How a watch ends before its time, if it does. Noted when it happens.
    pub(super) fn ending(&self, draws: &mut Draws) -> Option<Ending> {
        let drawn = ENDINGS.map(|fault| draws.happens(self.profile().rate(fault)));
        let at = Instant::now() + draws.time(Duration::from_millis(1), ENDING_MAX);
        let with_error = draws.happens(700);
        let (fault, _) = ENDINGS.iter().zip(drawn).find(|(_, drawn)| *drawn)?;
        Some(Ending { fault: *fault, at, with_error })
    }
}
