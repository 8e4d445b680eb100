//! Kubernetes Events about objects.

#[cfg(target_arch = "wasm32")]
use crate::host::Host as _;
use crate::{Context, Event, Manifest, ObjectRef, Severity};

impl Event {
    /// An Event about `object`. `reason` and `action` are UpperCamelCase for machines, `note` is for people.
    #[must_use]
    pub fn new(
        severity: Severity,
        object: &impl Manifest,
        reason: &str,
        action: &str,
        note: impl Into<String>,
    ) -> Self {
        Self {
            severity,
            regarding: reference(object),
            related: None,
            reason: reason.into(),
            action: action.into(),
            note: note.into(),
        }
    }

    /// The same Event with a second object that had part in it.
    #[must_use]
    pub fn related_to(mut self, object: &impl Manifest) -> Self {
        self.related = Some(reference(object));
        self
    }
}

fn reference(object: &impl Manifest) -> ObjectRef {
    ObjectRef { kind: object.kind(), name: object.object_name(), uid: object.uid().map(Into::into) }
}

impl Context<'_> {
    /// Tells that something went as expected: `ctx.normal(&site, "Created", "CreateDeployment", "…")`.
    /// The host repeats equal Events as a series and limits them.
    pub fn normal(&self, object: &impl Manifest, reason: &str, action: &str, note: impl Into<String>) {
        self.emit(&Event::new(Severity::Normal, object, reason, action, note));
    }

    /// Tells that somebody may have to do something.
    pub fn warning(&self, object: &impl Manifest, reason: &str, action: &str, note: impl Into<String>) {
        self.emit(&Event::new(Severity::Warning, object, reason, action, note));
    }

    /// Hands over an Event.
    pub fn emit(&self, event: &Event) {
        self.host().emit(event);
    }
}
