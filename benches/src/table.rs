//! Figures as a table: what, how often, smallest, median, 99th percentile, aim.
#![allow(clippy::print_stdout, reason = "programs for people at a terminal")]

use std::{fs, time::Duration};

/// Prints what stands above the rows, with how busy the machine is: figures of a busy one are of little use.
pub fn head(title: &str, unit: &str) {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("unknown");
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    println!("{title} ({unit}; {processors} processors, load {load})");
    println!("{:<48} {:>5} {:>9} {:>9} {:>9} {:>7}", "what", "n", "min", "median", "p99", "aim");
}

/// Prints a row of times in milliseconds.
pub fn times(what: &str, times: &[Duration], aim_ms: Option<u32>) {
    let ms: Vec<f64> = times.iter().map(|time| time.as_secs_f64() * 1e3).collect();
    row(what, ms, aim_ms);
}

/// Prints a row of any figures. Nothing is printed where nothing was measured.
pub fn row(what: &str, mut figures: Vec<f64>, aim: Option<u32>) {
    figures.sort_by(f64::total_cmp);
    let Some(min) = figures.first() else { return };
    let aim = aim.map_or_else(String::new, |aim| format!("≤ {aim}"));
    let (median, p99) = (rank(&figures, 50), rank(&figures, 99));
    println!("{what:<48} {:>5} {min:>9.2} {median:>9.2} {p99:>9.2} {aim:>7}", figures.len());
}

/// The nearest rank: of 20 figures the 99th percentile is the largest.
fn rank(sorted: &[f64], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::rank;

    #[test]
    fn a_rank_is_a_figure_that_was_measured() {
        let hundred: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!([rank(&hundred, 50), rank(&hundred, 99), rank(&hundred[..20], 99)], [50.0, 99.0, 20.0]);
        assert_eq!([rank(&hundred[..1], 50), rank(&[], 50)], [1.0, 0.0]);
    }
}
