//! Draws that depend on a seed and on what they are for, and on nothing else.
//!
//! The algorithm is written out here and never changes, so a seed means the same with every version of every crate.

use std::time::Duration;

/// A row of numbers: SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
#[derive(Debug, Clone)]
pub(super) struct Draws(u64);

impl Draws {
    /// The row for the `nth` request (or stream) of a subject. Rows of other subjects do not shift it, so one more
    /// request for a Secret changes nothing for config maps.
    pub(super) fn of(seed: u64, subject: &str, nth: u64) -> Self {
        // FNV-1a over the subject, then two rounds to spread it.
        let hash = subject.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        let mut draws = Self(seed ^ hash.rotate_left(17));
        let spread = draws.next() ^ nth.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self(spread)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `bound` - 1; 0 for a bound of 0.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        let drawn = self.next();
        if bound == 0 { 0 } else { drawn % bound }
    }

    /// Whether something of this rate happens. Takes one number, whatever the rate.
    pub(super) fn happens(&mut self, per_thousand: u16) -> bool {
        self.below(1000) < u64::from(per_thousand)
    }

    /// A time between two, to the millisecond.
    pub(super) fn time(&mut self, min: Duration, max: Duration) -> Duration {
        let span = u64::try_from(max.saturating_sub(min).as_millis()).unwrap_or(u64::MAX);
        min + Duration::from_millis(self.below(span.saturating_add(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_means_the_same_for_ever() {
        let row = |seed, subject, nth| {
            let mut draws = Draws::of(seed, subject, nth);
            [draws.next() % 1000, draws.next() % 1000, draws.next() % 1000]
        };
        assert_eq!(row(1, "watch configmaps", 0), row(1, "watch configmaps", 0));
        assert_ne!(row(1, "watch configmaps", 0), row(1, "watch configmaps", 1));
        assert_ne!(row(1, "watch configmaps", 0), row(1, "watch secrets", 0));
        assert_ne!(row(1, "watch configmaps", 0), row(2, "watch configmaps", 0));
        let mut known = Draws(1_234_567);
        assert_eq!(known.next(), 6_457_827_717_110_365_317, "the published first number of this seed");
    }

    #[test]
    fn rates_hold_on_average() {
        let mut draws = Draws::of(7, "x", 0);
        let happened = (0..10_000).filter(|_| draws.happens(250)).count();
        assert!((2_300..2_700).contains(&happened), "{happened}");
        assert!((0..1000).all(|_| !draws.happens(0)));
        assert!((0..1000).all(|_| draws.happens(1000)));
    }
}
