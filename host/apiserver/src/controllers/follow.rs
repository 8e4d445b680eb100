//! The loop that the workload controllers share: changes lead to keys, and each key is worked on until it is right.
//!
//! *Flow*: a task per resource turns the events of a watch into keys; one loop takes them, soonest first.
//! *Guarantees*: work on a key begins after the change that led to it, and never runs twice at once. Reads go to the
//! store itself, so work never sees an older state than its own writes left.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use futures::future::BoxFuture;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Client;
use crate::object;
use crate::query::ListOptions;
use crate::status::ApiError;

/// What is worked on: an object's namespace and name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) namespace: String,
    pub(super) name: String,
}

/// A resource to follow, and which key a change of one of its objects leads to.
#[derive(Clone, Copy)]
pub(super) struct Source {
    /// Group, version, plural.
    pub(super) resource: (&'static str, &'static str, &'static str),
    pub(super) key: fn(&Value) -> Option<Key>,
}

/// Work on a key. `Some` asks to be called again after that time.
pub(super) type Work = Box<
    dyn for<'a> Fn(&'a Client, &'a Key) -> BoxFuture<'a, Result<Option<Duration>, ApiError>> + Send + Sync,
>;

/// Keys that wait between the watches and the loop; a watch that fills it waits, and nothing is lost.
const WAITING_KEYS_MAX: usize = 1024;
/// First pause after a failure; it doubles with each further one.
const BACKOFF_FIRST: Duration = Duration::from_millis(5);
const BACKOFF_DOUBLINGS_MAX: u32 = 11;
/// Pause before a watch that broke is begun anew.
const WATCH_PAUSE: Duration = Duration::from_millis(20);

/// The key of the object itself.
pub(super) fn own_key(object: &Value) -> Option<Key> {
    Some(Key { namespace: object::namespace(object).to_owned(), name: object::name(object).to_owned() })
}

/// The key of the object's controller, if that is of the kind.
pub(super) fn owner_key(object: &Value, kind: &str) -> Option<Key> {
    let owner = controller_of(object).filter(|owner| owner["kind"] == kind)?;
    Some(Key { namespace: object::namespace(object).to_owned(), name: owner["name"].as_str()?.to_owned() })
}

/// The owner reference that says `controller: true`.
pub(super) fn controller_of(object: &Value) -> Option<&Value> {
    object::owner_references(object).iter().find(|owner| owner["controller"] == true)
}

/// Follows the sources and works on their keys until it is told to stop.
pub(super) async fn run(
    client: Client,
    stopping: CancellationToken,
    name: &'static str,
    sources: &'static [Source],
    work: Work,
) {
    let (sender, receiver) = mpsc::channel(WAITING_KEYS_MAX);
    let client = client.named(name);
    for source in sources {
        tokio::spawn(follow(client.clone(), stopping.clone(), *source, sender.clone()));
    }
    drop(sender);
    work_on(&client, &stopping, name, receiver, work).await;
}

async fn follow(client: Client, stopping: CancellationToken, source: Source, keys: mpsc::Sender<Key>) {
    while !stopping.is_cancelled() && !keys.is_closed() {
        tokio::select! {
            biased;
            followed = follow_once(&client, source, &keys) => if let Err(error) = followed {
                tracing::debug!(%error, resource = source.resource.2, "a controller's watch begins anew");
            },
            () = stopping.cancelled() => return,
        }
        tokio::time::sleep(WATCH_PAUSE).await;
    }
}

async fn follow_once(client: &Client, source: Source, keys: &mpsc::Sender<Key>) -> Result<(), ApiError> {
    let place = client.place(source.resource, "", "")?;
    let mut watch = client.watch(&place, &ListOptions::default())?;
    let mut events = watch.take_initial().unwrap_or_default();
    loop {
        for event in events {
            if let Some(key) = (source.key)(&event.object.value())
                && keys.send(key).await.is_err()
            {
                return Ok(());
            }
        }
        events = watch.next().await?;
    }
}

/// Keys by the time at which they are due.
#[derive(Default)]
struct Due {
    at: HashMap<Key, Instant>,
    order: BTreeMap<(Instant, Key), ()>,
}

impl Due {
    /// The earlier of two times stays.
    fn add(&mut self, key: Key, at: Instant) {
        match self.at.get(&key) {
            Some(held) if *held <= at => return,
            Some(held) => drop(self.order.remove(&(*held, key.clone()))),
            None => {}
        }
        self.at.insert(key.clone(), at);
        self.order.insert((at, key), ());
    }

    fn next_at(&self) -> Option<Instant> {
        self.order.keys().next().map(|(at, _)| *at)
    }

    fn take(&mut self, now: Instant) -> Option<Key> {
        if self.next_at()? > now {
            return None;
        }
        let ((_, key), ()) = self.order.pop_first()?;
        self.at.remove(&key);
        Some(key)
    }
}

async fn work_on(
    client: &Client,
    stopping: &CancellationToken,
    name: &'static str,
    mut keys: mpsc::Receiver<Key>,
    work: Work,
) {
    let mut due = Due::default();
    let mut failures: HashMap<Key, u32> = HashMap::new();
    loop {
        let wake_at = due.next_at().unwrap_or_else(|| Instant::now() + Duration::from_secs(3600));
        tokio::select! {
            biased;
            () = stopping.cancelled() => return,
            key = keys.recv() => match key {
                Some(key) => due.add(key, Instant::now()),
                None => return,
            },
            () = tokio::time::sleep_until(wake_at) => {}
        }
        while let Ok(key) = keys.try_recv() {
            due.add(key, Instant::now());
        }
        let Some(key) = due.take(Instant::now()) else { continue };
        match work(client, &key).await {
            Ok(again) => {
                failures.remove(&key);
                if let Some(delay) = again {
                    due.add(key, Instant::now() + delay);
                }
            }
            Err(error) => {
                let count = failures.entry(key.clone()).or_insert(0);
                let delay = BACKOFF_FIRST * 2_u32.pow((*count).min(BACKOFF_DOUBLINGS_MAX));
                *count += 1;
                if !matches!(error.code(), 404 | 409) {
                    tracing::warn!(%error, controller = name, namespace = key.namespace, name = key.name, ?delay, "work failed");
                }
                due.add(key, Instant::now() + delay);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_due_once_at_the_earlier_of_its_times() {
        let now = Instant::now();
        let key = |name: &str| Key { namespace: String::new(), name: name.to_owned() };
        let mut due = Due::default();
        due.add(key("b"), now + Duration::from_secs(5));
        due.add(key("a"), now + Duration::from_secs(1));
        due.add(key("b"), now);
        due.add(key("b"), now + Duration::from_secs(9));
        assert_eq!(due.take(now), Some(key("b")));
        assert_eq!(due.take(now), None);
        assert_eq!(due.take(now + Duration::from_secs(2)), Some(key("a")));
        assert_eq!(due.next_at(), None);
    }
}
