//! Random arguments of calls: whatever a guest asks, only clean calls within its grant reach the host.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use crate::{
    bindings::windlass::controller::{
        objects::{
            Consistency, DeleteOptions, Host as _, IndexValue, PatchType, Propagation, Query, ReadOptions,
            Shape, WriteOptions,
        },
        types,
    },
    instance::State,
    limits::Bound,
    testing::{Fake, rule, within},
};
use futures::FutureExt as _;
use windlass_core::{
    call::{Action, Call, Page, Reply},
    name::ObjectName,
};

/// Calls made; the same ones each time.
const CALLS: usize = 20_000;

const TEXTS: &[&str] = &[
    "",
    "a",
    "mine",
    "other",
    "kube-system",
    "..",
    ".",
    "a/b",
    "../../secrets/x",
    "a%2fb",
    "%2e%2e",
    "a?x=1",
    "a#b",
    "a\\b",
    "A",
    "\u{1b}[2J",
    "\u{202e}",
    "\0",
    "é",
    "status",
    "exec",
    "token",
    "a=b",
    "a in (b",
    "metadata.name=x",
    "metadata.name",
    "windlass/in/other/",
    "windlass/in/mine/x",
    "windlass/after/mine/a",
    "windlass/after//a",
    "windlass/",
    "{}",
    "[]",
    "null",
    r#"{"metadata":{"name":"a"}}"#,
    r#"{"metadata":{"name":"b","namespace":"other"}}"#,
    r#"{"metadata":{"name":"a","name":"../x"}}"#,
    r#"{"metadata":{"generateName":"x-","resourceVersion":"1"}}"#,
    r#"{"metadata":{"name":1}}"#,
    "-1",
    "18446744073709551616",
];
const VERSIONS: &[&str] = &["v1", "v1", "v1", "v1", "apps/v1", "", "../v1", "v1/../x", "V1", "a/b/v1"];
const KINDS: &[&str] =
    &["ConfigMap", "ConfigMap", "ConfigMap", "Secret", "Namespace", "Pod", "", "configmaps", "a/b"];

/// A generator of numbers (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(limit).unwrap()).unwrap()
    }

    fn yes(&mut self) -> bool {
        self.below(2) == 1
    }

    fn of(&mut self, texts: &[&str]) -> String {
        texts[self.below(texts.len())].to_owned()
    }

    fn text(&mut self) -> String {
        match self.below(40) {
            0 => "x".repeat(300),
            1 => format!("{}{}", self.of(TEXTS), self.of(TEXTS)),
            _ => self.of(TEXTS),
        }
    }

    fn maybe(&mut self) -> Option<String> {
        self.yes().then(|| self.text())
    }

    fn kind(&mut self) -> types::Kind {
        types::Kind { api_version: self.of(VERSIONS), kind: self.of(KINDS) }
    }

    fn name(&mut self) -> types::ObjectName {
        types::ObjectName { namespace: self.maybe(), name: self.text() }
    }

    fn read(&mut self) -> ReadOptions {
        let consistency = if self.yes() { Consistency::Cached } else { Consistency::Latest };
        let shape = if self.yes() { Shape::Whole } else { Shape::Metadata };
        let subresource = if self.below(4) == 0 { self.maybe() } else { None };
        ReadOptions { subresource, consistency, shape, subscribe: self.yes() }
    }

    fn write(&mut self) -> WriteOptions {
        let subresource = if self.below(4) == 0 { self.maybe() } else { None };
        WriteOptions { subresource, force: self.yes(), dry_run: self.yes() }
    }

    fn query(&mut self) -> Query {
        let index = (self.below(8) == 0).then(|| IndexValue { index: self.text(), value: self.text() });
        Query {
            namespace: self.maybe(),
            label_selector: if self.below(4) == 0 { self.maybe() } else { None },
            field_selector: if self.below(4) == 0 { self.maybe() } else { None },
            owner_uid: if self.below(8) == 0 { self.maybe() } else { None },
            index,
            limit: self.yes().then(|| u32::try_from(self.below(1 << 31)).unwrap()),
            continue_token: if self.below(3) == 0 { self.maybe() } else { None },
        }
    }

    fn delete(&mut self) -> DeleteOptions {
        let propagation = [None, Some(Propagation::Background), Some(Propagation::Orphan)][self.below(3)];
        DeleteOptions {
            propagation,
            uid: self.maybe(),
            resource_version: self.maybe(),
            grace_period_seconds: None,
            dry_run: self.yes(),
        }
    }
}

/// Makes one call; what the host does not answer at once is given up.
fn call(state: &mut State, random: &mut Random) {
    let kind = random.kind();
    match random.below(6) {
        0 => drop(state.get(kind, random.name(), random.read()).now_or_never()),
        1 => drop(state.list(kind, random.query(), random.read()).now_or_never()),
        2 => drop(state.create(kind, random.name(), random.text(), random.write()).now_or_never()),
        3 => drop(state.update(kind, random.name(), random.text(), random.write()).now_or_never()),
        4 => {
            let of =
                [PatchType::Apply, PatchType::Merge, PatchType::Json, PatchType::Strategic][random.below(4)];
            drop(state.patch(kind, random.name(), of, random.text(), random.write()).now_or_never());
        }
        _ => drop(state.delete(kind, random.name(), random.delete()).now_or_never()),
    }
}

#[test]
fn whatever_a_guest_asks_only_clean_calls_within_its_grant_reach_the_host() {
    let verbs = ["get", "list", "watch", "create", "update", "patch", "delete"];
    let granted = ["configmaps", "configmaps/status"];
    let fake = Fake::granting(vec![rule(&verbs, &granted, within(&["mine", "too"]))]);
    let mut random = Random(3);
    let mut state = fake.state(|terms| terms.limits.set(Bound::HostCalls, u64::MAX));
    for _ in 0..CALLS {
        let page =
            Page { items: Vec::new(), continue_token: random.maybe(), resource_version: "1".to_owned() };
        fake.answer([Ok(Reply::Page(page)), Ok(Reply::Object(None))]);
        call(&mut state, &mut random);
        fake.replies.lock().unwrap().clear();
    }
    let calls = fake.calls.lock().unwrap();
    assert!(calls.len() > 200, "{} calls came through", calls.len());
    calls.iter().for_each(is_clean);
    assert!(fake.refusals.lock().unwrap().len() > 500, "and many did not");
}

fn is_clean(call: &Call) {
    assert_eq!((&*call.kind.api_version, &*call.kind.kind), ("v1", "ConfigMap"), "{call:?}");
    assert!(matches!(call.subresource.as_deref(), None | Some("status")), "{call:?}");
    let within = |namespace: Option<&str>| assert!(matches!(namespace, Some("mine" | "too")), "{call:?}");
    if let Some(ObjectName { namespace, name }) = call.action.name() {
        within(namespace.as_deref());
        let odd = |char: char| !char.is_ascii_graphic() || "/%?#\\".contains(char);
        assert!(!name.contains(odd) && !matches!(&**name, "." | "..") && name.len() <= 253, "{call:?}");
    }
    if let Action::List { query, .. } = &call.action {
        within(query.namespace.as_deref());
    }
}
