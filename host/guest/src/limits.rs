//! The bounds of a module, in one table. From it come the fields of `spec.limits` with their defaults and ranges, the
//! operator's maxima, what a module is told when it reaches one, the label of `windlass_bound_reached_total`, and the
//! page `docs/limits.md`.

mod page;

pub use page::page;

use std::{fmt, time::Duration};
use windlass_core::quantity::{format_bytes, format_duration, parse_bytes, parse_duration};

/// The option of the command line that sets a maximum; messages name it.
pub const MAXIMUM_FLAG: &str = "limit-max";
/// The option of the command line that sets what holds where a manifest says nothing.
pub const DEFAULT_FLAG: &str = "limit-default";

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;

/// How the value of a bound is written, and what it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes, as a Kubernetes quantity: `64Mi`.
    Bytes,
    /// A time, in Go's form: `1m30s`. Held in nanoseconds.
    Time,
    /// A whole number.
    Count,
    /// A whole number for each second.
    PerSecond,
}

/// What happens where a bound is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The run ends; its request is tried again with backoff.
    EndsRun,
    /// The call is refused, and the guest may go on.
    Refuses,
    /// What is above it is left out.
    Drops,
    /// It waits for its turn.
    Waits,
}

/// One line of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The field of `spec.limits`, and the value of the metric's label.
    pub field: &'static str,
    /// How its value is written.
    pub unit: Unit,
    /// What holds where neither manifest nor operator says anything.
    pub default: u64,
    /// A lower value makes no sense.
    pub least: u64,
    /// What a manifest may ask for unless the operator says otherwise.
    pub maximum: u64,
    /// No operator can allow more.
    pub most: u64,
    /// What happens there.
    pub effect: Effect,
    /// What is bounded; a sentence.
    pub what: &'static str,
}

/// Makes the list of names and the table out of one text, so that they cannot differ.
macro_rules! bounds {
    ($($(#[doc = $what:literal])+ $name:ident: $field:literal, $unit:ident,
        $default:expr, from $least:expr, to $maximum:expr, at_most $most:expr, $effect:ident;)+) => {
        /// A bound of [`TABLE`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Bound {
            $($(#[doc = $what])+ $name,)+
        }

        /// All bounds, in the order of [`Bound`].
        pub const TABLE: [Row; BOUNDS_LEN] = [$(Row {
            field: $field,
            unit: Unit::$unit,
            default: $default,
            least: $least,
            maximum: $maximum,
            most: $most,
            effect: Effect::$effect,
            what: concat!($($what),+),
        },)+];

        /// The fields of `spec.limits`.
        pub const FIELDS: &[&str] = &[$($field,)+];

        /// Every bound.
        pub const BOUNDS: [Bound; BOUNDS_LEN] = [$(Bound::$name,)+];

        /// How many there are.
        pub const BOUNDS_LEN: usize = [$($field,)+].len();
    };
}

bounds! {
    // Rust and C guests need 128 KiB, Go 8 MiB, Python 13 MiB (measured); the rest is room for objects.
    /// Linear memory of a run, all its instances together.
    Memory: "memory", Bytes, 64 * MIB, from MIB, to 256 * MIB, at_most 4 * GIB, Refuses;
    // Go and Python have some thousands of functions in their tables.
    /// Elements of all tables of a run together.
    TableElements: "tableElements", Count, 40_000, from 1, to 80_000, at_most 1_000_000, Refuses;
    // The guest's, that of the shims wit-component makes, and two in reserve.
    /// Tables of a run.
    Tables: "tables", Count, 4, from 1, to 4, at_most 64, EndsRun;
    // The guest's, an adapter's, and one in reserve.
    /// Linear memories of a run.
    Memories: "memories", Count, 3, from 1, to 3, at_most 16, EndsRun;
    // Rust makes 3, Go 4; Python's libraries are some hundred core modules.
    /// Core instances of a run.
    Instances: "instances", Count, 200, from 1, to 200, at_most 2_000, EndsRun;
    /// Processor time of a run, host functions included, waiting excluded.
    CpuPerRun: "cpuPerRun", Time, SECOND, from MS, to 60 * SECOND, at_most 3_600 * SECOND, EndsRun;
    /// From the start of a run to its end, waiting included.
    Deadline: "deadline", Time, 30 * SECOND, from 10 * MS, to 600 * SECOND, at_most 86_400 * SECOND, EndsRun;
    /// Calls of a run into the host that reach its state: objects, events, randomness.
    HostCalls: "hostCalls", Count, 1_000, from 1, to 100_000, at_most 10_000_000, EndsRun;
    // An object of Kubernetes is at most 1.5 MiB (etcd's request limit); JSON escapes may double it.
    /// Bytes of one object or patch that a call hands to the host; twice that and 64Ki is all that one call may hand over.
    Payload: "payload", Bytes, 4 * MIB, from KIB, to 8 * MIB, at_most 64 * MIB, Refuses;
    /// Bytes that the answer to one call hands to the guest.
    Reply: "reply", Bytes, 8 * MIB, from KIB, to 32 * MIB, at_most 256 * MIB, Refuses;
    /// Objects on one page of a list; the page's token leads on.
    ListItems: "listItems", Count, 10_000, from 1, to 50_000, at_most 1_000_000, Drops;
    /// Server calls that one page of a list may become where the grant names namespaces; the page's token leads on.
    NamespacesPerList: "namespacesPerList", Count, 50, from 1, to 500, at_most 10_000, Drops;
    // The contract has no resources; a guest's own ones are all that need handles.
    /// Handles of resources that a run holds.
    Handles: "handles", Count, 1_000, from 1, to 10_000, at_most 1_000_000, EndsRun;
    /// Random bytes of a run.
    RandomBytes: "randomBytes", Bytes, 64 * KIB, from 16, to MIB, at_most 16 * MIB, EndsRun;
    /// Log lines of a run.
    LogLines: "logLines", Count, 200, from 0, to 10_000, at_most 1_000_000, Drops;
    /// Bytes of a log line's message and of one field's value.
    LogText: "logText", Bytes, 4 * KIB, from 64, to 64 * KIB, at_most MIB, Drops;
    /// Fields of one log line, and labels of one metric.
    LogFields: "logFields", Count, 32, from 0, to 64, at_most 256, Drops;
    /// Kubernetes Events of a run.
    Events: "events", Count, 50, from 0, to 500, at_most 10_000, Drops;
    /// Samples of its own metrics that a run may give.
    MetricSamples: "metricSamples", Count, 500, from 0, to 10_000, at_most 1_000_000, Drops;
    /// Time series of a module's own metrics: each set of label values is one.
    MetricSeries: "metricSeries", Count, 500, from 0, to 5_000, at_most 100_000, Drops;
    /// Reads that a run may follow with `subscribe`.
    Subscriptions: "subscriptions", Count, 100, from 0, to 1_000, at_most 10_000, Refuses;
    /// Objects to reconcile that `targets` may name for one change.
    TargetsPerChange: "targetsPerChange", Count, 1_000, from 1, to 10_000, at_most 1_000_000, Refuses;
    /// Runs of a module at a time, all its controllers together.
    Runs: "runs", Count, 32, from 1, to 256, at_most 10_000, Waits;
    /// Writes that a module sends to the API server, with one second's worth in reserve; a run that would wait past its deadline is refused the write.
    WritesPerSecond: "writesPerSecond", PerSecond, 1_000, from 1, to 10_000, at_most 1_000_000, Waits;
}

impl Bound {
    /// Its line of the table.
    #[must_use]
    pub const fn row(self) -> &'static Row {
        const ROWS: &[Row; BOUNDS_LEN] = &TABLE;
        &ROWS[self as usize]
    }

    /// The bound of a field of `spec.limits`.
    #[must_use]
    pub fn of_field(field: &str) -> Option<Self> {
        BOUNDS.into_iter().find(|bound| bound.row().field == field)
    }

    /// Reads a value within the bound's range.
    ///
    /// # Errors
    /// How a value is written, or between what it lies.
    pub fn parse(self, text: &str) -> Result<u64, String> {
        let row = self.row();
        let value = match row.unit {
            Unit::Bytes => parse_bytes(text)?,
            Unit::Time => u64::try_from(parse_duration(text)?.as_nanos()).unwrap_or(u64::MAX),
            Unit::Count | Unit::PerSecond => {
                text.parse().map_err(|_| "it is a whole number, such as `100`".to_owned())?
            }
        };
        if (row.least..=row.most).contains(&value) {
            return Ok(value);
        }
        Err(format!("it goes from {} to {}", self.show(row.least), self.show(row.most)))
    }

    /// Reads `FIELD=VALUE`, as the command line takes it.
    ///
    /// # Errors
    /// What is wrong, and what to write instead.
    pub fn parse_setting(text: &str) -> Result<(Self, u64), String> {
        let Some((field, value)) = text.split_once('=') else {
            return Err("a limit is written like `memory=128Mi`".to_owned());
        };
        let Some(bound) = Self::of_field(field.trim()) else {
            return Err(format!("there is no limit `{field}`; the limits are {}", FIELDS.join(", ")));
        };
        bound.parse(value.trim()).map(|value| (bound, value)).map_err(|why| format!("{field}: {why}"))
    }

    /// A value as a manifest has it.
    #[must_use]
    pub fn show(self, value: u64) -> String {
        match self.row().unit {
            Unit::Bytes => format_bytes(value),
            Unit::Time => format_duration(Duration::from_nanos(value)),
            Unit::Count | Unit::PerSecond => value.to_string(),
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.row().field)
    }
}

/// What the operator allows at most, for each bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Maxima([u64; BOUNDS_LEN]);

impl Default for Maxima {
    /// The table's.
    fn default() -> Self {
        Self(TABLE.map(|row| row.maximum))
    }
}

impl Maxima {
    /// The maximum of one bound.
    #[must_use]
    pub fn get(&self, bound: Bound) -> u64 {
        self.0[bound as usize]
    }

    /// Sets the maximum of one bound.
    pub fn set(&mut self, bound: Bound, value: u64) {
        self.0[bound as usize] = value;
    }
}

/// What one module may use, and what its operator would allow it at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    values: [u64; BOUNDS_LEN],
    maxima: Maxima,
}

impl Default for Limits {
    /// The table's.
    fn default() -> Self {
        Self { values: TABLE.map(|row| row.default), maxima: Maxima::default() }
    }
}

impl Limits {
    /// The value of a bound, in its unit (times in nanoseconds).
    #[must_use]
    pub fn get(&self, bound: Bound) -> u64 {
        self.values[bound as usize]
    }

    /// The value of a bound of sizes or numbers, as lengths are counted.
    #[must_use]
    pub fn size(&self, bound: Bound) -> usize {
        usize::try_from(self.get(bound)).unwrap_or(usize::MAX)
    }

    /// The value of a bound of numbers.
    #[must_use]
    pub fn count(&self, bound: Bound) -> u32 {
        u32::try_from(self.get(bound)).unwrap_or(u32::MAX)
    }

    /// The value of a bound of times.
    #[must_use]
    pub fn time(&self, bound: Bound) -> Duration {
        Duration::from_nanos(self.get(bound))
    }

    /// Sets a bound, in its unit (times in nanoseconds).
    pub fn set(&mut self, bound: Bound, value: u64) {
        self.values[bound as usize] = value;
    }

    /// Sets a bound of times.
    pub fn set_time(&mut self, bound: Bound, value: Duration) {
        self.set(bound, u64::try_from(value.as_nanos()).unwrap_or(u64::MAX));
    }

    /// These limits, none above its maximum; and which ones were above it, with what they were.
    #[must_use]
    pub fn within(mut self, maxima: &Maxima) -> (Self, Vec<(Bound, u64)>) {
        let mut cut = Vec::new();
        for bound in BOUNDS {
            let (asked, maximum) = (self.get(bound), maxima.get(bound));
            if asked > maximum {
                cut.push((bound, asked));
                self.set(bound, maximum);
            }
        }
        self.maxima = maxima.clone();
        (self, cut)
    }

    /// What a message about a bound ends with: its value, and who raises it where.
    #[must_use]
    pub fn hint(&self, bound: Bound) -> String {
        let (value, maximum) = (self.get(bound), self.maxima.get(bound));
        let field = bound.row().field;
        let (shown, allowed) = (bound.show(value), bound.show(maximum));
        if value < maximum {
            return format!(
                "spec.limits.{field} is {shown}: raise it in the module's manifest, up to {allowed}"
            );
        }
        format!(
            "spec.limits.{field} is {shown}, the most that this host allows: its operator raises that with `windlass run --{MAXIMUM_FLAG} {field}=…`"
        )
    }
}

#[cfg(test)]
mod tests;
