//! The rules of the house, as tests: what a lint cannot see. Limits are ratchets: they only go down.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[path = "tidy/crates.rs"]
mod crates;
#[path = "tidy/rules.rs"]
mod rules;
#[path = "tidy/shape.rs"]
mod shape;
#[path = "tidy/sources.rs"]
mod sources;
#[path = "tidy/words.rs"]
mod words;

use sources::{Source, read, rust_sources, text_sources};

/// Made by programs, so that nobody reads them for pleasure.
const GENERATED: &[&str] = &["sdk/rust/src/bindings.rs"];

/// Functions over 70 lines, and how long they may be: `file::function`. Take out what has become short.
const LONG_FUNCTIONS: &[(&str, usize)] = &[];

/// Files over 600 lines, and how long they may be. Take out what has become short.
const LONG_FILES: &[(&str, usize)] = &[];

#[track_caller]
fn none(problems: impl IntoIterator<Item = String>) {
    let problems: Vec<String> = problems.into_iter().collect();
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

fn written_by_people() -> Vec<Source> {
    let mut sources = rust_sources();
    sources.retain(|source| !GENERATED.contains(&&*source.path));
    sources
}

#[test]
fn every_file_begins_with_what_it_is() {
    none(rust_sources().iter().filter_map(words::lacks_a_beginning));
}

#[test]
fn every_crate_is_described_and_on_the_map() {
    none(crates::undescribed(&crates::members(), &read("ARCHITECTURE.md")));
}

#[test]
fn every_test_that_the_architecture_names_exists() {
    // By text, because some stand inside a macro (proptest).
    let sources = rust_sources();
    let exists = |name: &String| sources.iter().any(|source| source.text.contains(&format!("fn {name}(")));
    none(words::tests_named(&read("ARCHITECTURE.md")).into_iter().filter(|name| !exists(name)));
}

#[test]
fn every_rule_stands_in_a_table_and_has_the_tests_that_it_names() {
    none(rules::problems(&rust_sources()));
}

#[test]
fn no_function_is_longer_than_a_screen() {
    none(shape::too_long(&shape::function_lengths(&written_by_people()), 70, LONG_FUNCTIONS));
}

#[test]
fn no_file_is_longer_than_one_idea() {
    none(shape::too_long(&shape::file_lengths(&written_by_people()), 600, LONG_FILES));
}

#[test]
fn every_module_has_a_name_that_says_something() {
    none(written_by_people().iter().flat_map(words::empty_names));
}

#[test]
fn nothing_is_left_for_later_and_no_test_is_skipped() {
    none(rust_sources().iter().flat_map(words::left_for_later));
}

#[test]
fn only_the_command_line_prints_or_exits() {
    none(rust_sources().iter().flat_map(words::prints));
}

#[test]
fn no_path_of_one_machine_is_named() {
    none(text_sources().iter().flat_map(words::machine_paths));
}

#[test]
fn locks_of_core_are_those_that_schedules_are_tried_with() {
    none(rust_sources().iter().flat_map(words::locks_of_std));
}

#[test]
fn core_can_do_no_io() {
    none(crates::dependencies_of_core(&read("host/core/Cargo.toml")));
}

#[test]
fn only_one_crate_knows_kube_and_one_wasmtime() {
    none(crates::members().iter().flat_map(crates::not_the_owner));
}

#[test]
fn crates_depend_on_each_other_only_along_the_arrows() {
    none(crates::members().iter().flat_map(crates::wrong_arrows));
}
