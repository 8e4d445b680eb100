//! Versions are held by names, sleep, and come back.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use super::{held::Rest, *};
use crate::{
    describe::describe,
    engine::EngineSettings,
    testing::{Fake, guest::Guest},
};
use std::{fs, os::unix::fs::PermissionsExt, path::Path, sync::Mutex};

/// Everybody whom a wake could keep waiting.
const MANY: usize = 20;

fn engine() -> Engine {
    Engine::new(EngineSettings { concurrent_invocations_max: 1, ..EngineSettings::default() }).unwrap()
}

fn bytes(more: &str) -> Arc<[u8]> {
    Guest { more, ..Guest::default() }.component().into()
}

/// A module that is too large to be woken on the thread of whoever wants it: with so much that says nothing behind it.
fn large() -> Arc<[u8]> {
    let padding = vec![0; 1 << 20];
    let section = wasm_encoder::CustomSection { name: "padding".into(), data: padding.as_slice().into() };
    let mut bytes = bytes("").to_vec();
    wasm_encoder::ComponentSection::append_to_component(&section, &mut bytes);
    bytes.into()
}

fn name(name: &str) -> ModuleName {
    ModuleName(name.into())
}

/// One module in a registry with a cache, and its file.
struct Bench {
    folder: tempfile::TempDir,
    bytes: Arc<[u8]>,
    registry: Registry,
    held: Arc<Held>,
    told: Arc<Mutex<Vec<Happened>>>,
}

impl Bench {
    async fn new() -> Self {
        Self::with(bytes("")).await
    }

    async fn with(bytes: Arc<[u8]>) -> Self {
        let (folder, engine) = (tempfile::tempdir().unwrap(), engine());
        let cache = Arc::new(CodeCache::open(folder.path().join("code"), 1 << 30).unwrap());
        let file = folder.path().join("a.wasm");
        fs::write(&file, &bytes).unwrap();
        let module = Module::load(&engine, bytes.clone(), Some(cache.clone())).await.unwrap();
        let told = Arc::new(Mutex::new(Vec::new()));
        let tell = told.clone();
        let registry = Registry::new(engine, Some(cache), move |one| tell.lock().unwrap().push(one));
        let held = registry.insert(name("a"), Arc::new(module), vec![folder.path().join("kept.wasm"), file]);
        Self { folder, bytes, registry, held, told }
    }

    /// A bench whose module sleeps.
    async fn asleep() -> Self {
        Self::sleeping(bytes("")).await
    }

    async fn sleeping(bytes: Arc<[u8]>) -> Self {
        let bench = Self::with(bytes).await;
        assert_eq!(bench.registry.put_to_sleep(Duration::ZERO).next, None);
        assert!(bench.held.is_asleep());
        assert!(matches!(bench.changes()[..], [Change::FellAsleep]));
        bench
    }

    /// What was told since the last look; all of it about the module.
    fn changes(&self) -> Vec<Change> {
        let told = std::mem::take(&mut *self.told.lock().unwrap());
        assert!(told.iter().all(|one| one.names == [name("a")]), "{told:?}");
        told.into_iter().map(|one| one.what).collect()
    }

    /// Its compiled code on disk.
    fn code(&self) -> PathBuf {
        let files = fs::read_dir(self.folder.path().join("code")).unwrap();
        let mut files = files.map(|file| file.unwrap().path());
        files.find(|file| file.extension().is_some_and(|end| end == "cwasm")).unwrap()
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("a.wasm")
    }

    async fn runs(&self) {
        let awake = self.held.clone().awake().await.unwrap();
        assert!(!self.held.is_asleep());
        let fake = Fake::default();
        let described = describe(&awake, Arc::new(fake.terms()), Arc::new(fake.clone())).await.unwrap();
        assert_eq!(&*described.controllers[0].name, "maps");
    }
}

fn flip_a_byte(file: &Path) {
    let mut bytes = fs::read(file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::remove_file(file).unwrap();
    fs::write(file, bytes).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
}

#[tokio::test]
async fn a_version_stays_until_its_last_name_lets_go() {
    let engine = engine();
    let load = async |more| Arc::new(Module::load(&engine, bytes(more), None).await.unwrap());
    let (one, again, other) = (load("").await, load("").await, load("(func $unused)").await);
    let [a, b] = ["a", "b"].map(name);
    let registry = Registry::new(engine.clone(), None, drop);
    let held = registry.insert(a.clone(), one.clone(), Vec::new());
    registry.insert(b.clone(), again, Vec::new());
    assert!(Arc::ptr_eq(held.clone().awake().await.unwrap().module(), &one), "one copy of the code");
    registry.insert(a.clone(), other.clone(), Vec::new());
    assert_eq!((registry.len(), registry.in_memory()), (2, 2));
    assert!(!registry.free(&a, &one.digest()));
    assert!(!registry.free(&a, &one.digest()), "freeing twice is nothing");
    assert!(registry.get(&one.digest()).is_some());
    assert!(registry.free(&b, &one.digest()));
    assert!(registry.get(&one.digest()).is_none());
    assert!(registry.get(&other.digest()).is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_who_wake_a_sleeper_at_once_load_it_once() {
    for bytes in [bytes(""), large()] {
        let bench = Bench::sleeping(bytes).await;
        assert_eq!((bench.registry.len(), bench.registry.in_memory()), (1, 0));
        let wake = |held: Arc<Held>| tokio::spawn(async move { held.clone().awake().await.unwrap() });
        let woken = futures::future::join_all((0..MANY).map(|_| wake(bench.held.clone()))).await;
        let woken: Vec<_> = woken.into_iter().map(Result::unwrap).collect();
        assert!(woken.iter().all(|one| Arc::ptr_eq(one.module(), woken[0].module())));
        assert!(matches!(bench.changes()[..], [Change::Woke { compiled: false, .. }]));
        drop(woken);
        bench.runs().await;
        bench.registry.put_to_sleep(Duration::ZERO);
        assert!(bench.held.is_asleep(), "it sleeps again");
    }
}

#[tokio::test]
async fn a_small_sleeper_is_awake_without_being_waited_for() {
    let bench = Bench::asleep().await;
    let mut waking = Box::pin(bench.held.clone().awake());
    assert!(futures::poll!(waking.as_mut()).is_ready());
    assert!(matches!(bench.changes()[..], [Change::Woke { compiled: false, .. }]));
}

#[tokio::test]
async fn one_who_no_longer_waits_stops_nobody_elses_wake() {
    let bench = Bench::sleeping(large()).await;
    let mut gone = Box::pin(bench.held.clone().awake());
    assert!(futures::poll!(gone.as_mut()).is_pending());
    let mut stays = Box::pin(bench.held.clone().awake());
    assert!(futures::poll!(stays.as_mut()).is_pending());
    drop(gone);
    drop(stays.await.unwrap());
    assert!(matches!(bench.changes()[..], [Change::Woke { .. }]));
}

#[tokio::test]
async fn what_runs_or_has_just_run_does_not_fall_asleep() {
    let bench = Bench::new().await;
    let awake = bench.held.clone().awake().await.unwrap();
    assert!(bench.registry.put_to_sleep(Duration::ZERO).next.is_some(), "it is looked at again");
    assert!(!bench.held.is_asleep());
    drop(awake);
    let hour = Duration::from_secs(3_600);
    let due = bench.registry.put_to_sleep(hour).next.unwrap();
    assert!(!bench.held.is_asleep() && due > Instant::now() + hour / 2);
    bench.registry.put_to_sleep(Duration::ZERO);
    assert!(bench.held.is_asleep());
}

#[tokio::test]
async fn what_is_not_in_the_cache_stays_in_memory() {
    let engine = engine();
    let module = Arc::new(Module::load(&engine, bytes(""), None).await.unwrap());
    let registry = Registry::new(engine, None, drop);
    let held = registry.insert(name("a"), module, Vec::new());
    assert_eq!(registry.put_to_sleep(Duration::ZERO).next, None);
    assert!(!held.is_asleep());
}

#[tokio::test]
async fn a_sleeper_whose_code_was_changed_or_is_gone_is_compiled_again() {
    let bench = Bench::asleep().await;
    for spoil in [flip_a_byte, |file: &Path| fs::remove_file(file).unwrap()] {
        spoil(&bench.code());
        bench.runs().await;
        assert!(matches!(bench.changes()[..], [Change::Woke { compiled: true, .. }]));
        bench.registry.put_to_sleep(Duration::ZERO);
        assert!(matches!(bench.changes()[..], [Change::FellAsleep]), "it is kept again");
    }
}

#[tokio::test]
async fn a_sleeper_that_cannot_be_had_back_says_why_and_is_tried_again_after_a_pause() {
    let bench = Bench::asleep().await;
    fs::remove_file(bench.code()).unwrap();
    fs::write(bench.file(), vec![0; bench.bytes.len()]).unwrap();
    let error = bench.held.clone().awake().await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("cannot be woken") && text.contains("a.wasm holds other bytes"), "{text}");
    assert!(text.contains("kept.wasm: No such file"), "{text}");
    assert!(matches!(bench.changes()[..], [Change::StaysAsleep(_)]));
    fs::write(bench.file(), &bench.bytes).unwrap();
    let again = bench.held.clone().awake().await.unwrap_err();
    assert!(bench.changes().is_empty() && again.retry_in <= error.retry_in, "not tried so soon");
    assert!(bench.held.trouble().is_some());
    tokio::time::pause();
    tokio::time::advance(error.retry_in).await;
    tokio::time::resume();
    bench.runs().await;
    assert!(bench.held.trouble().is_none());
}

#[tokio::test]
async fn a_version_that_is_loaded_anew_is_awake() {
    let bench = Bench::asleep().await;
    fs::remove_file(bench.code()).unwrap();
    fs::remove_file(bench.file()).unwrap();
    bench.held.clone().awake().await.unwrap_err();
    let anew = Module::load(&engine(), bench.bytes.clone(), None).await.unwrap();
    bench.registry.insert(name("a"), Arc::new(anew), Vec::new());
    bench.held.clone().awake().await.unwrap();
    assert!(bench.held.trouble().is_none());
}

#[test]
fn what_was_only_described_sleeps_soon_and_at_once_beyond_a_number() {
    let (start, hour) = (Instant::now(), Duration::from_secs(3_600));
    let now = start + Duration::from_secs(1);
    let rest = |unused| Rest { since: start, unused };
    let check = |resting: &[Rest], after, want: &[Duration]| {
        let want: Vec<_> = want.iter().map(|due| start + *due).collect();
        assert_eq!(dues(resting.iter(), (now, after)), want);
    };
    check(&[rest(false), rest(true)], hour, &[hour, UNUSED_AFTER_MAX]);
    check(&[rest(true)], Duration::from_secs(2), &[Duration::from_secs(2)]);
    let mut many: Vec<_> = (0..UNUSED_MAX + 2).map(|_| rest(true)).collect();
    many.insert(1, rest(false));
    let mut want = vec![UNUSED_AFTER_MAX; UNUSED_MAX + 3];
    (want[0], want[1], want[2]) = (now - start, hour, now - start);
    check(&many, hour, &want);
}
