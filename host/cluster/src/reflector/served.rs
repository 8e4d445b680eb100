//! Discovery follows CustomResourceDefinitions and APIServices by watching their metadata (M5), so that a kind that
//! comes, goes or changes is known within moments, and absent kinds need hardly be asked for.
//!
//! Where the host's account may not watch them, or one of them is not served, that is no failure: kinds are then looked
//! for at the pace of [`super::Settings::absent_poll`].

use super::{Delta, Reflector, Running, Sink, WatchError};
use crate::discovery::Discovery;
use std::{sync::Arc, time::Duration};
use tokio::{sync::Notify, task::JoinHandle};
use windlass_core::{description::Selection, input::WatchSpec, name::Kind};

/// What the server serves follows a definition with some delay; so long after a change it is asked once more.
const LAG: Duration = Duration::from_secs(2);

/// Follows until it is dropped.
#[derive(Debug)]
pub struct Following {
    _watches: [Running; 2],
    hints: JoinHandle<()>,
}

impl Drop for Following {
    fn drop(&mut self) {
        self.hints.abort();
    }
}

impl Reflector {
    /// Invalidates this reflector's discovery whenever a definition or an API service changes.
    #[must_use]
    pub fn follow_served(&self) -> Following {
        let changed = Arc::new(Notify::new());
        let hints = tokio::spawn(hint(self.discovery.clone(), changed.clone()));
        let kinds = [
            Kind::new("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
            Kind::new("apiregistration.k8s.io/v1", "APIService"),
        ];
        let mut at = 0;
        let watches = kinds.map(|kind| {
            let sink =
                Hints { discovery: self.discovery.clone(), changed: changed.clone(), at, followed: false };
            at += 1;
            let selection = Selection::default();
            self.start(WatchSpec { kind, selection, metadata_only: true, plan: Arc::default() }, sink)
        });
        Following { _watches: watches, hints }
    }
}

async fn hint(discovery: Arc<Discovery>, changed: Arc<Notify>) {
    loop {
        changed.notified().await;
        discovery.invalidate();
        while tokio::time::timeout(LAG, changed.notified()).await.is_ok() {
            discovery.invalidate();
        }
        discovery.invalidate();
    }
}

struct Hints {
    discovery: Arc<Discovery>,
    changed: Arc<Notify>,
    /// Which of the two.
    at: usize,
    /// It is followed just now.
    followed: bool,
}

impl Hints {
    fn follow(&mut self, followed: bool) {
        if self.followed != followed {
            self.followed = followed;
            self.discovery.followed(self.at, followed);
        }
    }
}

impl Sink for Hints {
    async fn begin(&mut self) {}

    async fn stage(&mut self, _: Vec<Delta>) {}

    async fn commit(&mut self, _: &str) {
        self.follow(true);
        self.changed.notify_one();
    }

    async fn change(&mut self, _: Vec<Delta>, _: &str) {
        // It was resumed.
        self.follow(true);
        self.changed.notify_one();
    }

    async fn bookmark(&mut self, _: &str) {
        self.follow(true);
    }

    async fn failed(&mut self, error: &WatchError, _: Duration) {
        // A watch that breaks is soon resumed; one that cannot be had leaves its kinds to be looked for.
        self.follow(false);
        tracing::debug!(%error, "what the server serves cannot be followed; absent kinds are looked for now and then");
    }

    async fn absent(&mut self) {
        // What is not there does not change: the embedded server has no API services.
        self.follow(true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::Script;

    #[tokio::test]
    async fn m5_definitions_are_followed_again_as_soon_as_a_watch_that_failed_goes_on() {
        let discovery = Discovery::new(&Script::default().connection());
        let mut sinks = [0, 1].map(|at| Hints {
            discovery: discovery.clone(),
            changed: Arc::default(),
            at,
            followed: false,
        });
        for sink in &mut sinks {
            sink.commit("7").await;
        }
        assert!(discovery.is_followed());
        sinks[1].failed(&WatchError::VeryShort, Duration::ZERO).await;
        assert!(!discovery.is_followed());
        sinks[0].bookmark("8").await;
        assert!(!discovery.is_followed(), "the other one is still down");
        sinks[1].bookmark("8").await;
        assert!(discovery.is_followed());
        sinks[0].failed(&WatchError::VeryShort, Duration::ZERO).await;
        assert!(!discovery.is_followed());
        sinks[0].change(Vec::new(), "9").await;
        assert!(discovery.is_followed());
    }
}
