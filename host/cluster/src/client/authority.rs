//! The host's verdict beside that of Kubernetes' own RBAC authorizer, cell by cell: it never allows what RBAC refuses,
//! and what only it refuses is the list in `tests/authority/exclusions.txt`.
//!
//! The authorizer's answers are recorded in `tests/authority/answers.txt`; CONTRIBUTING.md says how to ask it anew.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod cells;
mod rules;

use cells::{Cell, cells};
use rules::{Labels, Set, sets};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
};
use windlass_core::{
    grant::{Access, Grant, Rule, Scope, VERBS},
    name::ModuleName,
};

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/authority"))
}

/// What the authorizer is asked: the cells, then each set of rules.
fn question(cells: &[Cell], sets: &[Set]) -> String {
    let mut text = serde_json::Value::from_iter(cells.iter().map(Cell::asked)).to_string();
    for set in sets {
        write!(text, "\n{}", set.asked()).unwrap();
    }
    text + "\n"
}

/// Asks the real authorizer, by the program in `tests/authority`.
fn ask(question: &str) -> String {
    let mut go = Command::new("go");
    go.args(["run", "-C"]).arg(folder()).arg(".").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut running = go.spawn().expect("the live matrix needs Go on PATH");
    let mut stdin = running.stdin.take().unwrap();
    let question = question.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(question.as_bytes()));
    let output = running.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "the program in tests/authority failed");
    String::from_utf8(output.stdout).unwrap()
}

/// Digest of a question, so that answers to another one are noticed.
fn digest(question: &str) -> String {
    let hash = question.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

/// The answers by set, a bit per cell: recorded ones, or those of the live authorizer.
fn answers(question: &str) -> BTreeMap<String, Vec<bool>> {
    let (file, how) = (folder().join("answers.txt"), std::env::var("WINDLASS_TEST_AUTHORITY"));
    let text = match how.as_deref() {
        Ok("live") => ask(question),
        Ok("record") => {
            let text = ask(question);
            fs::write(&file, format!("question {}\n{text}", digest(question))).unwrap();
            text
        }
        Ok(other) => panic!("WINDLASS_TEST_AUTHORITY is `{other}`; it is `live` or `record`"),
        Err(_) => {
            let text = fs::read_to_string(&file).unwrap();
            let (head, rest) = text.split_once('\n').unwrap();
            let mine = digest(question);
            assert_eq!(
                head,
                format!("question {mine}"),
                "cells or rules have changed: record the answers anew"
            );
            rest.to_owned()
        }
    };
    let bits = |digits: &str| {
        let digits = digits.chars().map(|digit| digit.to_digit(16).unwrap());
        digits.flat_map(|digit| [8, 4, 2, 1].map(|bit| digit & bit > 0)).collect()
    };
    text.lines()
        .map(|line| line.split_once(' ').unwrap())
        .map(|(set, line)| (set.to_owned(), bits(line)))
        .collect()
}

/// Why only the host refuses a cell, told apart from outside.
fn reason(grant: &Grant, access: &Access<'_>, name: Option<&str>) -> &'static str {
    let module = ModuleName("module".into());
    let allows = |grant: &Grant| grant.among(&Labels).check(&module, access).is_ok();
    let everywhere = |rule: &Rule| {
        [Scope::Cluster, Scope::AllNamespaces]
            .map(|scope| Rule { scope, permission: rule.permission.clone() })
    };
    let wide = Grant { rules: grant.rules.iter().flat_map(everywhere).collect() };
    let by_name = Grant { rules: vec![Rule::allowing(access)] };
    if !VERBS.contains(&access.verb) {
        "no call of a module has this verb"
    } else if allows(&wide) {
        "a rule without namespaces is for cluster-scoped objects only, one with them for namespaced ones only"
    } else if access.resource == "leases" {
        "a lease of the hosts takes its name in resourceNames"
    } else if wide.among(&Labels).check(&module, &Access { name, ..*access }).is_ok() {
        "a list by name takes the right to list all"
    } else {
        assert!(allows(&by_name), "a rule that names it would allow it: {access}");
        "guarded: a * does not cover it"
    }
}

#[test]
fn the_host_never_allows_what_rbac_refuses_and_refuses_more_only_by_the_list() {
    let (cells, sets) = (cells(), sets());
    let answers = answers(&question(&cells, &sets));
    let (mut total, mut agreed, mut too_wide) = (0, 0, Vec::new());
    let mut exclusions: BTreeMap<(&str, String), (BTreeSet<&str>, usize)> = BTreeMap::new();
    let module = ModuleName("module".into());
    for set in &sets {
        let verdicts = &answers[&set.name];
        for (cell, rbac) in cells.iter().zip(verdicts) {
            let access = cell.access();
            let host = set.grant.among(&Labels).check(&module, &access).is_ok();
            total += 1;
            match (host, rbac) {
                (true, false) => too_wide.push(format!("{}: {access}", set.name)),
                (false, true) => {
                    let full = access
                        .subresource
                        .map_or(access.resource.to_owned(), |sub| format!("{}/{sub}", access.resource));
                    let entry = exclusions
                        .entry((reason(&set.grant, &access, cell.name), format!("{}:{full}", access.group)));
                    let (verbs, count) = entry.or_default();
                    verbs.insert(cell.verb);
                    *count += 1;
                }
                _ => agreed += 1,
            }
        }
    }
    assert!(
        too_wide.is_empty(),
        "{} cells, among them {:?}",
        too_wide.len(),
        &too_wide[..too_wide.len().min(10)]
    );
    let excluded: usize = exclusions.values().map(|(_, count)| count).sum();
    let mut text = format!(
        "{total} cells: {} under each of {} sets of rules. {agreed} verdicts agree; in {excluded} only the host refuses:\n",
        cells.len(),
        sets.len()
    );
    let mut last = "";
    for ((reason, resource), (verbs, count)) in &exclusions {
        if *reason != last {
            write!(text, "\n{reason}\n").unwrap();
            last = reason;
        }
        let verbs: Vec<_> = verbs.iter().copied().collect();
        writeln!(text, "  {resource} ({}): {count}", verbs.join(", ")).unwrap();
    }
    let file = folder().join("exclusions.txt");
    if std::env::var("WINDLASS_TEST_AUTHORITY").as_deref() == Ok("record") {
        fs::write(&file, &text).unwrap();
    }
    assert_eq!(
        fs::read_to_string(&file).unwrap(),
        text,
        "if this is meant, record it anew and read the difference"
    );
}
