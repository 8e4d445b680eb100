//! The table, with the aims of each row.

use std::time::Duration;

use crate::load::{Figures, Sizes};

/// One row: what, how a figure reads, its number, whether less is better, and the aim.
struct Row {
    what: String,
    show: fn(f64) -> String,
    of: fn(&Figures) -> f64,
    aim: Option<Aim>,
}

/// What a figure of ours should come to.
enum Aim {
    AtMost(f64),
    /// Ours over theirs at least this.
    Times(f64),
    /// Ours over theirs at most this.
    Share(f64),
}

const MIB: f64 = 1024.0 * 1024.0;

fn milliseconds(seconds: f64) -> String {
    format!("{:.1} ms", seconds * 1e3)
}

fn mebibytes(bytes: f64) -> String {
    format!("{:.1} MiB", bytes / MIB)
}

fn per_second(rate: f64) -> String {
    format!("{rate:.0} /s")
}

fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}

fn rows(sizes: &Sizes) -> Vec<Row> {
    let row =
        |what: String, show: fn(f64) -> String, of: fn(&Figures) -> f64, aim| Row { what, show, of, aim };
    let rate = |what: &str, of| {
        row(format!("{what} per second of processor"), per_second, of, Some(Aim::Times(5.0)))
    };
    let Sizes { objects, listed, watches, .. } = sizes;
    vec![
        row("start to ready".into(), milliseconds, |of| seconds(of.ready), Some(Aim::AtMost(0.05))),
        row("the same: processor time".into(), milliseconds, |of| of.start_cpu_seconds, None),
        row("resident, empty".into(), mebibytes, |of| of.empty_bytes as f64, Some(Aim::AtMost(30.0 * MIB))),
        rate("creates", |of: &Figures| of.creates),
        rate("merge patches", |of: &Figures| of.patches),
        rate("applies", |of: &Figures| of.applies),
        rate("gets", |of: &Figures| of.gets),
        rate("lists of 500", |of: &Figures| of.lists),
        row(
            format!("resident with {objects} objects of 4 KB"),
            mebibytes,
            |of| of.full_bytes as f64,
            Some(Aim::Share(0.25)),
        ),
        row(
            format!("write to seen on {watches} watches: median"),
            milliseconds,
            |of| seconds(of.seen_p50),
            None,
        ),
        row(
            format!("the same on {watches} watches: 99th percentile"),
            milliseconds,
            |of| seconds(of.seen_p99),
            Some(Aim::Share(0.5)),
        ),
        row(format!("list of {listed}: bytes"), mebibytes, |of| of.list_bytes as f64, None),
        row(format!("list of {listed}: time"), milliseconds, |of| seconds(of.list_time), None),
        row(format!("list of {listed}: processor time"), milliseconds, |of| of.list_cpu_seconds, None),
        row(
            format!("list of {listed}: resident above before, at most"),
            mebibytes,
            |of| of.list_rise_bytes as f64,
            Some(Aim::AtMost(32.0 * MIB)),
        ),
    ]
}

/// The table in Markdown: the first column is the real server's if there is one.
pub(crate) fn render(columns: &[(&str, Figures)], sizes: &Sizes) -> String {
    let mut out = String::new();
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    let real = columns.iter().find(|(name, _)| name.starts_with("kube")).map(|(_, figures)| figures);
    let ours = columns.iter().find(|(name, _)| *name == "windlass").map(|(_, figures)| figures);
    let mut line = |cells: &[String]| out.push_str(&format!("| {} |\n", cells.join(" | ")));
    let mut heading = vec!["figure".to_owned()];
    heading.extend(names.iter().map(ToString::to_string));
    heading.extend(["aim", "met"].map(str::to_owned));
    line(&heading);
    line(&vec!["---".to_owned(); heading.len()]);
    for row in rows(sizes) {
        let mut cells = vec![row.what];
        cells.extend(columns.iter().map(|(_, figures)| (row.show)((row.of)(figures))));
        let (aim, met) = judged(row.aim, row.show, ours.map(row.of), real.map(row.of));
        cells.extend([aim, met]);
        line(&cells);
    }
    out
}

fn judged(
    aim: Option<Aim>,
    show: fn(f64) -> String,
    ours: Option<f64>,
    real: Option<f64>,
) -> (String, String) {
    let word = |met: Option<bool>| met.map_or("", |met| if met { "yes" } else { "no" }).to_owned();
    let ratio = ours.zip(real).map(|(ours, real)| ours / real);
    match aim {
        None => (String::new(), ratio.map(|ratio| format!("{ratio:.2} x")).unwrap_or_default()),
        Some(Aim::AtMost(most)) => (format!("≤ {}", show(most)), word(ours.map(|ours| ours <= most))),
        Some(Aim::Times(least)) => {
            let shown = ratio.map(|ratio| format!(" ({ratio:.1} x)")).unwrap_or_default();
            (format!("≥ {least} x"), word(ratio.map(|ratio| ratio >= least)) + &shown)
        }
        Some(Aim::Share(most)) => {
            let shown = ratio.map(|ratio| format!(" ({ratio:.2} x)")).unwrap_or_default();
            (format!("≤ {most} x"), word(ratio.map(|ratio| ratio <= most)) + &shown)
        }
    }
}
