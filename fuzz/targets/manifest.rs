//! A manifest, whatever it holds, is read or refused with a place; what is read is within every range.

use std::path::Path;
use windlass_runtime::{
    limits::BOUNDS,
    manifest::{Defaults, Manifest},
    text::deceives,
};

/// Reads bytes as a manifest.
pub(crate) fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let file = Path::new("modules/fuzz.yaml");
    let read = match Manifest::parse(file, &text, &Defaults::default()) {
        Ok(read) => read,
        Err(error) => {
            assert!(!error.problems.is_empty());
            let (told, summary) = (error.to_string(), error.summary());
            assert!(told.contains("--> modules/fuzz.yaml:") && summary.contains("fuzz.yaml:"), "{told}");
            return;
        }
    };
    for bound in BOUNDS {
        let (row, value) = (bound.row(), read.limits.get(bound));
        assert!((row.least..=row.most).contains(&value), "{bound} is {value}");
    }
    assert!(read.concurrency > 0);
    let rules = read.grant.map(|grant| grant.rules.clone()).unwrap_or_default();
    let rendered = Manifest::render(&read.name, &rules);
    assert!(!rendered.contains(|char| char != '\n' && deceives(char)), "{rendered:?}");
    let again = Manifest::parse(file, &rendered, &Defaults::default());
    let again = again.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(again.grant.map(|grant| grant.rules.clone()).unwrap_or_default(), rules, "{rendered}");
}
