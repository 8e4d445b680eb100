//! Guests that behave and guests that do not, each in its bounds.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod cancel;

use super::*;
use crate::{
    describe::{DescribeError, describe},
    engine::{Engine, EngineSettings},
    limits::{Bound, Limits},
    testing::{
        Fake,
        guest::{CALL_GET, GET, Guest, Image, LOG, RANDOM, WORDS},
        rule, within,
    },
};
use std::time::Instant;
use windlass_core::{
    change::Cause,
    name::{ControllerName, ModuleName},
    outcome::TrapKind,
};

fn engine() -> Engine {
    Engine::new(EngineSettings { concurrent_invocations_max: 4, ..EngineSettings::default() }).unwrap()
}

async fn load(engine: &Engine, guest: Guest<'_>) -> Module {
    Module::load(engine, guest.component().into(), None).await.unwrap()
}

fn fake() -> Fake {
    Fake::granting(vec![rule(&["get"], &["configmaps"], within(&["mine"]))])
}

fn input(fake: &Fake, limits: impl FnOnce(&mut Limits)) -> RunInput {
    let mut terms = fake.terms();
    limits(&mut terms.limits);
    let kind = Kind::new("v1", "ConfigMap");
    let controller = ControllerName { module: ModuleName("sample".into()), controller: "maps".into() };
    let object = Object::ingest(&kind, r#"{"metadata":{"namespace":"mine","name":"a"}}"#).unwrap();
    RunInput {
        terms: Arc::new(terms),
        run: RunId(1),
        request: windlass_core::name::Request { controller, name: ObjectName::namespaced("mine", "a") },
        kind,
        object: Some(Arc::new(object)),
        failures: 0,
    }
}

async fn run(guest: Guest<'_>, limits: impl FnOnce(&mut Limits)) -> RunReport {
    run_with(&fake(), guest, limits).await
}

async fn run_with(fake: &Fake, guest: Guest<'_>, limits: impl FnOnce(&mut Limits)) -> RunReport {
    let engine = engine();
    let module = load(&engine, guest).await;
    let report = invoke(&module, input(fake, limits), Arc::new(fake.clone())).await;
    // Whatever the guest did: the next one finds the engine in order.
    let good = load(&engine, Guest::default()).await;
    let after = invoke(&good, input(fake, |_| {}), Arc::new(fake.clone())).await;
    assert_eq!(after.outcome, Outcome::Done);
    report
}

async fn check(guest: Guest<'_>, limits: impl FnOnce(&mut Limits), kind: TrapKind, says: &str) -> RunReport {
    let report = run(guest, limits).await;
    let Outcome::Trapped(trap) = &report.outcome else { panic!("{:?}", report.outcome) };
    assert_eq!(trap.kind, kind, "{trap:?}");
    assert!(trap.message.contains(says), "`{says}` is not in: {}", trap.message);
    report
}

#[tokio::test]
async fn a_reconcile_ends_as_the_guest_says() {
    let done = run(Guest::default(), |_| {}).await;
    assert_eq!(done.outcome, Outcome::Done);
    assert!(done.usage.cpu > Duration::ZERO);
    assert_eq!(done.usage.peak_memory_bytes, 2 << 16);
    // ok(requeue-after-ms(1500)), when the object and its namespace arrived.
    let requeue = r#"
        (if (i32.or (i32.ne (local.get $has_object) (i32.const 1)) (i32.ne (local.get $namespace_bytes) (i32.const 4)))
          (then unreachable))
        (i32.store8 (i32.const 72) (i32.const 1))
        (f64.store (i32.const 80) (f64.const 1500))"#;
    let requeued = run(Guest { reconcile: requeue, ..Guest::default() }, |_| {}).await;
    assert_eq!(requeued.outcome, Outcome::RequeueAfter(Duration::from_millis(1_500)));
    // err(terminal("b")).
    let terminal = r#"
        (i32.store8 (i32.const 64) (i32.const 1))
        (i32.store8 (i32.const 72) (i32.const 1))
        (i32.store (i32.const 80) (i32.const 256))
        (i32.store (i32.const 84) (i32.const 1))"#;
    let failed = run(Guest { reconcile: terminal, ..Guest::default() }, |_| {}).await;
    assert_eq!(failed.outcome, Outcome::Terminal { message: "b".to_owned(), explained: false });
}

#[tokio::test]
async fn a_panic_arrives_with_its_text_and_frames() {
    let guest = Guest {
        imports: LOG,
        reconcile: "(call $log (i32.const 3) (i32.const 300) (i32.const 12) (i32.const 0) (i32.const 0)) (call $burst)",
        more: "(func $burst unreachable) (data (i32.const 300) \"panic: \\1b[31m\")",
        ..Guest::default()
    };
    let report = check(guest, |_| {}, TrapKind::Fault, "the guest said: panic: \\u{1b}[31m").await;
    let Outcome::Trapped(trap) = report.outcome else { unreachable!() };
    assert!(trap.message.contains("unreachable"), "{}", trap.message);
    assert!(trap.frames[0].contains("burst") && trap.frames[1].contains("reconcile"), "{:?}", trap.frames);
}

#[tokio::test]
async fn how_a_runtime_panics_is_left_out() {
    let guest = Guest {
        imports: LOG,
        reconcile: "(call $log (i32.const 3) (i32.const 300) (i32.const 42) (i32.const 0) (i32.const 0)) (call $own)",
        more: r#"(func $own (call $core::panicking::panic))
            (func $core::panicking::panic (call $abort)) (func $abort unreachable)
            (data (i32.const 300) "note: run with `RUST_BACKTRACE=1` for more")"#,
        ..Guest::default()
    };
    let report = check(guest, |_| {}, TrapKind::Fault, "unreachable").await;
    let Outcome::Trapped(trap) = report.outcome else { unreachable!() };
    assert_eq!(trap.frames, ["own", "reconcile"]);
    assert!(!trap.message.contains("the guest said"), "{}", trap.message);
}

#[tokio::test]
async fn a_loop_is_ended_when_its_processor_time_is_used_up() {
    let guest = Guest { reconcile: "(loop $on (br $on))", ..Guest::default() };
    let report = check(
        guest,
        |limits| limits.set_time(Bound::CpuPerRun, Duration::from_millis(50)),
        TrapKind::Cpu,
        "cpuPerRun",
    )
    .await;
    let Outcome::Trapped(trap) = &report.outcome else { unreachable!() };
    assert_eq!(trap.frames, ["reconcile"], "where it loops");
    let spent = report.usage.cpu;
    assert!((Duration::from_millis(50)..Duration::from_millis(150)).contains(&spent), "{spent:?}");
}

/// The best of some tries: a busy machine may hold up any one of them, and now and then the timer around the run comes
/// before the tick that knows the place.
#[tokio::test]
async fn a_loop_is_ended_at_its_deadline() {
    let (engine, fake) = (engine(), fake());
    let module = load(&engine, Guest { reconcile: "(loop $on (br $on))", ..Guest::default() }).await;
    let (mut best, mut place) = (Duration::MAX, Vec::new());
    for _ in 0..10 {
        let started = Instant::now();
        let input = input(&fake, |limits| limits.set_time(Bound::Deadline, Duration::from_millis(100)));
        let report = invoke(&module, input, Arc::new(fake.clone())).await;
        best = best.min(started.elapsed());
        let Outcome::Trapped(trap) = report.outcome else { panic!("{:?}", report.outcome) };
        assert_eq!(trap.kind, TrapKind::Deadline);
        assert!(trap.message.contains("the guest itself was at work"), "{}", trap.message);
        place.extend(trap.frames);
        if best < Duration::from_millis(200) && !place.is_empty() {
            break;
        }
    }
    assert_eq!(place.first().map(String::as_str), Some("reconcile"), "where it loops");
    assert!((Duration::from_millis(100)..Duration::from_millis(200)).contains(&best), "{best:?}");
}

#[tokio::test]
async fn a_run_that_waits_too_long_is_told_what_for() {
    let guest = Guest { imports: GET, reconcile: CALL_GET, more: WORDS, ..Guest::default() };
    let deadline = |limits: &mut Limits| limits.set_time(Bound::Deadline, Duration::from_millis(30));
    let report = check(guest, deadline, TrapKind::Deadline, "waiting for the answer to objects.get").await;
    assert_eq!(report.usage.tally.host_calls, 1);
    assert!(report.usage.cpu < Duration::from_millis(30), "{:?}", report.usage.cpu);
}

#[tokio::test]
async fn memory_is_bounded_and_the_refusal_is_the_reason() {
    let hog = "(loop $on (br_if $on (i32.ge_s (memory.grow (i32.const 16)) (i32.const 0)))) unreachable";
    let limit = |limits: &mut Limits| limits.set(Bound::Memory, 4 << 20);
    let report =
        check(Guest { reconcile: hog, ..Guest::default() }, limit, TrapKind::Memory, "spec.limits.memory")
            .await;
    let peak = report.usage.peak_memory_bytes;
    assert!((3 << 20..=4 << 20).contains(&peak), "{peak}");
    let born_large = Guest { pages: 100, ..Guest::default() };
    check(born_large, limit, TrapKind::Memory, "wanted 6400 KiB").await;
    let at_once = "(drop (memory.grow (i32.const -1))) unreachable";
    check(Guest { reconcile: at_once, ..Guest::default() }, limit, TrapKind::Memory, "spec.limits.memory")
        .await;
}

#[tokio::test]
async fn a_guest_that_copes_with_a_refused_growth_goes_on() {
    let copes = "(if (i32.ne (memory.grow (i32.const 1000)) (i32.const -1)) (then unreachable))";
    let report =
        run(Guest { reconcile: copes, ..Guest::default() }, |limits| limits.set(Bound::Memory, 1 << 20))
            .await;
    assert_eq!(report.outcome, Outcome::Done);
}

#[tokio::test]
async fn tables_are_bounded() {
    let more = "(table $t 1 funcref)";
    let hog =
        "(if (i32.eq (table.grow $t (ref.null func) (i32.const 1000)) (i32.const -1)) (then unreachable))";
    let limit = |limits: &mut Limits| limits.set(Bound::TableElements, 500);
    check(Guest { reconcile: hog, more, ..Guest::default() }, limit, TrapKind::Memory, "table elements")
        .await;
}

#[tokio::test]
async fn endless_recursion_ends_the_run_only() {
    let more = "(func $deep (param i64) (call $deep (i64.add (local.get 0) (i64.const 1))) (call $deep (local.get 0)))";
    let reconcile = "(call $deep (i64.const 0))";
    let report =
        check(Guest { reconcile, more, ..Guest::default() }, |_| {}, TrapKind::Stack, "call stack exhausted")
            .await;
    let Outcome::Trapped(trap) = report.outcome else { unreachable!() };
    assert!(trap.frames.len() <= 24, "{}", trap.frames.len());
}

#[tokio::test]
async fn what_a_call_hands_over_is_bounded() {
    let log = |bytes: &str| {
        format!("(call $log (i32.const 1) (i32.const 0) (i32.const {bytes}) (i32.const 0) (i32.const 0))")
    };
    let small = |limits: &mut Limits| limits.set(Bound::Payload, 1 << 10);
    let long = log("131072");
    let guest = Guest { imports: LOG, reconcile: &long, ..Guest::default() };
    check(guest, small, TrapKind::HostCalls, "too much data").await;
    let beyond = log("-2147483648");
    let guest = Guest { imports: LOG, reconcile: &beyond, ..Guest::default() };
    check(guest, |_| {}, TrapKind::Fault, "out of bounds").await;
    let many = "(call $log (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 268435455))";
    let guest = Guest { imports: LOG, reconcile: many, ..Guest::default() };
    check(guest, |_| {}, TrapKind::Fault, "").await;
    let no_text = "(call $log (i32.const 1) (i32.const 300) (i32.const 2) (i32.const 0) (i32.const 0))";
    let more = r#"(data (i32.const 300) "\ff\fe")"#;
    let guest = Guest { imports: LOG, reconcile: no_text, more, ..Guest::default() };
    check(guest, |_| {}, TrapKind::Fault, "utf-8").await;
    let no_level = "(call $log (i32.const 77) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))";
    check(Guest { imports: LOG, reconcile: no_level, ..Guest::default() }, |_| {}, TrapKind::Fault, "").await;
}

#[tokio::test]
async fn calls_of_the_host_are_counted_and_bounded() {
    let flood = "(loop $on (call $random (i32.const 1) (i32.const 700)) (br $on))";
    let guest = || Guest { imports: RANDOM, reconcile: flood, ..Guest::default() };
    let few = |limits: &mut Limits| limits.set(Bound::HostCalls, 100);
    let report = check(guest(), few, TrapKind::HostCalls, "more than 100 host calls").await;
    assert_eq!(report.usage.tally.host_calls, 101);
    let bytes = |limits: &mut Limits| limits.set(Bound::RandomBytes, 10);
    check(guest(), bytes, TrapKind::HostCalls, "more than 10 random bytes").await;
}

#[tokio::test]
async fn a_log_flood_is_dropped_and_counted() {
    let flood = "(loop $on
        (call $log (i32.const 1) (i32.const 256) (i32.const 1) (i32.const 0) (i32.const 0))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br_if $on (i32.lt_u (local.get $at) (i32.const 1000))))";
    let guest = Guest { imports: LOG, locals: "(local $at i32)", reconcile: flood, ..Guest::default() };
    let report = run(guest, |_| {}).await;
    assert_eq!(report.outcome, Outcome::Done);
    assert_eq!((report.usage.tally.log_lines, report.usage.tally.log_lines_dropped), (200, 800));
}

/// A guest that comes to a bound, the value to set it to, and what is told: the bound's name, and who can raise it.
async fn reaches(bound: Bound, value: u64, guest: Guest<'_>) {
    let fake = fake();
    let report = run_with(&fake, guest, |limits| limits.set(bound, value)).await;
    let reached = fake.reached.lock().unwrap().clone();
    assert!(
        reached.iter().any(|(one, times)| *one == bound && *times > 0),
        "{bound}: {reached:?}, {report:?}"
    );
    if let Outcome::Trapped(trap) = &report.outcome {
        let hint = format!("spec.limits.{bound} is {}", bound.show(value));
        assert!(trap.message.contains(&hint), "{bound}: {}", trap.message);
    }
}

#[tokio::test]
async fn every_bound_of_a_run_that_is_reached_is_told_by_name() {
    let flood = |call: &str| {
        format!(
            "(loop $on {call} (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (br_if $on (i32.lt_u (local.get $at) (i32.const 20))))"
        )
    };
    fn guest<'a>(imports: &'a str, reconcile: &'a str) -> Guest<'a> {
        Guest { imports, reconcile, locals: "(local $at i32)", ..Guest::default() }
    }
    let log = "(call $log (i32.const 1) (i32.const 4096) (i32.const 100) (i32.const 5000) (i32.const 3))";
    let random = "(call $random (i32.const 16) (i32.const 700))";
    let add = r#"(import "windlass:controller/metrics@0.1.0" "add" (func $add (param i32 i32 f64 i32 i32)))"#;
    let count = "(call $add (i32.const 256) (i32.const 1) (f64.const 1) (i32.const 0) (i32.const 0))";
    let grow = "(if (i32.eq (memory.grow (i32.const 64)) (i32.const -1)) (then unreachable))";
    let spin = "(loop $on (br $on))";
    let table =
        "(if (i32.eq (table.grow $t (ref.null func) (i32.const 100)) (i32.const -1)) (then unreachable))";
    let tables = Guest { reconcile: table, more: "(table $t 1 funcref)", ..Guest::default() };
    reaches(Bound::Memory, 1 << 20, guest("", grow)).await;
    reaches(Bound::TableElements, 50, tables).await;
    reaches(Bound::Instances, 1, guest(LOG, log)).await;
    let two = Guest { more: "(table $t 1 funcref) (table $u 1 funcref)", ..Guest::default() };
    reaches(Bound::Tables, 1, two).await;
    reaches(Bound::CpuPerRun, 20_000_000, guest("", spin)).await;
    reaches(Bound::Deadline, 20_000_000, guest("", spin)).await;
    reaches(Bound::HostCalls, 5, guest(RANDOM, &flood(random))).await;
    reaches(Bound::RandomBytes, 100, guest(RANDOM, &flood(random))).await;
    let long = "(call $log (i32.const 1) (i32.const 0) (i32.const 131072) (i32.const 0) (i32.const 0))";
    reaches(Bound::Payload, 1 << 10, guest(LOG, long)).await;
    reaches(Bound::LogLines, 5, guest(LOG, &flood(log))).await;
    reaches(Bound::LogText, 64, guest(LOG, log)).await;
    reaches(Bound::LogFields, 1, guest(LOG, log)).await;
    reaches(Bound::MetricSamples, 5, guest(add, &flood(count))).await;
}

#[tokio::test]
async fn the_guests_own_functions_that_the_host_calls_are_bounded_too() {
    let short = |limits: &mut Limits| limits.set_time(Bound::CpuPerRun, Duration::from_millis(20));
    let start = Guest { more: "(func $start (loop $on (br $on))) (start $start)", ..Guest::default() };
    check(start, short, TrapKind::Cpu, "cpuPerRun").await;
    let realloc = Guest { realloc: "(loop $on (br $on))", ..Guest::default() };
    check(realloc, short, TrapKind::Cpu, "cpuPerRun").await;
    let outside = Guest { realloc: "(return (i32.const -16))", ..Guest::default() };
    check(outside, |_| {}, TrapKind::Fault, "").await;
    let crooked = Guest { realloc: "(return (i32.const 131073))", ..Guest::default() };
    check(crooked, |_| {}, TrapKind::Fault, "").await;
    let nowhere = Guest { reconcile: "(return (i32.const -8))", ..Guest::default() };
    check(nowhere, |_| {}, TrapKind::Fault, "").await;
    let variant = Guest { reconcile: "(i32.store8 (i32.const 64) (i32.const 9))", ..Guest::default() };
    check(variant, |_| {}, TrapKind::Fault, "").await;
}

#[tokio::test]
async fn nothing_is_left_of_a_run_for_the_next() {
    let once = "(if (i32.load (i32.const 900)) (then unreachable)) (i32.store (i32.const 900) (i32.const 1))
        (if (i32.load (i32.const 130000)) (then unreachable)) (i32.store (i32.const 130000) (i32.const 1))";
    let (engine, fake) = (engine(), fake());
    let module = load(&engine, Guest { reconcile: once, ..Guest::default() }).await;
    for _ in 0..20 {
        let report = invoke(&module, input(&fake, |_| {}), Arc::new(fake.clone())).await;
        assert_eq!(report.outcome, Outcome::Done);
    }
}

#[tokio::test]
async fn a_run_may_be_dropped_at_any_await() {
    let settings = EngineSettings { concurrent_invocations_max: 1, ..EngineSettings::default() };
    let (engine, fake) = (Engine::new(settings).unwrap(), fake());
    let waits =
        load(&engine, Guest { imports: GET, reconcile: CALL_GET, more: WORDS, ..Guest::default() }).await;
    let loops = load(&engine, Guest { reconcile: "(loop $on (br $on))", ..Guest::default() }).await;
    for module in [&waits, &loops] {
        for polls in 0..4 {
            let mut run = Box::pin(invoke(module, input(&fake, |_| {}), Arc::new(fake.clone())));
            for _ in 0..polls {
                assert!(futures::poll!(run.as_mut()).is_pending());
            }
        }
    }
    // The only slot is free again, and so is the pool.
    let good = load(&engine, Guest::default()).await;
    assert_eq!(invoke(&good, input(&fake, |_| {}), Arc::new(fake.clone())).await.outcome, Outcome::Done);
}

#[tokio::test]
async fn a_loop_lets_its_neighbour_on_the_same_thread_run() {
    let (engine, fake) = (engine(), fake());
    let loops = load(&engine, Guest { reconcile: "(loop $on (br $on))", ..Guest::default() }).await;
    let good = load(&engine, Guest::default()).await;
    let noisy = invoke(&loops, input(&fake, |_| {}), Arc::new(fake.clone()));
    let neighbour = async {
        let started = Instant::now();
        for _ in 0..5 {
            let report = invoke(&good, input(&fake, |_| {}), Arc::new(fake.clone())).await;
            assert_eq!(report.outcome, Outcome::Done);
            tokio::task::yield_now().await;
        }
        started.elapsed()
    };
    let (report, took) = tokio::join!(noisy, neighbour);
    assert!(matches!(report.outcome, Outcome::Trapped(Trap { kind: TrapKind::Cpu, .. })));
    // The loop has a second of processor time; each turn of the neighbour waits for some ticks of it only.
    assert!(took < Duration::from_millis(900), "{took:?}");
}

async fn description_of(guest: Guest<'_>) -> Result<windlass_core::description::Description, DescribeError> {
    let (engine, fake) = (engine(), fake());
    let module = load(&engine, guest).await;
    describe(&module, Arc::new(fake.terms()), Arc::new(fake)).await
}

#[tokio::test]
async fn a_module_describes_itself() {
    let description = Image::describing("maps", "ConfigMap", Some("app=web"));
    let said = description_of(Guest { description, ..Guest::default() }).await.unwrap();
    assert_eq!((said.title.as_str(), said.version.as_str()), ("Maps", "1.2.3"));
    let controller = &said.controllers[0];
    assert_eq!((&*controller.name, &controller.reconciles), ("maps", &Kind::new("v1", "ConfigMap")));
    assert_eq!(controller.selection.labels.as_ref().unwrap().as_str(), "app=web");
}

#[tokio::test]
async fn a_wrong_description_names_the_place() {
    let description = Image::describing("maps", "ConfigMap", Some("app in web"));
    let fault = description_of(Guest { description, ..Guest::default() }).await.unwrap_err().to_string();
    assert!(fault.contains("controller `maps`, label selector: `app in web`"), "{fault}");
    let description = Image::describing("No Name", "ConfigMap", None);
    let fault = description_of(Guest { description, ..Guest::default() }).await.unwrap_err().to_string();
    assert!(fault.contains("No Name"), "{fault}");
    let fault = description_of(Guest { describe: "unreachable", ..Guest::default() }).await.unwrap_err();
    assert!(fault.to_string().contains("died while describing itself (fault)"), "{fault}");
}

#[tokio::test]
async fn targets_answer_change_by_change() {
    let (engine, fake) = (engine(), fake());
    let module = load(&engine, Guest::default()).await;
    let change = ObjectChange {
        kind: Kind::new("v1", "Secret"),
        name: ObjectName::namespaced("mine", "s"),
        before: None,
        after: None,
        fields: None,
        shape: windlass_core::call::Shape::Whole,
        cause: Cause::Live,
    };
    let terms = Arc::new(fake.terms());
    let ask = AskTargets {
        module: terms.module.clone(),
        digest: module.digest(),
        controller: "maps".into(),
        watch: "secrets".into(),
        shape: windlass_core::call::Shape::Whole,
        changes: vec![change],
    };
    let report = targets(&module, terms, &ask, Arc::new(fake)).await;
    assert_eq!(report.targets, Ok(vec![vec![ObjectName::cluster("b")]]));
}
