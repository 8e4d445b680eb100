//! Own writes on their way: what an answer says of an object is laid over the cache before the guest has the answer, and
//! what only the server knows is read live.

#[cfg(test)]
mod tests;

use crate::clock::Clock;
use futures::{StreamExt as _, stream::FuturesUnordered};
use std::sync::Arc;
use tokio::sync::Notify;
use tokio_util::sync::{CancellationToken, DropGuard};
use windlass_cluster::client::Client;
use windlass_core::{
    cache::{Before, Cache, LiveAnswer, LiveRead, OwnWrite},
    call::{Action, ApiError, Call, ListQuery, Reply, Shape},
    input::Run,
    object::Object,
};

/// Live reads at a time.
const READS_MAX: usize = 8;

/// Lays own writes over the cache, and settles them.
pub(crate) struct OwnWrites {
    reader: Arc<Reader>,
    _end: DropGuard,
}

struct Reader {
    client: Client,
    cache: Arc<Cache>,
    clock: Clock,
    /// Something was laid: it may be due before what was awaited.
    laid: Notify,
}

/// A write under way. Dropped without an answer, it is one of unknown outcome: its caller was cut off while the request
/// may have been on its way.
pub(crate) struct UnderWay<'a> {
    reader: &'a Reader,
    call: &'a Call,
    before: Option<Before>,
    answered: bool,
}

impl OwnWrites {
    /// Begins to settle what is due; ends with the value.
    pub(crate) fn start(client: Client, cache: Arc<Cache>) -> Self {
        let reader = Arc::new(Reader { client, cache, clock: Clock::start(), laid: Notify::new() });
        let end = CancellationToken::new();
        let (settling, ended) = (reader.clone(), end.clone());
        tokio::spawn(async move { ended.run_until_cancelled(settling.settle_all()).await });
        Self { reader, _end: end.drop_guard() }
    }

    /// Notes what is seen of an object before it is written.
    ///
    /// # Errors
    /// When too many writes of the kind are open already: nobody could remember this one's outcome.
    pub(crate) fn begin<'a>(&'a self, call: &'a Call) -> Result<UnderWay<'a>, ApiError> {
        let cache = &self.reader.cache;
        if !cache.has_room(&call.kind) {
            let message = format!(
                "too many writes of {} are not accounted for yet (deletions that no watch has told of, and lost answers); nothing was sent, try again",
                call.kind
            );
            return Err(ApiError::host("Throttled", message));
        }
        let before = call.action.name().and_then(|name| cache.before(&call.kind, name));
        Ok(UnderWay { reader: &self.reader, call, before, answered: false })
    }

    /// Makes a module's live read. No cached read shows anything older than its answer from then on.
    ///
    /// # Errors
    /// The server's answer; or the object is gone, and there is no room to remember that.
    pub(crate) async fn read(&self, call: &Call) -> Result<Reply, ApiError> {
        let Reader { client, cache, clock, laid } = &*self.reader;
        let before = call.action.name().and_then(|name| cache.before(&call.kind, name));
        let answer = client.call(call).await;
        if !cache.lay_read(call, before, &answer, clock.now()) {
            let message = format!(
                "too many deletions of {} are not accounted for yet, so that this object is gone could not be remembered; try again",
                call.kind
            );
            return Err(ApiError::host("Throttled", message));
        }
        laid.notify_one();
        answer
    }

    /// The object that a run is for. After a write of unknown outcome it comes from the server: the run would else
    /// decide on a view that is older than what its module wrote.
    ///
    /// # Errors
    /// The server's answer, where it is needed and there is none.
    pub(crate) async fn object_of(&self, run: &Run) -> Result<Option<Arc<Object>>, ApiError> {
        let (cache, name) = (&self.reader.cache, &run.request.name);
        if !cache.must_ask(&run.kind, name) {
            return Ok(cache.selected(&run.kind, &run.selection, name));
        }
        let read = cache.read_live(run.kind.clone(), name.clone());
        let answer = self.reader.read(&read).await;
        let found = answer.as_ref().map(|answer| answer.selected(&run.selection));
        let found = found.map_err(Clone::clone);
        self.reader.settle(&read, answer);
        found
    }
}

impl UnderWay<'_> {
    /// What was seen of the object before the write.
    pub(crate) fn before(&self) -> Option<&Before> {
        self.before.as_ref()
    }

    /// Lays the answer over the cache.
    pub(crate) fn answered(&mut self, answer: &Result<Reply, ApiError>) {
        self.answered = true;
        self.reader.lay(OwnWrite::answered(self.call, self.before.clone(), answer));
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if !self.answered {
            self.reader.lay(OwnWrite::unanswered(self.call, self.before.take()));
        }
    }
}

impl Reader {
    fn lay(&self, write: Option<OwnWrite>) {
        if let Some(write) = write {
            self.cache.lay(&write, self.clock.now());
            self.laid.notify_one();
        }
    }

    /// Reads live what is due, some at a time, for ever.
    async fn settle_all(&self) {
        let mut reads = FuturesUnordered::new();
        loop {
            let room = READS_MAX - reads.len();
            for read in self.cache.overdue(self.clock.now(), room) {
                reads.push(async move {
                    let answer = self.read(&read).await;
                    self.settle(&read, answer);
                });
            }
            let due = if reads.len() < READS_MAX { self.cache.due_next() } else { None };
            tokio::select! {
                Some(()) = reads.next() => {}
                () = self.laid.notified() => {}
                () = crate::drive::until(due.map(|due| self.clock.instant(due))) => {}
            }
        }
    }

    /// A list rather than a get: it carries a version even when it is empty, and whoever watches may list.
    async fn read(&self, read: &LiveRead) -> Result<LiveAnswer, ApiError> {
        let LiveRead { kind, name, .. } = read;
        let query = ListQuery {
            namespace: name.namespace.clone(),
            fields: (!name.name.is_empty()).then(|| format!("metadata.name={}", name.name)),
            limit: Some(1),
            ..ListQuery::default()
        };
        let action = Action::List { query, shape: Shape::Whole };
        match self.client.call(&Call { kind: kind.clone(), subresource: None, action }).await {
            Ok(Reply::Page(page)) => {
                let objects = page.items.iter().filter_map(|item| Object::ingest(kind, item).ok());
                let object = objects.map(Arc::new).find(|object| *name == object.name());
                Ok(LiveAnswer::Read { object, version: page.resource_version.into() })
            }
            Ok(other) => Err(ApiError::host("InternalError", format!("a list was answered with {other:?}"))),
            Err(error) if error.code == 404 => Ok(LiveAnswer::NotServed),
            Err(error) => Err(error),
        }
    }

    fn settle(&self, read: &LiveRead, answer: Result<LiveAnswer, ApiError>) {
        let answer = answer.unwrap_or(LiveAnswer::Failed);
        self.cache.settle(read, &answer, self.clock.now());
        // What was in doubt may be due again.
        self.laid.notify_one();
    }
}
