//! Amounts without sign and without end: as many digits as somebody writes.

use std::cmp::Ordering;

/// Digits times a power of ten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decimal {
    /// The most significant one first, and not zero; none for zero.
    digits: Vec<u8>,
    power: i64,
}

impl Decimal {
    /// From digits as text, the power of ten being that of the last one.
    pub(super) fn new(digits: &str, power: i64) -> Self {
        let digits = digits.trim_start_matches('0').bytes().map(|byte| byte - b'0').collect();
        Self { digits, power }
    }

    pub(super) fn is_zero(&self) -> bool {
        self.digits.is_empty()
    }

    /// The power of ten of the last digit.
    pub(super) fn power(&self) -> i64 {
        self.power
    }

    /// Times a power of two.
    pub(super) fn shift_left(&mut self, bits: u32) {
        for _ in 0..bits {
            let mut carry = 0;
            for digit in self.digits.iter_mut().rev() {
                let double = *digit * 2 + carry;
                (*digit, carry) = (double % 10, double / 10);
            }
            if carry > 0 {
                self.digits.insert(0, carry);
            }
        }
    }

    /// Drops what is finer than a power of ten, away from zero. Tells whether nothing was lost.
    pub(super) fn round_up(&mut self, power: i64) -> bool {
        let Ok(drop) = usize::try_from(power.saturating_sub(self.power)) else { return true };
        let keep = self.digits.len().saturating_sub(drop);
        let exact = self.digits[keep..].iter().all(|digit| *digit == 0);
        self.digits.truncate(keep);
        if drop > 0 {
            self.power = power;
        }
        if !exact {
            self.increment();
        }
        exact
    }

    fn increment(&mut self) {
        for digit in self.digits.iter_mut().rev() {
            if *digit < 9 {
                *digit += 1;
                return;
            }
            *digit = 0;
        }
        self.digits.insert(0, 1);
    }

    /// The same amount, in as few digits as a power that is a multiple of three allows.
    pub(super) fn by_thousands(&self) -> (String, i64) {
        let kept = self.digits.iter().rposition(|digit| *digit != 0).map_or(0, |last| last + 1);
        let zeros = i64::try_from(self.digits.len() - kept).unwrap_or(i64::MAX);
        let power = self.power.saturating_add(zeros);
        let more = power.rem_euclid(3);
        let digits = self.digits[..kept].iter().map(|digit| char::from(digit + b'0'));
        let filled = std::iter::repeat_n('0', usize::try_from(more).unwrap_or_default());
        (digits.chain(filled).collect(), power - more)
    }

    /// A whole amount as the shortest number of times a power of 1024.
    pub(super) fn by_1024(&self) -> (String, usize) {
        let mut digits = self.digits.clone();
        digits.extend(std::iter::repeat_n(0, usize::try_from(self.power).unwrap_or_default()));
        let mut power = 0;
        while let Some(quotient) = divided(&digits) {
            digits = quotient;
            power += 1;
        }
        (digits.iter().map(|digit| char::from(digit + b'0')).collect(), power)
    }
}

/// A 1024th, if it is whole.
fn divided(digits: &[u8]) -> Option<Vec<u8>> {
    let mut rest = 0_u32;
    let mut quotient = Vec::with_capacity(digits.len());
    for digit in digits {
        let value = rest * 10 + u32::from(*digit);
        rest = value % 1024;
        let part = u8::try_from(value / 1024).ok()?;
        if part > 0 || !quotient.is_empty() {
            quotient.push(part);
        }
    }
    (rest == 0 && !quotient.is_empty()).then_some(quotient)
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let magnitude =
            |of: &Self| of.power.saturating_add(i64::try_from(of.digits.len()).unwrap_or(i64::MAX));
        match (self.is_zero(), other.is_zero()) {
            (true, true) => return Ordering::Equal,
            (true, false) => return Ordering::Less,
            (false, true) => return Ordering::Greater,
            (false, false) => {}
        }
        magnitude(self).cmp(&magnitude(other)).then_with(|| {
            let len = self.digits.len().max(other.digits.len());
            let padded = |of: &'_ Self| -> Vec<u8> {
                of.digits.iter().copied().chain(std::iter::repeat(0)).take(len).collect()
            };
            padded(self).cmp(&padded(other))
        })
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
