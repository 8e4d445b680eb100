//! The page about limits that users read, made from the table.

use super::{BOUNDS, Bound, DEFAULT_FLAG, Effect, MAXIMUM_FLAG, Unit};
use std::fmt::Write as _;

/// The text of `docs/limits.md`.
#[must_use]
pub fn page() -> String {
    let mut text = format!(
        "# Limits

What one module may use. A manifest sets a limit in `spec.limits`; what it leaves out has its default. No manifest gets
more than the operator allows: `windlass run --{MAXIMUM_FLAG} memory=512Mi,deadline=1h` sets maxima of a host,
`--{DEFAULT_FLAG} memory=32Mi` what holds where a manifest says nothing. A manifest that asks for more than the maximum gets
the maximum, and the log says so.

```yaml
spec:
  limits: {{memory: 128Mi, cpuPerRun: 5s, writesPerSecond: 50}}
```

`windlass_bound_reached_total{{module, bound}}` counts how often a module came to a limit; the label `bound` is the field. The
message, in the log or in the error that the module gets, says what the limit is and who can raise it.

| field | default | maximum by default | at its limit | what it bounds |
| --- | --- | --- | --- | --- |
"
    );
    for bound in BOUNDS {
        let row = bound.row();
        // Writing into a String cannot fail.
        writeln!(
            text,
            "| `{}` | {} | {} | {} | {} |",
            row.field,
            shown(bound, row.default),
            shown(bound, row.maximum),
            effect(row.effect),
            row.what.trim()
        )
        .unwrap_or_default();
    }
    text.push_str(
        "
Beside these stand `spec.concurrency` (runs of one controller at a time) and, for the host as a whole, `windlass run --slots`
(runs at a time over all modules; modules that wait share them evenly, by the processor time they used).

This page is made from the table in `host/guest/src/limits.rs`: `cargo run -p windlass-guest --example limits > docs/limits.md`.
",
    );
    text
}

fn shown(bound: Bound, value: u64) -> String {
    match bound.row().unit {
        Unit::PerSecond => format!("{}/s", bound.show(value)),
        Unit::Bytes | Unit::Time | Unit::Count => bound.show(value),
    }
}

fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::EndsRun => "the run ends",
        Effect::Refuses => "refused; the module may go on",
        Effect::Drops => "left out and counted",
        Effect::Waits => "waits",
    }
}
