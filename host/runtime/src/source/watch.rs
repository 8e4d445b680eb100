//! Listens to the directory, looks when something happened, and tells what came of it.

use super::{
    DirectoryOptions, FileError, SourceError, SourceEvent,
    heard::{Heard, Scope, Taken},
    look::{Look, Misnamed, look},
    read::{Found, read},
    track::{Task, Tracker},
};
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::mpsc,
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
    heard: Arc<Heard>,
    /// When to look at everything, whatever is heard.
    whole_at: Instant,
    /// Listens as long as it lives; belongs to one directory (an inode).
    listener: Option<(u64, RecommendedWatcher)>,
    first: Option<Look>,
    lost: bool,
    /// Why the system tells no changes, if that is not told yet.
    unheard: Option<String>,
    unheard_told: bool,
}

/// The receiver is gone: nobody wants to know any more.
struct Unwanted;

impl Watch {
    /// Listens, then looks for the first time: in this order nothing falls between.
    pub(super) async fn begin(
        dir: PathBuf,
        options: DirectoryOptions,
        events: mpsc::Sender<SourceEvent>,
        heard: Arc<Heard>,
    ) -> Result<Self, SourceError> {
        let tracker = Tracker::new(options.settle, options.settle_written, options.truncated_after);
        let mut watch = Self {
            dir,
            options: Arc::new(options),
            events,
            tracker,
            heard,
            whole_at: Instant::now(),
            listener: None,
            first: None,
            lost: false,
            unheard: None,
            unheard_told: false,
        };
        watch.first = Some(watch.look().await?);
        Ok(watch)
    }

    /// Watches until nobody wants to know any more.
    pub(super) async fn run(mut self) {
        while let Ok(wake_at) = self.round().await {
            let until = wake_at.map_or(self.whole_at, |wake_at| wake_at.min(self.whole_at));
            let wait = until.saturating_duration_since(Instant::now());
            let not_before = tokio::time::Instant::now() + LOOKS_APART_MIN;
            if timeout(wait, self.heard.wait()).await.is_ok() {
                sleep_until(not_before).await;
            }
        }
    }

    async fn round(&mut self) -> Result<Option<Instant>, Unwanted> {
        let seen = match self.first.take() {
            Some(first) => Ok(first),
            None => self.look().await,
        };
        if let Some(reason) = self.unheard.take() {
            self.tell_unheard(reason).await?;
        }
        let seen = match seen {
            Ok(seen) => seen,
            Err(error) => {
                self.listener = None;
                self.whole_at = Instant::now() + self.options.rescan_unheard;
                if !std::mem::replace(&mut self.lost, true) {
                    self.tell(SourceEvent::DirectoryLost { error: Arc::new(error) }).await?;
                }
                return Ok(None);
            }
        };
        if std::mem::take(&mut self.lost) {
            self.tell(SourceEvent::DirectoryBack).await?;
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

    /// Looks at what was heard of and at what is not done yet; at everything when it is time, and when another
    /// directory has come in the place of the one that is listened to.
    async fn look(&mut self) -> Result<Look, SourceError> {
        let Taken { mut scope, again, written } = self.heard.take();
        for name in again {
            self.tracker.tell_again(name.as_deref());
        }
        self.tracker.written(written);
        scope.add(self.tracker.unsettled());
        if Instant::now() >= self.whole_at {
            scope = Scope::Whole;
        }
        let mut seen = self.look_at(scope).await?;
        if self.listener.as_ref().is_none_or(|(directory, _)| *directory != seen.directory) {
            self.listen(seen.directory);
            // Only from now on nothing is missed.
            seen = self.look_at(Scope::Whole).await?;
        }
        if seen.scope == Scope::Whole {
            let heard = self.listener.is_some();
            let rescan = if heard { self.options.rescan } else { self.options.rescan_unheard };
            self.whole_at = Instant::now() + rescan;
        }
        Ok(seen)
    }

    async fn look_at(&self, scope: Scope) -> Result<Look, SourceError> {
        let dir = self.dir.clone();
        let looked = spawn_blocking(move || look(&dir, scope)).await;
        looked.unwrap_or_else(|ended| {
            Err(SourceError::Unreadable { dir: self.dir.clone(), source: std::io::Error::other(ended) })
        })
    }

    /// Listens to a directory; where that is impossible, remembers why.
    fn listen(&mut self, directory: u64) {
        let heard = self.heard.clone();
        // Notices name absolute paths.
        let dir = std::path::absolute(&self.dir).unwrap_or_else(|_| self.dir.clone());
        let watched = dir.clone();
        let listener = notify::recommended_watcher(move |notice| heard.notice(&dir, notice));
        let listening = listener.and_then(|mut listener| {
            listener.watch(&watched, RecursiveMode::NonRecursive)?;
            Ok(listener)
        });
        match listening {
            Ok(listener) => self.listener = Some((directory, listener)),
            Err(error) => {
                self.listener = None;
                self.unheard = Some(error.to_string());
            }
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
