//! Who uses a cache at the same time: tasks of watches, writers, readers, and whoever settles writes by live reads.

use crate::{
    cache::{
        Cache, Found, LiveAnswer, OwnWrite, Query,
        own_writes::{
            server::{Event, Server},
            tests::{delete, maps, name, patch, spec},
        },
    },
    call::Shape,
    change::ObjectChange,
    input::WatchId,
    object::Object,
    sync::Mutex,
    time::Time,
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// Objects: `a/0` and `a/1`.
pub(super) const NAMES: u8 = 2;

/// A write: of which object, whether it deletes, and the label that it gives.
pub(super) type Write = (u8, bool, u8);

/// A cache, and the server that it follows. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct World {
    pub(super) cache: Arc<Cache>,
    server: Arc<Mutex<Server>>,
}

impl World {
    pub(super) fn on_server<T>(&self, act: impl FnOnce(&mut Server) -> T) -> T {
        act(&mut self.server.lock().unwrap())
    }

    /// Somebody else writes.
    pub(super) fn other(&self, (which, deletes, label): Write) {
        drop(self.on_server(|server| server.carry_out(which, deletes, label)));
    }

    /// A watch that has listed what there is.
    pub(super) fn watch(&self, number: u64) -> Watch {
        self.open(number);
        let mut watch = Watch { world: self.clone(), number, at: 0, told: Vec::new() };
        watch.relist();
        watch
    }

    pub(super) fn open(&self, number: u64) {
        self.cache.open(WatchId(number), &spec(if number == 1 { "" } else { "app=x0" }, None));
    }

    pub(super) fn reader(&self) -> Reader {
        Reader { world: self.clone(), floor: [0; NAMES as usize], remembers: true }
    }

    /// Live reads of what is due within ten seconds.
    pub(super) fn settle(&self) {
        for read in self.cache.overdue(Time(0) + Duration::from_secs(10), usize::MAX) {
            let which: u8 = read.name.name.parse().unwrap();
            let answer = self.on_server(|server| LiveAnswer::Read {
                object: server.objects.get(&which).cloned().map(Arc::new),
                version: server.version.to_string().into(),
            });
            self.cache.settle(&read, &answer, Time(0));
        }
    }

    /// What there is, by the cache and by the server.
    pub(super) fn both(&self) -> (BTreeMap<String, String>, BTreeMap<String, String>) {
        let show = |object: &Object| (object.name().to_string(), object.resource_version().to_owned());
        let seen = self.cache.list(&maps(), &Query::default()).expect("a watch covers everything");
        let held = self.on_server(|server| server.objects.values().map(show).collect());
        (seen.iter().map(|object| show(object)).collect(), held)
    }
}

/// The task of one watch, and what changed by what it told.
pub(super) struct Watch {
    world: World,
    number: u64,
    at: usize,
    pub(super) told: Vec<ObjectChange>,
}

impl Watch {
    /// Tells the next event. False: there is none yet.
    pub(super) fn deliver(&mut self) -> bool {
        let at = self.at;
        let event =
            self.world.on_server(|server| (at < server.history.len()).then(|| server.event(self.number, at)));
        let Some(event) = event else { return false };
        self.at += 1;
        let (cache, watch) = (&self.world.cache, WatchId(self.number));
        self.told.extend(match event {
            Some(Event::Put(object)) => cache.upsert(watch, object),
            Some(Event::Gone(name, version)) => cache.remove(watch, &name, Some(&version)),
            None => None,
        });
        true
    }

    pub(super) fn bookmark(&self) {
        let at = self.at;
        let version =
            self.world.on_server(|server| at.checked_sub(1).map_or(10, |at| server.history[at].version));
        self.world.cache.bookmark(WatchId(self.number), &version.to_string());
    }

    pub(super) fn relist(&mut self) {
        let (list, version, at) = self
            .world
            .on_server(|server| (server.list(self.number), server.version.to_string(), server.history.len()));
        self.at = at;
        self.told.extend(self.world.cache.replace(WatchId(self.number), list, &version));
    }

    pub(super) fn catch_up(&mut self) {
        while self.deliver() {}
        self.bookmark();
    }
}

/// Reads through the cache. What it sees is never older than what it wrote, and if it remembers, than what it saw.
pub(super) struct Reader {
    world: World,
    floor: [u64; NAMES as usize],
    pub(super) remembers: bool,
}

impl Reader {
    pub(super) fn find(&mut self, which: u8) {
        match self.world.cache.find(&maps(), &name(&which.to_string()), Shape::Whole) {
            Found::Object(object) => self.saw(which, Some(&object)),
            Found::Absent => self.saw(which, None),
            Found::Unknown => {}
        }
    }

    pub(super) fn list(&mut self) {
        let Some(list) = self.world.cache.list(&maps(), &Query::default()) else { return };
        for which in 0..NAMES {
            let text = which.to_string();
            self.saw(which, list.iter().find(|object| object.name().name == text));
        }
    }

    fn saw(&mut self, which: u8, object: Option<&Arc<Object>>) {
        let seen = object.map(|object| object.resource_version());
        let floor = &mut self.floor[usize::from(which)];
        let stood = self.world.on_server(|server| server.stood(which, *floor, seen));
        assert!(stood.is_some(), "{which} is seen at {seen:?}, and was known at {floor} already");
        if self.remembers {
            *floor = stood.unwrap_or_default();
        }
    }

    /// Writes, lays each answer, and reads.
    pub(super) fn write(&mut self, writes: &[Write]) {
        writes.iter().for_each(|write| self.write_one(*write));
    }

    fn write_one(&mut self, (which, deletes, label): Write) {
        let text = which.to_string();
        let call = if deletes { delete(&text) } else { patch(&text) };
        let before = self.world.cache.before(&maps(), &name(&text));
        let carry_out = |server: &mut Server| (server.carry_out(which, deletes, label), server.version);
        let (answer, version) = self.world.on_server(carry_out);
        if let Some(write) = OwnWrite::answered(&call, before, &answer) {
            self.world.cache.lay(&write, Time(0));
        }
        self.floor[usize::from(which)] = version;
        self.find(which);
        self.list();
    }
}
