//! Whatever a guest says, and wherever it says it: nothing of it that steers a terminal comes out, and nothing is
//! without end.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use crate::{
    bindings::windlass::controller::{
        events::{self, Host as _, Severity},
        log::{self, Host as _},
        metrics::{Host as _, Label},
        objects::{Consistency, Host as _, Query, ReadOptions, Shape, WriteOptions},
        types,
    },
    instance::State,
    testing::{Fake, rule, within},
    text::deceives,
};

/// No text that reaches people is longer.
const BYTES_MAX: usize = 5 << 10;

/// Escape sequences, C1 controls, carriage returns, NUL, marks that turn text around or hide it, and very long text.
fn attacks() -> Vec<String> {
    let mut attacks: Vec<String> = [
        "\x1b[2J\x1b]0;title\x07",
        "\u{9b}31m\u{9d}",
        "one\r\ntwo\rthree\n",
        "\0",
        "\u{7f}\u{8}",
        "user\u{202e}txt.exe\u{2066}\u{2069}",
        "a\u{200b}b\u{feff}c\u{ad}",
        "\u{2028}\u{2029}",
        "\u{e0041}\u{e007f}",
        "\u{fff9}\u{61c}",
    ]
    .map(str::to_owned)
    .to_vec();
    attacks.push("long\x1b ".repeat(50_000));
    attacks.push(format!("{}\u{202e}", "w".repeat(300)));
    attacks
}

async fn says_everywhere(state: &mut State, text: &str) {
    let own = || text.to_owned();
    let name = |namespace: &str, name: &str| types::ObjectName {
        namespace: Some(namespace.to_owned()),
        name: name.to_owned(),
    };
    let kind =
        |version: &str, kind: &str| types::Kind { api_version: version.to_owned(), kind: kind.to_owned() };
    let map = || kind("v1", "ConfigMap");
    let read = |subresource: Option<String>| ReadOptions {
        subresource,
        consistency: Consistency::Latest,
        shape: Shape::Whole,
        subscribe: false,
    };
    let fields = vec![log::Field { key: own(), value: own() }];
    state.write(log::Level::Error, own(), fields).await.unwrap();
    for (about, reason) in [(name("mine", "a"), "Reason".to_owned()), (name("mine", text), own())] {
        let regarding = types::ObjectRef { kind: map(), name: about, uid: Some(own()) };
        let event = events::Event {
            severity: Severity::Normal,
            regarding,
            related: None,
            reason,
            action: own(),
            note: own(),
        };
        state.emit(event).await.unwrap();
    }
    for (metric, label) in
        [("a".to_owned(), "b".to_owned()), (own(), "b".to_owned()), ("a".to_owned(), own())]
    {
        state.add(metric, 1.0, vec![Label { name: label, value: own() }]).await.unwrap();
    }
    for (kind, name, sub) in [
        (kind(text, "ConfigMap"), name("mine", "a"), None),
        (kind("v1", text), name("mine", "a"), None),
        (map(), name(text, "a"), None),
        (map(), name("mine", text), None),
        (map(), name("mine", "a"), Some(own())),
    ] {
        state.get(kind.clone(), name.clone(), read(sub.clone())).await.unwrap().unwrap_err();
        let write = WriteOptions { subresource: sub, force: false, dry_run: false };
        state
            .create(kind, name, format!("{{\"metadata\":{{\"name\":{text:?}}}}}"), write)
            .await
            .unwrap()
            .unwrap_err();
    }
    let query = Query {
        namespace: Some(own()),
        label_selector: Some(own()),
        field_selector: Some(own()),
        owner_uid: None,
        index: None,
        limit: None,
        continue_token: Some(own()),
    };
    state.list(map(), query, read(None)).await.unwrap().unwrap_err();
}

#[tokio::test]
async fn nothing_that_comes_out_of_a_guest_steers_a_terminal_or_has_no_end() {
    let fake = Fake::granting(vec![rule(&["get"], &["configmaps"], within(&["mine"]))]);
    let mut state = fake.state(|_| {});
    for attack in attacks() {
        says_everywhere(&mut state, &attack).await;
    }
    let mut shown: Vec<String> = vec![state.last_words()];
    for line in fake.lines.lock().unwrap().iter() {
        shown.push(line.message.clone());
        shown.extend(line.fields.iter().flat_map(|(key, value)| [key.clone(), value.clone()]));
    }
    for event in fake.events.lock().unwrap().iter() {
        shown.extend([event.reason.clone(), event.action.clone(), event.note.clone()]);
    }
    for sample in fake.samples.lock().unwrap().iter() {
        shown.push(sample.name.clone());
        shown.extend(sample.labels.iter().flat_map(|(name, value)| [name.clone(), value.clone()]));
    }
    shown.extend(fake.refusals.lock().unwrap().iter().map(ToString::to_string));
    let kinds = [
        fake.lines.lock().unwrap().len(),
        fake.samples.lock().unwrap().len(),
        fake.refusals.lock().unwrap().len(),
    ];
    assert!(kinds.iter().all(|many| *many >= attacks().len()), "{kinds:?}");
    for text in shown {
        assert!(!text.contains(deceives), "{text:?}");
        assert!(text.len() <= BYTES_MAX, "{} bytes: {}", text.len(), &text[..200]);
    }
}
