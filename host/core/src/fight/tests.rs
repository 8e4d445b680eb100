//! Which fields differ, and what counts as a flip.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use super::{bygone::BYGONE_MAX, *};
use crate::{
    name::{ControllerName, ModuleName},
    time::Time,
};
use serde_json::{Value, json};
use std::ops::Range;

fn paths(before: &Value, after: &Value) -> Vec<String> {
    changed_fields(&before.to_string(), &after.to_string()).iter().map(|one| one.path.to_string()).collect()
}

#[test]
fn changed_fields_are_named_by_their_deepest_path_and_the_server_s_own_are_left_out() {
    let before = json!({
        "metadata": {"name": "a", "resourceVersion": "1", "generation": 1, "labels": {"a/b": "x", "c": "y"}},
        "spec": {"list": [{"n": 1}, {"n": 2}], "other": [1], "gone": true},
    });
    let after = json!({
        "metadata": {"name": "a", "resourceVersion": "2", "generation": 2, "labels": {"a/b": "z", "c": "y"}},
        "spec": {"list": [{"n": 1}, {"n": 3}], "other": [1, 2], "new": {"deep": 1}},
    });
    let want = [".metadata.labels[\"a/b\"]", ".spec.gone", ".spec.list[1].n", ".spec.new", ".spec.other"];
    assert_eq!(paths(&before, &after), want);
    let changes = changed_fields(&before.to_string(), &after.to_string());
    assert_eq!((changes[1].after, changes[3].before), (0, 0), "what is not there has no hash");
    assert_eq!(paths(&before, &before), [""; 0]);
    let spaced = serde_json::to_string_pretty(&before).unwrap();
    assert_eq!(changed_fields(&before.to_string(), &spaced), []);
}

#[test]
fn changes_are_bounded_in_number_depth_and_length_of_their_paths() {
    let many = |value: u32| json!({"spec": (0..100).map(|n| (format!("f{n}"), value)).collect::<Vec<_>>()});
    let fields = |value: u32| Value::Object((0..100).map(|n| (format!("f{n:02}"), json!(value))).collect());
    assert_eq!(paths(&fields(1), &fields(2)).len(), 16);
    assert_eq!(paths(&many(1), &many(2)).len(), 16);
    let deep = |value| (0..40).fold(json!(value), |inner, _| json!({"k": inner}));
    let wide = |value| (0..8).fold(json!(value), |inner, _| json!({"k".repeat(100): inner}));
    for (before, after) in [(deep(1), deep(2)), (wide(1), wide(2))] {
        let found = paths(&before, &after);
        assert!(found.len() == 1 && found[0].len() < 400, "{found:?}");
    }
    assert_eq!(changed_fields("{", "{}").len(), 1, "what cannot be read differs as a whole");
}

fn request(module: &str) -> Request {
    let controller = ControllerName { module: ModuleName(module.into()), controller: "c".into() };
    Request { controller, name: ObjectName::namespaced("n", "a") }
}

/// Writes by version number; the record of one field of one object.
struct Played {
    fights: Fights,
    now: Time,
    version: u64,
    word: u64,
}

impl Played {
    fn new() -> Self {
        Self { fights: Fights::default(), now: Time(0), version: 1, word: 1 }
    }

    /// Somebody who is not ours writes.
    fn outside(&mut self, word: u64) {
        (self.version, self.word) = (self.version + 1, word);
    }

    fn write(&mut self, module: &str, word: u64, woken: Woken) -> Option<Fight> {
        self.write_as(&request(module), word, woken)
    }

    fn write_as(&mut self, writer: &Request, word: u64, woken: Woken) -> Option<Fight> {
        let from = self.version;
        self.version += 1;
        let change = FieldChange { path: ".spec.x".into(), before: self.word, after: word };
        self.word = word;
        let wrote = Wrote {
            run: RunId(1),
            kind: Kind::new("v1", "ConfigMap"),
            name: ObjectName::namespaced("n", "a"),
            from_version: Some(from.to_string().into()),
            version: Some(self.version.to_string().into()),
            changes: vec![change],
        };
        self.fights.wrote(self.now, writer, woken, wrote)
    }

    fn wait(&mut self, by: Duration) {
        self.now = self.now + by;
    }

    /// Looks whenever it is time to, until something is over: when, and what.
    fn until_quiet(&mut self) -> (Time, Vec<Ended>) {
        loop {
            let next = self.fights.quiet_next().unwrap();
            let over = self.fights.quiet(next);
            if !over.is_empty() {
                return (next, over);
            }
        }
    }
}

#[test]
fn writers_that_undo_each_other_are_a_fight_and_others_are_not() {
    use Woken::{ByThis, Otherwise};
    // Who writes what, how often: A's value, B's value as functions of the turn; whether it becomes a fight.
    type Word = fn(u64) -> u64;
    for (what, a, b, fights) in [
        ("both their own", (|_| 1) as Word, (|_| 2) as Word, true),
        ("one of them ever another", |turn| turn + 10, |_| 2, true),
        ("a handshake of ever new values", |turn| turn + 1_000, |turn| turn + 2_000, false),
        ("the same value", |turn| turn, |turn| turn, false),
    ] {
        let mut played = Played::new();
        let mut found = false;
        for turn in 0..30 {
            found |= played.write("a", a(turn), Otherwise).is_some();
            found |= played.write("b", b(turn), Otherwise).is_some();
        }
        assert_eq!(found, fights, "{what}");
    }
    let mut played = Played::new();
    let alone = (0..30).any(|turn| played.write("a", turn, Otherwise).is_some());
    assert!(!alone, "a field that follows something else");
    let woken = (0..30).position(|turn| played.write("a", turn + 100, ByThis).is_some());
    assert_eq!(woken, Some(7), "a field that follows itself");
    assert!(!played.fights.open().next().unwrap().elsewhere);
}

#[test]
fn somebody_outside_who_undoes_a_field_is_part_of_a_fight() {
    let mut played = Played::new();
    let mut last = None;
    for _ in 0..12 {
        last = played.write("a", 1, Woken::ByThis).or(last);
        played.outside(2);
    }
    let fight = last.unwrap();
    assert!(fight.elsewhere && fight.writers == [request("a")], "{fight}");
    assert!(fight.to_string().contains("somebody outside this host undo each other's writes of .spec.x"));
}

#[test]
fn who_undoes_from_outside_slows_the_repair_mildly_and_not_for_long() {
    let mut played = Played::new();
    played.write("a", 1, Woken::Otherwise);
    let mut delays = Vec::new();
    for _ in 0..14 {
        played.outside(2);
        let fight = played.write("a", 1, Woken::Otherwise);
        let delay = fight.map_or(Duration::ZERO, |fight| fight.delay);
        delays.push(delay.as_secs());
        played.wait(delay);
    }
    assert_eq!(delays, [0, 0, 0, 0, 0, 0, 0, 1, 2, 4, 8, 10, 10, 10]);
    // Who wakes itself beside it is held back as ever.
    let own = played.write("a", 3, Woken::ByThis).unwrap();
    assert_eq!((own.elsewhere, own.delay), (true, Duration::from_secs(128)));
    played.write("a", 1, Woken::Otherwise);
    played.outside(2);
    assert_eq!(played.write("a", 1, Woken::Otherwise).unwrap().delay, Duration::from_secs(10));
    let (quiet, _) = played.until_quiet();
    assert_eq!(quiet.since(played.now), Duration::from_secs(60 + 2 * 10), "since the last repair");
}

/// Writes of one field by so many requests in turn: what the first fight looked like.
fn in_turn(writers: u64, turns: u64, word: impl Fn(u64, u64) -> u64) -> Option<Fight> {
    let mut played = Played::new();
    let mut found = None;
    for (turn, nth) in (0..turns).flat_map(|turn| (0..writers).map(move |nth| (turn, nth))) {
        let mut writer = request("a");
        writer.name = ObjectName::namespaced("n", &nth.to_string());
        let fight = played.write_as(&writer, word(turn, nth), Woken::Otherwise);
        found = found.or(fight);
    }
    found
}

#[test]
fn more_writers_than_are_remembered_by_name_are_a_fight_too() {
    for (writers, others) in [(2, 0), (5, 1), (6, 2), (16, 12), (17, 12), (40, 12), (1_000, 12)] {
        let fight = in_turn(writers, 3 + 16 / writers, |_, nth| nth + 1);
        let fight = fight.unwrap_or_else(|| panic!("{writers} writers are no fight"));
        assert_eq!(fight.others, others, "{writers} writers");
        let text = fight.to_string();
        for (least, told) in
            [(5, " and 1 other undo"), (6, " and 2 others undo"), (16, " and 12 others or more undo")]
        {
            let most = if least == 16 { u64::MAX } else { least };
            assert_eq!((least..=most).contains(&writers), text.contains(told), "{text}");
        }
        assert_eq!(
            in_turn(writers, 5, |turn, nth| turn * 10_000 + nth),
            None,
            "{writers} with ever new values"
        );
        assert_eq!(in_turn(writers, 5, |turn, _| turn), None, "{writers} that agree");
    }
}

#[test]
fn what_further_writers_said_is_bounded_and_forgotten_when_a_module_is_replaced() {
    let mut played = Played::new();
    for nth in 0..100_000 {
        let mut writer = request("a");
        writer.name = ObjectName::namespaced("n", &nth.to_string());
        played.write_as(&writer, nth + 1, Woken::Otherwise);
    }
    let [.., bygone] = played.fights.remembered();
    assert!((BYGONE_MAX..=2 * BYGONE_MAX).contains(&bygone), "{bygone}");
    played.fights.forget(&ModuleName("b".into()));
    assert_eq!(played.fights.remembered()[2], 0);
}

/// A module that wakes itself over so many objects in turn.
fn restless(fights: &mut Fights, objects: u64, turns: Range<u64>) {
    for turn in turns {
        for nth in 0..objects {
            let wrote = Wrote {
                run: RunId(1),
                kind: Kind::new("v1", "ConfigMap"),
                name: ObjectName::namespaced("n", &nth.to_string()),
                from_version: Some(turn.to_string().into()),
                version: Some((turn + 1).to_string().into()),
                changes: vec![FieldChange { path: ".x".into(), before: turn, after: turn + 1 }],
            };
            let mut writer = request("a");
            writer.name = wrote.name.clone();
            fights.wrote(Time(turn), &writer, Woken::ByThis, wrote);
        }
    }
}

#[test]
fn a_fight_over_each_of_four_thousand_objects_is_seen_and_what_is_more_is_counted() {
    let mut fights = Fights::default();
    restless(&mut fights, 4_000, 0..10);
    assert_eq!((fights.open().count(), fights.take_dropped()), (4_000, 0));
    // What is fought over is not pushed out by what is not.
    for nth in 0..10_000 {
        let name = ObjectName::namespaced("m", &nth.to_string());
        let (kind, version) = (Kind::new("v1", "ConfigMap"), Some("1".into()));
        let changes = vec![FieldChange { path: Box::default(), before: 0, after: 1 }];
        let wrote = Wrote { run: RunId(1), kind, name, from_version: None, version, changes };
        fights.wrote(Time(10), &request("b"), Woken::Otherwise, wrote);
    }
    assert_eq!(fights.open().map(|fight| fight.flips).min(), Some(9));
    restless(&mut fights, 4_000, 10..11);
    assert_eq!(fights.open().map(|fight| fight.flips).min(), Some(10));
    assert_eq!(fights.take_dropped(), 0, "what was forgotten had not gone back and forth");
    let mut fights = Fights::default();
    restless(&mut fights, 5_000, 0..10);
    assert!(fights.take_dropped() > 1_000);
}

#[test]
fn who_is_held_back_by_another_fight_is_not_let_go() {
    let mut fights = Fights::default();
    let mut write = |now: u64, object: &str, turn: u64| {
        let (kind, name) = (Kind::new("v1", "ConfigMap"), ObjectName::namespaced("n", object));
        let changes = vec![FieldChange { path: ".x".into(), before: turn, after: turn + 1 }];
        let (from_version, version) = (Some(turn.to_string().into()), Some((turn + 1).to_string().into()));
        let wrote = Wrote { run: RunId(1), kind, name, from_version, version, changes };
        fights.wrote(Time(now), &request("a"), Woken::ByThis, wrote);
    };
    (0..9).for_each(|turn| write(0, "x", turn));
    (0..12).for_each(|turn| write(1_000_000, "y", turn));
    let mut played = Played { fights, ..Played::new() };
    let (first, over) = played.until_quiet();
    assert_eq!((over.len(), &*over[0].0.name.name, over[0].1.len()), (1, "x", 0));
    let (last, over) = played.until_quiet();
    assert!(last > first);
    assert_eq!((&*over[0].0.name.name, over[0].1.len()), ("y", 1));
}

#[test]
fn writes_that_are_told_in_another_order_than_they_were_made_are_nobody_else_s() {
    let mut fights = Fights::default();
    let mut told = Vec::new();
    // Each second write of `a` is told after the one of `b` that undid it.
    let made = (1..40_u64).map(|version| (if version % 2 == 0 { "b" } else { "a" }, version));
    let mut made: Vec<_> = made.collect();
    (4..made.len() - 1).step_by(4).for_each(|at| made.swap(at, at + 1));
    for (module, version) in made {
        let word = 1 + version % 2;
        let wrote = Wrote {
            run: RunId(1),
            kind: Kind::new("v1", "ConfigMap"),
            name: ObjectName::namespaced("n", "a"),
            from_version: Some((version - 1).to_string().into()),
            version: Some(version.to_string().into()),
            changes: vec![FieldChange { path: ".x".into(), before: 3 - word, after: word }],
        };
        told.extend(fights.wrote(Time(0), &request(module), Woken::Otherwise, wrote));
    }
    assert!(told.len() > 20, "{}", told.len());
    assert!(told.iter().all(|fight| !fight.elsewhere && fight.writers.len() == 2), "{told:?}");
}

#[test]
fn a_run_that_somebody_else_s_write_of_the_object_came_before_does_not_wake_itself() {
    let mut played = Played::new();
    for turn in 0..30 {
        assert_eq!(played.write("a", turn, Woken::ByThis), None);
        played.version += 1;
    }
}

#[test]
fn each_further_flip_holds_back_for_longer_up_to_a_bound_and_quiet_ends_it() {
    let mut played = Played::new();
    let mut delays = Vec::new();
    for turn in 0..20 {
        if let Some(fight) = played.write("a", turn, Woken::ByThis) {
            delays.push(fight.delay.as_secs());
            played.wait(fight.delay);
        }
    }
    assert_eq!(delays, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
    assert_eq!(played.fights.quiet(played.now).len(), 0);
    let (quiet, over) = played.until_quiet();
    assert_eq!(quiet.since(played.now), Duration::from_secs(60 + 300));
    assert_eq!((over[0].0.stage, over[0].1.len()), (FightStage::Over, 1));
    assert_eq!(played.fights.quiet_next(), None);
    played.now = quiet + Duration::from_secs(1_000);
    assert_eq!(played.write("a", 99, Woken::ByThis), None, "counted anew");
}

#[test]
fn slow_repetition_is_no_fight() {
    let mut played = Played::new();
    for turn in 0..30 {
        assert_eq!(played.write("a", turn, Woken::ByThis), None);
        played.wait(Duration::from_secs(61));
    }
}

#[test]
fn a_module_that_is_replaced_takes_its_fights_along() {
    let mut played = Played::new();
    (0..30).for_each(|_| {
        played.write("a", 1, Woken::Otherwise);
        played.write("b", 2, Woken::Otherwise);
    });
    assert_eq!(played.fights.forget(&ModuleName("other".into())).len(), 0);
    let over = played.fights.forget(&ModuleName("b".into()));
    assert_eq!(over[0].1.len(), 2, "both are let go");
    assert_eq!(played.fights.open().count(), 0);
    assert_eq!(played.write("a", 1, Woken::Otherwise), None);
}

#[test]
fn what_is_remembered_of_writes_is_bounded() {
    let mut fights = Fights::default();
    for n in 0..20_000_u64 {
        let wrote = Wrote {
            run: RunId(1),
            kind: Kind::new("v1", "ConfigMap"),
            name: ObjectName::namespaced("n", &n.to_string()),
            from_version: None,
            version: Some("1".into()),
            changes: (0..40)
                .map(|f| FieldChange { path: format!(".f{f}").into(), before: 0, after: n + 1 })
                .collect(),
        };
        fights.wrote(Time(n), &request("a"), Woken::ByThis, wrote);
    }
    let [objects, fields, bygone] = fights.remembered();
    assert!(objects <= 2 * 4_096 && fields <= 16 * objects, "{objects} objects, {fields} fields");
    assert_eq!((bygone, fights.take_dropped()), (0, 0), "nothing went back and forth");
}
