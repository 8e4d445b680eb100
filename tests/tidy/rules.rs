//! The tables of rules: each id stands once, and its tests exist.

use crate::sources::{Source, read};

/// Where a crate's table is, and how many rules of each letter it answers for.
const TABLES: &[(&str, &[(char, u32)])] = &[
    ("host/cluster", &[('R', 21), ('M', 6), ('E', 1), ('H', 2), ('L', 9)]),
    ("host/core", &[('D', 8), ('F', 8), ('I', 8), ('S', 11), ('W', 11), ('P', 10), ('C', 11)]),
];

struct Row {
    ids: Vec<String>,
    tests: String,
    note: String,
}

/// What is wrong with the tables of all crates.
pub(crate) fn problems(sources: &[Source]) -> Vec<String> {
    TABLES
        .iter()
        .flat_map(|(folder, letters)| {
            of_table(folder, &read(&format!("{folder}/RULES.md")), letters, sources)
        })
        .collect()
}

fn of_table(folder: &str, table: &str, letters: &[(char, u32)], sources: &[Source]) -> Vec<String> {
    let rows = rows(table);
    let mut problems = Vec::new();
    for (letter, count) in letters {
        for id in (1..=*count).map(|number| format!("{letter}{number}")) {
            match rows.iter().filter(|row| row.ids.contains(&id)).count() {
                1 => {}
                stands => problems.push(format!("{folder}/RULES.md: {id} stands {stands} times")),
            }
        }
    }
    for row in &rows {
        let names = names(&row.tests);
        let of_crate = format!("{folder}/");
        let elsewhere = row.tests.split('`').find(|part| part.starts_with("host/")).unwrap_or(&of_crate);
        let missing = names.iter().filter(|name| {
            let exists = |source: &Source| {
                let here = source.path.starts_with(&of_crate) || source.path.starts_with(elsewhere);
                here && source.text.contains(&format!("fn {name}"))
            };
            !sources.iter().any(exists)
        });
        problems.extend(
            missing.map(|name| format!("{folder}/RULES.md: {:?}: no test begins with {name}", row.ids)),
        );
        if names.is_empty() && row.note.is_empty() && !row.tests.contains('`') {
            problems.push(format!("{folder}/RULES.md: {:?} has neither a test nor a reason", row.ids));
        }
    }
    problems
}

fn rows(table: &str) -> Vec<Row> {
    let cells = |line: &str| -> Vec<String> {
        line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    let rows = table.lines().filter(|line| line.starts_with('|')).skip(2).map(cells);
    rows.map(|row| {
        let [ids, tests, note] = [0, 1, 2].map(|at| row.get(at).cloned().unwrap_or_default());
        Row { ids: ids.split(", ").flat_map(between).collect(), tests, note }
    })
    .collect()
}

/// `L1–L9` is nine ids.
fn between(ids: &str) -> Vec<String> {
    let Some((first, last)) = ids.split_once('–') else { return vec![ids.to_owned()] };
    let (letter, from) = first.split_at(1);
    let number = |text: &str| text.parse::<u32>().unwrap_or_default();
    (number(from)..=number(&last[1..])).map(|number| format!("{letter}{number}")).collect()
}

/// The beginnings of tests' names that a cell gives: `r1_…`, or a name that is a sentence.
fn names(cell: &str) -> Vec<&str> {
    let quoted = cell.split('`').skip(1).step_by(2);
    let names = quoted.map(|name| name.trim_end_matches('…'));
    let is_name = |name: &&str| {
        name.contains('_')
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    names.filter(is_name).collect()
}

#[test]
fn a_rule_without_its_test_is_found() {
    let source = |path: &str, text: &str| Source { path: path.to_owned(), text: text.to_owned() };
    let sources =
        [source("host/x/src/a.rs", "fn x1_holds() {}"), source("host/y/src/a.rs", "fn x3_too() {}")];
    let check = |rows: &str| {
        of_table(
            "host/x",
            &format!("| id | tests | note |\n| --- | --- | --- |\n{rows}"),
            &[('X', 3)],
            &sources,
        )
    };
    assert_eq!(check("| X1 | `x1_…` | |\n| X2 | – | why |\n| X3 | `x3_…` in `host/y` | |"), [""; 0]);
    assert_eq!(check("| X1–X3 | `x1_…` | |").len(), 0);
    assert_eq!(check("| X1, X2 | `x1_…` | |").len(), 1, "X3 does not stand there");
    assert_eq!(check("| X1–X3 | `x1_…` | |\n| X2 | `x1_…` | |").len(), 1, "twice");
    assert_eq!(check("| X1–X3 | `x2_…` | |").len(), 1, "no such test");
    assert_eq!(check("| X1–X3 | `x3_…` | |").len(), 1, "of another crate");
    assert_eq!(check("| X1–X3 | – | |").len(), 1, "no reason");
}
