//! Own writes against a model: a server with its history, watches that lag, and modules that write and read live.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use super::{
    server::{Event, Server},
    tests::{delete, lost, maps, name, patch, spec},
};
use crate::{
    cache::{Before, Cache, Found, LiveAnswer, LiveRead, OwnWrite, Query},
    call::{Action, ApiError, Call, ListQuery, Page, Reply, Shape},
    change::ObjectChange,
    input::WatchId,
    object::Object,
    time::Time,
};
use proptest::prelude::*;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

/// Objects of the model: `a/0` to `a/3`.
const NAMES: u8 = 4;

#[derive(Clone, Debug)]
enum Step {
    /// A module writes; its answer comes at once, later, or never (and was the write carried out?).
    Own {
        name: u8,
        deletes: bool,
        label: u8,
        answer: Answering,
    },
    /// Somebody else writes.
    Other {
        name: u8,
        deletes: bool,
        label: u8,
    },
    /// A module reads live, an object or all with a label; its answer comes at once or later.
    Live {
        name: u8,
        later: bool,
    },
    LiveList {
        label: Option<u8>,
        later: bool,
    },
    /// The oldest answer under way arrives.
    Answer,
    /// A watch tells so many events more.
    Deliver {
        watch: u64,
        count: usize,
    },
    /// A watch tells how far it is.
    Bookmark {
        watch: u64,
    },
    /// A watch lists anew.
    Relist {
        watch: u64,
    },
    /// Live reads that are due begin.
    Wait {
        seconds: u64,
    },
    /// The oldest live read under way is answered, with what the server held when it began.
    Read {
        fails: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Answering {
    AtOnce,
    Later,
    LostAfter,
    LostBefore,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let answer = prop_oneof![
        4 => Just(Answering::AtOnce),
        2 => Just(Answering::Later),
        1 => Just(Answering::LostAfter),
        1 => Just(Answering::LostBefore),
    ];
    let what = || (0..NAMES, prop::bool::weighted(0.3), 0_u8..2);
    let watch = || 1_u64..3;
    let step = prop_oneof![
        5 => (what(), answer).prop_map(|((name, deletes, label), answer)| Step::Own { name, deletes, label, answer }),
        2 => what().prop_map(|(name, deletes, label)| Step::Other { name, deletes, label }),
        2 => (0..NAMES, any::<bool>()).prop_map(|(name, later)| Step::Live { name, later }),
        1 => (prop::option::of(0_u8..2), any::<bool>()).prop_map(|(label, later)| Step::LiveList { label, later }),
        2 => Just(Step::Answer),
        4 => (watch(), 1_usize..4).prop_map(|(watch, count)| Step::Deliver { watch, count }),
        1 => watch().prop_map(|watch| Step::Bookmark { watch }),
        1 => watch().prop_map(|watch| Step::Relist { watch }),
        2 => (0_u64..4).prop_map(|seconds| Step::Wait { seconds }),
        3 => prop::bool::weighted(0.2).prop_map(|fails| Step::Read { fails }),
    ];
    prop::collection::vec(step, 0..80)
}

/// An answer on its way: the call, what was seen before it, and what readers may expect then: from which version on.
struct Pending {
    call: Call,
    before: Option<Before>,
    answer: Result<Reply, ApiError>,
    promises: Vec<(u8, u64)>,
}

struct World {
    cache: Cache,
    now: Time,
    server: Server,
    /// Up to where each watch has told the history.
    told_to: BTreeMap<u64, usize>,
    answers: VecDeque<Pending>,
    reads: VecDeque<(LiveRead, LiveAnswer)>,
    /// What readers may expect at least: the version of the last own write, or live read, that was answered.
    promised: BTreeMap<u8, u64>,
    /// As the changes tell it.
    mirror: BTreeMap<String, Object>,
    /// Versions that were told as the state after a change.
    told: Vec<String>,
}

fn call(action: Action) -> Call {
    Call { kind: maps(), subresource: None, action }
}

impl World {
    fn new(watches: u64) -> Self {
        let (cache, mut told_to) = (Cache::new(), BTreeMap::new());
        for watch in 1..=watches {
            cache.open(WatchId(watch), &spec(if watch == 1 { "" } else { "app=x0" }, None));
            cache.replace(WatchId(watch), Vec::<Object>::new(), "10");
            told_to.insert(watch, 0);
        }
        Self {
            cache,
            now: Time(0),
            server: Server::default(),
            told_to,
            answers: VecDeque::new(),
            reads: VecDeque::new(),
            promised: BTreeMap::new(),
            mirror: BTreeMap::new(),
            told: Vec::new(),
        }
    }

    fn own(&mut self, which: u8, deletes: bool, label: u8, answering: Answering) {
        let text = which.to_string();
        let call = if deletes { delete(&text) } else { patch(&text) };
        let before = self.cache.before(&maps(), &name(&text));
        let answer = match answering {
            Answering::LostBefore => lost(),
            _ => self.server.carry_out(which, deletes, label),
        };
        let answer = if answering == Answering::LostAfter { lost() } else { answer };
        let promises = answer.iter().map(|_| (which, self.server.version)).collect();
        self.answer(Pending { call, before, answer, promises }, answering == Answering::Later);
    }

    /// An object as the server has it, by the earliest version at which that is no older than what is known.
    fn promise(&self, which: u8) -> (u8, u64) {
        let known = self.promised.get(&which).copied().unwrap_or_default();
        let now = self.server.objects.get(&which).map(Object::resource_version);
        (which, self.server.stood(which, known, now).unwrap())
    }

    /// A module has read what the cache shows of an object. Where several watches of a view are at odds, it holds up
    /// to such reads what was written and read live, and no more.
    fn read_here(&mut self, which: u8) {
        if self.told_to.len() > 1 {
            return;
        }
        if let Found::Object(object) = self.cache.find(&maps(), &name(&which.to_string()), Shape::Whole) {
            let version: u64 = object.resource_version().parse().unwrap();
            let promised = self.promised.entry(which).or_default();
            *promised = version.max(*promised);
        }
    }

    fn live(&mut self, which: u8, later: bool) {
        let name = name(&which.to_string());
        self.read_here(which);
        let before = self.cache.before(&maps(), &name);
        let answer =
            Ok(Reply::Object(self.server.objects.get(&which).map(|object| object.json().to_owned())));
        let action = Action::Get { name, shape: Shape::Whole };
        // At which version an object was gone that nobody had seen here, nobody can tell: where several watches of a
        // view are at odds, the later one may tell of it after that. So it is in lists.
        let is_held =
            self.told_to.len() == 1 || before.is_some() || matches!(answer, Ok(Reply::Object(Some(_))));
        let promises = is_held.then(|| self.promise(which)).into_iter().collect();
        self.answer(Pending { call: call(action), before, answer, promises }, later);
    }

    fn live_list(&mut self, label: Option<u8>, later: bool) {
        (0..NAMES).for_each(|which| self.read_here(which));
        let app = label.map(|label| format!("x{label}"));
        let wanted = |object: &&Object| app.is_none() || object.label("app") == app.as_deref();
        let listed: Vec<_> = self.server.objects.iter().filter(|(_, object)| wanted(object)).collect();
        let items = listed.iter().map(|(_, object)| object.json().to_owned()).collect();
        let is_listed = |which: &u8| listed.iter().any(|(one, _)| *one == which);
        let is_seen = |which: &u8| self.cache.before(&maps(), &name(&which.to_string())).is_some();
        let is_held = |which: &u8| self.told_to.len() == 1 || is_seen(which);
        let shown = (0..NAMES).filter(|which| is_listed(which) || (label.is_none() && is_held(which)));
        let promises = shown.map(|which| self.promise(which)).collect();
        let page = Page { items, continue_token: None, resource_version: self.server.version.to_string() };
        let query = ListQuery { labels: app.map(|app| format!("app={app}")), ..ListQuery::default() };
        let action = Action::List { query, shape: Shape::Whole };
        let answer = Ok(Reply::Page(page));
        self.answer(Pending { call: call(action), before: None, answer, promises }, later);
    }

    fn answer(&mut self, answer: Pending, later: bool) {
        if later { self.answers.push_back(answer) } else { self.answered(answer) }
    }

    fn answered(&mut self, Pending { call, before, answer, promises }: Pending) {
        if let Some(write) = OwnWrite::answered(&call, before.clone(), &answer) {
            self.cache.lay(&write, self.now);
        }
        if !call.action.is_write() {
            assert!(self.cache.lay_read(&call, before, &answer, self.now), "there is room");
        }
        for (which, version) in promises {
            let promised = self.promised.entry(which).or_default();
            *promised = version.max(*promised);
        }
    }

    fn tell(&mut self, changes: impl IntoIterator<Item = ObjectChange>) {
        for change in changes {
            let key = change.name.to_string();
            assert_eq!(
                self.mirror.get(&key),
                change.before.as_deref(),
                "a change starts from what was told before"
            );
            match change.after {
                Some(after) => {
                    self.told.push(after.resource_version().to_string());
                    self.mirror.insert(key, (*after).clone());
                }
                None => drop(self.mirror.remove(&key)),
            }
        }
    }

    /// The next event of the history that this watch sees, as the server shows it to its selection.
    fn deliver(&mut self, watch: u64) {
        let Some(at) = self.told_to.get(&watch).copied().filter(|at| *at < self.server.history.len()) else {
            return;
        };
        self.told_to.insert(watch, at + 1);
        let change = match self.server.event(watch, at) {
            Some(Event::Put(object)) => self.cache.upsert(WatchId(watch), object),
            Some(Event::Gone(name, version)) => self.cache.remove(WatchId(watch), &name, Some(&version)),
            None => None,
        };
        self.tell(change);
    }

    fn bookmark(&mut self, watch: u64) {
        let Some(at) = self.told_to.get(&watch) else { return };
        let version = at.checked_sub(1).map_or(10, |last| self.server.history[last].version);
        self.cache.bookmark(WatchId(watch), &version.to_string());
    }

    fn relist(&mut self, watch: u64) {
        if self.told_to.contains_key(&watch) {
            self.told_to.insert(watch, self.server.history.len());
            let version = self.server.version.to_string();
            let changes = self.cache.replace(WatchId(watch), self.server.list(watch), &version);
            self.tell(changes);
        }
    }

    fn begin_reads(&mut self) {
        for read in self.cache.overdue(self.now, usize::MAX) {
            let which: u8 = read.name.name.parse().unwrap();
            let object = self.server.objects.get(&which).cloned().map(Arc::new);
            let version = self.server.version.to_string().into();
            self.reads.push_back((read, LiveAnswer::Read { object, version }));
        }
    }

    fn read(&mut self, fails: bool) {
        let Some((read, answer)) = self.reads.pop_front() else { return };
        self.cache.settle(&read, if fails { &LiveAnswer::Failed } else { &answer }, self.now);
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Own { name, deletes, label, answer } => self.own(name, deletes, label, answer),
            Step::Live { name, later } => self.live(name, later),
            Step::LiveList { label, later } => self.live_list(label, later),
            Step::Other { name, deletes, label } => drop(self.server.carry_out(name, deletes, label)),
            Step::Answer => {
                if let Some(answer) = self.answers.pop_front() {
                    self.answered(answer);
                }
            }
            Step::Deliver { watch, count } => (0..count).for_each(|_| self.deliver(watch)),
            Step::Bookmark { watch } => self.bookmark(watch),
            Step::Relist { watch } => self.relist(watch),
            Step::Wait { seconds } => {
                self.now = self.now + Duration::from_secs(seconds);
                self.begin_reads();
            }
            Step::Read { fails } => self.read(fails),
        }
    }

    /// No read is older than the last own write that was answered, and a list shows what single reads do.
    fn check(&self) {
        let list = self.cache.list(&maps(), &Query::default());
        for which in 0..NAMES {
            let promised = self.promised.get(&which).copied().unwrap_or_default();
            let seen = match self.cache.find(&maps(), &name(&which.to_string()), Shape::Whole) {
                Found::Unknown => {
                    assert!(list.is_none(), "a list shows what only the server knows");
                    continue;
                }
                Found::Object(object) => Some(object.resource_version().to_string()),
                Found::Absent => None,
            };
            let stood = self.server.stood(which, promised, seen.as_deref());
            assert!(stood.is_some(), "{which} is seen at {seen:?} after a write at {promised}");
            let listed = list.iter().flatten().find(|object| *object.name().name == *which.to_string());
            let listed = listed.map(|object| object.resource_version().to_string());
            assert!(
                list.is_none() || listed == seen,
                "{which} is listed at {listed:?} and found at {seen:?}"
            );
        }
    }

    fn catch_up(&mut self) {
        while let Some(answer) = self.answers.pop_front() {
            self.answered(answer);
        }
        let watches: Vec<_> = self.told_to.keys().copied().collect();
        for watch in watches {
            (0..self.server.history.len()).for_each(|_| self.deliver(watch));
            // The server tells by a bookmark that nothing else of this kind came.
            self.bookmark(watch);
        }
        while !self.reads.is_empty() {
            self.read(false);
        }
        while let Some(due) = self.cache.due_next() {
            self.now = self.now.max(due);
            self.begin_reads();
            while !self.reads.is_empty() {
                self.read(false);
            }
        }
    }
}

fn run(watches: u64, steps: Vec<Step>) {
    let relists = steps.iter().any(|step| matches!(step, Step::Relist { .. }));
    let mut world = World::new(watches);
    for step in steps {
        world.step(step);
        world.check();
    }
    world.catch_up();
    assert_eq!(world.cache.own_writes().live, 0, "nothing is left over");
    let seen: BTreeMap<_, _> = world
        .cache
        .list(&maps(), &Query::default())
        .unwrap()
        .into_iter()
        .map(|object| (object.name().to_string(), (*object).clone()))
        .collect();
    let server: BTreeMap<_, _> =
        world.server.objects.values().map(|object| (object.name().to_string(), object.clone())).collect();
    assert_eq!(seen, server, "the cache is the server's state");
    assert_eq!(world.mirror, server, "the changes told it all");
    if watches == 1 && !relists {
        let happened =
            world.server.history.iter().filter(|one| !one.deleted).map(|one| one.version.to_string());
        assert_eq!(world.told, happened.collect::<Vec<_>>(), "each change is told once");
    }
}

proptest! {
    #[test]
    fn a_cached_read_is_never_older_than_the_last_own_write_and_every_change_is_told_once(steps in steps()) {
        run(1, steps);
    }

    #[test]
    fn a_cached_read_is_never_older_than_the_last_own_write_with_two_watches_of_one_view(steps in steps()) {
        run(2, steps);
    }
}
