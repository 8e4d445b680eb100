//! One table: what, ours, the peer's, how much better, the aim.

/// Rows, printed as they come.
#[derive(Debug)]
pub struct Table {
    peer: &'static str,
}

impl Table {
    /// Prints the head.
    #[must_use]
    pub fn begin(title: &str, peer: &'static str) -> Self {
        println!("{title}\n");
        println!("{:<58} {:>12} {:>12} {:>8}  aim", "", "windlass", peer, "ratio");
        Self { peer }
    }

    /// One row; less is better. `ratio` is the peer's figure over ours.
    pub fn row(&self, what: &str, ours: f64, theirs: Option<f64>, unit: &str, aim: &str) {
        let ratio = theirs.map_or("-".to_owned(), |theirs| format!("{:.1}", theirs / ours));
        let theirs = theirs.map_or("-".to_owned(), |theirs| format!("{} {unit}", figure(theirs)));
        let ours = format!("{} {unit}", figure(ours));
        println!("{what:<58} {ours:>12} {theirs:>12} {ratio:>8}  {aim}");
    }

    /// The peer's name.
    #[must_use]
    pub fn peer(&self) -> &'static str {
        self.peer
    }
}

fn figure(value: f64) -> String {
    match value {
        _ if value >= 100.0 => format!("{value:.0}"),
        _ if value >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}
