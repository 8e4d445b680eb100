//! Log lines as people and programs see them.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use super::*;
use std::sync::{Arc, Mutex};
use windlass_core::name::{ControllerName, Digest, Generation, Kind, ModuleName, ObjectName, Request};

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
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone());
    let tell = || Log.fact(fact);
    if json {
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
    assert!(logged(false, &run(Outcome::Terminal("no image".into()))).contains("ERROR"));
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

#[test]
fn a_broken_filter_is_named() {
    let settings = LogSettings { filter: "windlass=loud".into(), ..LogSettings::default() };
    let error = install_log(&settings).unwrap_err();
    assert!(error.to_string().contains("`windlass=loud`"), "{error}");
}
