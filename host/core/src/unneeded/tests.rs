//! Which applies are repeats. (Merge patches take needs: see the pipeline's tests.)
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use super::*;
use crate::call::WriteOptions;

const BODY: &str =
    r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"m"},"data":{"k":"v","l":["a"]}}"#;

fn module() -> ModuleName {
    ModuleName("site".into())
}

fn name(name: &str) -> ObjectName {
    ObjectName::namespaced("n", name)
}

fn apply(body: &str) -> Call {
    let write = WriteOptions { field_manager: "windlass/site".into(), dry_run: false };
    let (patch_type, body) = (PatchType::Apply, body.to_owned());
    let action = Action::Patch { name: name("m"), patch_type, body, force: true, write };
    Call { kind: Kind::new("v1", "ConfigMap"), subresource: None, action }
}

fn map(uid: &str, data: &str, owners: u32) -> Object {
    let raw = format!(
        r#"{{"metadata":{{"namespace":"n","name":"m","uid":"{uid}","managedFields":[{{"manager":"windlass/site","operation":"Apply","fieldsV1":{{"f:x{owners}":{{}}}}}}]}},"data":{data},"other":1}}"#
    );
    Object::ingest(&Kind::new("v1", "ConfigMap"), &raw).unwrap()
}

fn shown() -> Object {
    map("u", r#"{"k":"v","l":["a"]}"#, 1)
}

/// The call goes out and is answered with what `shown` is; then `then` is wanted, with `seen` in the cache.
#[track_caller]
fn check(then: &Call, seen: &Object, spared: bool) {
    let mut unneeded = Unneeded::default();
    unneeded.answered(&module(), &apply(BODY), &shown(), Time(0));
    assert_eq!(is(&unneeded, then, seen, Duration::ZERO, Time(0)), spared, "{then:?} over {seen:?}");
}

fn is(unneeded: &Unneeded, call: &Call, seen: &Object, resync: Duration, now: Time) -> bool {
    unneeded.is((&module(), &name("r")), call, seen, &Spares { unfiltered: Arc::from([]), resync }, now)
}

fn changed(change: impl FnOnce(&mut bool, &mut WriteOptions)) -> Call {
    let mut call = apply(BODY);
    let Action::Patch { force, write, .. } = &mut call.action else { panic!() };
    change(force, write);
    call
}

#[test]
fn an_apply_is_spared_if_it_and_what_it_made_are_as_they_were() {
    check(&apply(BODY), &shown(), true);
    // Others may have written what this apply says nothing of.
    check(&apply(BODY), &map("u", r#"{"k":"v","l":["a"],"more":"x"}"#, 1), true);
}

#[test]
fn an_apply_goes_out_if_anything_about_it_is_another() {
    check(&apply(&BODY.replace("\"v\"", "\"w\"")), &shown(), false);
    check(&changed(|force, _| *force = false), &shown(), false);
    check(&changed(|_, write| write.dry_run = true), &shown(), false);
    check(&changed(|_, write| write.field_manager = "other".into()), &shown(), false);
    check(&Call { subresource: Some("status".to_owned()), ..apply(BODY) }, &shown(), false);
}

#[test]
fn an_apply_goes_out_if_the_object_is_not_as_its_answer_showed_it() {
    check(&apply(BODY), &map("u", r#"{"k":"edited","l":["a"]}"#, 1), false);
    check(&apply(BODY), &map("u", r#"{"k":"v","l":["a","b"]}"#, 1), false);
    check(&apply(BODY), &map("u", r#"{"l":["a"]}"#, 1), false);
    // Somebody else owns a field now, or it is another object.
    check(&apply(BODY), &map("u", r#"{"k":"v","l":["a"]}"#, 2), false);
    check(&apply(BODY), &map("another", r#"{"k":"v","l":["a"]}"#, 1), false);
}

#[test]
fn what_is_bound_to_a_version_always_goes_out() {
    for field in [r#""resourceVersion":"7""#, r#""managedFields":null"#] {
        let body = BODY.replace(r#""name":"m""#, &format!(r#""name":"m",{field}"#));
        let mut unneeded = Unneeded::default();
        unneeded.answered(&module(), &apply(&body), &shown(), Time(0));
        assert!(!is(&unneeded, &apply(&body), &shown(), Duration::ZERO, Time(0)));
    }
    assert!(!merge_changes_nothing(r#"{"metadata":{"resourceVersion":"7"}}"#, &shown()));
    assert!(!merge_changes_nothing(r#"{"metadata":{"managedFields":null}}"#, &shown()));
}

#[test]
fn a_real_apply_goes_out_at_least_once_in_each_resync_period() {
    let mut unneeded = Unneeded::default();
    unneeded.answered(&module(), &apply(BODY), &shown(), Time(0));
    let hour = Duration::from_secs(3_600);
    assert!(is(&unneeded, &apply(BODY), &shown(), hour, Time(3_599_999_999)));
    assert!(!is(&unneeded, &apply(BODY), &shown(), hour, Time(3_600_000_000)));
    unneeded.answered(&module(), &apply(BODY), &shown(), Time(3_600_000_000));
    assert!(is(&unneeded, &apply(BODY), &shown(), hour, Time(3_600_000_001)));
}

#[test]
fn what_is_remembered_is_bounded_counted_and_goes_with_the_module() {
    let mut unneeded = Unneeded::default();
    let to = |n: usize| {
        let mut call = apply(BODY);
        let Action::Patch { name, .. } = &mut call.action else { panic!() };
        *name = self::name(&n.to_string());
        call
    };
    let forgotten: u64 =
        (0..APPLIES_MAX + 3).map(|n| unneeded.answered(&module(), &to(n), &shown(), Time(0))).sum();
    assert_eq!(forgotten, 3);
    let spared = |unneeded: &Unneeded, n| is(unneeded, &to(n), &shown(), Duration::ZERO, Time(0));
    assert_eq!([2, 3].map(|n| spared(&unneeded, n)), [false, true]);
    unneeded.forget(&module());
    assert!(!spared(&unneeded, 3));
}

#[test]
fn a_merge_changes_nothing_if_the_object_has_it_all() {
    for (body, nothing) in [
        (r#"{"data":{"k":"v"}}"#, true),
        (r#"{"data":{"l":["a"]},"other":1}"#, true),
        (r#"{"data":{"gone":null}}"#, true),
        ("{}", true),
        (r#"{"data":{"k":null}}"#, false),
        (r#"{"data":{"k":{}}}"#, false),
        (r#"{"data":{"l":["a","b"]}}"#, false),
        (r#"{"new":{}}"#, false),
        (r#"{"data":"v"}"#, false),
        ("[]", false),
        ("no json", false),
    ] {
        assert_eq!(merge_changes_nothing(body, &shown()), nothing, "{body}");
    }
}
