//! Faults on order of a seed: a layer between a client and the server that does what networks and real API servers do.
//!
//! Flow: [`Faults::new`] with a seed and a [`Profile`] → [`Faults::layer`] around [`ApiServer::service`] → requests …
//! → [`Faults::stop`], after which everything is answered as it should be → [`Faults::injected`] tells what was done.
//!
//! Guarantees: nothing is invented. What a client reads is what the server said at some time; refusals have the
//! bodies that real ones have. The events of a stream stay in order and none is left out before the stream's end.
//! A seed decides for each resource and verb by itself, so the same requests in the same order get the same faults,
//! on every machine and with every version.
//!
//! What was lost stays lost: after [`Faults::stop`] a silent stream stays silent and an answer that never comes does
//! not come. What is late comes at once.
//!
//! ```
//! use tower::{Layer, Service, ServiceExt};
//! use windlass_apiserver::{ApiServer, fault::{Fault, Faults, Profile}};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! let server = ApiServer::builder().start().await?;
//! let faults = Faults::new(42, Profile::none().with(Fault::TooManyRequests, 1000));
//! let client = faults.layer().layer(server.service());
//! let ask = || {
//!     let request = http::Request::get("/api/v1/namespaces/default/configmaps");
//!     client.clone().oneshot(request.body(http_body_util::Empty::<bytes::Bytes>::new()).unwrap())
//! };
//! assert_eq!(ask().await?.status(), 429);
//! faults.stop();
//! assert_eq!(ask().await?.status(), 200);
//! assert_eq!(faults.counts()[&Fault::TooManyRequests], 1);
//! # server.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! [`ApiServer::service`]: crate::ApiServer::service

mod body;
mod kinds;
mod plan;
mod random;
mod refuse;
mod service;
mod stale;
mod stream;
mod trace;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use self::kinds::{Fault, Profile};
pub use self::service::{Body, FaultLayer, FaultService};
pub use self::trace::Injected;

use crate::signal::Signal;

use self::plan::Asked;
use self::random::Draws;
use self::trace::Trace;

/// The faults of one seed; a handle that is cheap to clone.
#[derive(Debug, Clone)]
pub struct Faults {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    seed: u64,
    profile: Profile,
    stopped: CancellationToken,
    state: Mutex<State>,
    /// Raised when every connection breaks.
    breaks: Signal,
}

#[derive(Debug)]
struct State {
    trace: Trace,
    /// Requests so far, per subject.
    asked: BTreeMap<String, u64>,
    /// Resources whose events wait, and until when.
    held: BTreeMap<String, Instant>,
    forbidden: Vec<String>,
    down_until: Option<Instant>,
}

impl Faults {
    /// Faults by this seed and profile. Must be called in a tokio runtime: the trace counts from now.
    pub fn new(seed: u64, profile: Profile) -> Self {
        let state = State {
            trace: Trace::new(Instant::now()),
            asked: BTreeMap::new(),
            held: BTreeMap::new(),
            forbidden: Vec::new(),
            down_until: None,
        };
        let (stopped, breaks) = (CancellationToken::new(), Signal::default());
        Self { inner: Arc::new(Inner { seed, profile, stopped, state: Mutex::new(state), breaks }) }
    }

    /// The layer that injects them; all services of it share what is counted.
    pub fn layer(&self) -> FaultLayer {
        FaultLayer::new(self.clone())
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.inner.seed
    }

    /// The profile.
    pub fn profile(&self) -> &Profile {
        &self.inner.profile
    }

    /// Ends all faults but those of [`Faults::forbid`]. What is held back or late comes now.
    pub fn stop(&self) {
        let mut state = self.state();
        state.held.clear();
        state.down_until = None;
        drop(state);
        self.inner.stopped.cancel();
    }

    /// Whether [`Faults::stop`] was called.
    pub fn is_stopped(&self) -> bool {
        self.inner.stopped.is_cancelled()
    }

    /// From now on every request for this resource (`secrets`, `deployments.apps`) is answered with 403, as if the
    /// right had been taken away. Watches that run go on: the real server checks once, at the start.
    pub fn forbid(&self, resource: &str) {
        self.state().forbidden.push(resource.to_owned());
    }

    /// Undoes [`Faults::forbid`].
    pub fn permit(&self, resource: &str) {
        self.state().forbidden.retain(|one| one != resource);
    }

    /// Breaks every connection now and refuses new ones for so long, as a server that restarts.
    pub fn restart(&self, down: Duration) {
        self.state().down_until = Some(Instant::now() + down);
        self.inner.breaks.raise();
    }

    /// Holds back the events of a resource (`configmaps`, `deployments.apps`) on every watch for so long.
    pub fn hold_back(&self, resource: &str, time: Duration) {
        self.hold(resource, Instant::now() + time);
    }

    /// How long ago the faults began; what [`Injected::at`] counts from.
    pub fn elapsed(&self) -> Duration {
        self.state().trace.elapsed()
    }

    /// What was injected, in order: the first 10,000.
    pub fn injected(&self) -> Vec<Injected> {
        self.state().trace.injected().to_vec()
    }

    /// How often each fault was injected.
    pub fn counts(&self) -> BTreeMap<Fault, u64> {
        self.state().trace.counts().clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The draws for the next request of its kind.
    fn draws(&self, asked: &Asked) -> Draws {
        let mut state = self.state();
        let nth = state.asked.entry(asked.subject.clone()).or_default();
        *nth += 1;
        Draws::of(self.inner.seed, &asked.subject, *nth)
    }

    /// Whether this fault is to be injected now; takes one draw, and notes it if so.
    fn strikes(&self, draws: &mut Draws, fault: Fault, asked: &Asked) -> bool {
        let struck = draws.happens(self.inner.profile.rate(fault)) && !self.is_stopped();
        if struck {
            self.note(fault, asked);
        }
        struck
    }

    fn note(&self, fault: Fault, asked: &Asked) {
        self.state().trace.note(Instant::now(), fault, &asked.subject);
    }

    fn forbids(&self, asked: &Asked) -> bool {
        self.state().forbidden.contains(&asked.resource)
    }

    /// Whether nobody can connect just now.
    fn is_down(&self) -> bool {
        self.state().down_until.is_some_and(|until| until > Instant::now())
    }

    /// Holds back the events of a resource until then, if they are not held longer already.
    fn hold(&self, resource: &str, until: Instant) {
        let mut state = self.state();
        let held = state.held.entry(resource.to_owned()).or_insert(until);
        *held = until.max(*held);
    }

    /// Until when the events of a resource wait.
    fn held_until(&self, resource: &str) -> Option<Instant> {
        self.state().held.get(resource).copied().filter(|until| *until > Instant::now())
    }

    /// Waits so long, or until all faults end.
    async fn delay(&self, until: Instant) {
        tokio::select! {
            biased;
            () = self.inner.stopped.cancelled() => {}
            () = tokio::time::sleep_until(until) => {}
        }
    }
}
