//! Live reads of modules: what the server showed one of them, no cached read shows it older again.
//!
//! Where the watches are behind such an answer, it is laid over what they said, as a write's answer is, and ends as that
//! does. Nearly always they are not, and nothing is laid.

#[cfg(test)]
mod tests;

use super::{
    Before, Cache, Namespaces, Question,
    laid::{Ask, Lay, What},
    query::Fields,
    version::Version,
};
use crate::{
    call::{Action, ApiError, Call, ListQuery, Page, Reply, Shape},
    name::{Kind, ObjectName},
    object::Object,
    selector::Selector,
    time::Time,
};
use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering},
};

/// What an answer showed of one object.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    pub(super) lay: Lay,
    /// Only its metadata: whole objects of this version are known to the server alone.
    pub(super) partial: bool,
}

/// A part of the cluster in which a list named everything there was.
#[derive(Debug)]
pub(super) struct Listed<'a> {
    pub(super) question: Question,
    pub(super) objects: &'a BTreeSet<ObjectName>,
    /// None: from the first name on, and to the last one.
    pub(super) from: Option<ObjectName>,
    pub(super) to: Option<ObjectName>,
    pub(super) version: Version,
}

impl Listed<'_> {
    /// Whether an object of this name would be in the list, as far as names tell, and is not.
    pub(super) fn misses(&self, name: &ObjectName) -> bool {
        self.from.as_ref().is_none_or(|from| name >= from)
            && self.to.as_ref().is_none_or(|to| name <= to)
            && self.question.namespaces.contain(name.as_ref())
            && Fields::of(self.question.fields.as_ref()).matches(name.as_ref())
            && !self.objects.contains(name)
    }

    /// Whether an object that is seen here was not there any more when the list was made.
    pub(super) fn lacks(&self, object: &Object) -> bool {
        self.misses(&object.name().to_owned())
            && Version::of(object.resource_version()).is_some_and(|own| self.version >= own)
    }

    /// What that says of the object. Without the label that was asked for it may be there still.
    pub(super) fn lay_of(&self, object: &Object) -> Lay {
        let whole = self.question.labels.is_none() && Fields::view(self.question.fields.as_ref()).is_none();
        let (what, ask) = if whole { (What::Gone, Ask::Shown) } else { (What::Unseen, Ask::Now) };
        let (uid, base) = (object.uid().into(), object.resource_version().into());
        Lay { what, version: Some(self.version.clone()), uid, base, ask }
    }
}

impl Shown {
    fn object(object: &Arc<Object>, shape: Shape) -> Self {
        let (uid, version) = (object.uid().into(), Version::of(object.resource_version()));
        let what = What::Object(object.clone());
        let lay = Lay { what, version, uid, base: Box::default(), ask: Ask::Shown };
        Self { lay, partial: shape == Shape::Metadata }
    }

    fn gone(Before { uid, version: base }: Before) -> Self {
        let lay = Lay { what: What::Gone, version: None, uid, base, ask: Ask::Later };
        Self { lay, partial: false }
    }
}

impl Cache {
    /// Takes in the answer to a module's live read, before the module has it. `before` is the object as it was seen
    /// when the read began ([`Cache::before`]). False: too many objects are known to be gone of which no watch has told
    /// it yet; what the answer says could not be held to, so the module is not to have it.
    ///
    /// Reads of a subresource say nothing here, except of `status`. A list that is one of several pages over all
    /// namespaces says nothing of objects that it does not show: servers order names by their own keys.
    #[must_use]
    pub fn lay_read(
        &self,
        call: &Call,
        before: Option<Before>,
        answer: &Result<Reply, ApiError>,
        now: Time,
    ) -> bool {
        let of_object = call.subresource.as_deref().is_none_or(|one| one == "status");
        if !of_object || self.of_kind(&call.kind).is_empty() {
            return true;
        }
        match (&call.action, answer) {
            (Action::Get { shape, .. }, Ok(Reply::Object(Some(text)))) => {
                if let Ok(object) = Object::ingest(&call.kind, text) {
                    self.show(&call.kind, &Arc::new(object), *shape, now);
                }
                true
            }
            (Action::Get { name, .. }, Ok(Reply::Object(None))) if call.subresource.is_none() => {
                self.show_gone(&call.kind, name, before, now)
            }
            (Action::List { query, shape }, Ok(Reply::Page(page))) => {
                self.show_page(&call.kind, (query, *shape), page, now);
                true
            }
            _ => true,
        }
    }

    fn next_nth(&self) -> u64 {
        self.counts.writes.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn show(&self, kind: &Kind, object: &Arc<Object>, shape: Shape, now: Time) {
        let (name, shown) = (object.name().to_owned(), Shown::object(object, shape));
        let nth = self.next_nth();
        let given_up: u64 = self.of_kind(kind).iter().map(|view| view.show(&name, &shown, nth, now)).sum();
        self.counts.given_up.fetch_add(given_up, Ordering::Relaxed);
    }

    fn show_gone(&self, kind: &Kind, name: &ObjectName, before: Option<Before>, now: Time) -> bool {
        let Some(before) = before else {
            let nth = self.next_nth();
            self.of_kind(kind).iter().for_each(|view| view.show_absence(name, nth));
            return true;
        };
        if !self.has_room(kind) {
            return false;
        }
        let (shown, nth) = (Shown::gone(before), self.next_nth());
        let given_up: u64 = self.of_kind(kind).iter().map(|view| view.show(name, &shown, nth, now)).sum();
        self.counts.given_up.fetch_add(given_up, Ordering::Relaxed);
        true
    }

    fn show_page(&self, kind: &Kind, (query, shape): (&ListQuery, Shape), page: &Page, now: Time) {
        let objects: Vec<_> =
            page.items.iter().filter_map(|item| Object::ingest(kind, item).ok()).map(Arc::new).collect();
        objects.iter().for_each(|object| self.show(kind, object, shape, now));
        if objects.len() < page.items.len() {
            return;
        }
        let names = objects.iter().map(|object| object.name().to_owned()).collect();
        let Some(listed) = listed(query, shape, page, &objects, &names) else { return };
        let nth = self.next_nth();
        let given_up: u64 = self.of_kind(kind).iter().map(|view| view.show_absent(&listed, nth, now)).sum();
        self.counts.given_up.fetch_add(given_up, Ordering::Relaxed);
    }
}

/// Where a page names everything there is; none where that cannot be told.
fn listed<'a>(
    query: &ListQuery,
    shape: Shape,
    page: &Page,
    objects: &[Arc<Object>],
    names: &'a BTreeSet<ObjectName>,
) -> Option<Listed<'a>> {
    let (first, last) = (query.continue_token.is_none(), page.continue_token.is_none());
    let in_order = || objects.is_sorted_by(|one, other| one.name() < other.name());
    if !(first && last) && (query.namespace.is_none() || objects.is_empty() || !in_order()) {
        return None;
    }
    let labels = query.labels.as_deref().filter(|text| !text.is_empty());
    let namespaces = query.namespace.iter().cloned().collect::<Vec<_>>();
    let question = Question {
        namespaces: if namespaces.is_empty() { Namespaces::All } else { Namespaces::These(namespaces) },
        labels: labels.map(Selector::parse).transpose().ok()?,
        fields: query.fields.as_deref().filter(|text| !text.is_empty()).map(Arc::from),
        shape,
    };
    let name = |object: &Arc<Object>| object.name().to_owned();
    Some(Listed {
        question,
        objects: names,
        from: objects.first().filter(|_| !first).map(name),
        to: objects.last().filter(|_| !last).map(name),
        version: Version::of(&page.resource_version)?,
    })
}
