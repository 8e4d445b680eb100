//! The bounds of one invocation. Each has a default and names its unit; the manifest and the operator change them.

use std::time::Duration;

/// What one invocation may use. Values above what the engine was built for are cut to that ([`Limits::within`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory of all instances of the module together.
    pub memory_bytes_max: usize,
    /// Elements of all tables together. A Go or Python guest has some thousands of functions in its table.
    pub table_elements_max: usize,
    /// Processor time of one run, host functions included, waiting excluded.
    pub cpu_max: Duration,
    /// From the start of a run to its end, waiting included.
    pub deadline: Duration,
    /// Calls of imports that reach the host's state (objects, events, metrics, randomness).
    pub host_calls_max: u32,
    /// Bytes that one call may hand to the host, and the size of one object or body in it.
    pub payload_bytes_max: usize,
    /// Bytes that one reply may hand to the guest.
    pub reply_bytes_max: usize,
    /// Log lines of one run; more are dropped and counted.
    pub log_lines_max: u32,
    /// Bytes of one log line's message, of one field's value, and of an event's note; longer ones are cut.
    pub text_bytes_max: usize,
    /// Fields of one log line and labels of one metric; more are dropped.
    pub fields_max: usize,
    /// Kubernetes Events of one run; more are dropped and counted.
    pub events_max: u32,
    /// Metric samples of one run; more are dropped and counted.
    pub metric_samples_max: u32,
    /// Random bytes of one run.
    pub random_bytes_max: usize,
    /// Requests that the answer to one change may name (`targets`).
    pub targets_per_change_max: usize,
    /// Server calls that one list without a namespace may become when the grant names namespaces.
    pub namespaces_per_list_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // Rust and C guests need 128 KiB, Go 8 MiB, Python 13 MiB (measured); the rest is room for objects.
            memory_bytes_max: 64 << 20,
            table_elements_max: 40_000,
            cpu_max: Duration::from_secs(1),
            deadline: Duration::from_secs(30),
            host_calls_max: 1_000,
            // An object of Kubernetes is at most 1.5 MiB (etcd's request limit); JSON escapes may double it.
            payload_bytes_max: 4 << 20,
            reply_bytes_max: 8 << 20,
            log_lines_max: 200,
            text_bytes_max: 4 << 10,
            fields_max: 32,
            events_max: 50,
            metric_samples_max: 500,
            random_bytes_max: 64 << 10,
            targets_per_change_max: 1_000,
            namespaces_per_list_max: 50,
        }
    }
}

impl Limits {
    /// These limits, none above the ceiling.
    #[must_use]
    pub fn within(mut self, ceiling: &Self) -> Self {
        macro_rules! cut {
            ($($field:ident),*) => { $(self.$field = self.$field.min(ceiling.$field);)* };
        }
        cut!(
            memory_bytes_max,
            table_elements_max,
            cpu_max,
            deadline,
            host_calls_max,
            payload_bytes_max,
            reply_bytes_max,
            log_lines_max,
            text_bytes_max,
            fields_max,
            events_max,
            metric_samples_max,
            random_bytes_max,
            targets_per_change_max,
            namespaces_per_list_max
        );
        self
    }
}
