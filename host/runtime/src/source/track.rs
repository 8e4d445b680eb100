//! What is known of each name, and what is to be done about it now: no I/O, the time is told.

use super::look::{Files, Look, Misnamed};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

/// A file that is older than this at the first look was complete long before.
const LONG_SETTLED: Duration = Duration::from_secs(2);

/// Knows each name of the directory.
pub(super) struct Tracker {
    settle: Duration,
    settle_written: Duration,
    truncated_after: Duration,
    names: BTreeMap<String, Tracked>,
    misnamed: BTreeSet<Misnamed>,
    /// Heard since the last look.
    written: BTreeMap<String, Instant>,
}

/// One name.
#[derive(Default)]
struct Tracked {
    files: Files,
    since: Option<Instant>,
    /// Their writer is done with them.
    written: bool,
    /// These files were read and what they are was told; nothing to do until they change.
    settled: bool,
    /// The Wasm file ends in the middle of a section; waited for.
    incomplete: bool,
    /// What was told last; another offer of the same is not told.
    told: Option<Told>,
    /// Somebody asked to be told again.
    again: bool,
}

/// What was told of a name last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// Digests of the bytes and of the manifest's text.
    Offered([u8; 32], Option<[u8; 32]>),
    /// Digest of the manifest's text.
    ManifestBroken([u8; 32]),
    /// A file's state; every new one is told.
    FileBroken,
    /// The manifest has no module beside it; every new one is told.
    NoModule,
}

/// What is to be done now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// The files have settled: read and tell them.
    Read {
        /// The stem.
        name: String,
        /// As they were seen.
        files: Files,
        /// When they were first seen so.
        since: Instant,
        /// Wait no longer for missing bytes.
        last_call: bool,
    },
    /// The module is gone.
    Withdraw(String),
    /// A file with a name that is a mistake.
    Misnamed(Misnamed),
}

impl Tracker {
    pub(super) fn new(settle: Duration, settle_written: Duration, truncated_after: Duration) -> Self {
        let (names, misnamed, written) = (BTreeMap::new(), BTreeSet::new(), BTreeMap::new());
        Self { settle, settle_written, truncated_after, names, misnamed, written }
    }

    /// The writers of these names are done since then, as far as was heard before the look that comes.
    pub(super) fn written(&mut self, names: BTreeMap<String, Instant>) {
        self.written.extend(names);
    }

    /// Takes a look in; answers what to do, and how long to wait for the next look at most.
    pub(super) fn look(&mut self, now: Instant, look: Look) -> (Vec<Task>, Option<Instant>) {
        let mut tasks: Vec<Task> =
            look.misnamed.difference(&self.misnamed).cloned().map(Task::Misnamed).collect();
        self.misnamed.retain(|misnamed| !look.scope.has(misnamed.stem()));
        self.misnamed.extend(look.misnamed);
        for (name, files) in &look.files {
            self.names.entry(name.clone()).or_default().see(now, *files, self.settle);
        }
        for (name, tracked) in &mut self.names {
            if look.scope.has(name) && !look.files.contains_key(name) {
                tracked.see(now, Files::default(), self.settle);
            }
        }
        for (name, at) in std::mem::take(&mut self.written) {
            if let Some(tracked) = self.names.get_mut(&name) {
                tracked.written = true;
                // They are as they are since their writer was done; the look came later.
                tracked.since = tracked.since.map(|since| since.min(at));
            }
        }
        let mut wake_at: Option<Instant> = None;
        let (settle, settle_written) = (self.settle, self.settle_written);
        let truncated_after = self.truncated_after;
        self.names.retain(|name, tracked| {
            let settle = if tracked.written { settle_written } else { settle };
            let (due, last_call) = match tracked.due(settle, truncated_after) {
                Some(due) => due,
                None => return true,
            };
            if now < due {
                wake_at = Some(wake_at.map_or(due, |earlier| earlier.min(due)));
                return true;
            }
            let since = tracked.since.unwrap_or(now);
            if tracked.files.wasm.is_some() || tracked.is_alone() {
                tasks.push(Task::Read { name: name.clone(), files: tracked.files, since, last_call });
                return true;
            }
            if tracked.told.take().is_some() {
                tasks.push(Task::Withdraw(name.clone()));
            }
            tracked.settled = true;
            tracked.files.manifest.is_some()
        });
        (tasks, wake_at)
    }

    /// Names about which something is to be done yet: they belong to every look.
    pub(super) fn unsettled(&self) -> impl Iterator<Item = String> {
        self.names.iter().filter(|(_, tracked)| !tracked.settled).map(|(name, _)| name.clone())
    }

    /// The files were read; whether what they are is news.
    pub(super) fn read(&mut self, name: &str, told: Told) -> bool {
        let Some(tracked) = self.names.get_mut(name) else { return false };
        tracked.settled = true;
        let again = std::mem::take(&mut tracked.again);
        let news = again || matches!(told, Told::FileBroken | Told::NoModule) || tracked.told != Some(told);
        tracked.told = Some(told);
        news
    }

    /// These files are nobody's business until they change.
    pub(super) fn settle(&mut self, name: &str) {
        if let Some(tracked) = self.names.get_mut(name) {
            tracked.settled = true;
        }
    }

    /// Whatever is there is told at the next look, news or not; of all names without one.
    pub(super) fn tell_again(&mut self, name: Option<&str>) {
        let named = self.names.iter_mut().filter(|(known, _)| name.is_none_or(|name| name == known.as_str()));
        for (_, tracked) in named.filter(|(_, tracked)| tracked.told.is_some()) {
            tracked.again = true;
            tracked.settled = false;
        }
    }

    /// Bytes are missing: wait for more.
    pub(super) fn incomplete(&mut self, name: &str) {
        if let Some(tracked) = self.names.get_mut(name) {
            tracked.incomplete = true;
        }
    }
}

impl Tracked {
    fn see(&mut self, now: Instant, files: Files, settle: Duration) {
        if self.since.is_some() && self.files == files {
            return;
        }
        let first = self.since.is_none();
        let stamps = [files.wasm, files.manifest];
        let old = first && stamps.iter().flatten().all(|stamp| stamp.is_older_than(LONG_SETTLED));
        self.since = Some(if old { now.checked_sub(settle).unwrap_or(now) } else { now });
        self.files = files;
        self.written = false;
        self.settled = false;
        self.incomplete = false;
    }

    /// A manifest that never had a module. Waited for like missing bytes: it often comes a moment before its module.
    fn is_alone(&self) -> bool {
        let never = matches!(self.told, None | Some(Told::NoModule));
        self.files.wasm.is_none() && self.files.manifest.is_some() && never
    }

    /// When something is to be done if nothing changes, and whether bytes are waited for no longer then.
    fn due(&self, settle: Duration, truncated_after: Duration) -> Option<(Instant, bool)> {
        let since = self.since.filter(|_| !self.settled)?;
        if self.incomplete || self.is_alone() {
            return Some((since + truncated_after, true));
        }
        Some((since + settle, false))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use crate::source::heard::Scope;

    #[test]
    fn a_written_file_has_settled_a_while_after_its_writer_was_done_and_not_after_the_look() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let wasm = super::super::look::Stamp::read(file.path()).unwrap();
        let files = BTreeMap::from([("a".to_owned(), Files { wasm, manifest: None })]);
        let look =
            || Look { scope: Scope::Whole, files: files.clone(), misnamed: BTreeSet::new(), directory: 0 };
        let ms = Duration::from_millis;
        let check = |closed_before_look: Option<Duration>, due_after_look: Duration| {
            let mut tracker = Tracker::new(ms(25), ms(10), ms(2_000));
            let now = Instant::now();
            let written = closed_before_look.map(|ago| ("a".to_owned(), now - ago));
            tracker.written(written.into_iter().collect());
            assert_eq!(tracker.look(now, look()), (Vec::new(), Some(now + due_after_look)));
            let (tasks, _) = tracker.look(now + due_after_look, look());
            assert!(matches!(tasks[..], [Task::Read { .. }]), "{tasks:?}");
        };
        check(None, ms(25));
        check(Some(ms(0)), ms(10));
        check(Some(ms(4)), ms(6));
    }
}
