//! What changed since the last look, and what somebody wants to be told again: filled by other threads, emptied by
//! the watch.

use notify::{
    Event, EventKind,
    event::{AccessKind, AccessMode, ModifyKind, RenameMode},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};
use tokio::sync::Notify;
use windlass_core::name::ModuleName;

/// If more names than this changed, the whole directory is looked at.
const NAMES_MAX: usize = 256;

/// What is to be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Every file.
    Whole,
    /// The files of these stems.
    Names(BTreeSet<String>),
}

impl Scope {
    pub(super) fn add(&mut self, more: impl IntoIterator<Item = String>) {
        if let Self::Names(names) = self {
            names.extend(more);
            if names.len() > NAMES_MAX {
                *self = Self::Whole;
            }
        }
    }

    pub(super) fn has(&self, stem: &str) -> bool {
        match self {
            Self::Whole => true,
            Self::Names(names) => names.contains(stem),
        }
    }
}

/// What was heard since it was last taken. Bounded by [`NAMES_MAX`] and by the names that are asked for.
#[derive(Debug)]
pub(super) struct Heard {
    state: Mutex<State>,
    wake: Notify,
}

#[derive(Debug)]
struct State {
    scope: Scope,
    again: BTreeSet<Option<String>>,
    written: BTreeMap<String, Instant>,
}

/// What was heard.
pub(super) struct Taken {
    /// What changed.
    pub(super) scope: Scope,
    /// What is to be told again; all names without one.
    pub(super) again: BTreeSet<Option<String>>,
    /// Names of which the last that was heard is that their writer is done, and when.
    pub(super) written: BTreeMap<String, Instant>,
}

impl Default for Heard {
    fn default() -> Self {
        let state =
            State { scope: Scope::Names(BTreeSet::new()), again: BTreeSet::new(), written: BTreeMap::new() };
        Self { state: Mutex::new(state), wake: Notify::new() }
    }
}

impl Heard {
    /// The system tells something about the directory.
    pub(super) fn notice(&self, dir: &Path, notice: notify::Result<Event>) {
        let written = notice.as_ref().is_ok_and(is_end_of_writing);
        let scope = notice.map_or(Some(Scope::Whole), |event| scope_of(dir, &event));
        if let Some(scope) = scope {
            let mut state = self.lock();
            match scope {
                Scope::Whole => {
                    state.scope = Scope::Whole;
                    state.written.clear();
                }
                Scope::Names(names) => {
                    if written && state.written.len() < NAMES_MAX {
                        let now = Instant::now();
                        state.written.extend(names.iter().map(|name| (name.clone(), now)));
                    } else {
                        state.written.retain(|name, _| !names.contains(name));
                    }
                    state.scope.add(names);
                }
            }
            self.wake.notify_one();
        }
    }

    /// Somebody wants to be told of a module again, or of all.
    pub(super) fn ask(&self, module: Option<&ModuleName>) {
        self.lock().again.insert(module.map(ToString::to_string));
        self.wake.notify_one();
    }

    /// All that was heard; from now on it is empty.
    pub(super) fn take(&self) -> Taken {
        let mut state = self.lock();
        let scope = std::mem::replace(&mut state.scope, Scope::Names(BTreeSet::new()));
        let (again, written) = (std::mem::take(&mut state.again), std::mem::take(&mut state.written));
        Taken { scope, again, written }
    }

    /// Waits until something is heard.
    pub(super) async fn wait(&self) {
        self.wake.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A file was closed by its writer, or came whole from elsewhere.
fn is_end_of_writing(event: &Event) -> bool {
    matches!(
        event.kind,
        EventKind::Access(AccessKind::Close(AccessMode::Write))
            | EventKind::Modify(ModifyKind::Name(RenameMode::To | RenameMode::Both))
    )
}

/// What a notice is about; none if it is nothing to us.
fn scope_of(dir: &Path, event: &Event) -> Option<Scope> {
    // Our own reading is told too and must not cause another look.
    if let EventKind::Access(access) = event.kind
        && access != AccessKind::Close(AccessMode::Write)
    {
        return None;
    }
    if event.need_rescan() || event.paths.is_empty() {
        return Some(Scope::Whole);
    }
    let mut stems = BTreeSet::new();
    for path in &event.paths {
        let (Some(name), true) = (path.file_name(), path.parent() == Some(dir)) else {
            return Some(Scope::Whole);
        };
        let name = name.to_string_lossy();
        let known = [".wasm", ".yaml", ".yml"].iter().find_map(|end| name.strip_suffix(end));
        match known {
            // Other programs' temporary files; `..data` is how Kubernetes swaps a whole volume.
            _ if name.starts_with('.') && !name.starts_with("..") => {}
            Some(stem) => drop(stems.insert(stem.to_owned())),
            None => return Some(Scope::Whole),
        }
    }
    (!stems.is_empty()).then_some(Scope::Names(stems))
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify::event::{CreateKind, ModifyKind};

    #[test]
    fn a_notice_says_what_to_look_at() {
        let dir = Path::new("/modules");
        let names =
            |stems: &[&str]| Some(Scope::Names(stems.iter().map(|stem| (*stem).to_owned()).collect()));
        let check = |kind: EventKind, paths: &[&str], expected: Option<Scope>| {
            let event = paths.iter().fold(Event::new(kind), |event, path| event.add_path(path.into()));
            assert_eq!(scope_of(dir, &event), expected, "{paths:?}");
        };
        let modified = EventKind::Modify(ModifyKind::Any);
        check(modified, &["/modules/a.wasm"], names(&["a"]));
        check(modified, &["/modules/.a.tmp", "/modules/a.yaml"], names(&["a"]));
        check(modified, &["/modules/.a.wasm.x7"], None);
        check(EventKind::Create(CreateKind::Any), &["/modules/..data"], Some(Scope::Whole));
        check(modified, &["/modules/notes.txt"], Some(Scope::Whole));
        check(modified, &["/modules"], Some(Scope::Whole));
        check(modified, &[], Some(Scope::Whole));
        check(EventKind::Access(AccessKind::Read), &["/modules/a.wasm"], None);
        check(EventKind::Access(AccessKind::Close(AccessMode::Write)), &["/modules/a.wasm"], names(&["a"]));
    }

    #[test]
    fn a_file_is_written_when_its_writer_closed_it_or_it_was_renamed_and_not_after_the_next_write() {
        let check = |kinds: &[EventKind], expected: &[&str]| {
            let heard = Heard::default();
            for kind in kinds {
                let event = Event::new(*kind).add_path("/modules/a.wasm".into());
                heard.notice(Path::new("/modules"), Ok(event));
            }
            assert_eq!(
                heard.take().written.keys().map(String::as_str).collect::<Vec<_>>(),
                expected,
                "{kinds:?}"
            );
            assert!(heard.take().written.is_empty(), "it is told once");
        };
        let (closed, created) =
            (EventKind::Access(AccessKind::Close(AccessMode::Write)), EventKind::Create(CreateKind::Any));
        let modified = EventKind::Modify(ModifyKind::Any);
        let renamed = |mode| EventKind::Modify(ModifyKind::Name(mode));
        check(&[created, modified], &[]);
        check(&[created, modified, closed], &["a"]);
        check(&[closed, modified], &[]);
        check(&[renamed(RenameMode::To)], &["a"]);
        check(&[renamed(RenameMode::From), renamed(RenameMode::Both)], &["a"]);
        check(&[renamed(RenameMode::To), renamed(RenameMode::From)], &[]);
    }

    #[test]
    fn many_names_are_the_whole() {
        let mut scope = Scope::Names(BTreeSet::new());
        scope.add((0..=NAMES_MAX).map(|nth| nth.to_string()));
        assert_eq!(scope, Scope::Whole);
    }
}
