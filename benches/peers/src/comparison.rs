//! The one table of all programs: medians of their lines, all sides beside each other, and whether each aim is met.

use crate::{
    figure::{Aim, COMPARED, Figure, median, short},
    table::{KUBE_RS, OURS},
};
use std::collections::BTreeMap;

/// The sides in the table's order. client-go has two forms of objects; what has nothing to do with objects is under the
/// first.
const SIDES: [&str; 4] = [OURS, KUBE_RS, "client-go", "client-go-typed"];

/// Values by `side/name`.
#[derive(Debug, Default)]
pub struct Comparison(BTreeMap<String, Vec<f64>>);

/// A median, and half the range of the values, as a part of it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Middle {
    value: f64,
    spread: f64,
}

impl Comparison {
    /// Takes a line in, if it is a figure's.
    ///
    /// # Errors
    ///
    /// If the line has the form of a figure, and none is known so or the unit is another one.
    pub fn line(&mut self, line: &str) -> Result<(), String> {
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, value, unit] = fields[..] else { return Ok(()) };
        let known = name.split_once('/').is_some_and(|(side, name)| {
            SIDES.contains(&side) && COMPARED.iter().any(|figure| figure.name == name && figure.unit == unit)
        });
        let value = value.parse::<f64>().ok().filter(|value| value.is_finite());
        match value {
            Some(value) if known => self.0.entry(name.to_owned()).or_default().push(value),
            _ => return Err(format!("not a figure of the comparison: {line:?}")),
        }
        Ok(())
    }

    fn middle(&self, side: &str, figure: &Figure) -> Option<Middle> {
        let values = self.0.get(&format!("{side}/{}", figure.name))?;
        let value = median(values.clone())?;
        let (least, most) =
            values.iter().fold((value, value), |(least, most), v| (v.min(least), v.max(most)));
        Some(Middle { value, spread: (most - least) / 2.0 / value })
    }

    /// The table in Markdown, and the names of the figures that miss their aim or were not measured.
    #[must_use]
    pub fn table(&self) -> (String, Vec<&'static str>) {
        let head =
            ["figure", "windlass", "kube-rs", "client-go", "client-go, typed", "best peer", "aim", "met"];
        let mut rows = vec![head.map(str::to_owned)];
        let mut missed = Vec::new();
        for figure in &COMPARED {
            let (row, met) = self.row(figure);
            rows.push(row);
            missed.extend((met == Some(false)).then_some(figure.name));
        }
        (markdown(&rows), missed)
    }

    /// One row, and whether its aim is met, if it has one.
    fn row(&self, figure: &Figure) -> ([String; 8], Option<bool>) {
        let sides = SIDES.map(|side| self.middle(side, figure));
        let [ours, kube_rs, ..] = sides;
        let (aim, most) = match figure.aim {
            Aim::None => (String::new(), None),
            Aim::AtMost(most) => (format!("≤ {most} {}", figure.unit), Some(most)),
            Aim::KubeRsOver(by) => (
                format!("≤ 1/{by} of kube-rs"),
                Some(kube_rs.map_or(f64::NEG_INFINITY, |kube_rs| kube_rs.value / by)),
            ),
        };
        let met = most.map(|most| ours.is_some_and(|ours| ours.value <= most));
        let best = sides[1..].iter().flatten().map(|side| side.value).min_by(f64::total_cmp);
        let ratio =
            ours.zip(best).map_or("–".to_owned(), |(ours, best)| format!("{:.1} x", best / ours.value));
        let [ours, kube_rs, client_go, typed] = sides.map(|side| cell(figure, side));
        let said = met.map_or("", |met| if met { "yes" } else { "**no**" });
        ([figure.what.to_owned(), ours, kube_rs, client_go, typed, ratio, aim, said.to_owned()], met)
    }
}

fn cell(figure: &Figure, middle: Option<Middle>) -> String {
    let Some(Middle { value, spread }) = middle else { return "–".to_owned() };
    format!("{} {} ±{:.0} %", short(value), figure.unit, spread * 100.0)
}

fn markdown(rows: &[[String; 8]]) -> String {
    let mut widths = [3; 8];
    for row in rows {
        widths.iter_mut().zip(row).for_each(|(width, cell)| *width = (*width).max(cell.chars().count()));
    }
    let line = |cells: &[String]| {
        let padded = cells.iter().zip(widths).map(|(cell, width)| format!(" {cell:<width$} |"));
        format!("|{}\n", padded.collect::<String>())
    };
    let rule = widths.map(|width| "-".repeat(width));
    rows.iter().take(1).chain([&rule]).chain(rows.iter().skip(1)).map(|row| line(row)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;
    use crate::figure::{EVENT, FIRST};

    fn of(lines: &[&str]) -> Comparison {
        let mut comparison = Comparison::default();
        lines.iter().for_each(|line| comparison.line(line).unwrap());
        comparison
    }

    #[test]
    fn a_row_has_medians_their_spread_and_the_best_peer() {
        let comparison = of(&[
            "windlass/cache.event\t7\tus",
            "windlass/cache.event\t5\tus",
            "windlass/cache.event\t4\tus",
            "kube-rs/cache.event\t50\tus",
            "client-go/cache.event\t60\tus",
            "client-go-typed/cache.event\t20\tus",
            "something for people",
        ]);
        let (row, met) = comparison.row(&EVENT);
        assert_eq!(
            row[1..],
            ["5.00 us ±30 %", "50.0 us ±0 %", "60.0 us ±0 %", "20.0 us ±0 %", "4.0 x", "≤ 8 us", "yes"]
        );
        assert_eq!(met, Some(true));
    }

    #[test]
    fn an_aim_is_missed_by_what_is_too_much_and_by_what_is_not_there() {
        let check = |lines: &[&str], figure, met| assert_eq!(of(lines).row(figure).1, Some(met), "{lines:?}");
        check(&["windlass/cache.event\t8.1\tus"], &EVENT, false);
        check(&["windlass/cache.event\t8\tus"], &EVENT, true);
        check(&[], &EVENT, false);
        check(&["windlass/cache.first\t1\ts"], &FIRST, false);
        check(&["windlass/cache.first\t1\ts", "kube-rs/cache.first\t5\ts"], &FIRST, true);
        check(&["windlass/cache.first\t1\ts", "kube-rs/cache.first\t4.9\ts"], &FIRST, false);
        assert_eq!(of(&[]).table().1.len(), COMPARED.iter().filter(|figure| figure.aim != Aim::None).count());
    }

    #[test]
    fn a_figure_that_nobody_knows_is_an_error() {
        let mut comparison = Comparison::default();
        for line in
            ["windlass/cache.new\t1\ts", "windlass/cache.event\t1\ts", "other/cache.event\t1\tus", "a\tb\tc"]
        {
            assert!(comparison.line(line).is_err(), "{line}");
        }
    }
}
