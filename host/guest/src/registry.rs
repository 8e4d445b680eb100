//! The versions that are registered: looked up by digest, held by module names, in memory or asleep.
//!
//! ```text
//! insert ─▶ in memory ─idle─▶ asleep ─run, question, reload─▶ mapped again (or compiled again) ─▶ in memory
//! ```
//!
//! A version that has not run for a time gives its memory back: mapped code, linked imports, types. Of it stay its
//! digest, what it shows to the outside and where its bytes are. *Guarantees.* What runs keeps its version by an `Arc`,
//! so neither sleep nor freeing ends a run; many who wake a sleeper at once load it once; one who no longer waits stops
//! nobody else's wake. *Assumption.* Only what is kept in the code cache sleeps: waking is then a matter of milliseconds.

mod held;
mod wake;

pub use held::{Awake, Held, NotAwake};
pub use wake::WakeError;

use crate::{engine::Engine, module::CodeCache, module::Module};
use held::Rest;
use std::{
    collections::HashMap,
    fmt,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};
use tokio::{sync::Notify, time::Instant};
use windlass_core::name::{Digest, ModuleName};

/// Versions that were only described stay in memory so long at most: most modules have nothing to do at a start.
const UNUSED_AFTER_MAX: Duration = Duration::from_secs(5);

/// So many of them at a time. A start with a thousand modules then needs the memory of these, not of all.
const UNUSED_MAX: usize = 32;

/// Loaded modules by digest. Several versions of one name stand side by side while one replaces the other, and one
/// version may serve several names.
pub struct Registry {
    held: RwLock<HashMap<Digest, Arc<Held>>>,
    loading: Arc<Loading>,
}

/// What every version needs to come back.
struct Loading {
    engine: Engine,
    cache: Option<Arc<CodeCache>>,
    tell: Box<dyn Fn(Happened) + Send + Sync>,
    /// Something came into memory.
    mapped: Notify,
}

/// How a look at what may sleep went.
#[derive(Clone, Copy, Debug)]
pub struct Swept {
    /// Whether anything fell asleep.
    pub slept: bool,
    /// When the next one is due; none: not before something comes into memory.
    pub next: Option<Instant>,
}

/// What became of a version that is held.
#[derive(Clone, Debug)]
pub struct Happened {
    /// Whose it is.
    pub names: Vec<ModuleName>,
    /// What became of it.
    pub what: Change,
}

/// Between memory and sleep.
#[derive(Clone, Debug)]
pub enum Change {
    /// It gave its memory back.
    FellAsleep,
    /// It is in memory again.
    Woke {
        /// How long whoever woke it had to wait.
        took: Duration,
        /// Its compiled code was gone or void: it was compiled again.
        compiled: bool,
    },
    /// It cannot be had back.
    StaysAsleep(NotAwake),
}

impl Registry {
    /// An empty registry. Whatever its versions go through is handed to `tell`, which must not block.
    #[must_use]
    pub fn new(
        engine: Engine,
        cache: Option<Arc<CodeCache>>,
        tell: impl Fn(Happened) + Send + Sync + 'static,
    ) -> Self {
        let loading = Loading { engine, cache, tell: Box::new(tell), mapped: Notify::new() };
        Self { held: RwLock::default(), loading: Arc::new(loading) }
    }

    /// The version of this digest, if it is registered.
    #[must_use]
    pub fn get(&self, digest: &Digest) -> Option<Arc<Held>> {
        self.held.read().unwrap_or_else(PoisonError::into_inner).get(digest).cloned()
    }

    /// Takes a loaded version in for a name; its bytes can be read again from one of `files`, which may not be there
    /// yet. If the digest is in memory already, that copy stays, so that its mapped code exists once.
    pub fn insert(&self, name: ModuleName, module: Arc<Module>, files: Vec<PathBuf>) -> Arc<Held> {
        let mut all = self.held.write().unwrap_or_else(PoisonError::into_inner);
        let held = all.entry(module.digest());
        let held = held.or_insert_with(|| Arc::new(Held::asleep(&module, self.loading.clone()))).clone();
        held.hold(name, files);
        // Under the lock: whoever frees the last name must find it.
        held.fill(module);
        drop(all);
        self.loading.mapped.notify_one();
        held
    }

    /// Ends a name's hold on a version; the last one frees its code. Whether it was freed.
    pub fn free(&self, name: &ModuleName, digest: &Digest) -> bool {
        let mut all = self.held.write().unwrap_or_else(PoisonError::into_inner);
        let Some(held) = all.get(digest) else { return false };
        if !held.let_go(name) {
            return false;
        }
        let freed = all.remove(digest);
        // Unmapping takes a while: not under the lock.
        drop(all);
        freed.is_some()
    }

    /// Puts what has not run for so long to sleep, and earlier what was only described. Unmapping a module takes tenths
    /// of a millisecond, so this is for a thread of its own.
    pub fn put_to_sleep(&self, after: Duration) -> Swept {
        let now = Instant::now();
        let mut resting: Vec<_> =
            self.all().into_iter().filter_map(|held| Some((held.rest()?, held))).collect();
        resting.sort_by_key(|(rest, _)| rest.since);
        let dues = dues(resting.iter().map(|(rest, _)| rest), (now, after));
        let mut swept = Swept { slept: false, next: None };
        for ((rest, held), due) in resting.iter().zip(dues) {
            let due = if due > now {
                due
            } else if let Some(names) = held.sleep(rest) {
                (self.loading.tell)(Happened { names, what: Change::FellAsleep });
                swept.slept = true;
                continue;
            } else {
                // It runs: looked at again as if it had just ended.
                now + after
            };
            swept.next = Some(swept.next.map_or(due, |next| next.min(due)));
        }
        swept
    }

    /// Waits until something came into memory since the last wait ended.
    pub async fn something_mapped(&self) {
        self.loading.mapped.notified().await;
    }

    /// How many versions are in memory.
    #[must_use]
    pub fn in_memory(&self) -> usize {
        self.all().iter().filter(|held| !held.is_asleep()).count()
    }

    /// How many versions are registered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.held.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn all(&self) -> Vec<Arc<Held>> {
        self.held.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.all().iter().map(|held| (held.digest(), held))).finish()
    }
}

/// When each is to fall asleep, of those that rest, in the order of their rest.
fn dues<'a>(
    resting: impl Iterator<Item = &'a Rest> + Clone,
    (now, after): (Instant, Duration),
) -> Vec<Instant> {
    let unused = resting.clone().filter(|rest| rest.unused).count();
    let mut too_many = unused.saturating_sub(UNUSED_MAX);
    let due = |rest: &Rest| {
        if !rest.unused {
            return rest.since + after;
        }
        if too_many > 0 {
            too_many -= 1;
            return now;
        }
        rest.since + after.min(UNUSED_AFTER_MAX)
    };
    resting.map(due).collect()
}

#[cfg(test)]
mod tests;
