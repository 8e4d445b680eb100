//! A run that is dropped or comes to its deadline inside any call of the host leaves nothing behind.

use super::*;
use std::sync::atomic::Ordering::Relaxed;
use windlass_core::call::{Answered, Page, Reply};

/// One call of each function of the contract that waits for the host, and some that do not.
const IMPORTS: &str = r#"
    (import "windlass:controller/objects@0.1.0" "get"
      (func $get (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
    (import "windlass:controller/objects@0.1.0" "list" (func $list (param i32 i32)))
    (import "windlass:controller/objects@0.1.0" "create"
      (func $create (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
    (import "windlass:controller/objects@0.1.0" "update"
      (func $update (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
    (import "windlass:controller/objects@0.1.0" "patch" (func $patch (param i32 i32)))
    (import "windlass:controller/objects@0.1.0" "delete" (func $delete (param i32 i32)))
    (import "windlass:controller/events@0.1.0" "emit" (func $emit (param i32)))
    (import "windlass:controller/environment@0.1.0" "random" (func $random (param i32 i32)))"#;

/// The questions of list, patch, delete and emit stand in memory from 4096 on; each begins with the kind.
const CALLS: &str = "
    (call $get (i32.const 600) (i32.const 2) (i32.const 610) (i32.const 9)
      (i32.const 1) (i32.const 620) (i32.const 4) (i32.const 630) (i32.const 1)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 704))
    (call $kind (i32.const 4096))
    (i32.store8 (i32.const 4112) (i32.const 1)) (call $text (i32.const 4116) (i32.const 620) (i32.const 4))
    (i32.store8 (i32.const 4212) (i32.const 1)) (i32.store8 (i32.const 4214) (i32.const 1))
    (call $list (i32.const 4096) (i32.const 704))
    (call $create (i32.const 600) (i32.const 2) (i32.const 610) (i32.const 9)
      (i32.const 1) (i32.const 620) (i32.const 4) (i32.const 630) (i32.const 1) (i32.const 640) (i32.const 37)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 704))
    (call $update (i32.const 600) (i32.const 2) (i32.const 610) (i32.const 9)
      (i32.const 1) (i32.const 620) (i32.const 4) (i32.const 630) (i32.const 1) (i32.const 640) (i32.const 37)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 704))
    (call $kind (i32.const 4352)) (call $name (i32.const 4368))
    (call $text (i32.const 4392) (i32.const 640) (i32.const 37))
    (call $patch (i32.const 4352) (i32.const 704))
    (call $kind (i32.const 4608)) (call $name (i32.const 4624))
    (call $delete (i32.const 4608) (i32.const 704))
    (call $kind (i32.const 4868)) (call $name (i32.const 4884))
    (call $text (i32.const 4968) (i32.const 610) (i32.const 6))
    (call $emit (i32.const 4864))
    (call $random (i32.const 16) (i32.const 704))";

const MORE: &str = r#"
    (func $text (param $at i32) (param $text i32) (param $bytes i32)
      (i32.store (local.get $at) (local.get $text)) (i32.store offset=4 (local.get $at) (local.get $bytes)))
    (func $kind (param $at i32)
      (call $text (local.get $at) (i32.const 600) (i32.const 2))
      (call $text (i32.add (local.get $at) (i32.const 8)) (i32.const 610) (i32.const 9)))
    (func $name (param $at i32)
      (i32.store8 (local.get $at) (i32.const 1))
      (call $text (i32.add (local.get $at) (i32.const 4)) (i32.const 620) (i32.const 4))
      (call $text (i32.add (local.get $at) (i32.const 12)) (i32.const 630) (i32.const 1)))
    (data (i32.const 600) "v1") (data (i32.const 610) "ConfigMap")
    (data (i32.const 620) "mine") (data (i32.const 630) "a")
    (data (i32.const 640) "{\"metadata\":{\"resourceVersion\":\"1\"}} ")"#;

fn calling() -> Guest<'static> {
    Guest { imports: IMPORTS, reconcile: CALLS, more: MORE, ..Guest::default() }
}

/// The names of the calls, in order, as a deadline tells them.
const NAMES: [&str; 6] =
    ["objects.get", "objects.list", "objects.create", "objects.update", "objects.patch", "objects.delete"];

/// A host that answers so many calls, each after so many pauses.
fn answering(calls: usize, pauses: u32) -> Fake {
    let verbs = ["get", "list", "watch", "create", "update", "patch", "delete"];
    let fake = Fake::granting(vec![rule(&verbs, &["configmaps"], within(&["mine"]))]);
    let json = r#"{"metadata":{"namespace":"mine","name":"a","resourceVersion":"1"}}"#;
    let object = Arc::new(Object::ingest(&Kind::new("v1", "ConfigMap"), json).unwrap());
    let written = || Ok(Reply::Written { object: Answered::Object(object.clone()), warnings: Vec::new() });
    let page = Page { items: vec![json.to_owned()], continue_token: None, resource_version: "1".to_owned() };
    let gone = Reply::Deleted { gone: true, uid: None, left: None };
    let read = Ok(Reply::Object(Some(json.to_owned())));
    let all = [read, Ok(Reply::Page(page)), written(), written(), written(), Ok(gone)];
    fake.answer(all.into_iter().take(calls));
    *fake.pauses.lock().unwrap() = pauses;
    fake
}

fn one_slot() -> Engine {
    Engine::new(EngineSettings { concurrent_invocations_max: 1, ..EngineSettings::default() }).unwrap()
}

#[tokio::test]
async fn a_run_that_is_dropped_at_any_poll_leaves_nothing_behind() {
    let engine = one_slot();
    let module = load(&engine, calling()).await;
    let mut polls = 0;
    loop {
        let fake = answering(NAMES.len(), 3);
        let input = input(&fake, |_| {});
        let terms = input.terms.clone();
        let mut run = Box::pin(invoke(&module, input, Arc::new(fake.clone())));
        let mut ended = None;
        for _ in 0..polls {
            if let std::task::Poll::Ready(report) = futures::poll!(run.as_mut()) {
                ended = Some(report);
                break;
            }
        }
        drop(run);
        assert_eq!(fake.awaited.load(Relaxed), 0, "after {polls} polls");
        assert_eq!(Arc::strong_count(&terms), 1, "after {polls} polls");
        assert_eq!(engine.slots().available_permits(), 1, "after {polls} polls");
        if let Some(report) = ended {
            assert_eq!(report.outcome, Outcome::Done);
            assert_eq!((fake.calls.lock().unwrap().len(), fake.events.lock().unwrap().len()), (6, 1));
            break;
        }
        polls += 1;
    }
    // Three pauses for each of six calls, for the kind of each and of the event, and for two subscriptions.
    assert!(polls > 3 * (6 + 7 + 2), "{polls}");
}

#[tokio::test]
async fn a_run_comes_to_its_deadline_inside_any_call_and_says_in_which() {
    let engine = one_slot();
    let module = load(&engine, calling()).await;
    for (answered, name) in NAMES.into_iter().enumerate() {
        let fake = answering(answered, 1);
        let input = input(&fake, |limits| limits.set_time(Bound::Deadline, Duration::from_millis(40)));
        let terms = input.terms.clone();
        let report = invoke(&module, input, Arc::new(fake.clone())).await;
        let Outcome::Trapped(trap) = report.outcome else { panic!("{name}: {:?}", report.outcome) };
        assert_eq!(trap.kind, TrapKind::Deadline, "{trap:?}");
        assert!(trap.message.contains(&format!("waiting for the answer to {name}")), "{}", trap.message);
        assert!(trap.message.contains("spec.limits.deadline is 40ms: raise it"), "{}", trap.message);
        assert_eq!(*fake.reached.lock().unwrap(), [(Bound::Deadline, 1)]);
        assert_eq!((Arc::strong_count(&terms), engine.slots().available_permits()), (1, 1));
    }
}
