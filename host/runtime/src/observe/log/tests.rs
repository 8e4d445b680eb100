//! Log lines as people and programs see them.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use super::*;
use std::sync::{Arc, Mutex};
use windlass_core::name::{ControllerName, Digest, Generation, Kind, ModuleName, ObjectName, Request};
use windlass_core::{
    fact::Reads,
    fight::Fight,
    outcome::{Trap, TrapKind},
};
use windlass_guest::text::deceives;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn logged(json: bool, fact: &Fact) -> String {
    let lines = Lines::default();
    let (writer, json_writer) = (lines.clone(), lines.clone());
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone());
    let tell = || Log.fact(fact);
    if json {
        let subscriber = subscriber.with_writer(move || VisibleJson(json_writer.clone()));
        tracing::subscriber::with_default(subscriber.json().flatten_event(true).finish(), tell);
    } else {
        tracing::subscriber::with_default(subscriber.event_format(Readable).finish(), tell);
    }
    let bytes = lines.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

fn run(outcome: Outcome) -> Fact {
    let module = ModuleName("website".into());
    let controller = ControllerName { module, controller: "site".into() };
    let name = ObjectName::namespaced("default", "shop");
    Fact::RunEnded(Box::new(RunEnded {
        request: Request { controller, name: name.clone() },
        digest: Digest([1; 32]),
        generation: Generation(1),
        reason: Reason::Related { watch: "content".into(), kind: Kind::new("v1", "ConfigMap"), name },
        outcome,
        took: Duration::from_micros(3456),
        cpu: Duration::from_micros(456),
        waited: Duration::from_millis(12),
        calls: 2,
        reads: Reads { cache: 3, server: 2 },
    }))
}

#[test]
fn a_run_tells_which_object_and_why_and_how_long() {
    let line = logged(false, &run(Outcome::Done));
    // Behind the time of day.
    let expected = " DEBUG run    website/site default/shop  run  \
        reason=\"v1 ConfigMap default/shop changed (content)\" outcome=success \
        took=3.5ms cpu=456µs waited=12ms calls=2\n";
    assert_eq!(line.get(12..), Some(expected), "{line}");
    let (digits, others): (Vec<char>, Vec<char>) = line[..12].chars().partition(char::is_ascii_digit);
    assert_eq!((digits.len(), &others[..]), (9, &[':', ':', '.'][..]), "{line}");
    assert!(
        logged(false, &run(Outcome::Terminal { message: "no image".into(), explained: false }))
            .contains("ERROR")
    );
}

#[test]
fn a_line_as_json_has_the_same_fields() {
    let line: serde_json::Value = serde_json::from_str(&logged(true, &run(Outcome::Done))).unwrap();
    assert_eq!(line["controller"], "website/site");
    assert_eq!(line["outcome"], "success");
    assert_eq!(line["calls"], 2);
    assert_eq!(line["target"], "windlass::run");
}

#[test]
fn a_guest_keeps_its_level_and_fields() {
    let fact = Fact::GuestLog {
        request: None,
        module: ModuleName("website".into()),
        level: LogLevel::Warn,
        message: "odd".into(),
        fields: vec![("replicas".into(), "3".into())],
    };
    let line = logged(false, &fact);
    assert!(line.contains(" WARN  guest  website describe  odd replicas=3\n"), "{line}");
}

/// Everything that steers a terminal, forges a line or hides, in the shortest form.
const ATTACK: &str = "\x1b[2J\r\u{9b}31m\0\u{7f}\u{202e}\u{2066}\u{200b}\u{2028}\u{feff}\u{e0041}\x07";

/// Every fact that can hold text of a guest, with the attack wherever such text can be.
fn facts_of_attack() -> Vec<Fact> {
    let (text, kind) = (ATTACK.to_owned(), Kind::new(ATTACK, ATTACK));
    let module = ModuleName("website".into());
    let name = ObjectName::namespaced(ATTACK, ATTACK);
    let controller = ControllerName { module: module.clone(), controller: ATTACK.into() };
    let request = Request { controller, name: name.clone() };
    let error = windlass_core::call::ApiError::host(ATTACK, ATTACK);
    let trap = Trap { kind: TrapKind::Fault, message: text.clone(), frames: vec![text.clone()] };
    let mut facts = vec![
        run(Outcome::Terminal { message: text.clone(), explained: false }),
        run(Outcome::Retry { message: text.clone(), after: None, explained: false }),
        run(Outcome::Trapped(trap)),
        Fact::ModuleRejected { module: module.clone(), reason: text.clone() },
        Fact::ModuleRolledBack {
            module: module.clone(),
            bad: Digest([1; 32]),
            good: Digest([2; 32]),
            reason: text.clone(),
        },
        Fact::ModuleStanding {
            module: module.clone(),
            standing: Standing { stage: Stage::Quarantined, failures: 30, message: text.clone() },
        },
        Fact::ModuleWaiting { module: module.clone(), reason: text.clone() },
        Fact::CallRefused { module: module.clone(), reason: text.clone(), first: true },
        Fact::WatchFailed { kind: kind.clone(), reason: text.clone(), retry_in: Duration::ZERO },
        Fact::KindAbsent { kind: kind.clone() },
        Fact::GuestLog {
            request: Some(request.clone()),
            module,
            level: LogLevel::Error,
            message: text.clone(),
            fields: vec![(text.clone(), text.clone())],
        },
        Fact::Fight(Box::new(Fight {
            kind: kind.clone(),
            name: name.clone(),
            field: ATTACK.into(),
            writers: vec![request.clone()],
            others: 0,
            modules: std::iter::once(request.controller.module.clone()).collect(),
            elsewhere: false,
            flips: 9,
            delay: Duration::ZERO,
            stage: FightStage::Began,
        })),
    ];
    for error in [None, Some(error)] {
        let (request, kind, name, took) = (request.clone(), kind.clone(), name.clone(), Duration::ZERO);
        let subresource = Some(text.clone());
        facts.push(Fact::CallAnswered {
            request,
            verb: "patch",
            kind,
            name,
            subresource,
            error,
            changed: true,
            took,
        });
    }
    facts.push(Fact::WriteSpared { request, verb: "patch", kind, name, subresource: Some(text) });
    facts
}

#[test]
fn no_fact_brings_a_guests_text_to_a_terminal_as_it_is() {
    for fact in facts_of_attack() {
        for json in [false, true] {
            let shown = logged(json, &fact);
            let raw: Vec<char> = shown.trim_end_matches('\n').chars().filter(|c| deceives(*c)).collect();
            assert!(raw.is_empty(), "{raw:?} in {shown:?} of {fact:?}");
            assert!(shown.contains("1b") && shown.contains("202e"), "it is there, escaped: {shown:?}");
            let lines: Vec<&str> = shown.lines().collect();
            assert_eq!(lines.len(), 1, "{shown:?}");
            assert!(!json || serde_json::from_str::<serde_json::Value>(lines[0]).is_ok(), "{shown:?}");
        }
    }
}

#[test]
fn a_broken_filter_is_named() {
    let settings = LogSettings { filter: "windlass=loud".into(), ..LogSettings::default() };
    let error = install_log(&settings).unwrap_err();
    assert!(error.to_string().contains("`windlass=loud`"), "{error}");
}

#[test]
fn every_limit_that_is_come_to_is_logged_with_who_raises_it() {
    for row in &windlass_guest::limits::TABLE {
        let module = ModuleName("website".into());
        let line = logged(false, &Fact::BoundReached { module, bound: row.field, count: 3 });
        let level = if row.effect == Effect::Drops { " WARN " } else { " DEBUG " };
        for part in [level, "website", "count=3", &format!("spec.limits.{} raises it", row.field)] {
            assert!(line.contains(part), "`{part}` is not in: {line}");
        }
    }
}

#[test]
fn a_question_about_targets_that_was_not_answered_is_logged() {
    let line = logged(
        false,
        &Fact::TargetsFailed {
            module: ModuleName("website".into()),
            controller: "site".into(),
            watch: "content".into(),
            message: "`targets` of the module named too much".to_owned(),
        },
    );
    for part in [" WARN ", "website", "site", "content", "named too much; asked again later"] {
        assert!(line.contains(part), "`{part}` is not in: {line}");
    }
}
