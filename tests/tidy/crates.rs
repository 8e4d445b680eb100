//! What each crate may depend on: the frontiers that ARCHITECTURE.md draws.

use crate::sources::read;
use toml::{Table, Value};

/// `core` decides and does nothing: no crate that reads a clock, opens a socket or spawns.
const CORE: &[&str] = &["foldhash", "hashbrown", "roaring", "serde", "serde_json", "thiserror"];

/// Our crates, and which of ours they may use. Nothing else is allowed.
const ARROWS: &[(&str, &[&str])] = &[
    ("windlass-core", &[]),
    ("windlass-cluster", &["windlass-core"]),
    ("windlass-guest", &["windlass-core"]),
    ("windlass-runtime", &["windlass-core", "windlass-cluster", "windlass-guest"]),
    ("windlass-apiserver", &[]),
    ("windlass-author", &[]),
    ("windlass-cli", &["windlass-runtime", "windlass-author", "windlass-apiserver"]),
    ("windlass", &["windlass-macros"]),
    ("windlass-macros", &[]),
    // It starts the command, as users do.
    ("windlass-benches", &[]),
    ("stranger", &["windlass"]),
];

/// What their tests may use besides. The API server's tests use nothing of ours: a mistake must not hide in both.
const TEST_ARROWS: &[(&str, &[&str])] = &[
    ("windlass-benches", &["windlass-apiserver", "windlass-runtime"]),
    ("windlass-cluster", &["windlass-apiserver"]),
    ("windlass-guest", &["windlass-author"]),
    ("windlass-runtime", &["windlass-apiserver", "windlass-author"]),
];

/// What only one crate may know, so that replacing it would touch nothing else. Tests of others may use it.
const OWNED: &[(&str, &str)] = &[("kube", "windlass-cluster"), ("wasmtime", "windlass-guest")];

/// A member of the workspace.
pub(crate) struct Member {
    pub(crate) folder: String,
    pub(crate) cargo: Table,
}

/// All members.
pub(crate) fn members() -> Vec<Member> {
    let workspace: Table = read("Cargo.toml").parse().unwrap();
    let folders = workspace["workspace"]["members"].as_array().unwrap();
    let member = |folder: &Value| {
        let folder = folder.as_str().unwrap().to_owned();
        let cargo = read(&format!("{folder}/Cargo.toml")).parse().unwrap();
        Member { folder, cargo }
    };
    folders.iter().map(member).collect()
}

/// Members without a description, and members that the map does not show. A sample is shown by its folder.
pub(crate) fn undescribed(members: &[Member], map: &str) -> Vec<String> {
    let mut problems = Vec::new();
    for Member { folder, cargo } in members {
        let description = cargo["package"].get("description").and_then(Value::as_str).unwrap_or_default();
        if description.is_empty() {
            problems.push(format!("{folder}/Cargo.toml has no description"));
        }
        let shown = if folder.starts_with("sample-modules/") { "sample-modules" } else { folder };
        if !map.lines().any(|line| line.starts_with(&format!("{shown}/"))) {
            problems.push(format!("ARCHITECTURE.md has no line that begins with {shown}/"));
        }
    }
    problems
}

/// What core depends on and should not, and the other way round. Its tests may use more.
pub(crate) fn dependencies_of_core(cargo: &str) -> Vec<String> {
    let cargo: Table = cargo.parse().unwrap();
    let mut found = dependencies(&cargo, &["dependencies", "build-dependencies"]);
    found.sort_unstable();
    if found == CORE {
        Vec::new()
    } else {
        vec![format!("core depends on {found:?}, and should on {CORE:?}")]
    }
}

/// Dependencies among our own crates that no arrow allows.
pub(crate) fn wrong_arrows(member: &Member) -> Vec<String> {
    let name = member.cargo["package"]["name"].as_str().unwrap();
    let of = |table: &'static [(&str, &[&str])]| {
        table.iter().find(|(from, _)| *from == name).map_or(&[][..], |(_, to)| *to)
    };
    let allowed: &[&str] = match name {
        // Tests of the whole see every public interface.
        "windlass-tests" => return Vec::new(),
        _ if member.folder.starts_with("sample-modules/") => &["windlass"],
        _ => of(ARROWS),
    };
    let known = ARROWS.iter().any(|(from, _)| *from == name) || member.folder.starts_with("sample-modules/");
    let mut problems = Vec::new();
    if !known {
        problems.push(format!("{name}: say in tests/tidy/crates.rs which of our crates it may use"));
    }
    let ours = |sections| {
        let all: Vec<&str> = dependencies(&member.cargo, sections);
        all.into_iter().filter(|to| ARROWS.iter().any(|(ours, _)| ours == to))
    };
    let build = ours(&["dependencies", "build-dependencies"]).filter(|to| !allowed.contains(to));
    let tests =
        ours(&["dev-dependencies"]).filter(|to| !allowed.contains(to) && !of(TEST_ARROWS).contains(to));
    problems.extend(build.chain(tests).map(|to| format!("{name} may not use {to}")));
    problems
}

/// Dependencies that belong to another crate.
pub(crate) fn not_the_owner(member: &Member) -> Vec<String> {
    let name = member.cargo["package"]["name"].as_str().unwrap();
    let used = dependencies(&member.cargo, &["dependencies", "build-dependencies"]);
    let wrong = OWNED.iter().filter(|(what, owner)| used.contains(what) && *owner != name);
    wrong.map(|(what, owner)| format!("{name} may not use {what}: that is {owner}'s")).collect()
}

/// The names in some sections, those for single targets included.
fn dependencies<'a>(cargo: &'a Table, sections: &'static [&str]) -> Vec<&'a str> {
    let targets = cargo.get("target").and_then(Value::as_table).into_iter().flat_map(Table::values);
    let tables = std::iter::once(cargo).chain(targets.filter_map(Value::as_table));
    let named = move |table: &'a Table| sections.iter().filter_map(|section| table.get(*section)?.as_table());
    tables.flat_map(named).flat_map(Table::keys).map(String::as_str).collect()
}

#[test]
fn wrong_dependencies_are_found() {
    let member = |folder: &str, cargo: &str| Member { folder: folder.into(), cargo: cargo.parse().unwrap() };
    let wrong = |folder: &str, cargo: &str| wrong_arrows(&member(folder, cargo)).len();
    let guest = "[package]\nname = 'windlass-guest'\n";
    assert_eq!(wrong("host/guest", &format!("{guest}[dependencies]\nwindlass-core = '1'\nserde = '1'\n")), 0);
    assert_eq!(wrong("host/guest", &format!("{guest}[dependencies]\nwindlass-cluster = '1'\n")), 1);
    assert_eq!(wrong("host/guest", &format!("{guest}[target.x.dependencies]\nwindlass-cluster = '1'\n")), 1);
    assert_eq!(wrong("host/guest", &format!("{guest}[dev-dependencies]\nwindlass-author = '1'\n")), 0);
    assert_eq!(wrong("host/guest", &format!("{guest}[dependencies]\nwindlass-author = '1'\n")), 1);
    assert_eq!(wrong("host/new", "[package]\nname = 'windlass-new'\n"), 1);
    assert_eq!(wrong("sample-modules/a", "[package]\nname = 'a'\n[dependencies]\nwindlass-core = '1'\n"), 1);
    let kube = member("host/guest", &format!("{guest}[dependencies]\nkube = '1'\nwasmtime = '1'\n"));
    assert_eq!(not_the_owner(&kube), ["windlass-guest may not use kube: that is windlass-cluster's"]);
    assert_eq!(dependencies_of_core("[dependencies]\nserde = '1'\ntokio = '1'\n").len(), 1);
    assert_eq!(undescribed(&[member("host/x", "[package]\nname = 'x'\n")], "core/ and host/x/").len(), 2);
}
