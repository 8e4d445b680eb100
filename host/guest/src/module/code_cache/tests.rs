//! What is not exactly what this host wrote is never mapped.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use crate::{
    engine::{Engine, EngineSettings},
    module::{CodeCache, Module},
    testing::guest::Guest,
};
use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    sync::Arc,
};
use windlass_core::name::Digest;

const PLENTY: u64 = 1 << 30;

fn engine() -> Engine {
    Engine::new(EngineSettings { concurrent_invocations_max: 1, ..EngineSettings::default() }).unwrap()
}

fn open(directory: &Path) -> Arc<CodeCache> {
    Arc::new(CodeCache::open(directory, PLENTY).unwrap())
}

fn files(directory: &Path, extension: &str) -> Vec<PathBuf> {
    let all = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    all.filter(|path| path.extension().is_some_and(|found| found == extension)).collect()
}

fn sample(word: &str) -> Arc<[u8]> {
    let more = format!("(data (i32.const 300) \"{word}\")");
    Guest { more: &more, ..Guest::default() }.component().into()
}

async fn load(engine: &Engine, bytes: &Arc<[u8]>, cache: &Arc<CodeCache>) -> Module {
    Module::load(engine, bytes.clone(), Some(cache.clone())).await.unwrap()
}

/// A cache with one module in it.
struct Bench {
    directory: tempfile::TempDir,
    engine: Engine,
    cache: Arc<CodeCache>,
    digest: Digest,
    file: PathBuf,
    whole: Vec<u8>,
}

impl Bench {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (engine, cache) = (engine(), open(directory.path()));
        let digest = load(&engine, &sample("a"), &cache).await.digest();
        let file = files(directory.path(), "cwasm").remove(0);
        let whole = fs::read(&file).unwrap();
        Self { directory, engine, cache, digest, file, whole }
    }

    /// Writes these bytes in the place of the code, as the same user would.
    fn put(&self, bytes: &[u8]) {
        drop(fs::remove_file(&self.file));
        fs::write(&self.file, bytes).unwrap();
        fs::set_permissions(&self.file, fs::Permissions::from_mode(0o600)).unwrap();
    }

    #[track_caller]
    fn refused(&self, why: &str) {
        assert!(self.cache.load(&self.engine, &self.digest).is_none(), "{why}");
        assert!(fs::symlink_metadata(&self.file).is_err(), "{why}: the void file stays");
    }

    #[track_caller]
    fn taken(&self) {
        self.put(&self.whole);
        assert!(self.cache.load(&self.engine, &self.digest).is_some(), "the unchanged file is good");
    }
}

#[tokio::test]
async fn code_is_compiled_once_and_mapped_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let bytes = sample("a");
    let first = load(&engine(), &bytes, &open(directory.path())).await;
    assert!(!first.compiled().cached);
    let second = load(&engine(), &bytes, &open(directory.path())).await;
    assert!(second.compiled().cached);
    assert_eq!(first.digest(), second.digest());
}

#[tokio::test]
async fn a_byte_flipped_in_any_64_is_noticed_and_compiled_again() {
    let bench = Bench::new().await;
    for at in (0..bench.whole.len()).step_by(64) {
        let mut flipped = bench.whole.clone();
        flipped[at] ^= 1;
        bench.put(&flipped);
        bench.refused(&format!("byte {at}"));
    }
    let tag = bench.whole.len() - 32;
    for at in tag..bench.whole.len() {
        let mut flipped = bench.whole.clone();
        flipped[at] ^= 0x80;
        bench.put(&flipped);
        bench.refused(&format!("byte {at}, of the tag"));
    }
    bench.taken();
    fs::write(&bench.file, b"").unwrap();
    assert!(!load(&bench.engine, &sample("a"), &bench.cache).await.compiled().cached);
}

#[tokio::test]
async fn a_file_that_is_cut_or_grown_is_not_taken() {
    let bench = Bench::new().await;
    let whole = bench.whole.len();
    for length in [0, 1, 31, 32, 33, 4096, whole / 2, whole - 32, whole - 1] {
        bench.put(&bench.whole[..length]);
        bench.refused(&format!("cut to {length} bytes"));
    }
    for more in [1, 32, 4096] {
        bench.put(&[&bench.whole[..], &vec![0; more]].concat());
        bench.refused(&format!("{more} bytes more"));
    }
    bench.taken();
}

#[tokio::test]
async fn the_code_of_another_module_or_of_another_key_is_not_taken() {
    let bench = Bench::new().await;
    let other = load(&bench.engine, &sample("b"), &bench.cache).await.digest();
    let other_file = bench.directory.path().join(super::name(&bench.engine, &other));
    let (one, two) = (bench.whole.clone(), fs::read(&other_file).unwrap());
    // Both in each other's place, each with its own tag; then one with the other's tag.
    bench.put(&two);
    bench.refused("another module's file");
    fs::write(&other_file, &one).unwrap();
    assert!(bench.cache.load(&bench.engine, &other).is_none(), "the other way round");
    bench.put(&[&one[..one.len() - 32], &two[two.len() - 32..]].concat());
    bench.refused("another module's tag");
    bench.taken();
    fs::remove_file(bench.directory.path().join("key")).unwrap();
    let with_new_key = open(bench.directory.path());
    assert!(with_new_key.load(&bench.engine, &bench.digest).is_none(), "a new key");
}

#[tokio::test]
async fn a_file_that_somebody_else_could_have_written_is_not_taken() {
    let bench = Bench::new().await;
    let aside = bench.directory.path().join("aside");
    fs::write(&aside, &bench.whole).unwrap();
    for mode in [0o640, 0o604, 0o620, 0o602, 0o666] {
        bench.put(&bench.whole);
        fs::set_permissions(&bench.file, fs::Permissions::from_mode(mode)).unwrap();
        bench.refused(&format!("mode {mode:o}"));
    }
    symlink(&aside, &bench.file).unwrap();
    bench.refused("a link");
    fs::set_permissions(&aside, fs::Permissions::from_mode(0o600)).unwrap();
    fs::hard_link(&aside, &bench.file).unwrap();
    bench.refused("a second name");
    fs::create_dir(&bench.file).unwrap();
    assert!(bench.cache.load(&bench.engine, &bench.digest).is_none(), "a directory");
    fs::remove_dir(&bench.file).unwrap();
    // Only root can give a file away.
    bench.put(&bench.whole);
    if std::os::unix::fs::chown(&bench.file, Some(12_345), None).is_ok() {
        bench.refused("another user's");
    }
    bench.taken();
}

#[tokio::test]
async fn what_is_mapped_stays_what_it_was_when_its_file_is_replaced() {
    let bench = Bench::new().await;
    let module = load(&bench.engine, &sample("a"), &bench.cache).await;
    assert!(module.compiled().cached);
    bench.put(&vec![0xcc; bench.whole.len()]);
    let fake = crate::testing::Fake::default();
    let described = crate::describe::describe(&module, Arc::new(fake.terms()), Arc::new(fake)).await;
    assert_eq!(&*described.unwrap().controllers[0].name, "maps");
}

#[test]
fn the_key_is_for_this_user_only_and_one_that_was_not_is_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let inner = directory.path().join("state/code");
    let key = inner.join("key");
    let mode = |path: &Path| fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777;
    open(&inner);
    assert_eq!((mode(&inner), mode(&key)), (0o700, 0o600));
    let old = fs::read(&key).unwrap();
    open(&inner);
    assert_eq!(fs::read(&key).unwrap(), old);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    open(&inner);
    let new = fs::read(&key).unwrap();
    assert_ne!(new, old);
    assert_eq!(mode(&key), 0o600);
    let elsewhere = directory.path().join("known");
    fs::write(&elsewhere, [7; 32]).unwrap();
    fs::set_permissions(&elsewhere, fs::Permissions::from_mode(0o600)).unwrap();
    fs::remove_file(&key).unwrap();
    symlink(&elsewhere, &key).unwrap();
    open(&inner);
    assert_ne!(fs::read(&key).unwrap(), [7; 32], "a link is no key");
    assert!(fs::symlink_metadata(&key).unwrap().is_file());
    fs::write(&key, b"short").unwrap();
    open(&inner);
    assert_eq!(fs::read(&key).unwrap().len(), 32);
}

#[test]
fn a_directory_of_somebody_else_or_behind_a_link_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (real, link) = (directory.path().join("real"), directory.path().join("link"));
    fs::create_dir(&real).unwrap();
    symlink(&real, &link).unwrap();
    let fault = CodeCache::open(&link, PLENTY).unwrap_err().to_string();
    assert!(fault.contains("cannot make or open") && fault.contains("writable by nobody else"), "{fault}");
    fs::set_permissions(&real, fs::Permissions::from_mode(0o777)).unwrap();
    open(&real);
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o700);
    // Only root can give a directory away.
    if std::os::unix::fs::chown(&real, Some(12_345), None).is_ok() {
        assert!(CodeCache::open(&real, PLENTY).is_err());
    }
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(CodeCache::open(&file, PLENTY).is_err());
}

#[tokio::test]
async fn what_was_not_used_for_longest_goes_when_the_directory_is_full() {
    let directory = tempfile::tempdir().unwrap();
    let (engine, roomy) = (engine(), open(directory.path()));
    for word in ["a", "b"] {
        load(&engine, &sample(word), &roomy).await;
    }
    let two: u64 = files(directory.path(), "cwasm").iter().map(|file| file.metadata().unwrap().len()).sum();
    let full = Arc::new(CodeCache::open(directory.path(), two + 1).unwrap());
    assert!(load(&engine, &sample("a"), &full).await.compiled().cached, "now `b` was not used for longest");
    load(&engine, &sample("c"), &full).await;
    assert_eq!(files(directory.path(), "cwasm").len(), 2);
    assert!(load(&engine, &sample("a"), &full).await.compiled().cached);
    assert!(load(&engine, &sample("c"), &full).await.compiled().cached);
    let tiny = Arc::new(CodeCache::open(directory.path(), 1).unwrap());
    load(&engine, &sample("d"), &tiny).await;
    assert_eq!(files(directory.path(), "cwasm").len(), 1, "what just came stays");
    assert!(load(&engine, &sample("d"), &tiny).await.compiled().cached);
}

#[tokio::test]
async fn what_a_crash_left_half_written_is_removed_at_the_next_start() {
    let directory = tempfile::tempdir().unwrap();
    open(directory.path());
    fs::write(directory.path().join("0123456789abcdef.part"), "half").unwrap();
    open(directory.path());
    assert!(files(directory.path(), "part").is_empty());
}

#[tokio::test]
async fn a_directory_that_went_away_costs_only_the_cache() {
    let directory = tempfile::tempdir().unwrap();
    let inner = directory.path().join("code");
    let cache = open(&inner);
    fs::remove_dir_all(&inner).unwrap();
    assert!(!load(&engine(), &sample("a"), &cache).await.compiled().cached);
}

/// A patch release may mend the compiler: what an older one compiled must not be mapped.
#[test]
fn the_tag_names_the_engine_that_the_lock_file_pins() {
    let lock = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.lock")).unwrap();
    let (_, after) = lock.split_once("name = \"wasmtime\"\nversion = \"").unwrap();
    let (version, _) = after.split_once('"').unwrap();
    assert_eq!(super::ENGINE_VERSION, format!("wasmtime {version}"));
}
