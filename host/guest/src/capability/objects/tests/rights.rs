//! What a grant does not give unless it says so, whichever way a call takes.

use super::*;
use windlass_core::{description::Permission, grant::Rule, selector::Selector};

fn written() -> Result<Reply, windlass_core::call::ApiError> {
    Ok(Reply::Written { object: Answer::Other("{}".to_owned()), warnings: vec![] })
}

/// A rule for any group.
fn for_group(group: &str, verbs: &[&str], resources: &[&str], scope: Scope) -> Rule {
    let plain = rule(verbs, resources, scope);
    Rule { permission: Permission { api_groups: vec![group.to_owned()], ..plain.permission }, ..plain }
}

fn metadata(metadata: &str) -> String {
    format!(r#"{{"metadata":{metadata}}}"#)
}

async fn apply(state: &mut State, body: &str) -> Answered<Written> {
    let name = name("mine", "a");
    state.patch(kind("ConfigMap"), name, objects::PatchType::Apply, body.to_owned(), plain_write()).await
}

async fn merge(state: &mut State, body: &str) -> Answered<Written> {
    let name = name("mine", "a");
    state.patch(kind("ConfigMap"), name, objects::PatchType::Merge, body.to_owned(), plain_write()).await
}

fn sent(fake: &Fake) -> Vec<Action> {
    std::mem::take(&mut *fake.calls.lock().unwrap()).into_iter().map(|call| call.action).collect()
}

#[tokio::test]
async fn what_is_taken_away_is_refused_to_a_run_under_way() {
    let fake = everything(within(&["mine"]));
    let mut state = fake.state(|_| {});
    let terms = state.caller.terms.clone();
    fake.answer([written(), written()]);
    apply(&mut state, "{}").await.unwrap().unwrap();
    let granted = terms.grant.now().clone();
    terms.grant.set(std::sync::Arc::default());
    assert_eq!(reason(apply(&mut state, "{}").await), "NotGranted");
    terms.grant.set(granted);
    apply(&mut state, "{}").await.unwrap().unwrap();
    assert_eq!(sent(&fake).len(), 2);
}

#[tokio::test]
async fn a_rule_with_names_gives_no_creation_as_the_server_does_not_know_the_name_then() {
    let mut named = rule(&["*"], &["configmaps"], within(&["mine"]));
    named.permission.resource_names = vec!["a".to_owned()];
    let fake = Fake::granting(vec![named]);
    let mut state = fake.state(|_| {});
    for (said, body) in
        [("a", "{}"), ("", r#"{"metadata":{"name":"a"}}"#), ("", r#"{"metadata":{"generateName":"a"}}"#)]
    {
        let made = state.create(kind("ConfigMap"), name("mine", said), body.to_owned(), plain_write()).await;
        assert_eq!(reason(made), "NotGranted");
    }
    fake.answer([written()]);
    apply(&mut state, "{}").await.unwrap().unwrap();
    assert_eq!(sent(&fake).len(), 1, "an apply says the name");
}

#[tokio::test]
async fn an_apply_without_the_right_to_create_reaches_only_what_is_there() {
    let fake = Fake::granting(vec![rule(&["patch"], &["configmaps"], within(&["mine"]))]);
    let mut state = fake.state(|_| {});
    fake.answer([Ok(Reply::Object(None))]);
    assert_eq!(reason(apply(&mut state, r#"{"data":{"x":"y"}}"#).await), "NotGranted");
    assert_eq!(sent(&fake).len(), 1, "only the look whether it is there");
    fake.answer([Ok(Reply::Object(Some(metadata(r#"{"name":"a","uid":"u1"}"#)))), written()]);
    apply(&mut state, r#"{"data":{"x":"y"}}"#).await.unwrap().unwrap();
    let Some(Action::Patch { body, .. }) = sent(&fake).pop() else { panic!("no patch was sent") };
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body, serde_json::json!({"metadata": {"uid": "u1"}, "data": {"x": "y"}}));
}

#[tokio::test]
async fn an_update_without_the_right_to_create_says_which_object_it_is_of() {
    let fake = Fake::granting(vec![rule(&["update"], &["configmaps"], within(&["mine"]))]);
    let mut state = fake.state(|_| {});
    fill(&fake.cache, &[("mine", "a")]);
    let update = |body: &str| (kind("ConfigMap"), name("mine", "a"), metadata(body), plain_write());
    let (kind, of, body, options) = update(r#"{"resourceVersion":"7"}"#);
    assert_eq!(reason(state.update(kind, of, body, options).await), "BadRequest");
    fake.answer([written()]);
    let (kind, of, body, options) = update(r#"{"resourceVersion":"7","uid":"mine-a"}"#);
    state.update(kind, of, body, options).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_star_opens_no_way_around_what_is_guarded() {
    let fake = everything(within(&["mine"]));
    let star = Fake::granting(vec![
        for_group("*", &["*"], &["*", "*/token", "*/exec"], within(&["mine"])),
        rule(&["*"], &["*"], Scope::Cluster),
    ]);
    let mut state = star.state(|_| {});
    let part = |part: &str| WriteOptions { subresource: Some(part.to_owned()), ..plain_write() };
    let secret = state.create(kind("Secret"), name("mine", "a"), "{}".to_owned(), plain_write()).await;
    assert_eq!(reason(secret), "NotGranted");
    let finalize = state
        .update(
            kind("Namespace"),
            name("", "mine"),
            metadata(r#"{"resourceVersion":"1","uid":"u"}"#),
            part("finalize"),
        )
        .await;
    assert_eq!(reason(finalize), "NotGranted");
    let mut plain = fake.state(|_| {});
    for verb in ["token", "exec", "proxy", "scale", "anything"] {
        let made = plain.create(kind("ConfigMap"), name("mine", "a"), "{}".to_owned(), part(verb)).await;
        assert_eq!(reason(made), "NotGranted", "{verb} was not named");
    }
    let dry = WriteOptions { dry_run: true, ..plain_write() };
    let there = plain.create(kind("ConfigMap"), name("other", "a"), "{}".to_owned(), dry).await;
    assert_eq!(reason(there), "NotGranted", "a dry run asks the server as well");
    assert!(sent(&fake).is_empty() && sent(&star).is_empty());
}

#[tokio::test]
async fn a_finalizer_of_another_domain_is_neither_put_nor_taken_off() {
    let own = for_group("example.com", &["update"], &["sites/finalizers"], within(&["mine"]));
    let fake = Fake::granting(vec![rule(&["*"], &["configmaps"], within(&["mine"])), own]);
    let mut state = fake.state(|_| {});
    let (ours, theirs) = (r#""example.com/hold""#, r#""other.dev/hold""#);
    fake.answer([written(), written()]);
    apply(&mut state, &metadata(&format!(r#"{{"finalizers":[{ours}]}}"#))).await.unwrap().unwrap();
    let error = apply(&mut state, &metadata(&format!(r#"{{"finalizers":[{ours},{theirs}]}}"#)))
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(error.reason, "NotGranted");
    let rule =
        r#"{apiGroups: [other.dev], resources: ["*/finalizers"], verbs: [update], namespaces: [mine]}"#;
    assert!(error.message.contains(rule), "{}", error.message);
    let made = metadata(&format!(r#"{{"finalizers":[{theirs}]}}"#));
    let made = state.create(kind("ConfigMap"), name("mine", "b"), made, plain_write()).await;
    assert_eq!(reason(made), "NotGranted");
    let unbound = merge(&mut state, &metadata(&format!(r#"{{"finalizers":[{ours}]}}"#))).await;
    assert_eq!(reason(unbound), "BadRequest", "it could take somebody else's off");
    sent(&fake);

    let held = metadata(&format!(r#"{{"name":"a","resourceVersion":"9","finalizers":[{theirs}]}}"#));
    for (list, want) in [
        (format!("[{theirs},{ours}]"), None),
        (format!("[{ours}]"), Some("NotGranted")),
        ("null".to_owned(), Some("NotGranted")),
    ] {
        fake.replies.lock().unwrap().clear();
        fake.answer([Ok(Reply::Object(Some(held.clone()))), written()]);
        let body = metadata(&format!(r#"{{"resourceVersion":"9","finalizers":{list}}}"#));
        let answer = merge(&mut state, &body).await.unwrap();
        assert_eq!(answer.err().map(|error| error.reason).as_deref(), want, "{list}");
    }
}

#[tokio::test]
async fn nobody_writes_in_the_name_of_another_field_manager() {
    let fake = everything(within(&["mine"]));
    let mut state = fake.state(|_| {});
    let fields = metadata(r#"{"managedFields":[{"manager":"windlass/other","operation":"Apply"}]}"#);
    assert_eq!(reason(apply(&mut state, &fields).await), "BadRequest");
    assert_eq!(reason(merge(&mut state, &fields).await), "BadRequest");
    let made = state.create(kind("ConfigMap"), name("mine", "b"), fields, plain_write()).await;
    assert_eq!(reason(made), "BadRequest");
    assert!(sent(&fake).is_empty());
    fake.answer([written()]);
    apply(&mut state, "{}").await.unwrap().unwrap();
    let Some(Action::Patch { write, .. }) = sent(&fake).pop() else { panic!("no patch was sent") };
    assert_eq!(&*write.field_manager, "windlass/sample", "the manifest's, whatever the call says");
}

fn owned(block: bool) -> String {
    metadata(&format!(
        r#"{{"name":"a","ownerReferences":[{{"apiVersion":"v1","kind":"ConfigMap","name":"o","uid":"u","blockOwnerDeletion":{block}}}]}}"#
    ))
}

#[tokio::test]
async fn owner_references_follow_the_servers_permission_enforcement() {
    let granted = |verbs: &[&str]| vec![rule(verbs, &["configmaps"], within(&["mine"]))];
    let finalizers = || rule(&["update"], &["configmaps/finalizers"], within(&["mine"]));
    let case = |rules: Vec<Rule>, now: Option<String>, block: bool| async move {
        let fake = Fake::granting(rules);
        fake.answer([Ok(Reply::Object(now.clone())), written()]);
        let mut state = fake.state(|_| {});
        let answer = apply(&mut state, &owned(block)).await.unwrap();
        // Where nothing had to be looked up, the first answer is none of a write.
        answer.err().map(|error| error.reason).unwrap_or_default()
    };
    let (writes, deletes) = (["create", "patch"], ["create", "patch", "delete"]);
    let there = || Some(metadata(r#"{"name":"a"}"#));
    assert_eq!(case(granted(&writes), None, false).await, "", "what is made may have owners");
    assert_eq!(case(granted(&writes), there(), false).await, "NotGranted", "it may not delete the object");
    assert_eq!(case(granted(&writes), Some(owned(false)), false).await, "", "nothing changes");
    assert_eq!(case(granted(&writes), None, true).await, "NotGranted", "it may not hold up the owner");
    assert_eq!(case(granted(&deletes), there(), true).await, "NotGranted");
    assert_eq!(case(granted(&writes), Some(owned(true)), true).await, "", "it is held up already");
    let both = [granted(&writes), vec![finalizers()]].concat();
    assert_eq!(case(both, None, true).await, "");
}

#[tokio::test]
async fn what_a_namespaces_label_gives_comes_and_goes_with_it() {
    let by_label = Scope::Selected(Selector::parse("team=a").unwrap());
    let fake = Fake::granting(vec![rule(&["*"], &["configmaps"], by_label)]);
    let mut state = fake.state(|_| {});
    fill(&fake.cache, &[("mine", "a")]);
    let cached = || read(Consistency::Cached);
    assert_eq!(reason(state.get(kind("ConfigMap"), name("mine", "a"), cached()).await), "NotGranted");
    let kind_of = windlass_core::grant::namespace_kind();
    let spec = WatchSpec {
        kind: kind_of.clone(),
        selection: Selection::default(),
        metadata_only: true,
        plan: Arc::default(),
    };
    fake.cache.open(WatchId(2), &spec);
    for (version, labels, want) in
        [("1", r#"{"team":"a"}"#, true), ("2", "{}", false), ("3", r#"{"team":"a"}"#, true)]
    {
        let body = format!(
            r#"{{"metadata":{{"name":"mine","uid":"n","resourceVersion":"{version}","labels":{labels}}}}}"#
        );
        let _: Vec<ObjectChange> =
            fake.cache.replace(WatchId(2), [Object::ingest(&kind_of, &body).unwrap()], version);
        let got = state.get(kind("ConfigMap"), name("mine", "a"), cached()).await.unwrap();
        assert_eq!(got.is_ok(), want, "{labels}");
        let listed = state.list(kind("ConfigMap"), query(), cached()).await.unwrap();
        assert_eq!(listed.map(|page| page.items.len()).ok(), want.then_some(1));
    }
}
