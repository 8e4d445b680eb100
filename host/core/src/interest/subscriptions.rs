//! Which requests follow what they read.
//!
//! A *subject* is what is followed; requests that follow the same share it. A request has up to three sets of subjects:
//! of its last successful run, of the failed run after that, and of the run under way; a change of any of them
//! wakes it. A subject that nobody follows any more is kept for a moment, so that its watch need not list again
//! when somebody comes back.
//!
//! Between a read that the server answered and the first list of the subject's watch something may have changed. The
//! digest of what was read is held against what the watch holds at first, and the request is woken if they differ.

mod index;
mod subject;

use super::{
    cover::{Cover, MayWatch, Sharing},
    watches::Watches,
};
use crate::{
    cache::{Cache, Query},
    change::{Cause, ObjectChange},
    fact::Reason,
    input::{RunId, WatchId},
    name::{Kind, ModuleName, ObjectName, Request},
    subscription::{Following, Seen, SubscribeError, Subscribed, Subscription},
    time::Time,
};
use index::Index;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};
use subject::{Shown, Subject};

/// One thing that is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SubjectId(u64);

/// How much may be followed.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    pub(crate) per_request_max: usize,
    pub(crate) per_module_max: usize,
    pub(crate) grace: Duration,
    pub(crate) sharing: Sharing,
}

/// Subjects that nobody follows and that are kept for a moment; the oldest go when there are more.
const IDLE_MAX: usize = 256;

/// Requests that are to run, and why.
pub(crate) type Woken = Vec<(Request, Reason)>;

/// What one request follows.
#[derive(Debug, Default)]
struct Sets {
    settled: BTreeSet<SubjectId>,
    failed: BTreeSet<SubjectId>,
    /// Of the run under way.
    current: Option<(RunId, BTreeSet<SubjectId>)>,
}

/// How a run ended, as far as its subscriptions are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Its set replaces the one before.
    Succeeded,
    /// Its set is added to the one before.
    Failed,
    /// The object or the controller is gone: nothing is followed any more.
    Gone,
}

/// All subscriptions of the host.
#[derive(Debug)]
pub(crate) struct Subscriptions {
    bounds: Bounds,
    subjects: BTreeMap<SubjectId, Subject>,
    by_key: HashMap<Arc<Subscription>, SubjectId>,
    index: Index,
    requests: BTreeMap<Request, Sets>,
    /// Requests and subjects, counted together.
    held: BTreeMap<ModuleName, usize>,
    /// Subjects that nobody follows, and until when they are kept.
    idle: BTreeSet<(Time, SubjectId)>,
    cover: Cover,
    subject_last: u64,
}

impl Subscriptions {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self {
            cover: Cover::new(bounds.sharing),
            bounds,
            subjects: BTreeMap::new(),
            by_key: HashMap::new(),
            index: Index::default(),
            requests: BTreeMap::new(),
            held: BTreeMap::new(),
            idle: BTreeSet::new(),
            subject_last: 0,
        }
    }

    /// A run subscribes. The watches have to follow if nothing that runs serves the subject.
    pub(crate) fn add(
        &mut self,
        request: &Request,
        run: RunId,
        subscription: Subscription,
        may: &MayWatch<'_>,
    ) -> Result<SubjectId, SubscribeError> {
        let module = &request.controller.module;
        let known = self.by_key.get(&subscription).copied();
        let sets = self.requests.get(request);
        let current = sets.and_then(|sets| sets.current.as_ref()).filter(|(of, _)| *of == run);
        let (len, again) =
            current.map_or((0, false), |(_, set)| (set.len(), known.is_some_and(|id| set.contains(&id))));
        let max = self.bounds.per_request_max;
        if len >= max && !again {
            return Err(SubscribeError::PerRequest { max });
        }
        let holds =
            known.and_then(|id| self.subjects.get(&id)).is_some_and(|one| one.holders.contains_key(request));
        let max = self.bounds.per_module_max;
        if !holds && self.held_by(module) >= max {
            return Err(SubscribeError::PerModule { module: module.clone(), max });
        }
        let id = known.unwrap_or_else(|| self.create(subscription));
        let sets = self.requests.entry(request.clone()).or_default();
        // A run that never ended (its module was away meanwhile) leaves its set to the next one.
        if let Some((_, left)) = sets.current.take_if(|(of, _)| *of != run) {
            sets.failed.extend(left);
        }
        sets.current.get_or_insert_with(|| (run, BTreeSet::new())).1.insert(id);
        self.hold(id, request, may);
        Ok(id)
    }

    fn create(&mut self, subscription: Subscription) -> SubjectId {
        self.subject_last += 1;
        let id = SubjectId(self.subject_last);
        let of = Arc::new(subscription);
        let subject = Subject::new(of.clone());
        self.index.add(id, &of);
        if let Subscribed::One(name) = &of.what {
            self.cover.add(&of.resource, name, subject.metadata());
        }
        self.by_key.insert(of, id);
        self.subjects.insert(id, subject);
        id
    }

    fn hold(&mut self, id: SubjectId, request: &Request, may: &MayWatch<'_>) {
        let Some(subject) = self.subjects.get_mut(&id) else { return };
        if let Some(until) = subject.idle_until.take() {
            self.idle.remove(&(until, id));
        }
        let module = &request.controller.module;
        let shown = if subject.in_step() { Shown::InStep } else { Shown::Unread };
        if subject.holders.insert(request.clone(), shown).is_none() {
            *self.held.entry(module.clone()).or_default() += 1;
            subject.counted(&mut self.cover, module, true);
            subject.shared(&mut self.cover, may);
        }
    }

    /// A request lets go of a subject that is in none of its sets any more. If it was the last, the subject is kept
    /// until then.
    fn let_go(&mut self, id: SubjectId, request: &Request, until: Time) {
        let Some(subject) = self.subjects.get_mut(&id) else { return };
        if subject.holders.remove(request).is_none() {
            return;
        }
        let module = &request.controller.module;
        subject.counted(&mut self.cover, module, false);
        if let Some(count) = self.held.get_mut(module) {
            *count -= 1;
            if *count == 0 {
                self.held.remove(module);
            }
        }
        if subject.holders.is_empty() {
            subject.idle_until = Some(until);
            self.idle.insert((until, id));
        }
    }

    /// Takes the last subscription of a run back: its watch may not be started.
    pub(crate) fn undo(&mut self, request: &Request, id: SubjectId, may: &MayWatch<'_>) {
        let Some(sets) = self.requests.get_mut(request) else { return };
        if let Some((_, set)) = &mut sets.current {
            set.remove(&id);
        }
        if !sets.settled.contains(&id) && !sets.failed.contains(&id) {
            self.let_go(id, request, Time::default());
            self.expire(Time::default(), may);
        }
    }

    /// What a read showed that its watch did not hold yet. The request to wake, if it is another thing already.
    pub(crate) fn seen(
        &mut self,
        request: &Request,
        id: SubjectId,
        seen: Option<Seen>,
        cache: &Cache,
        out: &mut Woken,
    ) {
        let Some(subject) = self.subjects.get_mut(&id) else { return };
        let now = subject.in_step().then(|| held(&subject.of, cache));
        if let Some(shown) = subject.holders.get_mut(request) {
            *shown = seen.map_or(Shown::Unknown, Shown::Read);
        }
        if let Some(now) = now {
            subject.compare(request, now, out);
        }
    }

    /// A run is over.
    pub(crate) fn ended(&mut self, request: &Request, run: RunId, how: Ending, now: Time, out: &mut Woken) {
        let Some(mut sets) = self.requests.remove(request) else { return };
        let before = sets.all();
        let current = sets.current.take_if(|(of, _)| *of == run).map(|(_, set)| set).unwrap_or_default();
        for id in &current {
            if let Some(subject) = self.subjects.get_mut(id) {
                subject.unread(request, out);
            }
        }
        match how {
            Ending::Succeeded => sets = Sets { settled: current, ..Sets::default() },
            Ending::Failed => sets.failed = current,
            Ending::Gone => sets = Sets::default(),
        }
        let after = sets.all();
        if !after.is_empty() {
            self.requests.insert(request.clone(), sets);
        }
        for id in before.difference(&after) {
            self.let_go(*id, request, now + self.bounds.grace);
        }
    }

    /// Keeps only those subscriptions of a module that its new version could make; the others have no time of grace.
    pub(crate) fn retain(
        &mut self,
        module: &ModuleName,
        now: Time,
        keep: &dyn Fn(&Request, &Subscription) -> bool,
    ) {
        for request in self.requests_of(module).cloned().collect::<Vec<_>>() {
            let Some(sets) = self.requests.get_mut(&request) else { continue };
            let subjects = &self.subjects;
            let drop: Vec<_> = sets
                .all()
                .into_iter()
                .filter(|id| subjects.get(id).is_none_or(|subject| !keep(&request, &subject.of)))
                .collect();
            for id in &drop {
                sets.settled.remove(id);
                sets.failed.remove(id);
                if let Some((_, set)) = &mut sets.current {
                    set.remove(id);
                }
            }
            if sets.all().is_empty() && sets.current.is_none() {
                self.requests.remove(&request);
            }
            drop.into_iter().for_each(|id| self.let_go(id, &request, now));
        }
    }

    /// Forgets subjects that nobody has followed for the grace time. True when there were any.
    pub(crate) fn expire(&mut self, now: Time, may: &MayWatch<'_>) -> bool {
        let mut gone = Vec::new();
        while let Some((until, id)) = self.idle.first().copied()
            && (until <= now || self.idle.len() > IDLE_MAX)
        {
            self.idle.remove(&(until, id));
            gone.push(id);
        }
        for id in &gone {
            let Some(subject) = self.subjects.remove(id) else { continue };
            self.index.remove(*id, &subject.of);
            if let Subscribed::One(name) = &subject.of.what {
                self.cover.remove(&subject.of.resource.kind, name, subject.metadata());
                subject.shared(&mut self.cover, may);
            }
            self.by_key.remove(&subject.of);
        }
        !gone.is_empty()
    }

    /// The grants are others, or a module is gone: decides again what shares a watch.
    pub(crate) fn share_all(&mut self, may: &MayWatch<'_>) {
        self.cover.share_all(may);
    }

    /// When the next subject is forgotten.
    pub(crate) fn expires_at(&self) -> Option<Time> {
        self.idle.first().map(|(until, _)| *until)
    }

    /// Which requests a change is to wake.
    pub(crate) fn route(&self, change: &ObjectChange, out: &mut Woken) {
        if change.cause == Cause::Resync {
            return;
        }
        let reason = || Reason::Followed { kind: change.kind.clone(), name: Some(change.name.clone()) };
        for id in self.index.concerned(&change.kind, &change.name) {
            let Some(subject) = self.subjects.get(&id) else { continue };
            if subject.sees(change) {
                out.extend(subject.holders.keys().map(|request| (request.clone(), reason())));
            }
        }
    }

    /// Takes in which watch holds what; wakes whoever read something else than what is held now.
    /// Of one kind, if no other has changed.
    pub(crate) fn rebind(&mut self, kind: Option<&Kind>, watches: &Watches, cache: &Cache, out: &mut Woken) {
        let concerned = |subject: &&mut Subject| kind.is_none_or(|kind| subject.of.resource.kind == *kind);
        for subject in self.subjects.values_mut().filter(concerned) {
            subject.bind(watches, &|of| held(of, cache), out);
        }
    }

    /// A request reads a subject now: in step, if a synced watch holds it already.
    pub(crate) fn begin(
        &mut self,
        request: &Request,
        id: SubjectId,
        (watches, cache): (&Watches, &Cache),
        out: &mut Woken,
    ) -> Following {
        let Some(subject) = self.subjects.get_mut(&id) else { return Following::InStep };
        subject.bind(watches, &|of| held(of, cache), out);
        if !subject.in_step() {
            return Following::Starting;
        }
        subject.holders.insert(request.clone(), Shown::InStep);
        Following::InStep
    }

    /// Whether a subject shares a wider watch with others.
    pub(crate) fn is_shared(&self, id: SubjectId) -> bool {
        self.subjects.get(&id).is_some_and(|subject| subject.is_shared(&self.cover))
    }

    /// Whether a subject takes a watch that does not run, or runs only until it is replaced.
    pub(crate) fn lacks_watch(&self, id: SubjectId, watches: &Watches) -> bool {
        self.subjects.get(&id).is_some_and(|subject| subject.lacks_watch(watches))
    }

    /// What has to be watched.
    pub(crate) fn atoms(&self) -> Vec<super::Atom> {
        let many = self.subjects.values().filter(|subject| matches!(subject.of.what, Subscribed::Many(_)));
        self.cover.atoms().chain(many.flat_map(Subject::atoms)).collect()
    }

    /// The watches that run for a module's subscriptions and for no description.
    pub(crate) fn own_watches(&self, module: &ModuleName, watches: &Watches) -> usize {
        let ids: BTreeSet<SubjectId> = self
            .requests_of(module)
            .filter_map(|request| self.requests.get(request))
            .flat_map(Sets::all)
            .collect();
        let serving =
            ids.iter().filter_map(|id| self.subjects.get(id)).flat_map(|one| one.brought_by(watches));
        serving.filter(|id| !watches.is_declared(*id)).collect::<BTreeSet<_>>().len()
    }

    /// Whether a request follows anything.
    pub(crate) fn has(&self, request: &Request) -> bool {
        self.requests.contains_key(request)
    }

    /// How many subscriptions the requests of a module have.
    pub(crate) fn held_by(&self, module: &ModuleName) -> usize {
        self.held.get(module).copied().unwrap_or_default()
    }

    /// Each watch that brings something followed, or will: which controller's requests it serves, and how many
    /// subscriptions. A subject counts where it is held; a watch that holds none first, for want of a better one.
    pub(crate) fn served(&self, watches: &Watches) -> BTreeMap<WatchId, BTreeMap<String, usize>> {
        let mut found: BTreeMap<WatchId, BTreeMap<String, usize>> = BTreeMap::new();
        for subject in self.subjects.values() {
            for watch in subject.brought_by(watches) {
                subject.count_holders(found.entry(watch).or_default());
            }
        }
        let idle = |id: &WatchId| found.get(id).is_none_or(BTreeMap::is_empty) && !watches.is_declared(*id);
        let unused: Vec<_> = watches.iter().map(|(id, ..)| id).filter(idle).collect();
        for id in unused {
            for subject in self.subjects.values().filter(|subject| subject.could_use(id, watches)) {
                subject.count_holders(found.entry(id).or_default());
            }
        }
        found
    }

    fn requests_of(&self, module: &ModuleName) -> impl Iterator<Item = &Request> {
        let controller = crate::name::ControllerName { module: module.clone(), controller: Arc::default() };
        let first = Request { controller, name: ObjectName::cluster("") };
        let from = self.requests.range(first..);
        from.map(|(request, _)| request).take_while(move |request| request.controller.module == *module)
    }
}

impl Sets {
    fn all(&self) -> BTreeSet<SubjectId> {
        let current = self.current.iter().flat_map(|(_, set)| set);
        self.settled.iter().chain(&self.failed).chain(current).copied().collect()
    }
}

/// What is held of a subject now; none if it is not all held.
fn held(of: &Subscription, cache: &Cache) -> Option<Seen> {
    let query = Query { question: of.question(), ..Query::default() };
    let objects = cache.list(&of.resource.kind, &query)?;
    let mut seen = Seen::default();
    for object in &objects {
        seen.add(object.name(), object.resource_version());
    }
    Some(seen)
}
