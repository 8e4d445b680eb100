//! `events`: Kubernetes Events about objects that the caller may read.

use super::{access::is_kind, convert::given};
use crate::{
    bindings::windlass::controller::{
        events::{self, Severity},
        types::ObjectRef,
    },
    host::{EventData, ObjectReference},
    instance::State,
    limits::Bound,
    text::plain,
};
use windlass_core::name::ObjectName;

/// Bytes of reason and action, as the server bounds them.
const WORD_BYTES_MAX: usize = 128;
/// Bytes of the note, as the server bounds it.
const NOTE_BYTES_MAX: usize = 1_000;
/// Bytes of a name, as the server bounds most of them.
const NAME_BYTES_MAX: usize = 253;

impl events::Host for State {
    /// An event lands in the namespace of its object, so it takes the right to read that object. What is dropped is
    /// counted: the contract gives no answer.
    async fn emit(&mut self, event: events::Event) -> wasmtime::Result<()> {
        self.count_call("events.emit")?;
        let room = self.tally.events < self.limits().count(Bound::Events);
        self.reach(Bound::Events, usize::from(!room));
        let emitted = room && !self.describing() && self.emit_checked(event).await;
        match emitted {
            true => self.tally.events += 1,
            false => self.tally.events_dropped += 1,
        }
        self.doing = None;
        Ok(())
    }
}

impl State {
    async fn emit_checked(&self, event: events::Event) -> bool {
        if !is_reason(&event.reason) || event.action.len() > WORD_BYTES_MAX {
            return false;
        }
        let (regarding, related) = (reference(event.regarding), event.related.map(reference));
        // The server takes any text here, and `kubectl describe` shows it as it is.
        if !std::iter::once(&regarding).chain(&related).all(is_reference) {
            return false;
        }
        let readable = match self.resolve(&regarding.kind).await {
            Ok(resource) => self.permit("get", &resource, None, &regarding.name).is_ok(),
            Err(_) => false,
        };
        if readable {
            let event = EventData {
                warning: event.severity == Severity::Warning,
                regarding,
                related,
                reason: event.reason,
                // An ellipsis ends what is cut.
                action: plain(&event.action, WORD_BYTES_MAX - '…'.len_utf8()),
                note: plain(&event.note, NOTE_BYTES_MAX),
            };
            self.host.event(&self.caller, event);
        }
        readable
    }
}

fn reference(said: ObjectRef) -> ObjectReference {
    ObjectReference { kind: said.kind.into(), name: said.name.into(), uid: given(said.uid) }
}

/// Whether it could point at something.
fn is_reference(object: &ObjectReference) -> bool {
    let word = |text: &str| {
        text.len() <= NAME_BYTES_MAX
            && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"/%?#\\".contains(&byte))
    };
    let ObjectName { namespace, name } = &object.name;
    is_kind(&object.kind)
        && !name.is_empty()
        && word(name)
        && namespace.as_deref().is_none_or(word)
        && object.uid.as_deref().is_none_or(word)
}

fn is_reason(text: &str) -> bool {
    (1..=WORD_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use crate::{
        bindings::windlass::controller::types,
        testing::{Fake, rule, within},
    };
    use events::Host;

    fn about(kind: &str, namespace: &str, reason: &str) -> events::Event {
        let kind = types::Kind { api_version: "v1".to_owned(), kind: kind.to_owned() };
        let name = types::ObjectName { namespace: Some(namespace.to_owned()), name: "a".to_owned() };
        events::Event {
            severity: Severity::Warning,
            regarding: ObjectRef { kind, name, uid: Some("u".to_owned()) },
            related: None,
            reason: reason.to_owned(),
            action: "Create\x1bThing".to_owned(),
            note: "it\nfailed".to_owned(),
        }
    }

    #[tokio::test]
    async fn an_event_needs_a_reason_and_the_right_to_read_its_object() {
        let fake = Fake::granting(vec![rule(&["get"], &["configmaps"], within(&["mine"]))]);
        let mut state = fake.state(|terms| terms.limits.set(Bound::Events, 2));
        state.emit(about("ConfigMap", "mine", "Created")).await.unwrap();
        state.emit(about("ConfigMap", "other", "Created")).await.unwrap();
        state.emit(about("Secret", "mine", "Created")).await.unwrap();
        state.emit(about("ConfigMap", "mine", "not a reason")).await.unwrap();
        state.emit(about("ConfigMap", "mine", "Created")).await.unwrap();
        state.emit(about("ConfigMap", "mine", "OneTooMany")).await.unwrap();
        assert_eq!((state.tally.events, state.tally.events_dropped), (2, 4));
        let events = fake.events.lock().unwrap();
        assert_eq!((events.len(), events[0].note.as_str()), (2, "it\\nfailed"));
        assert_eq!(events[0].action, "Create\\u{1b}Thing");
        assert_eq!(fake.refusals.lock().unwrap().len(), 2);
    }
    /// The server takes any text for what an Event points at, and shows it as it is.
    #[tokio::test]
    async fn an_event_points_at_nothing_that_could_not_be() {
        let fake = Fake::granting(vec![rule(&["get"], &["configmaps"], within(&["mine"]))]);
        let mut state = fake.state(|_| {});
        let odd = ["\x1b[2J", "\u{202e}", "a b", "a//b", "é"];
        let long = "x".repeat(300);
        for text in odd.iter().copied().chain([&*long]) {
            let related = |change: fn(&mut ObjectRef, String)| {
                let mut event = about("ConfigMap", "mine", "Created");
                let mut object = event.regarding.clone();
                change(&mut object, text.to_owned());
                event.related = Some(object);
                event
            };
            let mut with_uid = about("ConfigMap", "mine", "Created");
            with_uid.regarding.uid = Some(text.to_owned());
            for event in [
                related(|object, text| object.kind.api_version = text),
                related(|object, text| object.kind.kind = text),
                related(|object, text| object.name.name = text),
                related(|object, text| object.name.namespace = Some(text)),
                related(|object, text| object.uid = Some(text)),
                with_uid,
            ] {
                state.emit(event).await.unwrap();
            }
        }
        assert_eq!((state.tally.events, state.tally.events_dropped), (0, 36));
        let mut fine = about("ConfigMap", "mine", "Created");
        fine.related = Some(fine.regarding.clone());
        fine.action = "\x1b".repeat(100);
        state.emit(fine).await.unwrap();
        let events = fake.events.lock().unwrap();
        assert!(events.len() == 1 && events[0].action.len() <= WORD_BYTES_MAX, "{events:?}");
    }
}
