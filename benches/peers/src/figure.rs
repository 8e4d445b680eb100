//! What is measured: under which name, in which unit, and what it should be at most.

use std::env;

/// What a figure of ours should be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Aim {
    /// Shown beside the others.
    None,
    /// At most so much, in the figure's unit.
    AtMost(f64),
    /// At most so much of kube-rs's figure, given as the divisor.
    KubeRsOver(f64),
}

/// One figure. Less is better in all of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    /// `program.what`, the same for all sides.
    pub name: &'static str,
    /// For people.
    pub what: &'static str,
    /// `x` is a factor.
    pub unit: &'static str,
    /// What ours should be.
    pub aim: Aim,
}

const fn figure(name: &'static str, what: &'static str, unit: &'static str, aim: Aim) -> Figure {
    Figure { name, what, unit, aim }
}

/// Bytes that the cache holds.
pub const HELD: Figure = figure("cache.held", "cache: bytes held / bytes of JSON", "x", Aim::AtMost(1.1));
/// The same, as the system sees it.
pub const RESIDENT: Figure = figure("cache.resident", "cache: the same, resident", "x", Aim::None);
/// The first list, by the clock.
pub const FIRST: Figure = figure("cache.first", "first list of all Pods: time", "s", Aim::KubeRsOver(5.0));
/// The first list, by the processor.
pub const FIRST_CPU: Figure =
    figure("cache.first_cpu", "first list of all Pods: processor time", "s", Aim::KubeRsOver(5.0));
/// Memory meanwhile.
pub const FIRST_PEAK: Figure =
    figure("cache.first_peak", "first list of all Pods: peak / held", "x", Aim::AtMost(1.3));
/// A relist that changes nothing, by the processor.
pub const RELIST_CPU: Figure = figure("cache.relist_cpu", "relist: processor time", "s", Aim::None);
/// Memory meanwhile, what was held before included.
pub const RELIST_PEAK: Figure =
    figure("cache.relist_peak", "relist: peak / bytes of JSON", "x", Aim::AtMost(1.3));
/// From the bytes of a watch event to the cache.
pub const EVENT: Figure =
    figure("cache.event", "watch event into the cache: processor time", "us", Aim::AtMost(8.0));
/// With fields that relations and predicates ask for.
pub const EVENT_FOUND: Figure =
    figure("cache.event_found", "the same, three fields and an annotation found", "us", Aim::None);
/// 100 of all by a label.
pub const BY_LABEL: Figure = figure("cache.by_label", "list 100 by label", "us", Aim::AtMost(20.0));
/// 100 of all by their owner.
pub const BY_OWNER: Figure = figure("cache.by_owner", "list 100 by owner", "us", Aim::AtMost(20.0));
/// 100,000 requests in and out.
pub const QUEUE: Figure =
    figure("queue.requests", "100,000 requests through the queue", "s", Aim::AtMost(0.2));
/// By the processor, all threads.
pub const QUEUE_CPU: Figure = figure("queue.cpu", "the same: processor time", "s", Aim::None);
/// The same, measured by `windlass-core` with whole Pods.
pub const QUEUE_PODS: Figure =
    figure("queue.pods", "100,000 changes of whole Pods through it", "s", Aim::AtMost(0.2));
/// A busy host during relists.
pub const LOAD_P99: Figure =
    figure("load.p99", "1,000 changes/s, relists: change to dispatch, p99", "ms", Aim::AtMost(50.0));
/// Memory meanwhile.
pub const LOAD_PEAK: Figure =
    figure("load.peak", "1,000 changes/s, relists: peak / before", "x", Aim::AtMost(1.3));
/// A watch over a connection that goes silent.
pub const HALF_OPEN: Figure =
    figure("half_open.noticed", "half-open watch: until it goes on", "s", Aim::AtMost(30.0));

/// Those of the comparison, in its order.
pub const COMPARED: [Figure; 17] = [
    HELD,
    RESIDENT,
    RELIST_PEAK,
    EVENT,
    EVENT_FOUND,
    FIRST,
    FIRST_CPU,
    FIRST_PEAK,
    RELIST_CPU,
    QUEUE,
    QUEUE_CPU,
    QUEUE_PODS,
    BY_LABEL,
    BY_OWNER,
    LOAD_P99,
    LOAD_PEAK,
    HALF_OPEN,
];

/// In the arguments of each program: figures are told as lines, for `compare` to read, and not as a table.
pub const LINES: &str = "--lines";

/// Whether figures are to be told as lines.
#[must_use]
pub fn as_lines() -> bool {
    env::args().any(|argument| argument == LINES)
}

/// What follows this argument of the program.
#[must_use]
pub fn argument(name: &str) -> Option<String> {
    env::args().skip_while(|argument| argument != name).nth(1)
}

impl Figure {
    /// `side/name`, value and unit, with tabs between.
    #[must_use]
    pub fn line(&self, side: &str, value: f64) -> String {
        format!("{side}/{}\t{value}\t{}", self.name, self.unit)
    }
}

/// Three digits at least, as people read them.
#[must_use]
pub fn short(value: f64) -> String {
    match value {
        _ if value >= 100.0 => format!("{value:.0}"),
        _ if value >= 10.0 => format!("{value:.1}"),
        _ if value >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// The one in the middle; the upper one of two.
#[must_use]
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
