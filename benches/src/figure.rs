//! Figures with aims, as one table: what, measured, aim, met.
#![allow(clippy::print_stdout, reason = "programs for people at a terminal")]

use std::fmt;

/// What a figure should be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Aim {
    /// Shown beside the others.
    None,
    /// At most so much.
    AtMost(f64),
    /// At least so much.
    AtLeast(f64),
}

/// One row.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    what: String,
    value: f64,
    unit: &'static str,
    aim: Aim,
}

/// Rows in the order in which they were measured.
#[derive(Clone, Debug, Default)]
pub struct Figures(Vec<Figure>);

impl Aim {
    fn met(self, value: f64) -> Option<bool> {
        match self {
            Self::None => None,
            Self::AtMost(most) => Some(value <= most),
            Self::AtLeast(least) => Some(value >= least),
        }
    }
}

impl Figures {
    /// Adds a row, and shows it: what follows may take minutes.
    pub fn add(&mut self, what: impl Into<String>, value: f64, unit: &'static str, aim: Aim) {
        let figure = Figure { what: what.into(), value, unit, aim };
        println!("{}", figure.cells().join("  "));
        self.0.push(figure);
    }

    /// How many aims were missed.
    #[must_use]
    pub fn missed(&self) -> usize {
        self.0.iter().filter(|figure| figure.aim.met(figure.value) == Some(false)).count()
    }
}

impl Figure {
    fn cells(&self) -> [String; 4] {
        let aim = match self.aim {
            Aim::None => String::new(),
            Aim::AtMost(most) => format!("≤ {most} {}", self.unit),
            Aim::AtLeast(least) => format!("≥ {least} {}", self.unit),
        };
        let met = match self.aim.met(self.value) {
            None => "",
            Some(true) => "yes",
            Some(false) => "no",
        };
        [self.what.clone(), format!("{} {}", short(self.value), self.unit), aim, met.to_owned()]
    }
}

/// A table as Markdown has it, readable as it is.
impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["figure", "measured", "aim", "met"].map(str::to_owned);
        let rows: Vec<_> = std::iter::once(head).chain(self.0.iter().map(Figure::cells)).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths = [0, 1, 2, 3].map(width);
        let line = |cells: &[String; 4]| {
            let padded = cells.iter().zip(widths).map(|(cell, width)| format!(" {cell:<width$} "));
            format!("|{}|", padded.collect::<Vec<_>>().join("|"))
        };
        for (nth, row) in rows.iter().enumerate() {
            writeln!(f, "{}", line(row))?;
            if nth == 0 {
                writeln!(f, "{}", line(&widths.map(|width| "-".repeat(width))))?;
            }
        }
        Ok(())
    }
}

/// Three digits at least, as people read them.
fn short(value: f64) -> String {
    match value {
        _ if value >= 100.0 => format!("{value:.0}"),
        _ if value >= 10.0 => format!("{value:.1}"),
        _ if value >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// The nearest rank: of 20 figures the 99th percentile is the largest, the 50th the tenth.
#[must_use]
pub fn percentile(mut values: Vec<f64>, percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    let rank = (values.len() * percent).div_ceil(100).max(1);
    values.get(rank - 1).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_says_whether_each_aim_was_met() {
        let mut figures = Figures::default();
        figures.add("cost", 24.96, "us", Aim::AtMost(25.0));
        figures.add("two cores", 1.75, "x", Aim::AtLeast(1.8));
        figures.add("beside it", 123.4, "ms", Aim::None);
        let wanted = "\
| figure    | measured | aim     | met |
| --------- | -------- | ------- | --- |
| cost      | 25.0 us  | ≤ 25 us | yes |
| two cores | 1.75 x   | ≥ 1.8 x | no  |
| beside it | 123 ms   |         |     |
";
        assert_eq!((figures.to_string().as_str(), figures.missed()), (wanted, 1));
    }

    #[test]
    fn a_percentile_is_a_figure_that_was_measured() {
        let hundred: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        let of = |percent| percentile(hundred.clone(), percent);
        assert_eq!(
            [of(50), of(99), percentile(vec![7.0], 1), percentile(Vec::new(), 50)],
            [50.0, 99.0, 7.0, 0.0]
        );
    }
}
