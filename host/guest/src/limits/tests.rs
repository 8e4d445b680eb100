//! The table holds together, and what users read is made from it.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use super::*;
use std::{collections::BTreeSet, path::Path};

#[test]
fn every_row_is_in_order_and_has_a_name_of_its_own() {
    let fields: BTreeSet<&str> = TABLE.iter().map(|row| row.field).collect();
    assert_eq!(fields.len(), TABLE.len());
    for bound in BOUNDS {
        let row = bound.row();
        assert!(row.least <= row.default && row.default <= row.maximum && row.maximum <= row.most, "{row:?}");
        assert!(row.what.trim().ends_with('.'), "{row:?}");
        assert_eq!(Bound::of_field(row.field), Some(bound));
        for value in [row.least, row.default, row.maximum, row.most] {
            assert_eq!(bound.parse(&bound.show(value)), Ok(value), "{row:?}");
        }
        assert!(bound.parse(&bound.show(row.most + SECOND.max(GIB))).is_err(), "{row:?}");
    }
}

#[test]
fn the_page_about_limits_is_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/limits.md");
    let stands = std::fs::read_to_string(path).unwrap();
    assert!(stands == page(), "run `cargo run -p windlass-guest --example limits > docs/limits.md`");
}

#[test]
fn nothing_is_above_what_the_operator_allows_and_messages_say_who_can_raise_it() {
    let mut asked = Limits::default();
    asked.set(Bound::Memory, 512 * MIB);
    let (given, cut) = asked.within(&Maxima::default());
    assert_eq!(cut, [(Bound::Memory, 512 * MIB)]);
    assert_eq!(given.get(Bound::Memory), 256 * MIB);
    let hint = given.hint(Bound::Memory);
    assert!(hint.contains("256Mi, the most that this host allows"), "{hint}");
    assert!(hint.contains("--limit-max memory="), "{hint}");
    let hint = given.hint(Bound::Deadline);
    assert_eq!(hint, "spec.limits.deadline is 30s: raise it in the module's manifest, up to 10m");
    let mut maxima = Maxima::default();
    for bound in BOUNDS {
        maxima.set(bound, bound.row().least);
    }
    let (least, cut) = Limits::default().within(&maxima);
    assert!(BOUNDS.iter().all(|bound| least.get(*bound) == bound.row().least), "{least:?}");
    assert_eq!(cut.len(), TABLE.iter().filter(|row| row.default > row.least).count());
}

#[test]
fn a_setting_of_the_command_line_is_a_field_and_a_value() {
    assert_eq!(Bound::parse_setting("memory=128Mi"), Ok((Bound::Memory, 128 * MIB)));
    assert_eq!(Bound::parse_setting("cpuPerRun=1m30s"), Ok((Bound::CpuPerRun, 90 * SECOND)));
    for (text, said) in [
        ("memory", "written like"),
        ("memry=1Mi", "the limits are memory,"),
        ("memory=8Gi", "memory: it goes from 1Mi to 4Gi"),
        ("memory=lots", "`64Mi`, `1Gi` or `500M`"),
        ("runs=-1", "whole number"),
        ("events=1.5", "whole number"),
    ] {
        let error = Bound::parse_setting(text).unwrap_err();
        assert!(error.contains(said), "{text}: {error}");
    }
}
