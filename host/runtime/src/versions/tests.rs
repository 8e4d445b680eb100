//! What is kept of the versions.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use super::*;
use windlass_guest::module::{BytesError, digest_of, read_again};

/// Some bytes and their digest.
struct Bytes {
    digest: Digest,
    wasm: Arc<[u8]>,
}

fn bytes(text: &str) -> Bytes {
    Bytes { digest: digest_of(text.as_bytes()), wasm: text.as_bytes().into() }
}

/// As the driver notes it: the bytes are handed in only where they are wanted.
fn serves(versions: &mut Versions, which: &Bytes, good: Option<&Bytes>) {
    let wasm = versions.want(&module(), &which.digest).then(|| which.wasm.clone());
    versions.serves(&module(), (which.digest, wasm), good.map(|good| good.digest));
}

fn module() -> ModuleName {
    ModuleName("m".into())
}

/// What a host that starts later finds after these were noted.
async fn later(note: impl FnOnce(&mut Versions)) -> (tempfile::TempDir, Versions) {
    let directory = tempfile::tempdir().unwrap();
    let (mut versions, writer) = Versions::open(directory.path().to_owned()).unwrap();
    note(&mut versions);
    drop(versions);
    writer.await.unwrap();
    let (versions, _) = Versions::open(directory.path().to_owned()).unwrap();
    (directory, versions)
}

#[tokio::test]
async fn what_served_before_is_there_after_a_restart_and_older_bytes_are_not() {
    let [one, two, three] = ["one", "two", "three"].map(bytes);
    let (_directory, versions) = later(|versions| {
        [&one, &two, &three].iter().for_each(|which| serves(versions, which, None));
    })
    .await;
    assert_eq!(versions.before(&module(), &three.digest), Some(two.digest));
    let file = |which: &Bytes| versions.file(&module(), &which.digest).unwrap();
    assert_eq!(read_again(&file(&two), &two.digest, u64::MAX).unwrap(), two.wasm);
    assert!(!file(&one).exists());
}

#[tokio::test]
async fn the_good_version_is_kept_while_others_are_on_trial_against_it() {
    let [one, two, three] = ["one", "two", "three"].map(bytes);
    let (_directory, versions) = later(|versions| {
        serves(versions, &one, None);
        serves(versions, &two, Some(&one));
        serves(versions, &three, Some(&one));
    })
    .await;
    assert_eq!(versions.before(&module(), &three.digest), Some(one.digest));
}

#[tokio::test]
async fn rejected_bytes_stay_rejected_until_an_operator_forgives_them() {
    let [one, two] = ["one", "two"].map(bytes);
    let (directory, mut versions) = later(|versions| {
        serves(versions, &one, None);
        serves(versions, &two, Some(&one));
        versions.reject(&module(), two.digest, "it trapped".to_owned());
        serves(versions, &one, None);
    })
    .await;
    assert_eq!(versions.rejected(&module(), &two.digest).unwrap().reason, "it trapped");
    assert_eq!(versions.before(&module(), &two.digest), Some(one.digest));
    assert_eq!(versions.before(&module(), &one.digest), None, "never back to what was rejected");
    versions.forgive(&module());
    drop(versions);
    let file = directory.path().join("m").join("index.json");
    let forgiven = || std::fs::read_to_string(&file).unwrap().contains(r#""rejected": []"#);
    while !forgiven() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn bytes_that_were_changed_on_disk_are_not_taken_back() {
    let [one, two] = ["one", "two"].map(bytes);
    let (_directory, versions) = later(|versions| {
        serves(versions, &one, None);
        serves(versions, &two, None);
    })
    .await;
    let file = versions.file(&module(), &one.digest).unwrap();
    std::fs::write(&file, "One").unwrap();
    assert!(matches!(read_again(&file, &one.digest, u64::MAX), Err(BytesError::Changed { .. })));
    std::fs::remove_file(&file).unwrap();
    assert!(matches!(read_again(&file, &one.digest, u64::MAX), Err(BytesError::Unreadable { .. })));
}

#[tokio::test]
async fn an_index_that_cannot_be_read_counts_as_none() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("m")).unwrap();
    std::fs::write(directory.path().join("m/index.json"), "{").unwrap();
    let (versions, _) = Versions::open(directory.path().to_owned()).unwrap();
    assert_eq!(versions.before(&module(), &bytes("one").digest), None);
}

#[tokio::test]
async fn what_is_not_there_is_not_named() {
    let [one, two] = ["one", "two"].map(bytes);
    let (_directory, versions) = later(|versions| {
        serves(versions, &one, None);
        versions.serves(&module(), (two.digest, None), None);
    })
    .await;
    assert_eq!(versions.before(&module(), &two.digest), Some(one.digest));
    assert!(!versions.want(&module(), &one.digest) && versions.want(&module(), &two.digest));
}
