//! The faults, each with where a real cluster has it from, and how often they come.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// A fault that a real API server, or what lies between it and a client, can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// 429 with `Retry-After`, nothing carried out: priority and fairness (KEP-1040) sheds load, or a watch cache is
    /// not filled yet (KEP-4568). Befalls every request.
    TooManyRequests,
    /// 429 with a text and no `Retry-After`: a proxy or load balancer with a limit of its own. Befalls every request.
    Limited,
    /// 500 with a `Status`, nothing carried out: `etcdserver: leader changed`. Befalls every request.
    InternalError,
    /// 503 with HTML: a load balancer that finds no healthy server. Befalls every request.
    Unavailable,
    /// 504 `ResourceVersionTooLarge`: a replica whose watch cache has not come as far as the version asked for
    /// (kubernetes#94315). Befalls lists and watches that name a version.
    VersionTooLarge,
    /// HTTP 410: the version or continue token asked for is compacted; watches get it so from aggregated servers only
    /// (kube-rs#1042). Befalls lists and watches that name a version or go on with a page.
    Expired,
    /// No connection. Befalls every request.
    Unreachable,
    /// The server restarts: every stream breaks, and nobody can connect for up to 15 s. Drawn at every request.
    Restart,
    /// Carried out, and the connection breaks before the answer: the client cannot know. Befalls every request.
    AnswerLost,
    /// Carried out (or not: the client cannot know), and no answer ever: a peer that is gone without a word.
    AnswerNever,
    /// The answer takes its time: it is of the state when the request came. Befalls every request.
    AnswerLate,
    /// The connection breaks in the middle of the body. Befalls everything but watches.
    BodyCut,
    /// The body stops in the middle and nothing more ever comes (half-open connection). Befalls everything but watches.
    BodySilent,
    /// The bytes come in other pieces than they were sent in, as TCP and HTTP/2 may do. Drawn at every frame.
    Fragmented,
    /// A list that need not be consistent (`resourceVersion` 0, or not older than one named) is answered from an
    /// earlier state that the server really had: another replica, or a watch cache that lags (KEP-2340, kubernetes#59848).
    Stale,
    /// A watch ends cleanly at once: what client-go calls a very short watch (a server about to shut down).
    WatchEndsAtOnce,
    /// A watch ends cleanly before its time: servers end watches as they like.
    WatchEndsEarly,
    /// A watch breaks, with an error or without one (an intermediary closes), in the middle of a line if one comes.
    WatchCut,
    /// A watch that names a version begins with an ERROR event 410: the version has left the watch cache's window.
    WatchExpired,
    /// A running watch ends with an ERROR event 410: the watcher was too slow, or the cache began anew.
    WatchLapsed,
    /// A running watch ends with an ERROR event 500: the watch of etcd behind it broke.
    WatchFailed,
    /// A running watch ends with an ERROR event 429 (client-go's reflector has a rule for it, R13).
    WatchThrottled,
    /// A watch goes silent and stays open: half-open connection, lost NAT entry.
    WatchSilent,
    /// An event and everything after it in its stream comes up to some seconds late. Drawn at every event.
    EventLate,
    /// No event of this resource comes for a while, on any stream, while other resources go on: their watch caches
    /// are independent. Order within the resource is kept. Drawn at every event.
    ResourceHeld,
    /// An event comes twice in a row. Stricter than etcd, which promises not to (api guarantees, "unique"); clients
    /// decide by what they hold, not by the event's type, so it must not matter (client-go's informers). Drawn at every event.
    EventTwice,
    /// A bookmark is left out: the API promises none but the one that ends the initial events (KEP-956). Drawn at
    /// every bookmark.
    BookmarkLost,
    /// 403: the right was taken away. By order only, see [`Faults::forbid`](super::Faults::forbid).
    Forbidden,
}

impl Fault {
    /// What a profile can give a rate.
    const DRAWN: [Self; 27] = [
        Self::TooManyRequests,
        Self::Limited,
        Self::InternalError,
        Self::Unavailable,
        Self::VersionTooLarge,
        Self::Expired,
        Self::Unreachable,
        Self::Restart,
        Self::AnswerLost,
        Self::AnswerNever,
        Self::AnswerLate,
        Self::BodyCut,
        Self::BodySilent,
        Self::Fragmented,
        Self::Stale,
        Self::WatchEndsAtOnce,
        Self::WatchEndsEarly,
        Self::WatchCut,
        Self::WatchExpired,
        Self::WatchLapsed,
        Self::WatchFailed,
        Self::WatchThrottled,
        Self::WatchSilent,
        Self::EventLate,
        Self::ResourceHeld,
        Self::EventTwice,
        Self::BookmarkLost,
    ];
}

impl fmt::Display for Fault {
    /// The name in the code.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{self:?}"))
    }
}

/// How often each fault comes, in thousandths of the requests, streams or events that it can befall.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    name: &'static str,
    rates: BTreeMap<Fault, u16>,
    /// Longest time by which an answer or a held resource is late; none given: 20 s.
    late_max: Option<Duration>,
}

impl Profile {
    /// No fault at all; [`Profile::with`] adds some.
    pub fn none() -> Self {
        Self { name: "none", ..Self::default() }
    }

    /// A bad network between client and server, and a server that does well.
    pub fn network() -> Self {
        let rates = [
            (Fault::Unreachable, 50),
            (Fault::Restart, 3),
            (Fault::AnswerLost, 50),
            (Fault::AnswerNever, 10),
            (Fault::AnswerLate, 100),
            (Fault::BodyCut, 50),
            (Fault::BodySilent, 10),
            (Fault::Fragmented, 300),
            (Fault::WatchCut, 300),
            (Fault::WatchSilent, 80),
            (Fault::EventLate, 50),
        ];
        Self { name: "network", ..Self::of(&rates) }
    }

    /// An overloaded control plane that restarts, lags and forgets, over a good network.
    pub fn server() -> Self {
        let rates = [
            (Fault::TooManyRequests, 60),
            (Fault::Limited, 20),
            (Fault::InternalError, 40),
            (Fault::Unavailable, 30),
            (Fault::VersionTooLarge, 50),
            (Fault::Expired, 50),
            (Fault::Restart, 10),
            (Fault::AnswerLate, 100),
            (Fault::Stale, 300),
            (Fault::WatchEndsAtOnce, 50),
            (Fault::WatchEndsEarly, 200),
            (Fault::WatchExpired, 80),
            (Fault::WatchLapsed, 60),
            (Fault::WatchFailed, 60),
            (Fault::WatchThrottled, 40),
            (Fault::EventLate, 50),
            (Fault::ResourceHeld, 20),
            (Fault::EventTwice, 30),
            (Fault::BookmarkLost, 200),
        ];
        Self { name: "server", ..Self::of(&rates) }
    }

    /// Everything at once, moderately.
    pub fn mixed() -> Self {
        Self { name: "mixed", ..Self::of(&Fault::DRAWN.map(|fault| (fault, Self::mild(fault)))) }
    }

    /// Everything at once, more than any cluster has.
    pub fn storm() -> Self {
        Self { name: "storm", ..Self::of(&Fault::DRAWN.map(|fault| (fault, Self::mild(fault) * 2))) }
    }

    fn mild(fault: Fault) -> u16 {
        match fault {
            Fault::Restart | Fault::AnswerNever | Fault::BodySilent | Fault::ResourceHeld => 8,
            Fault::WatchSilent => 30,
            Fault::WatchEndsEarly | Fault::WatchCut | Fault::Stale | Fault::Fragmented => 120,
            _ => 30,
        }
    }

    fn of(rates: &[(Fault, u16)]) -> Self {
        Self { rates: rates.iter().copied().collect(), ..Self::default() }
    }

    /// The same with another rate, in thousandths, for one fault. [`Fault::Forbidden`] has none.
    #[must_use]
    pub fn with(mut self, fault: Fault, per_thousand: u16) -> Self {
        self.rates.insert(fault, per_thousand);
        self
    }

    /// The same with another bound for how late an answer or an event may be.
    #[must_use]
    pub fn late_max(mut self, late_max: Duration) -> Self {
        self.late_max = Some(late_max);
        self
    }

    /// What it is called.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The rate of a fault, in thousandths.
    pub fn rate(&self, fault: Fault) -> u16 {
        self.rates.get(&fault).copied().unwrap_or_default()
    }

    pub(super) fn longest_delay(&self) -> Duration {
        self.late_max.unwrap_or(Duration::from_secs(20))
    }
}
