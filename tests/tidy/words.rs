//! Words that must stand somewhere, and words that must not.

use crate::sources::Source;

/// Names that say nothing about what is in a module.
const EMPTY_NAMES: [&str; 8] =
    ["utils", "util", "common", "helpers", "helper", "manager", "managers", "misc"];

/// Written in two halves, or this file would find itself.
const LEFT_FOR_LATER: [&str; 8] = [
    concat!("FIX", "ME"),
    concat!("XX", "X:"),
    concat!("TO", "DO"),
    concat!("dbg", "!("),
    concat!("todo", "!("),
    concat!("unimplemented", "!("),
    concat!("#[ign", "ore"),
    concat!("#[should", "_panic"),
];

const PRINTS: [&str; 5] = [
    concat!("print", "!("),
    concat!("println", "!("),
    concat!("eprint", "!("),
    concat!("eprintln", "!("),
    concat!("process::", "exit("),
];

const LOCKS: [&str; 4] = ["Mutex", "RwLock", "Condvar", "AtomicU"];

const MACHINE_PATHS: [&str; 3] = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/")];

/// A file without `//!` on its first line.
pub(crate) fn lacks_a_beginning(source: &Source) -> Option<String> {
    let begins =
        source.text.starts_with("//! ") && source.text.lines().next().is_some_and(|line| line.len() > 12);
    (!begins).then(|| format!("{} does not begin with `//!` and what it is", source.path))
}

/// Modules, as files, folders or inline, whose name says nothing.
pub(crate) fn empty_names(source: &Source) -> Vec<String> {
    let files = source.path.trim_end_matches(".rs").split('/').map(str::to_owned);
    let inline = source.text.lines().filter_map(|line| {
        let rest = line.trim_start().trim_start_matches("pub ").strip_prefix("mod ")?;
        Some(rest.trim_end_matches([';', '{', ' ']).to_owned())
    });
    let empty = files.chain(inline).filter(|name| EMPTY_NAMES.contains(&&**name));
    empty.map(|name| format!("{}: `{name}` says nothing about what is in it", source.path)).collect()
}

/// Marks of unfinished work, and tests that do not run or that pass by dying.
pub(crate) fn left_for_later(source: &Source) -> Vec<String> {
    find(source, &LEFT_FOR_LATER, |_| true)
}

/// The host prints only in its command line; programs that make files of the repository,
/// benchmarks and build scripts may too.
pub(crate) fn prints(source: &Source) -> Vec<String> {
    let path = &source.path;
    let may = !path.starts_with("host/")
        || path.starts_with("host/cli/")
        || path.ends_with("/build.rs")
        || path.contains("/examples/")
        || path.contains("/benches/")
        || path.contains("/src/bin/");
    if may { Vec::new() } else { find(source, &PRINTS, |line| !line.trim_start().starts_with("//")) }
}

/// Locks and counters that `core` takes from the standard library, past its module `sync`.
pub(crate) fn locks_of_std(source: &Source) -> Vec<String> {
    if !source.path.starts_with("host/core/src/") || source.path.ends_with("/sync.rs") {
        return Vec::new();
    }
    let from_std = source.text.split(';').filter(|statement| statement.contains("std::"));
    let taken = from_std.flat_map(|statement| LOCKS.iter().filter(move |lock| statement.contains(*lock)));
    taken.map(|lock| format!("{}: take `{lock}` from `crate::sync`", source.path)).collect()
}

/// Paths that exist on somebody's machine only.
pub(crate) fn machine_paths(source: &Source) -> Vec<String> {
    find(source, &MACHINE_PATHS, |_| true)
}

/// A word counts where no letter stands before it: `print!(` is not found in `println!(` or `eprint!(`.
fn find(source: &Source, words: &[&str], counts: impl Fn(&str) -> bool) -> Vec<String> {
    let stands_alone = |line: &str, word: &str| {
        line.match_indices(word).any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric()))
    };
    let mut found = Vec::new();
    for (nth, line) in source.text.lines().enumerate().filter(|(_, line)| counts(line)) {
        for word in words.iter().filter(|word| stands_alone(line, word)) {
            found.push(format!("{}:{}: `{word}`", source.path, nth + 1));
        }
    }
    found
}

/// Names of tests in a page: words in backticks that are sentences (four words or more).
pub(crate) fn tests_named(page: &str) -> Vec<String> {
    let is_sentence = |word: &str| {
        word.matches('_').count() >= 3
            && word.chars().all(|c| c == '_' || c.is_ascii_lowercase() || c.is_ascii_digit())
    };
    page.split('`').skip(1).step_by(2).filter(|word| is_sentence(word)).map(str::to_owned).collect()
}

#[test]
fn each_rule_finds_what_it_is_for() {
    let source = |path: &str, text: &str| Source { path: path.into(), text: text.into() };
    assert!(lacks_a_beginning(&source("a.rs", "use x;\n")).is_some());
    assert!(lacks_a_beginning(&source("a.rs", "//! x\n")).is_some());
    assert!(lacks_a_beginning(&source("a.rs", "//! What it is.\n")).is_none());
    assert_eq!(empty_names(&source("host/misc/utils.rs", "pub mod common {\nmod commonly;\n")).len(), 3);
    for word in LEFT_FOR_LATER {
        assert_eq!(
            left_for_later(&source("a.rs", &format!("x();\n  {word}"))),
            [format!("a.rs:2: `{word}`")]
        );
    }
    for word in PRINTS {
        let text = format!("  {word}");
        assert_eq!(prints(&source("host/core/src/a.rs", &text)).len(), 1, "{word}");
        assert_eq!(prints(&source("host/core/src/a.rs", &format!("// {text}"))).len(), 0, "{word}");
        assert_eq!(prints(&source("host/cli/src/a.rs", &text)).len(), 0, "{word}");
    }
    let locks = |path: &str, text: &str| locks_of_std(&source(path, text)).len();
    let text = "use crate::sync::Mutex;\nuse std::{\n    sync::{Arc, RwLock},\n};\n";
    assert_eq!((locks("host/core/src/a.rs", text), locks("host/core/src/sync.rs", text)), (1, 0));
    for path in MACHINE_PATHS {
        assert_eq!(machine_paths(&source("a.md", &format!("see {path}x"))).len(), 1, "{path}");
    }
    assert_eq!(tests_named("| a `b_c` | `a_test_that_is_one` and `src/x_y_z_a` |"), ["a_test_that_is_one"]);
}
