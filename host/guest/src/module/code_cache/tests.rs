//! What is not exactly what this host wrote is never mapped.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use crate::{
    engine::{Engine, EngineSettings},
    module::{CodeCache, Module},
    testing::guest::Guest,
};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

const PLENTY: u64 = 1 << 30;

fn engine() -> Engine {
    Engine::new(EngineSettings { concurrent_invocations_max: 1, ..EngineSettings::default() }).unwrap()
}

fn open(directory: &Path) -> Option<Arc<CodeCache>> {
    Some(Arc::new(CodeCache::open(directory, PLENTY).unwrap()))
}

fn files(directory: &Path, extension: &str) -> Vec<PathBuf> {
    let all = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    all.filter(|path| path.extension().is_some_and(|found| found == extension)).collect()
}

fn sample(word: &str) -> Arc<[u8]> {
    let more = format!("(data (i32.const 300) \"{word}\")");
    Guest { more: &more, ..Guest::default() }.component().into()
}

async fn load(engine: &Engine, bytes: &Arc<[u8]>, cache: &Option<Arc<CodeCache>>) -> Module {
    Module::load(engine, bytes.clone(), cache.clone()).await.unwrap()
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
async fn a_byte_flipped_anywhere_is_noticed_and_compiled_again() {
    let directory = tempfile::tempdir().unwrap();
    let (engine, bytes, cache) = (engine(), sample("a"), open(directory.path()));
    let digest = load(&engine, &bytes, &cache).await.digest();
    let cache = cache.unwrap();
    let code = &files(directory.path(), "cwasm")[0];
    let (tag, whole) = (code.with_extension("tag"), fs::read(code).unwrap());
    let tag_bytes = fs::read(&tag).unwrap();
    let restore = || {
        fs::write(code, &whole).unwrap();
        fs::write(&tag, &tag_bytes).unwrap();
    };
    for at in (0..whole.len()).step_by(whole.len() / 200) {
        restore();
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        fs::write(code, flipped).unwrap();
        assert!(cache.load(&engine, &digest).is_none(), "byte {at}");
        assert!(!code.exists() && !tag.exists(), "void files stay");
    }
    for at in 0..tag_bytes.len() {
        restore();
        let mut flipped = tag_bytes.clone();
        flipped[at] ^= 0x80;
        fs::write(&tag, flipped).unwrap();
        assert!(cache.load(&engine, &digest).is_none(), "byte {at} of the tag");
    }
    restore();
    fs::write(code, &whole[..whole.len() - 1]).unwrap();
    assert!(cache.load(&engine, &digest).is_none(), "one byte short");
    restore();
    assert!(cache.load(&engine, &digest).is_some(), "the unchanged file is good");
    fs::write(code, b"").unwrap();
    assert!(!load(&engine, &bytes, &Some(cache)).await.compiled().cached);
}

#[tokio::test]
async fn the_code_of_another_module_or_of_another_key_is_not_taken() {
    let directory = tempfile::tempdir().unwrap();
    let (engine, one, other) = (engine(), sample("a"), sample("b"));
    let cache = open(directory.path());
    let digests = [load(&engine, &one, &cache).await.digest(), load(&engine, &other, &cache).await.digest()];
    let cache = cache.unwrap();
    let [one_path, other_path] = digests.map(|digest| cache.path(&engine, &digest));
    fs::copy(&one_path, &other_path).unwrap();
    fs::copy(one_path.with_extension("tag"), other_path.with_extension("tag")).unwrap();
    assert!(cache.load(&engine, &digests[1]).is_none());
    assert!(cache.load(&engine, &digests[0]).is_some());
    fs::remove_file(directory.path().join("key")).unwrap();
    let with_new_key = CodeCache::open(directory.path(), PLENTY).unwrap();
    assert!(with_new_key.load(&engine, &digests[0]).is_none());
}

#[tokio::test]
async fn the_key_is_for_this_user_only_and_one_that_was_not_is_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let inner = directory.path().join("state/code");
    let key = inner.join("key");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let _ = CodeCache::open(&inner, PLENTY).unwrap();
    assert_eq!((mode(&inner), mode(&key)), (0o700, 0o600));
    let old = fs::read(&key).unwrap();
    let _ = CodeCache::open(&inner, PLENTY).unwrap();
    assert_eq!(fs::read(&key).unwrap(), old);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let _ = CodeCache::open(&inner, PLENTY).unwrap();
    assert_ne!(fs::read(&key).unwrap(), old);
    assert_eq!(mode(&key), 0o600);
    fs::write(&key, b"short").unwrap();
    let _ = CodeCache::open(&inner, PLENTY).unwrap();
    assert_eq!(fs::read(&key).unwrap().len(), 32);
}

#[tokio::test]
async fn the_oldest_code_goes_when_the_directory_is_full() {
    let directory = tempfile::tempdir().unwrap();
    let engine = engine();
    let cache = Some(Arc::new(CodeCache::open(directory.path(), 1).unwrap()));
    for word in ["a", "b", "c"] {
        load(&engine, &sample(word), &cache).await;
    }
    assert_eq!(files(directory.path(), "cwasm").len(), 1);
    assert_eq!(files(directory.path(), "tag").len(), 1);
    assert!(files(directory.path(), "part").is_empty());
    assert!(load(&engine, &sample("c"), &cache).await.compiled().cached);
}

#[tokio::test]
async fn a_directory_that_cannot_be_written_is_told_and_costs_only_the_cache() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let fault = CodeCache::open(&file, PLENTY).unwrap_err().to_string();
    assert!(fault.contains("cannot make") && fault.contains("writable by this user"), "{fault}");
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
