//! What is kept of the versions.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use super::*;
use std::time::Instant;

fn offer(text: &str) -> Offer {
    let wasm = Bytes::from(text.to_owned());
    Offer {
        name: module(),
        file: "m.wasm".into(),
        digest: crate::source::digest_of(&wasm),
        wasm,
        manifest: None,
        seen_at: Instant::now(),
    }
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
    let [one, two, three] = ["one", "two", "three"].map(offer);
    let (_directory, versions) = later(|versions| {
        [&one, &two, &three].iter().for_each(|offer| versions.serves(offer, None));
    })
    .await;
    assert_eq!(versions.before(&module(), &three.digest), Some(two.digest));
    let file = |offer: &Offer| versions.file(&module(), &offer.digest).unwrap();
    assert_eq!(restore(&file(&two), &two.digest).await.unwrap(), two.wasm);
    assert!(!file(&one).exists());
}

#[tokio::test]
async fn the_good_version_is_kept_while_others_are_on_trial_against_it() {
    let [one, two, three] = ["one", "two", "three"].map(offer);
    let (_directory, versions) = later(|versions| {
        versions.serves(&one, None);
        versions.serves(&two, Some(one.digest));
        versions.serves(&three, Some(one.digest));
    })
    .await;
    assert_eq!(versions.before(&module(), &three.digest), Some(one.digest));
}

#[tokio::test]
async fn rejected_bytes_stay_rejected_until_an_operator_forgives_them() {
    let [one, two] = ["one", "two"].map(offer);
    let (directory, mut versions) = later(|versions| {
        versions.serves(&one, None);
        versions.serves(&two, Some(one.digest));
        versions.reject(&module(), two.digest, "it trapped".to_owned());
        versions.serves(&one, None);
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
    let [one, two] = ["one", "two"].map(offer);
    let (_directory, versions) = later(|versions| {
        versions.serves(&one, None);
        versions.serves(&two, None);
    })
    .await;
    let file = versions.file(&module(), &one.digest).unwrap();
    std::fs::write(&file, "One").unwrap();
    assert!(matches!(restore(&file, &one.digest).await, Err(RestoreError::Changed { .. })));
    std::fs::remove_file(&file).unwrap();
    assert!(matches!(restore(&file, &one.digest).await, Err(RestoreError::Unreadable { .. })));
}

#[tokio::test]
async fn an_index_that_cannot_be_read_counts_as_none() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("m")).unwrap();
    std::fs::write(directory.path().join("m/index.json"), "{").unwrap();
    let (versions, _) = Versions::open(directory.path().to_owned()).unwrap();
    assert_eq!(versions.before(&module(), &offer("one").digest), None);
}
