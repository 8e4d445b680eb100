//! A watched directory, from outside: files are written and events awaited.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use super::*;
use std::{fs, os::unix::fs::PermissionsExt as _};
use tempfile::TempDir;

/// Far more than any event needs, so that a busy machine fails no test.
const PATIENCE: Duration = Duration::from_secs(20);

const HEADER: &[u8] = b"\0asm\x0d\0\x01\0";

/// A Wasm file with one custom section that holds `content`.
fn wasm(content: &str) -> Vec<u8> {
    let mut bytes = HEADER.to_vec();
    bytes.extend([0, u8::try_from(content.len()).unwrap()]);
    bytes.extend(content.as_bytes());
    bytes
}

fn manifest(name: &str, spec: &str) -> String {
    format!("apiVersion: windlass.dev/v1alpha1\nkind: Module\nmetadata: {{name: {name}}}\nspec: {{{spec}}}\n")
}

struct Bench {
    dir: TempDir,
    directory: Directory,
}

impl Bench {
    async fn with(files: &[(&str, &[u8])]) -> Self {
        let dir = TempDir::new().unwrap();
        for (name, bytes) in files {
            fs::write(dir.path().join(name), bytes).unwrap();
        }
        let truncated_after = Duration::from_millis(300);
        // The net is a second only where a test needs it: elsewhere events must come from the system's notices.
        let options = DirectoryOptions { truncated_after, ..DirectoryOptions::default() };
        let directory = Directory::open(dir.path(), options).await.unwrap();
        Self { dir, directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn put(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).unwrap();
    }

    /// Replaces a file in one step, as `mv` does.
    fn replace(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let temporary = self.path(".new");
        fs::write(&temporary, bytes).unwrap();
        fs::rename(temporary, self.path(name)).unwrap();
    }

    async fn event(&mut self) -> SourceEvent {
        tokio::time::timeout(PATIENCE, self.directory.next()).await.expect("an event comes").unwrap()
    }

    async fn offer(&mut self) -> Offer {
        match self.event().await {
            SourceEvent::Offered(offer) => offer,
            other => panic!("not an offer: {other:?}"),
        }
    }
}

#[tokio::test]
async fn what_is_there_is_offered_with_its_manifest_and_one_bad_file_stops_nothing() {
    let (good, text) = (wasm("a"), manifest("a", "concurrency: 7"));
    let files: [(&str, &[u8]); 6] = [
        ("a.wasm", &good),
        ("a.yaml", text.as_bytes()),
        ("b.wasm", &good),
        ("c.wasm", &good),
        ("c.yaml", b"kind: Modul"),
        ("Not_A_Name.wasm", &good),
    ];
    let mut bench = Bench::with(&files).await;
    match bench.event().await {
        SourceEvent::FileBroken { name: None, error, .. } => {
            assert!(error.to_string().contains("Not_A_Name"))
        }
        other => panic!("{other:?}"),
    }
    let first = bench.offer().await;
    assert_eq!((&*first.name.0, first.manifest.unwrap().concurrency), ("a", 7));
    let second = bench.offer().await;
    assert_eq!((&*second.name.0, second.manifest, second.digest), ("b", None, first.digest));
    match bench.event().await {
        SourceEvent::ManifestBroken { name, error } => {
            assert_eq!(&*name.0, "c");
            assert!(error.to_string().contains("c.yaml:1:"), "{error}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn replaced_in_place_or_by_renaming_a_module_is_offered_again_and_the_same_bytes_are_not() {
    let mut bench = Bench::with(&[("a.wasm", &wasm("1"))]).await;
    let first = bench.offer().await;
    bench.put("a.wasm", wasm("2"));
    let second = bench.offer().await;
    bench.replace("a.wasm", wasm("2"));
    bench.put("b.wasm", wasm("b"));
    assert_eq!(&*bench.offer().await.name.0, "b", "the same bytes of `a` are no news");
    bench.replace("a.wasm", wasm("1"));
    let third = bench.offer().await;
    assert_ne!(first.digest, second.digest);
    assert_eq!(first.digest, third.digest);
    assert_eq!(third.wasm.as_deref(), Some(&*wasm("1")));
}

#[tokio::test]
async fn a_changed_manifest_is_an_offer_and_a_mended_one_too() {
    let mut bench = Bench::with(&[("a.wasm", &wasm("1"))]).await;
    assert_eq!(bench.offer().await.manifest, None);
    bench.put("a.yaml", manifest("a", "paused: true"));
    assert!(bench.offer().await.manifest.unwrap().paused);
    bench.put("a.yaml", manifest("a", "paused: perhaps"));
    assert!(matches!(bench.event().await, SourceEvent::ManifestBroken { .. }));
    bench.put("a.yaml", manifest("a", "paused: true"));
    assert!(bench.offer().await.manifest.unwrap().paused, "told again although it is what was offered last");
    fs::remove_file(bench.path("a.yaml")).unwrap();
    assert_eq!(bench.offer().await.manifest, None);
}

#[tokio::test]
async fn a_file_that_is_still_being_copied_is_waited_for_and_a_truncated_one_is_reported() {
    let mut bench = Bench::with(&[]).await;
    let whole = wasm("content");
    bench.put("a.wasm", &whole[..12]);
    match bench.event().await {
        SourceEvent::FileBroken { name: Some(name), error, .. } => {
            assert_eq!(&*name.0, "a");
            let FileError::Truncated { len, needed } = *error else { panic!("{error}") };
            assert_eq!((len, needed), (12, whole.len() as u64));
        }
        other => panic!("{other:?}"),
    }
    bench.put("a.wasm", &whole);
    assert_eq!(bench.offer().await.wasm.as_deref(), Some(&*whole));
    bench.put("a.wasm", &whole[..11]);
    assert!(matches!(bench.event().await, SourceEvent::FileBroken { .. }));
    fs::remove_file(bench.path("a.wasm")).unwrap();
    assert!(matches!(bench.event().await, SourceEvent::Withdrawn { .. }), "what served before is withdrawn");
}

#[tokio::test]
async fn a_module_whose_file_is_gone_is_withdrawn() {
    let mut bench = Bench::with(&[("a.wasm", &wasm("1")), ("a.yaml", manifest("a", "").as_bytes())]).await;
    bench.offer().await;
    fs::remove_file(bench.path("a.wasm")).unwrap();
    assert!(matches!(bench.event().await, SourceEvent::Withdrawn { name } if &*name.0 == "a"));
    bench.put("a.wasm", wasm("1"));
    bench.offer().await;
}

#[tokio::test]
async fn a_manifest_without_a_module_is_reported_and_other_yaml_is_not() {
    let mut bench = Bench::with(&[]).await;
    bench.put("objects.yaml", "kind: ConfigMap");
    bench.put("typo.yaml", manifest("typo", ""));
    match bench.event().await {
        SourceEvent::FileBroken { file, error, .. } => {
            assert!(file.ends_with("typo.yaml"), "{file:?}");
            assert!(error.to_string().contains("no typo.wasm"), "{error}");
        }
        other => panic!("{other:?}"),
    }
    bench.put("typo.yaml", manifest("typo", "paused: true"));
    assert!(matches!(bench.event().await, SourceEvent::FileBroken { .. }), "still without a module");
    bench.put("typo.wasm", wasm("found"));
    assert!(bench.offer().await.manifest.unwrap().paused);
}

#[tokio::test]
async fn an_offer_follows_the_complete_file_at_once() {
    let mut bench = Bench::with(&[]).await;
    let mut latencies = Vec::new();
    for round in 0..9 {
        bench.replace("a.wasm", wasm(&round.to_string()));
        let complete = Instant::now();
        bench.offer().await;
        latencies.push(complete.elapsed());
    }
    latencies.sort();
    // The median, so that one pause of a busy machine does not decide.
    assert!(latencies[4] <= Duration::from_millis(60), "{latencies:?}");
}

#[tokio::test]
async fn a_lost_directory_withdraws_nothing_and_is_found_again() {
    let mut bench = Bench::with(&[("a.wasm", &wasm("1"))]).await;
    bench.offer().await;
    let away = bench.dir.path().with_extension("away");
    fs::rename(bench.dir.path(), &away).unwrap();
    match bench.event().await {
        SourceEvent::DirectoryLost { error } => assert!(error.to_string().contains("there is no directory")),
        other => panic!("{other:?}"),
    }
    fs::rename(&away, bench.dir.path()).unwrap();
    assert!(matches!(bench.event().await, SourceEvent::DirectoryBack));
    bench.put("b.wasm", wasm("b"));
    assert_eq!(&*bench.offer().await.name.0, "b");
}

#[tokio::test]
async fn what_is_no_directory_is_an_error_that_says_so() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    for (path, said) in [(dir.path().join("absent"), "there is no directory"), (file, "is no directory")] {
        let error = Directory::open(&path, DirectoryOptions::default()).await.unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
    }
}

#[tokio::test]
async fn a_manifest_with_the_short_extension_is_pointed_out() {
    let text = manifest("a", "paused: true");
    let mut bench =
        Bench::with(&[("a.wasm", &wasm("1")), ("a.yml", text.as_bytes()), ("other.yml", b"")]).await;
    match bench.event().await {
        SourceEvent::FileBroken { file, error, .. } => {
            assert!(file.ends_with("a.yml"), "{file:?}");
            assert!(error.to_string().contains("called a.yaml"), "{error}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(bench.offer().await.manifest, None);
}

#[tokio::test]
async fn whoever_asks_is_told_again() {
    let mut bench = Bench::with(&[("a.wasm", &wasm("a")), ("b.wasm", &wasm("b"))]).await;
    let (a, b) = (bench.offer().await.name, bench.offer().await.name);
    bench.directory.tell_again(Some(&b));
    assert_eq!(bench.offer().await.name, b);
    bench.directory.tell_again(None);
    assert_eq!([bench.offer().await.name, bench.offer().await.name], [a, b]);
}

#[tokio::test]
async fn a_changed_mode_is_no_new_version() {
    let mut bench = Bench::with(&[("a.wasm", &wasm("1"))]).await;
    bench.offer().await;
    fs::set_permissions(bench.path("a.wasm"), fs::Permissions::from_mode(0o400)).unwrap();
    bench.put("b.wasm", wasm("b"));
    assert_eq!(&*bench.offer().await.name.0, "b", "the same bytes under another mode are no news");
}
