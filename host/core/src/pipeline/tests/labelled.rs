//! Modules that each follow objects of a label of their own: a change finds those whom it concerns.

use super::*;
use crate::selector::Selector;

/// What modules may follow, one each; `-` stands for everything.
const SELECTORS: [&str; 11] = [
    "-",
    "app=a",
    "app=b",
    "app in (a,b)",
    "app",
    "!app",
    "app!=a",
    "app notin (b)",
    "tier>3",
    "tier=5,app=a",
    "!gone,app=a",
];

/// Of an object.
type Labels = &'static [(&'static str, &'static str)];

/// What an object has in turn; none: it is not there.
const STATES: [Option<Labels>; 9] = [
    Some(&[("app", "a")]),
    Some(&[("app", "b"), ("tier", "5")]),
    Some(&[("app", "a"), ("tier", "5"), ("gone", "x")]),
    Some(&[]),
    None,
    Some(&[("tier", "2")]),
    Some(&[("tier", "7"), ("app", "")]),
    Some(&[("app", "a"), ("tier", "5")]),
    None,
];

fn name(nth: usize) -> String {
    format!("m{nth:02}")
}

#[test]
fn a_change_wakes_whoever_selects_the_object_before_or_after_it_and_nobody_else() {
    let mut world = World::new();
    for (nth, selector) in SELECTORS.into_iter().enumerate() {
        let mut maps = controller("maps", "ConfigMap", Vec::new());
        maps.selection.labels =
            Some(selector).filter(|text| *text != "-").map(|text| Selector::parse(text).unwrap());
        world.serve(version(&name(nth), nth as u8, vec![maps]));
    }
    world.sync_all(&[]);
    world.finish();
    let object = ObjectName { namespace: Some("n".into()), name: "x".into() };
    let mut before: Option<Labels> = None;
    for after in STATES.iter().cycle().take(3 * STATES.len()) {
        match after {
            Some(labels) => {
                let labels: BTreeMap<_, _> = labels.iter().copied().collect();
                let metadata = json!({"namespace": "n", "name": "x", "uid": "u", "labels": labels});
                world.upsert("ConfigMap", json!({"metadata": metadata}));
            }
            None => world.delete("ConfigMap", &object),
        }
        let selects = |text: &str, labels: Option<Labels>| {
            let selector = Selector::parse(if text == "-" { "" } else { text }).unwrap();
            let value = |wanted: &str, labels: Labels| {
                labels.iter().find(|(key, _)| *key == wanted).map(|(_, value)| *value)
            };
            labels.is_some_and(|labels| selector.matches(|key| value(key, labels)))
        };
        let concerned =
            SELECTORS.iter().enumerate().filter(|(_, text)| selects(text, before) || selects(text, *after));
        let expected: Vec<_> = concerned.map(|(nth, _)| name(nth)).collect();
        let mut woken: Vec<_> =
            world.runs.iter().map(|run| run.request.controller.module.0.to_string()).collect();
        woken.sort();
        assert_eq!(woken, expected, "{before:?} → {after:?}");
        world.finish();
        before = *after;
    }
}
