//! Listens to the directory, looks when something happened, and tells what came of it.

use super::{
    DirectoryOptions, FileError, SourceError, SourceEvent,
    look::{Look, Misnamed, look},
    read::{Found, read},
    track::{Task, Tracker},
};
use notify::{
    EventKind, RecommendedWatcher, RecursiveMode, Watcher as _,
    event::{AccessKind, AccessMode},
};
use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::{
    sync::{Notify, mpsc},
    task::spawn_blocking,
    time::{sleep_until, timeout},
};
use windlass_core::name::ModuleName;

/// A long copy causes thousands of changes a second; looks are at least so far apart.
const LOOKS_APART_MIN: Duration = Duration::from_millis(5);

/// The task behind a [`super::Directory`].
pub(super) struct Watch {
    dir: PathBuf,
    options: Arc<DirectoryOptions>,
    events: mpsc::Sender<SourceEvent>,
    tracker: Tracker,
    changed: Arc<Notify>,
    again: Arc<Again>,
    /// Listens as long as it lives; belongs to one directory (an inode).
    listener: Option<(u64, RecommendedWatcher)>,
    first: Option<Look>,
    lost: bool,
    unheard_told: bool,
}

/// What the owner of a directory wants to be told again. One entry a name, so its bound is that of the names.
#[derive(Debug, Default)]
pub(super) struct Again {
    names: Mutex<BTreeSet<Option<String>>>,
    changed: Arc<Notify>,
}

impl Again {
    pub(super) fn ask(&self, module: Option<&ModuleName>) {
        let name = module.map(|module| module.to_string());
        self.names.lock().unwrap_or_else(PoisonError::into_inner).insert(name);
        self.changed.notify_one();
    }

    fn take(&self) -> BTreeSet<Option<String>> {
        std::mem::take(&mut *self.names.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The receiver is gone: nobody wants to know any more.
struct Unwanted;

impl Watch {
    /// Listens, then looks for the first time: in this order nothing falls between.
    pub(super) async fn begin(
        dir: PathBuf,
        options: DirectoryOptions,
        events: mpsc::Sender<SourceEvent>,
        again: Arc<Again>,
    ) -> Result<Self, SourceError> {
        let tracker = Tracker::new(options.settle, options.truncated_after);
        let mut watch = Self {
            dir,
            options: Arc::new(options),
            events,
            tracker,
            changed: Arc::clone(&again.changed),
            again,
            listener: None,
            first: None,
            lost: false,
            unheard_told: false,
        };
        let before = watch.look().await?;
        let unheard = watch.listen(before.directory).err();
        watch.first = Some(watch.look().await?);
        if let Some(reason) = unheard {
            // The channel is new and has room.
            watch.tell_unheard(reason).await.ok();
        }
        Ok(watch)
    }

    /// Watches until nobody wants to know any more.
    pub(super) async fn run(mut self) {
        while let Ok(wake_at) = self.round().await {
            let heard = self.listener.is_some();
            let rescan = if heard { self.options.rescan } else { self.options.rescan_unheard };
            let rescan = Instant::now() + rescan;
            let until = wake_at.map_or(rescan, |wake_at| wake_at.min(rescan));
            let wait = until.saturating_duration_since(Instant::now());
            let not_before = tokio::time::Instant::now() + LOOKS_APART_MIN;
            if timeout(wait, self.changed.notified()).await.is_ok() {
                sleep_until(not_before).await;
            }
        }
    }

    async fn round(&mut self) -> Result<Option<Instant>, Unwanted> {
        let seen = match self.first.take() {
            Some(first) => Ok(first),
            None => self.look().await,
        };
        let seen = match seen {
            Ok(seen) => seen,
            Err(error) => {
                self.listener = None;
                if !std::mem::replace(&mut self.lost, true) {
                    self.tell(SourceEvent::DirectoryLost { error: Arc::new(error) }).await?;
                }
                return Ok(None);
            }
        };
        if std::mem::take(&mut self.lost) {
            self.tell(SourceEvent::DirectoryBack).await?;
        }
        if self.listener.as_ref().is_none_or(|(directory, _)| *directory != seen.directory)
            && let Err(reason) = self.listen(seen.directory)
        {
            self.tell_unheard(reason).await?;
        }
        for name in self.again.take() {
            self.tracker.tell_again(name.as_deref());
        }
        let (tasks, wake_at) = self.tracker.look(Instant::now(), seen);
        let mut again = false;
        for task in tasks {
            again |= self.carry_out(task).await?;
        }
        // What was read may have set another time to wake at; the next look is cheap and knows it.
        Ok(if again { Some(Instant::now() + self.options.settle) } else { wake_at })
    }

    /// Answers whether the directory must be looked at again soon.
    async fn carry_out(&mut self, task: Task) -> Result<bool, Unwanted> {
        match task {
            Task::Withdraw(name) => {
                self.tell(SourceEvent::Withdrawn { name: ModuleName(name.into()) }).await?;
            }
            Task::Misnamed(misnamed) => self.tell(self.misnamed(misnamed)).await?,
            Task::Read { name, files, since, last_call } => {
                let (dir, options, stem) = (self.dir.clone(), self.options.clone(), name.clone());
                let reading = spawn_blocking(move || read(&dir, &stem, (files, since, last_call), &options));
                match reading.await.map_err(|_ended| Unwanted)? {
                    Found::Event(told, event) => {
                        if self.tracker.read(&name, told) {
                            self.tell(*event).await?;
                        }
                    }
                    Found::Incomplete => {
                        self.tracker.incomplete(&name);
                        return Ok(true);
                    }
                    Found::Changed => return Ok(true),
                    Found::NotOurs => self.tracker.settle(&name),
                }
            }
        }
        Ok(false)
    }

    fn misnamed(&self, misnamed: Misnamed) -> SourceEvent {
        let (file, error) = match misnamed {
            Misnamed::Stem(stem) => (format!("{stem}.wasm"), FileError::Name(stem)),
            Misnamed::Extension(stem) => {
                let expected = format!("{stem}.yaml");
                (format!("{stem}.yml"), FileError::Extension { expected })
            }
        };
        SourceEvent::FileBroken { file: self.dir.join(file), name: None, error: Arc::new(error) }
    }

    async fn look(&self) -> Result<Look, SourceError> {
        let dir = self.dir.clone();
        let looked = spawn_blocking(move || look(&dir)).await;
        looked.unwrap_or_else(|ended| {
            Err(SourceError::Unreadable { dir: self.dir.clone(), source: std::io::Error::other(ended) })
        })
    }

    fn listen(&mut self, directory: u64) -> Result<(), String> {
        let changed = self.changed.clone();
        let listener = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if event.as_ref().map_or(true, |event| is_change(event.kind)) {
                changed.notify_one();
            }
        });
        let listening = listener.and_then(|mut listener| {
            listener.watch(&self.dir, RecursiveMode::NonRecursive)?;
            Ok(listener)
        });
        match listening {
            Ok(listener) => {
                self.listener = Some((directory, listener));
                Ok(())
            }
            Err(error) => Err(error.to_string()),
        }
    }

    async fn tell_unheard(&mut self, why: String) -> Result<(), Unwanted> {
        if std::mem::replace(&mut self.unheard_told, true) {
            return Ok(());
        }
        let reason = format!(
            "the system tells no changes of {} ({why}); a change is seen within {:?}. If the limit on watches is \
             reached, raise fs.inotify.max_user_instances or max_user_watches",
            self.dir.display(),
            self.options.rescan_unheard
        );
        self.tell(SourceEvent::ChangesUnheard { reason }).await
    }

    async fn tell(&self, event: SourceEvent) -> Result<(), Unwanted> {
        self.events.send(event).await.map_err(|_closed| Unwanted)
    }
}

/// Our own reading is heard of too and must not cause another look.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}
