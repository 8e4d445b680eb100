//! `RULES.md` names every rule, and every rule has a test.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::{fs, path::Path};

/// Every id that is this crate's.
fn ids() -> Vec<String> {
    let range = |letter: &str, last: u32| (1..=last).map(|n| format!("{letter}{n}")).collect::<Vec<_>>();
    [range("R", 21), range("M", 6), range("E", 1), range("H", 2), range("L", 9)].concat()
}

/// The names of all functions that follow `#[test]` or `#[tokio::test…]` in a folder.
fn tests(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            tests(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let mut lines = text.lines().map(str::trim);
            while lines.any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test")) {
                let name = lines.next().and_then(|line| line.split_once("fn "));
                found
                    .extend(name.and_then(|(_, rest)| rest.split_once('(')).map(|(name, _)| name.to_owned()));
            }
        }
    }
}

#[test]
fn every_rule_of_the_table_has_a_test_that_names_it() {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut names = Vec::new();
    for folder in ["src", "tests", "../core/src"] {
        tests(&crate_folder.join(folder), &mut names);
    }
    let table = fs::read_to_string(crate_folder.join("RULES.md")).unwrap();
    let rows: Vec<Vec<&str>> =
        table.lines().filter(|line| line.starts_with("| ")).map(|line| line.split(" | ").collect()).collect();
    let mut problems = Vec::new();
    for id in ids() {
        let Some(row) = rows.iter().find(|row| row[0].trim_start_matches("| ") == id) else {
            problems.push(format!("{id} is not in RULES.md"));
            continue;
        };
        let word = id.to_lowercase();
        let named = names.iter().any(|name| name.split('_').any(|part| part == word));
        if row[1] == "does not apply" {
            assert!(row[2].len() > 10, "{id}: why it does not apply");
        } else if !named {
            problems.push(format!("no test names {id}"));
        }
    }
    assert_eq!(problems, Vec::<String>::new());
}
