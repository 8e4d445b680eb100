//! The cache between threads: its own operations at the same time, under many schedules that shuttle makes up.
//!
//! Every lock and counter is a place where another thread may go on. A schedule that fails is printed; with it in
//! `WINDLASS_TEST_SCHEDULE` just that one runs again. `WINDLASS_TEST_SCHEDULES` says how many are tried
//! (CONTRIBUTING.md has the command).
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod actors;

use super::{Cache, OwnWrite, Query, Question};
use crate::{
    cache::own_writes::{
        server::Server,
        tests::{incarnation, maps, name, patch, spec, written},
    },
    call::Shape,
    change::ObjectChange,
    field_path::FieldPath,
    input::WatchId,
    object::Object,
    selector::Selector,
    time::Time,
};
use actors::World;
use shuttle::{
    Config, Runner,
    scheduler::{PctScheduler, RandomScheduler, ReplayScheduler},
    thread,
};
use std::{collections::BTreeMap, env, sync::Arc};

/// Tried of each test, unless the environment says otherwise: by chance, and as many with few, well-placed turns.
const SCHEDULES: usize = 300;

/// Turns in one schedule of the second kind.
const TURNS: usize = 3;

/// Runs a body under many schedules. It fails where one panics, or where all threads wait for each other.
fn check(body: impl Fn() + Send + Sync + 'static) {
    let mut config = Config::new();
    config.stack_size = 256 << 10;
    if let Ok(schedule) = env::var("WINDLASS_TEST_SCHEDULE") {
        Runner::new(ReplayScheduler::new_from_encoded(&schedule), config).run(body);
        return;
    }
    let count = match env::var("WINDLASS_TEST_SCHEDULES") {
        Ok(count) => count.parse().expect("WINDLASS_TEST_SCHEDULES is a number"),
        Err(_) => SCHEDULES,
    };
    let body = Arc::new(body);
    let again = body.clone();
    Runner::new(RandomScheduler::new(count), config.clone()).run(move || again());
    Runner::new(PctScheduler::new(TURNS, count), config).run(move || body());
}

/// What the changes come to. Each begins where the one before it of that object ended.
fn chained(told: &[ObjectChange]) -> BTreeMap<String, String> {
    let version = |object: &Arc<Object>| object.resource_version().to_owned();
    let mut state = BTreeMap::new();
    for change in told {
        let name = change.name.to_string();
        assert_eq!(state.remove(&name), change.before.as_ref().map(version), "of {name}");
        state.extend(change.after.as_ref().map(|after| (name, version(after))));
    }
    state
}

/// Versions of an object only rise in what one watch tells.
fn rising(told: &[ObjectChange]) {
    let mut last = BTreeMap::<_, u64>::new();
    for change in told {
        let Some(after) = &change.after else { continue };
        let version = after.resource_version().parse().unwrap();
        let earlier = last.insert(&change.name, version);
        assert!(
            earlier.is_none_or(|earlier| earlier < version),
            "{} at {earlier:?}, then at {version}",
            change.name
        );
    }
}

/// One watch, writes of this host and of others, live reads: nobody reads what is older than what they know.
fn beside_one_watch(relists: bool) {
    let world = World::default();
    world.other((0, false, 0));
    let mut watch = world.watch(1);
    thread::scope(|scope| {
        scope.spawn(|| {
            for turn in 0..6 {
                match turn {
                    3 if relists => watch.relist(),
                    4 => watch.bookmark(),
                    _ => _ = watch.deliver(),
                }
            }
        });
        scope.spawn(|| {
            let mut module = world.reader();
            module.write(&[(0, false, 1), (1, false, 0), (0, true, 0)]);
        });
        scope.spawn(|| {
            let mut module = world.reader();
            module.write(&[(1, true, 0), (0, false, 0)]);
            world.settle();
        });
        scope.spawn(|| {
            let mut reader = world.reader();
            reader.list();
            world.other((1, false, 1));
            (0..actors::NAMES).for_each(|which| reader.find(which));
            reader.list();
        });
    });
    watch.catch_up();
    world.settle();
    watch.bookmark();
    assert_eq!(world.cache.own_writes().live, 0, "nothing is left over");
    let (seen, held) = world.both();
    assert_eq!(seen, held, "the cache is the server's state");
    assert_eq!(chained(&watch.told), held, "the changes tell it all");
    rising(&watch.told);
    if !relists {
        let told = watch.told.iter().filter_map(|change| change.after.as_ref());
        let told: Vec<_> = told.map(|object| object.resource_version().to_owned()).collect();
        let happened = |server: &mut Server| {
            let states = server.history.iter().filter(|one| !one.deleted);
            states.map(|one| one.version.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(told, world.on_server(happened), "each change is told once, in the order of versions");
    }
}

#[test]
fn no_schedule_of_threads_shows_a_reader_what_is_older_than_it_wrote_or_saw() {
    check(|| beside_one_watch(false));
}

#[test]
fn no_schedule_of_threads_shows_a_reader_what_is_older_while_a_watch_lists_anew() {
    check(|| beside_one_watch(true));
}

#[test]
fn own_writes_are_seen_under_every_schedule_while_one_watch_takes_over_from_another() {
    check(|| {
        let world = World::default();
        world.other((0, false, 0));
        let mut narrow = world.watch(2);
        let selected = || {
            let labels = Some(Selector::parse("app=x0").unwrap());
            Query { question: Question { labels, ..Question::default() }, ..Query::default() }
        };
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut wide = world.watch(1);
                thread::scope(|scope| {
                    scope.spawn(|| drop(world.cache.forget(WatchId(2))));
                    wide.catch_up();
                });
                wide.catch_up();
                rising(&wide.told);
            });
            scope.spawn(|| {
                let _ = narrow.deliver() && narrow.deliver() && narrow.deliver();
                narrow.relist();
                rising(&narrow.told);
            });
            scope.spawn(|| {
                let mut module = world.reader();
                module.remembers = false;
                module.write(&[(0, false, 1), (1, false, 0), (1, true, 0)]);
            });
            scope.spawn(|| {
                for _ in 0..3 {
                    assert!(world.cache.list_known(&maps(), &selected()).is_some(), "one of them covers it");
                }
            });
        });
        world.settle();
        let (seen, held) = world.both();
        assert_eq!(seen, held);
    });
}

/// Lists of `count` objects: half of the second one's are new, and half of the first one's gone.
fn two_lists(count: u64) -> [Vec<Arc<Object>>; 2] {
    let object = |n: u64, version, label: &str| {
        Arc::new(incarnation(&format!("u{n}"), &format!("n{n:04}"), version, label, ""))
    };
    [
        (0..count).map(|n| object(n, 100 + n, "first")).collect(),
        (count / 2..count + count / 2).map(|n| object(n, 1_000 + n, "second")).collect(),
    ]
}

/// Reads three times: one list or the other, and nothing that was seen goes again.
fn reads_whole_lists(cache: &Cache, count: usize) {
    let mut seen = [false; 3];
    for _ in 0..3 {
        let list = cache.list(&maps(), &Query::default()).unwrap();
        let labelled = |label| list.iter().filter(|object| object.label("app") == Some(label)).count();
        let (first, second) = (labelled("first"), labelled("second"));
        assert!(
            first + second == count && (first == 0 || second == 0),
            "{first} of one list, {second} of the other"
        );
        let now = [second > 0, labelled("own") > 0, labelled("other") > 0];
        assert!(now.iter().zip(seen).all(|(now, seen)| *now || !seen), "what was seen is gone again");
        seen = now;
    }
}

/// A watch lists anew, while a second one of the same view tells of an object, a write is laid and an index declared.
fn sees_whole_lists(count: usize) {
    let lists = two_lists(count as u64);
    let one =
        |name: &str, version, label| Arc::new(incarnation(&format!("u-{name}"), name, version, label, ""));
    let (own, other) = (one("mine", 5_000, "own"), one("other", 1_500, "other"));
    check(move || {
        let (cache, [first, second]) = (Cache::new(), lists.clone());
        cache.open(WatchId(1), &spec("", None));
        drop(cache.replace(WatchId(1), first, "900"));
        cache.open(WatchId(2), &spec("app=other", None));
        drop(cache.replace(WatchId(2), Vec::<Object>::new(), "900"));
        let path = FieldPath::parse(".data.k").unwrap();
        thread::scope(|scope| {
            scope.spawn(|| {
                let changes = cache.replace(WatchId(1), second, "2000");
                assert_eq!(changes.len(), count + count / 2);
                cache.bookmark(WatchId(1), "4000");
            });
            scope.spawn(|| {
                let write = OwnWrite::answered(&patch("mine"), None, &written((*own).clone())).unwrap();
                cache.lay(&write, Time(0));
                cache.index(&maps(), vec![path.clone()]);
            });
            scope.spawn(|| assert!(cache.upsert(WatchId(2), (*other).clone()).is_some()));
            scope.spawn(|| reads_whole_lists(&cache, count));
        });
        assert_eq!(cache.len(&maps()), count + 1, "what the second watch told is there");
        for (value, want) in [("first", 0), ("second", count), ("own", 1), ("other", 1)] {
            let query = Query { index: Some((path.clone(), value.into())), ..Query::default() };
            assert_eq!(cache.list(&maps(), &query).unwrap().len(), want, "by index: {value}");
        }
    });
}

#[test]
fn a_reader_sees_a_whole_list_or_none_of_it_under_every_schedule() {
    sees_whole_lists(4);
}

#[test]
fn a_reader_sees_a_whole_list_or_none_of_it_where_a_long_one_is_built_aside() {
    sees_whole_lists(260);
}

#[test]
fn all_operations_at_once_never_wait_for_each_other() {
    check(|| {
        let world = World::default();
        world.other((0, false, 0));
        let (mut wide, cache) = (world.watch(1), world.cache.clone());
        thread::scope(|scope| {
            scope.spawn(|| {
                wide.relist();
                wide.catch_up();
            });
            scope.spawn(|| {
                // The pipeline: it opens and ends watches, the last one of a view too.
                drop(world.watch(2));
                drop(cache.forget(WatchId(1)));
                cache.index(&maps(), vec![FieldPath::parse(".data.k").unwrap()]);
                drop(cache.forget(WatchId(2)));
                world.open(1);
            });
            scope.spawn(|| {
                let mut module = world.reader();
                module.remembers = false;
                module.write(&[(0, false, 1), (0, true, 0)]);
                world.settle();
            });
            scope.spawn(|| {
                // Whoever shows how things stand.
                let one = name("0");
                let counts = (cache.len(&maps()), cache.len_of(WatchId(1)), cache.own_writes().live);
                let states = (cache.synced(WatchId(1)), cache.version(&maps()), cache.due_next());
                let asked = (cache.has_room(&maps()), cache.must_ask(&maps(), &one));
                drop((counts, states, asked));
                let question = Question::one(&one, Shape::Whole);
                let held = (cache.covers(&maps(), &question), cache.held(&maps(), Shape::Whole, None, &one));
                drop((held, cache.share(WatchId(1), incarnation("u", "0", 11, "x", ""))));
            });
        });
        let mut last = world.watch(1);
        last.catch_up();
        world.settle();
        last.bookmark();
        let (seen, held) = world.both();
        assert_eq!(seen, held);
    });
}
