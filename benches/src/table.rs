//! Figures as a table: what, how often, smallest, median, 99th percentile, aim.
#![allow(clippy::print_stdout, reason = "programs for people at a terminal")]

use crate::figure::percentile;
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
pub fn row(what: &str, figures: Vec<f64>, aim: Option<u32>) {
    if figures.is_empty() {
        return;
    }
    let (len, aim) = (figures.len(), aim.map_or_else(String::new, |aim| format!("≤ {aim}")));
    let [min, median, p99] = [0, 50, 99].map(|percent| percentile(figures.clone(), percent));
    println!("{what:<48} {len:>5} {min:>9.2} {median:>9.2} {p99:>9.2} {aim:>7}");
}
