//! Kubernetes Events about objects, from plain data (E1).
//!
//! Guarantees: recording never waits. A repeated event is one Event with a count, not many. What is over a bound (the
//! queue, an object's share, the series held) is dropped and counted.

mod ledger;

#[cfg(test)]
mod tests;

use crate::{client::Client, clock::micro_time};
use ledger::{Ledger, Verdict, Write};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinHandle,
    time::Instant,
};
use windlass_core::{
    call::{Action, ApiError, Call, PatchType, WriteOptions},
    name::{Kind, ObjectName},
};

/// Notes that wait; more are dropped.
const QUEUE_LEN_MAX: usize = 1000;
/// Writes under way.
const WRITERS: usize = 8;
/// A write that finds no server is tried so often…
const TRIES: u32 = 12;
/// …so far apart, give or take a quarter.
const TRY_INTERVAL: Duration = Duration::from_secs(10);
/// How often idle series are looked for.
const SWEEP_INTERVAL: Duration = Duration::from_secs(30);

/// An object that an event is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reference {
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: ObjectName,
    /// Its uid; may be empty.
    pub uid: String,
}

/// Something worth telling the people who look at an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What it is about.
    pub regarding: Reference,
    /// A second object, if one has part in it.
    pub related: Option<Reference>,
    /// `Warning` instead of `Normal`.
    pub warning: bool,
    /// One word for machines: `Created`. At most 128 bytes are kept.
    pub reason: String,
    /// What was done: `Reconcile`. At most 128 bytes are kept.
    pub action: String,
    /// For people. At most 1,024 bytes are kept.
    pub text: String,
    /// Who says so: `windlass.dev/website`.
    pub controller: Arc<str>,
}

/// What became of notes; only ever grow.
#[derive(Debug, Default)]
pub struct Counters {
    /// Recorded, whatever became of them.
    pub noted: AtomicU64,
    /// Dropped because the queue was full.
    pub dropped_queue: AtomicU64,
    /// Dropped because the object had more than its share, or too many series were held.
    pub dropped_spam: AtomicU64,
    /// Given up: the server refused, or could not be reached.
    pub failed: AtomicU64,
}

/// Records events. Clones share a queue.
#[derive(Clone, Debug)]
pub struct Recorder {
    queue: mpsc::Sender<Note>,
    counters: Arc<Counters>,
}

impl Recorder {
    /// Starts recording. The task ends when the last recorder is dropped and everything is written.
    #[must_use]
    pub fn start(client: Client, instance: &str) -> (Self, JoinHandle<()>) {
        let (queue, notes) = mpsc::channel(QUEUE_LEN_MAX);
        let counters = Arc::<Counters>::default();
        let writer = Writer { client, counters: counters.clone(), slots: Arc::new(Semaphore::new(WRITERS)) };
        let task = tokio::spawn(writer.run(notes, Ledger::new(instance)));
        (Self { queue, counters }, task)
    }

    /// Records one note, or drops and counts it.
    pub fn note(&self, note: Note) {
        self.counters.noted.fetch_add(1, Ordering::Relaxed);
        if self.queue.try_send(note).is_err() {
            self.counters.dropped_queue.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What became of notes.
    #[must_use]
    pub fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }
}

#[derive(Clone)]
struct Writer {
    client: Client,
    counters: Arc<Counters>,
    slots: Arc<Semaphore>,
}

impl Writer {
    async fn run(self, mut notes: mpsc::Receiver<Note>, mut ledger: Ledger) {
        let mut sweep = tokio::time::interval(SWEEP_INTERVAL);
        loop {
            tokio::select! {
                note = notes.recv() => {
                    let Some(note) = note else { break };
                    match ledger.note(note, Instant::now(), &micro_time()) {
                        Verdict::Write(write) => self.begin(write).await,
                        Verdict::Counted => {}
                        Verdict::Dropped => drop(self.counters.dropped_spam.fetch_add(1, Ordering::Relaxed)),
                    }
                }
                _ = sweep.tick() => {
                    for write in ledger.sweep(Instant::now()) {
                        self.begin(write).await;
                    }
                }
            }
        }
        for write in ledger.finish() {
            self.begin(write).await;
        }
        let slots = u32::try_from(WRITERS).unwrap_or(u32::MAX);
        drop(self.slots.acquire_many(slots).await);
    }

    /// Writes in a task of its own, when a slot is free.
    async fn begin(&self, write: Write) {
        let Ok(slot) = self.slots.clone().acquire_owned().await else { return };
        let writer = self.clone();
        tokio::spawn(async move {
            writer.write(write).await;
            drop(slot);
        });
    }

    async fn write(&self, write: Write) {
        for attempt in 0..TRIES {
            match self.write_once(&write).await {
                Ok(()) => return,
                // No server: what it would say is not known yet.
                Err(error) if error.code == 0 && attempt + 1 < TRIES => {
                    tokio::time::sleep(TRY_INTERVAL.mul_f64(0.75 + fastrand::f64() / 2.0)).await;
                }
                Err(error) => {
                    tracing::debug!(%error, event = %write.name, "an event was not written");
                    self.counters.failed.fetch_add(1, Ordering::Relaxed);
                    return;
                }
            }
        }
    }

    /// A patch of an event that is gone (they live an hour) makes it anew.
    async fn write_once(&self, write: &Write) -> Result<(), ApiError> {
        if let Some(patch) = &write.patch {
            let action = Action::Patch {
                name: write.name.clone(),
                patch_type: PatchType::Merge,
                body: patch.to_string(),
                force: false,
                write: options(),
            };
            match self.call(action).await {
                Err(error) if error.code == 404 => {}
                done => return done,
            }
        }
        let name = write.name.clone();
        match self.call(Action::Create { name, body: write.event.to_string(), write: options() }).await {
            // An attempt whose reply was lost.
            Err(error) if error.reason == "AlreadyExists" => Ok(()),
            done => done,
        }
    }

    /// To `events.k8s.io`; to the core group where the server has no other events.
    async fn call(&self, action: Action) -> Result<(), ApiError> {
        let kind = Kind::new("events.k8s.io/v1", "Event");
        let core = matches!(self.client.discovery().resolve(&kind).await, Ok(None));
        let call = if core {
            Call { kind: Kind::new("v1", "Event"), subresource: None, action: ledger::for_core(action) }
        } else {
            Call { kind, subresource: None, action }
        };
        self.client.call(&call).await.map(drop)
    }
}

fn options() -> WriteOptions {
    WriteOptions { field_manager: "windlass".into(), dry_run: false }
}
