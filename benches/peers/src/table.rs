//! One table: what, ours, kube-rs's, how much better, the aim.

use crate::figure::{Aim, Figure, as_lines, short};

/// The name of our side.
pub const OURS: &str = "windlass";
/// The name of kube-rs's.
pub const KUBE_RS: &str = "kube-rs";

/// Rows, printed as they come.
#[derive(Debug)]
pub struct Table {
    lines: bool,
}

impl Table {
    /// Prints the head.
    #[must_use]
    pub fn begin(title: &str) -> Self {
        let lines = as_lines();
        if !lines {
            println!("{title}\n");
            println!("{:<58} {OURS:>12} {KUBE_RS:>12} {:>8}  aim", "", "ratio");
        }
        Self { lines }
    }

    /// One row. `ratio` is the peer's figure over ours.
    pub fn row(&self, figure: &Figure, ours: f64, theirs: f64) {
        if self.lines {
            println!("{}\n{}", figure.line(OURS, ours), figure.line(KUBE_RS, theirs));
            return;
        }
        let with_unit = |value| format!("{} {}", short(value), figure.unit);
        let aim = match figure.aim {
            Aim::None => String::new(),
            Aim::AtMost(most) => format!("{most}"),
            Aim::KubeRsOver(by) => format!("ratio {by}"),
        };
        let (shown, ratio) = (with_unit(ours), theirs / ours);
        println!("{:<58} {shown:>12} {:>12} {ratio:>8.1}  {aim}", figure.what, with_unit(theirs));
    }
}
