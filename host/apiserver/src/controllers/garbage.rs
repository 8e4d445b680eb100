//! `garbage-collector-controller`: deletes what has lost all its owners, and carries out foreground and orphan deletion.
//!
//! Owners count by uid: an object made anew under an old name owns nothing of the old one's.
//!
//! Flow: every change of any resource updates a graph of who owns whom; what a change can have set free goes into a
//! queue; each entry is looked at anew in the store before anything is done.

mod graph;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use self::graph::{Graph, Node};
use super::{Client, Controller};
use crate::object;
use crate::query::ListOptions;
use crate::registry::{DeleteOptions, Event, EventKind, Place, Watch};
use crate::status::ApiError;
use crate::strategy::Propagation;

pub(super) const CONTROLLER: Controller = Controller { name: "garbage-collector-controller", run };

const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";
/// How soon a resource that a new definition added is followed.
const RESCAN: Duration = Duration::from_millis(200);

fn run(client: Client, stopping: CancellationToken) -> BoxFuture<'static, ()> {
    async move {
        let mut collector = Collector::new(client.named(CONTROLLER.name));
        collector.run(&stopping).await;
    }
    .boxed()
}

struct Collector {
    client: Client,
    graph: Graph,
    /// Resources that are followed, by place in the store.
    followed: BTreeSet<String>,
    queue: VecDeque<Node>,
}

type Followed = (String, Watch, Result<Vec<Event>, ApiError>);

impl Collector {
    fn new(client: Client) -> Self {
        Self { client, graph: Graph::default(), followed: BTreeSet::new(), queue: VecDeque::new() }
    }

    async fn run(&mut self, stopping: &CancellationToken) {
        let mut watches: FuturesUnordered<BoxFuture<'static, Followed>> = FuturesUnordered::new();
        let mut rescan = tokio::time::interval(RESCAN);
        loop {
            tokio::select! {
                biased;
                () = stopping.cancelled() => return,
                _ = rescan.tick() => self.follow_new(&watches),
                Some((resource, watch, events)) = watches.next() => match events {
                    Ok(events) => {
                        self.note(&resource, &events);
                        watches.push(next(resource, watch));
                    }
                    // Too slow, or the resource has gone: it is listed anew at the next scan.
                    Err(_) => drop(self.followed.remove(&resource)),
                },
            }
            self.work().await;
        }
    }

    fn follow_new(&mut self, watches: &FuturesUnordered<BoxFuture<'static, Followed>>) {
        let resources = self.client.registry().resources();
        for resource in resources.stored().filter(|resource| resource.definition.offers("watch")) {
            if self.followed.contains(&*resource.store_name) {
                continue;
            }
            let place = Place::new(resource, "", "");
            let Ok(mut watch) = self.client.watch(&place, &ListOptions::default()) else { continue };
            let name = resource.store_name.to_string();
            let events = watch.take_initial().unwrap_or_default();
            let held = events.iter().map(|event| (*event.object.uid).to_owned()).collect();
            // Deletions that happened while nobody looked.
            let gone = self.graph.forget_others(&name, &held);
            self.queue.extend(gone);
            self.note(&name, &events);
            self.followed.insert(name.clone());
            watches.push(next(name, watch));
        }
    }

    fn note(&mut self, resource: &str, events: &[Event]) {
        for event in events {
            let object = event.object.value();
            let node = Node {
                resource: resource.to_owned(),
                namespace: object::namespace(&object).to_owned(),
                name: object::name(&object).to_owned(),
                uid: object::uid(&object).to_owned(),
            };
            if event.kind == EventKind::Deleted {
                self.queue.extend(self.graph.remove(&node.uid));
                continue;
            }
            let owners = owner_uids(&object);
            let waits = object::deletion_timestamp(&object).is_some();
            let relevant = !owners.is_empty() || waits;
            self.graph.insert(node.clone(), owners);
            if relevant {
                self.queue.push_back(node);
            }
        }
    }

    /// Works the queue off. What fails for a passing reason comes back with the change that was in the way.
    async fn work(&mut self) {
        while let Some(node) = self.queue.pop_front() {
            if let Err(error) = self.attend(&node).await
                && error.code() != 404
                && error.code() != 409
            {
                tracing::warn!(%error, ?node, "an object cannot be collected");
            }
        }
    }

    async fn attend(&mut self, node: &Node) -> Result<(), ApiError> {
        let Some(place) = self.place(node) else { return Ok(()) };
        let Ok(held) = self.client.get(&place) else { return Ok(()) };
        if object::uid(&held) != node.uid {
            return Ok(());
        }
        if object::deletion_timestamp(&held).is_some() {
            if object::has_finalizer(&held, ORPHAN) {
                return self.orphan(&place, &held).await;
            }
            if object::has_finalizer(&held, FOREGROUND) {
                return self.foreground(&place, &held).await;
            }
            return Ok(());
        }
        self.collect(&place, &held).await
    }

    fn place(&self, node: &Node) -> Option<Place> {
        let resources = self.client.registry().resources();
        let resource = resources.stored().find(|resource| *resource.store_name == *node.resource)?;
        Some(Place::new(resource, &node.namespace, &node.name))
    }

    /// Deletes an object if none of its owners is left; takes dead owners out of its references otherwise.
    async fn collect(&mut self, place: &Place, held: &Value) -> Result<(), ApiError> {
        let owners = object::owner_references(held);
        if owners.is_empty() {
            return Ok(());
        }
        let states: Vec<Owner> = owners.iter().map(|owner| self.owner(place, owner)).collect();
        let solid = states.contains(&Owner::Solid);
        let ending = states.contains(&Owner::EndsInForeground);
        if solid {
            let kept: Vec<Value> = owners
                .iter()
                .zip(&states)
                .filter(|(_, state)| **state == Owner::Solid)
                .map(|(owner, _)| owner.clone())
                .collect();
            return if kept.len() == owners.len() {
                Ok(())
            } else {
                self.set_owners(place, held, kept).await
            };
        }
        let unfinished = ending && self.graph.has_dependents(object::uid(held));
        let propagation = if unfinished {
            Some(Propagation::Foreground)
        } else if object::has_finalizer(held, ORPHAN) {
            Some(Propagation::Orphan)
        } else {
            Some(Propagation::Background)
        };
        let uid = Some(object::uid(held).to_owned());
        let options = DeleteOptions { propagation, uid, ..DeleteOptions::default() };
        self.client.delete(place, &options).await.map(drop)
    }

    /// The state of one owner.
    fn owner(&self, dependent: &Place, owner: &Value) -> Owner {
        let uid = owner.get("uid").and_then(Value::as_str).unwrap_or_default();
        let (api_version, kind) = crate::catalog::reference_kind(owner);
        let resources = self.client.registry().resources();
        let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
        let resource = resources.iter().find(|resource| {
            resource.definition.kind == kind
                && resource.definition.group == group
                && resource.definition.offers("get")
        });
        // A kind that nothing serves may come back; only what is known to be absent counts as absent.
        let Some(resource) = resource else { return Owner::Solid };
        let name = owner.get("name").and_then(Value::as_str).unwrap_or_default();
        let namespace = if resource.definition.namespaced { &*dependent.namespace } else { "" };
        match self.client.get(&Place::new(resource, namespace, name)) {
            Ok(held) if object::uid(&held) == uid => {
                let ends =
                    object::deletion_timestamp(&held).is_some() && object::has_finalizer(&held, FOREGROUND);
                if ends { Owner::EndsInForeground } else { Owner::Solid }
            }
            Ok(_) => Owner::Absent,
            Err(error) if error.code() == 404 => Owner::Absent,
            Err(_) => Owner::Solid,
        }
    }

    /// Takes the owner out of its dependents, then lets it go.
    async fn orphan(&mut self, place: &Place, held: &Value) -> Result<(), ApiError> {
        let uid = object::uid(held);
        for dependent in self.graph.dependents(uid) {
            let Some(place) = self.place(&dependent) else { continue };
            let Ok(object) = self.client.get(&place) else { continue };
            let kept: Vec<Value> = object::owner_references(&object)
                .iter()
                .filter(|owner| owner["uid"] != uid)
                .cloned()
                .collect();
            if kept.len() < object::owner_references(&object).len() {
                self.set_owners(&place, &object, kept).await?;
            }
        }
        self.free(place, held, ORPHAN).await
    }

    /// Deletes dependents; the owner goes when none is left that blocks it.
    async fn foreground(&mut self, place: &Place, held: &Value) -> Result<(), ApiError> {
        let uid = object::uid(held);
        let mut blocked = false;
        for dependent in self.graph.dependents(uid) {
            let Some(place) = self.place(&dependent) else { continue };
            let Ok(object) = self.client.get(&place) else { continue };
            if object::uid(&object) != dependent.uid {
                continue;
            }
            let mut owners = object::owner_references(&object).iter().filter(|owner| owner["uid"] == uid);
            blocked |= owners.any(|owner| owner.get("blockOwnerDeletion") == Some(&Value::Bool(true)));
            if object::deletion_timestamp(&object).is_none() {
                self.collect(&place, &object).await?;
            }
        }
        let left: BTreeMap<_, _> = self
            .graph
            .dependents(uid)
            .into_iter()
            .filter(|node| self.place(node).is_some_and(|place| self.client.get(&place).is_ok()))
            .map(|node| (node.uid.clone(), node))
            .collect();
        if blocked && !left.is_empty() {
            return Ok(());
        }
        self.free(place, held, FOREGROUND).await
    }

    async fn set_owners(&self, place: &Place, held: &Value, owners: Vec<Value>) -> Result<(), ApiError> {
        let mut object = held.clone();
        let meta = object::metadata_mut(&mut object);
        if owners.is_empty() {
            meta.remove("ownerReferences");
        } else {
            meta.insert("ownerReferences".into(), Value::Array(owners));
        }
        self.client.update(place, object).await.map(drop)
    }

    async fn free(&self, place: &Place, held: &Value, finalizer: &str) -> Result<(), ApiError> {
        let mut object = held.clone();
        object::remove_finalizer(&mut object, finalizer);
        self.client.update(place, object).await.map(drop)
    }
}

/// What an owner is to its dependent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// There.
    Solid,
    /// Not there, or another object under its name.
    Absent,
    /// There, but only until its dependents are gone.
    EndsInForeground,
}

fn owner_uids(object: &Value) -> Vec<String> {
    let owners = object::owner_references(object).iter();
    owners.filter_map(|owner| owner.get("uid")?.as_str()).map(str::to_owned).collect()
}

fn next(resource: String, mut watch: Watch) -> BoxFuture<'static, Followed> {
    async move {
        let events = watch.next().await;
        (resource, watch, events)
    }
    .boxed()
}
