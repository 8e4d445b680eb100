//! Versions, history, watches and durability of the store.

use serde_json::json;

use super::state::FIRST_VERSION;
use super::*;

const MARK: &str = "mark-of-the-tests";

fn resource() -> Arc<str> {
    "things".into()
}

fn draft(name: &str, content: &str) -> Draft {
    let object = json!({
        "data": content,
        "metadata": {"name": name, "labels": {"a": content}, "resourceVersion": MARK, "uid": "u"},
    });
    Draft::new(&object, serde_json::to_vec(&object).unwrap(), MARK).unwrap()
}

fn write(name: &str, expect: Expect, action: Action) -> Write {
    Write { resource: resource(), key: name.into(), expect, action, guard: None }
}

async fn put(store: &Store, name: &str, content: &str) -> u64 {
    let expect = store.get("things", name).map_or(Expect::Absent, |held| Expect::Version(held.version));
    store.commit(write(name, expect, Action::Put(draft(name, content)))).await.unwrap().version()
}

async fn delete(store: &Store, name: &str) -> u64 {
    let version = store.get("things", name).unwrap().version;
    store.commit(write(name, Expect::Version(version), Action::Delete)).await.unwrap().version()
}

fn names(store: &Store, listing: Listing<'_>) -> Vec<String> {
    store.list("things", listing).unwrap().items.iter().map(|object| object.key.to_string()).collect()
}

fn small() -> Store {
    Store::in_memory(HistoryLimits { changes_max: 3, bytes_max: 1 << 20 })
}

#[tokio::test]
async fn the_version_stands_in_the_json_and_can_be_spliced_again() {
    let store = Store::in_memory(HistoryLimits::default());
    for round in 1..=11 {
        assert_eq!(put(&store, "x", &round.to_string()).await, FIRST_VERSION + round);
    }
    let held = store.get("things", "x").unwrap();
    assert_eq!(held.value()["metadata"]["resourceVersion"], (FIRST_VERSION + 11).to_string());
    assert_eq!(held.label("a"), Some("11"));
    assert!(!held.differs_from(&draft("x", "11")));
    assert!(held.differs_from(&draft("x", "12")));
    let deleted = held.at_version(1234);
    assert_eq!(deleted.value()["metadata"]["resourceVersion"], "1234");
}

#[tokio::test]
async fn expectations_are_checked_at_the_moment_of_writing() {
    let store = small();
    put(&store, "x", "1").await;
    let answer = |expect, action| store.commit(write("x", expect, action));
    assert!(matches!(answer(Expect::Absent, Action::Put(draft("x", "2"))).await, Err(StoreError::Exists)));
    let stale = answer(Expect::Version(9), Action::Delete).await;
    assert!(matches!(stale, Err(StoreError::Changed { current }) if current == FIRST_VERSION + 1));
    let gone = store.commit(write("y", Expect::Version(1), Action::Delete)).await;
    assert!(matches!(gone, Err(StoreError::Missing)));
    let guard = Some(Guard { resource: resource(), key: "x".into(), version: 7 });
    let guarded = Write { guard, ..write("z", Expect::Absent, Action::Put(draft("z", "1"))) };
    assert!(matches!(store.commit(guarded).await, Err(StoreError::GuardChanged)));
    assert_eq!(store.version(), FIRST_VERSION + 1, "a refused write takes no version");
}

#[tokio::test]
async fn a_list_can_be_taken_at_an_earlier_version() {
    let store = Store::in_memory(HistoryLimits::default());
    for name in ["b", "d", "f"] {
        put(&store, name, "1").await;
    }
    let version = Some(FIRST_VERSION + 3);
    put(&store, "a", "1").await;
    delete(&store, "d").await;
    put(&store, "f", "2").await;
    put(&store, "g", "1").await;
    delete(&store, "g").await;
    assert_eq!(names(&store, Listing::default()), ["a", "b", "f"]);
    assert_eq!(names(&store, Listing { version, ..Listing::default() }), ["b", "d", "f"]);
    let page = store.list("things", Listing { version, limit: 1, ..Listing::default() }).unwrap();
    assert_eq!((page.items.len(), page.remaining, Some(page.version)), (1, 2, version));
    assert_eq!(names(&store, Listing { version, start: Some("b\0"), ..Listing::default() }), ["d", "f"]);
    let content = store.list("things", Listing { version, ..Listing::default() }).unwrap().items[2].value();
    assert_eq!(content["data"], "1");
    let future = store.list("things", Listing { version: Some(999), ..Listing::default() });
    let expected = FIRST_VERSION + 8;
    assert!(matches!(future, Err(StoreError::Future { asked: 999, current }) if current == expected));
}

#[tokio::test]
async fn a_watch_sees_every_change_once_and_in_order() {
    let store = Store::in_memory(HistoryLimits::default());
    put(&store, "x", "1").await;
    let mut watcher = store.watch(&resource(), 0).unwrap();
    put(&store, "x", "2").await;
    delete(&store, "x").await;
    let seen: Vec<_> = watcher
        .next()
        .await
        .unwrap()
        .changes
        .iter()
        .map(|change| (change.kind, change.version() - FIRST_VERSION))
        .collect();
    assert_eq!(seen, [(ChangeKind::Added, 1), (ChangeKind::Modified, 2), (ChangeKind::Deleted, 3)]);
    assert!(watcher.poll().unwrap().changes.is_empty());
    let waiting = tokio::spawn(async move { watcher.next().await.unwrap().version });
    put(&store, "y", "1").await;
    assert_eq!(waiting.await.unwrap(), FIRST_VERSION + 4);
}

#[tokio::test]
async fn a_slow_watcher_is_told_that_it_fell_behind() {
    let store = small();
    let mut watcher = store.watch(&resource(), 0).unwrap();
    for round in 0..5 {
        put(&store, "x", &round.to_string()).await;
    }
    let dropped = FIRST_VERSION + 2;
    assert!(matches!(watcher.poll(), Err(StoreError::Expired { asked: 0, oldest }) if oldest == dropped));
    assert!(matches!(store.watch(&resource(), 1), Err(StoreError::Expired { .. })));
    let old = store.list("things", Listing { version: Some(1), ..Listing::default() });
    assert!(matches!(old, Err(StoreError::Expired { asked: 1, oldest }) if oldest == dropped));
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    {
        let store = Store::open(folder.path(), HistoryLimits::default()).unwrap();
        let writes = (0..50).map(|number| {
            let (store, name) = (store.clone(), format!("n{number:02}"));
            async move { put(&store, &name, "1").await }
        });
        let mut versions = futures::future::join_all(writes).await;
        versions.sort_unstable();
        assert_eq!(versions, (1..=50).map(|number| FIRST_VERSION + number).collect::<Vec<_>>());
        delete(&store, "n07").await;
        store.close().await;
        let late = store.commit(write("late", Expect::Absent, Action::Put(draft("late", "1")))).await;
        assert!(matches!(late, Err(StoreError::Closed)));
    }
    let store = Store::open(folder.path(), HistoryLimits::default()).unwrap();
    assert_eq!((store.version(), store.count("things")), (FIRST_VERSION + 51, 49));
    let held = store.get("things", "n08").unwrap();
    assert_eq!(held.value()["metadata"]["resourceVersion"], held.version.to_string());
    assert!(matches!(store.watch(&resource(), FIRST_VERSION + 50), Err(StoreError::Expired { .. })));
    assert_eq!(put(&store, "n08", "2").await, FIRST_VERSION + 52);
}

#[test]
fn a_data_folder_that_cannot_be_made_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = Store::open(file.path(), HistoryLimits::default()).unwrap_err();
    assert!(error.to_string().contains(&file.path().display().to_string()), "{error}");
}
