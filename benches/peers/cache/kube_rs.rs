//! kube-rs: `watcher` into a reflector's `Store<DynamicObject>`.

use futures::{Stream, StreamExt, stream::BoxStream};
use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject},
    runtime::{
        reflector::{self, Store},
        watcher::{self, Event},
    },
};
use std::{hint::black_box, sync::Arc, time::Duration};
use windlass_peers::{
    measure::{Cost, Stretch, cpu},
    server::Server,
};

type Events = BoxStream<'static, watcher::Result<Event<DynamicObject>>>;

/// One watch into one store.
pub(crate) struct KubeRs {
    runtime: tokio::runtime::Runtime,
    events: Events,
    store: Store<DynamicObject>,
}

impl KubeRs {
    /// Not yet synced.
    pub(crate) fn new(server: &Server) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime of one thread starts");
        let _inside = runtime.enter();
        let kind = ApiResource {
            group: String::new(),
            version: "v1".to_owned(),
            api_version: "v1".to_owned(),
            kind: "Pod".to_owned(),
            plural: "pods".to_owned(),
        };
        let api: Api<DynamicObject> = Api::all_with(Client::new(server.clone(), "default"), &kind);
        let writer = reflector::store::Writer::new(kind);
        let store = writer.as_reader();
        let stream = watcher::watcher(api, watcher::Config::default().page_size(500));
        let events: Events = reflector::reflector(writer, stream).boxed();
        drop(_inside);
        Self { runtime, events, store }
    }

    /// The first list, or the one after the watch has expired.
    pub(crate) fn sync(&mut self) -> Cost {
        let stretch = Stretch::begin();
        self.runtime.block_on(until(&mut self.events, 1, |event| matches!(event, Event::InitDone)));
        stretch.cost()
    }

    /// Goes on until the watch is open.
    pub(crate) fn follow(&mut self, server: &Server) {
        while !server.is_watched("pods") {
            let next = async { tokio::time::timeout(Duration::from_millis(1), self.events.next()).await };
            assert!(self.runtime.block_on(next).is_err(), "nothing comes before the watch is open");
        }
    }

    /// So many events that have been told.
    pub(crate) fn events(&mut self, count: usize) -> Duration {
        let begun = cpu();
        self.runtime.block_on(until(&mut self.events, count, |event| matches!(event, Event::Apply(_))));
        cpu() - begun
    }

    /// Every field is there in the tree.
    pub(crate) fn find_fields(&self) {}

    /// Objects with this label; the store has no index.
    pub(crate) fn by_label(&self, key: &str, value: &str) -> Vec<Arc<DynamicObject>> {
        let all = black_box(self.store.state());
        let labelled = |object: &DynamicObject| {
            object.metadata.labels.as_ref().is_some_and(|labels| labels.get(key).is_some_and(|v| v == value))
        };
        all.into_iter().filter(|object| labelled(object)).collect()
    }

    /// Objects of this owner.
    pub(crate) fn by_owner(&self, uid: &str) -> Vec<Arc<DynamicObject>> {
        let all = black_box(self.store.state());
        let owned = |object: &DynamicObject| {
            object.metadata.owner_references.iter().flatten().any(|owner| owner.uid == uid)
        };
        all.into_iter().filter(|object| owned(object)).collect()
    }
}

/// Errors are the ends of watches that the bench itself brings about.
async fn until(
    events: &mut (impl Stream<Item = watcher::Result<Event<DynamicObject>>> + Unpin),
    mut left: usize,
    counts: impl Fn(&Event<DynamicObject>) -> bool,
) {
    while left > 0 {
        let event = events.next().await.expect("a watcher never ends");
        left -= usize::from(event.is_ok_and(|event| counts(&event)));
    }
}
