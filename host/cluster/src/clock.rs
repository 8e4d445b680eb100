//! The wall clock, for people only: nothing decides by it.

/// Now, as `MicroTime` is written.
pub(crate) fn micro_time() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_micro_time_has_six_decimals_and_a_z() {
        let time = super::micro_time();
        assert_eq!((time.len(), &time[10..11], &time[19..20], &time[26..]), (27, "T", ".", "Z"), "{time}");
    }
}
