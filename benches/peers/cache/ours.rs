//! Windlass: the reflector into the shared cache, as the host does it.

use std::{sync::Arc, time::Duration};
use tokio::sync::watch;
use windlass_cluster::{
    connect::Connection,
    discovery::Discovery,
    reflector::{Delta, Reflector, Running, Settings, Sink, WatchError},
};
use windlass_core::{
    cache::{Cache, Query, Question, Staging},
    description::Selection,
    field_path::FieldPath,
    input::{WatchId, WatchSpec},
    name::Kind,
    object::{FieldPlan, Object},
    selector::Selector,
};
use windlass_peers::{
    measure::{Cost, Stretch, cpu},
    server::Server,
};

const WATCH: WatchId = WatchId(1);

/// How far the sink has come.
#[derive(Clone, Copy, Default)]
struct Progress {
    lists: usize,
    events: usize,
}

struct CacheSink {
    cache: Arc<Cache>,
    staged: Staging,
    progress: watch::Sender<Progress>,
}

impl Sink for CacheSink {
    async fn begin(&mut self) {
        self.staged.clear();
    }
    async fn stage(&mut self, deltas: Vec<Delta>) {
        for delta in deltas {
            delta.stage(&mut self.staged, |object| self.cache.share(WATCH, object));
        }
    }
    async fn commit(&mut self, version: &str) {
        drop(self.cache.replace(WATCH, self.staged.take(), version));
        self.progress.send_modify(|progress| progress.lists += 1);
    }
    async fn change(&mut self, deltas: Vec<Delta>, version: &str) {
        let count = deltas.len();
        for delta in deltas {
            if let Delta::Upsert(object) = delta {
                drop(self.cache.upsert(WATCH, object));
            }
        }
        self.cache.bookmark(WATCH, version);
        self.progress.send_modify(|progress| progress.events += count);
    }
    async fn bookmark(&mut self, version: &str) {
        self.cache.bookmark(WATCH, version);
    }
    async fn failed(&mut self, error: &WatchError, _: Duration) {
        assert_eq!(error.code(), Some(410), "{error}");
    }
    async fn absent(&mut self) {
        panic!("Pods are served");
    }
}

/// One watch into one cache.
pub(crate) struct Ours {
    runtime: tokio::runtime::Runtime,
    cache: Arc<Cache>,
    progress: watch::Receiver<Progress>,
    running: Running,
}

fn pods() -> Kind {
    Kind::new("v1", "Pod")
}

impl Ours {
    /// Not yet synced.
    pub(crate) fn new(server: &Server) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime of one thread starts");
        let _inside = runtime.enter();
        let connection = Connection::in_process(server.clone());
        let settings = Settings { backoff_min: Duration::from_millis(1), ..Settings::default() };
        let reflector = Reflector::new(connection.clone(), Discovery::new(&connection), settings);
        let spec = WatchSpec {
            kind: pods(),
            selection: Selection::default(),
            metadata_only: false,
            plan: Arc::default(),
        };
        let cache = Arc::new(Cache::new());
        cache.open(WATCH, &spec);
        let (sender, progress) = watch::channel(Progress::default());
        let sink = CacheSink { cache: cache.clone(), staged: Staging::default(), progress: sender };
        let running = reflector.start(spec, sink);
        drop(_inside);
        Self { runtime, cache, progress, running }
    }

    fn wait(&mut self, until: impl FnMut(&Progress) -> bool) {
        self.runtime.block_on(self.progress.wait_for(until)).expect("the watch goes on");
    }

    /// The first list, or the one after the watch has expired.
    pub(crate) fn sync(&mut self) -> Cost {
        let before = self.progress.borrow().lists;
        let stretch = Stretch::begin();
        self.wait(|progress| progress.lists > before);
        stretch.cost()
    }

    /// Goes on until the watch is open.
    pub(crate) fn follow(&mut self, server: &Server) {
        while !server.is_watched("pods") {
            self.runtime.block_on(tokio::time::sleep(Duration::from_millis(1)));
        }
    }

    /// So many events that have been told.
    pub(crate) fn events(&mut self, count: usize) -> Duration {
        let before = self.progress.borrow().events;
        let begun = cpu();
        self.wait(|progress| progress.events >= before + count);
        cpu() - begun
    }

    /// From now on three fields and an annotation are found in each object, as relations and predicates ask for it.
    pub(crate) fn find_fields(&self) {
        let path = |text| FieldPath::parse(text).expect("a field path");
        let paths = vec![path(".spec.nodeName"), path(".spec.containers[*].image"), path(".status.phase")];
        self.running.replan(Arc::new(FieldPlan::new(paths, vec!["prometheus.io/port".into()])));
    }

    fn list(&self, query: &Query) -> Vec<Arc<Object>> {
        self.cache.list(&pods(), query).expect("every Pod is held")
    }

    /// Objects with this label.
    pub(crate) fn by_label(&self, key: &str, value: &str) -> Vec<Arc<Object>> {
        let labels = Selector::parse(&format!("{key}={value}")).expect("a label selector");
        let question = Question { labels: Some(labels), ..Question::default() };
        self.list(&Query { question, ..Query::default() })
    }

    /// Objects of this owner.
    pub(crate) fn by_owner(&self, uid: &str) -> Vec<Arc<Object>> {
        self.list(&Query { owner_uid: Some(uid.into()), ..Query::default() })
    }
}
