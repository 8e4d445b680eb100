//! Keeping the store on disk with redb: one thread writes, many waiting writes share one transaction.
//!
//! A write is answered, and shown to readers, only after its transaction is on disk. If the disk refuses
//! (full, read-only), every write of the batch fails and memory stays as it was.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Weak};

use redb::{Database, Durability, ReadableDatabase, ReadableTable, TableDefinition};
use tokio::sync::{mpsc, oneshot};

use super::state::{Pending, Prepared, State};
use super::{Change, ChangeKind, Inner, LOCK, StoreError, Stored, Write};

/// `resource NUL key` → version (8 bytes), place of the version in the JSON (4 bytes), JSON.
const OBJECTS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("objects");
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
/// Form of the tables; another number is from another release.
const FORM: u64 = 1;
/// Writes that wait at most; beyond that, writers wait for a place.
const QUEUE_LEN_MAX: usize = 1024;
/// Writes that share a transaction at most.
const BATCH_LEN_MAX: usize = 256;
/// redb's page cache. Reads come from our own memory, so that a small one is enough.
const CACHE_BYTES: usize = 4 << 20;

type Reply = oneshot::Sender<Result<Arc<Change>, StoreError>>;

#[derive(Debug)]
pub(super) struct Disk {
    queue: mpsc::Sender<Job>,
    /// Taken by `start`.
    waiting: Mutex<Option<(Tables, mpsc::Receiver<Job>)>>,
}

/// The database, closed after a failure and opened again for the next write: once the disk has room, writes go on.
#[derive(Debug)]
struct Tables {
    path: PathBuf,
    database: Option<Database>,
}

impl Tables {
    fn open(path: PathBuf) -> Result<Self, BoxError> {
        let mut tables = Self { path, database: None };
        tables.database()?;
        Ok(tables)
    }

    fn database(&mut self) -> Result<&Database, BoxError> {
        let database = match self.database.take() {
            Some(database) => database,
            None => Database::builder().set_cache_size(CACHE_BYTES).create(&self.path)?,
        };
        Ok(self.database.insert(database))
    }
}

#[derive(Debug)]
enum Job {
    Write(Write, Reply),
    Close(oneshot::Sender<()>),
}

impl Disk {
    pub(super) fn open(folder: &Path, state: &mut State) -> Result<Self, StoreError> {
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| StoreError::Open {
            path: folder.display().to_string(),
            source,
        };
        std::fs::create_dir_all(folder).map_err(|error| failed(error.into()))?;
        let mut tables = Tables::open(folder.join("objects.redb")).map_err(failed)?;
        load(tables.database().map_err(failed)?, state).map_err(failed)?;
        let (queue, jobs) = mpsc::channel(QUEUE_LEN_MAX);
        Ok(Self { queue, waiting: Mutex::new(Some((tables, jobs))) })
    }

    /// Starts the writing thread; it ends when the store is dropped or closed.
    pub(super) fn start(&self, inner: Weak<Inner>) {
        let taken = self.waiting.lock().expect(LOCK).take();
        if let Some((tables, jobs)) = taken {
            std::thread::spawn(move || write_batches(tables, jobs, &inner));
        }
    }

    pub(super) async fn commit(&self, write: Write) -> Result<Arc<Change>, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.queue.send(Job::Write(write, reply)).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    pub(super) async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.queue.send(Job::Close(done)).await.is_ok() {
            closed.await.unwrap_or_default();
        }
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

fn load(database: &Database, state: &mut State) -> Result<(), BoxError> {
    let transaction = database.begin_write()?;
    {
        let mut meta = transaction.open_table(META)?;
        let form = meta.get("form")?.map(|held| held.value());
        match form {
            None => drop(meta.insert("form", FORM)?),
            Some(FORM) => {}
            Some(other) => return Err(format!("it has form {other}, this program reads form {FORM}").into()),
        }
        transaction.open_table(OBJECTS)?;
    }
    transaction.commit()?;
    let transaction = database.begin_read()?;
    let version = transaction.open_table(META)?.get("version")?.map_or(0, |held| held.value());
    let mut objects = Vec::new();
    for entry in transaction.open_table(OBJECTS)?.iter()? {
        let (key, value) = entry?;
        objects.push(decode(key.value(), value.value()).ok_or("an entry of the objects table is damaged")?);
    }
    state.restore(version, objects.into_iter());
    Ok(())
}

fn write_batches(mut tables: Tables, mut jobs: mpsc::Receiver<Job>, inner: &Weak<Inner>) {
    let mut writes = Vec::new();
    while let Some(first) = jobs.blocking_recv() {
        let mut closing = None;
        let mut next = Some(first);
        while let Some(job) = next {
            match job {
                Job::Write(write, reply) => writes.push((write, reply)),
                Job::Close(done) => closing = Some(done),
            }
            let full = writes.len() >= BATCH_LEN_MAX || closing.is_some();
            next = if full { None } else { jobs.try_recv().ok() };
        }
        let Some(inner) = inner.upgrade() else { return };
        write_batch(&mut tables, &inner, std::mem::take(&mut writes));
        if let Some(done) = closing {
            // The folder must be free for another process once the caller knows.
            drop(tables);
            // Nobody may wait any more for the end; that is no fault.
            done.send(()).unwrap_or_default();
            return;
        }
    }
}

fn write_batch(tables: &mut Tables, inner: &Inner, writes: Vec<(Write, Reply)>) {
    let (prepared, replies) = check(inner, writes);
    if prepared.is_empty() {
        return;
    }
    let persisted = tables.database().and_then(|database| persist(database, &prepared));
    let answers: Vec<_> = match persisted {
        Ok(()) => {
            let mut state = inner.state.write().expect(LOCK);
            prepared
                .into_iter()
                .map(|prepared| {
                    let change = Arc::clone(&prepared.change);
                    state.apply(prepared);
                    Ok(change)
                })
                .collect()
        }
        Err(error) => {
            tables.database = None;
            let (path, reason) = (tables.path.display().to_string(), error.to_string());
            tracing::error!(
                file = path,
                error = reason,
                writes = replies.len(),
                "writes are refused: make room on the disk"
            );
            let refused = || StoreError::Disk { path: path.clone(), reason: reason.clone() };
            replies.iter().map(|_| Err(refused())).collect()
        }
    };
    for (reply, answer) in replies.into_iter().zip(answers) {
        // The client has gone; its write stands all the same.
        drop(reply.send(answer));
    }
}

/// Splits off the writes that cannot be done and answers them; the others get their versions.
fn check(inner: &Inner, writes: Vec<(Write, Reply)>) -> (Vec<Prepared>, Vec<Reply>) {
    let state = inner.state.read().expect(LOCK);
    let (mut done, mut replies, mut pending) = (Vec::new(), Vec::new(), Pending::new());
    for (write, reply) in writes {
        match state.prepare(write, &pending, state.version + done.len() as u64 + 1) {
            Ok(prepared) => {
                let object = &prepared.change.object;
                let now = (prepared.change.kind != ChangeKind::Deleted).then(|| Arc::clone(object));
                pending.insert((Arc::clone(&prepared.resource), object.key.clone()), now);
                done.push(prepared);
                replies.push(reply);
            }
            Err(error) => drop(reply.send(Err(error))),
        }
    }
    (done, replies)
}

fn persist(database: &Database, prepared: &[Prepared]) -> Result<(), BoxError> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate)?;
    {
        let mut objects = transaction.open_table(OBJECTS)?;
        let mut meta = transaction.open_table(META)?;
        for Prepared { resource, change } in prepared {
            let key = [resource.as_bytes(), b"\0", change.object.key.as_bytes()].concat();
            match change.kind {
                ChangeKind::Deleted => drop(objects.remove(&*key)?),
                _ => drop(objects.insert(&*key, &*encode(&change.object))?),
            }
            meta.insert("version", change.version())?;
        }
    }
    transaction.commit()?;
    Ok(())
}

fn encode(object: &Stored) -> Vec<u8> {
    let version_at = u32::try_from(object.version_at()).unwrap_or(u32::MAX);
    [&object.version.to_le_bytes()[..], &version_at.to_le_bytes(), object.json()].concat()
}

fn decode(key: &[u8], value: &[u8]) -> Option<(Arc<str>, Stored)> {
    let (resource, key) = std::str::from_utf8(key).ok()?.split_once('\0')?;
    let (version, rest) = value.split_first_chunk::<8>()?;
    let (version_at, json) = rest.split_first_chunk::<4>()?;
    let version_at = usize::try_from(u32::from_le_bytes(*version_at)).ok()?;
    let json = bytes::Bytes::copy_from_slice(json);
    let stored = Stored::restore(key.into(), u64::from_le_bytes(*version), version_at, json)?;
    Some((resource.into(), stored))
}
