//! The election itself: look, take, renew, lose, release.

use super::{Leadership, Settings, record::Record};
use crate::{
    client::{Wire, api_error},
    clock::micro_time,
    transport::Transport,
};
use bytes::Bytes;
use http::Method;
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;

const ANSWER_LEN_MAX: usize = 1 << 20;

pub(super) struct Elect {
    transport: Transport,
    identity: Arc<str>,
    settings: Settings,
    told: watch::Sender<Leadership>,
    /// The Lease as last read or written.
    observed: Option<Value>,
    record: Record,
    /// When the record was last seen to change, on our clock (L2).
    changed: Instant,
    random: fastrand::Rng,
}

/// Why an attempt brought nothing.
enum Miss {
    /// Another host holds it.
    Held,
    /// The server said no, or nothing.
    Failed(String),
    /// Somebody else wrote first (L3).
    Conflict,
}

impl Elect {
    pub(super) fn new(
        transport: Transport,
        identity: &str,
        settings: Settings,
        told: watch::Sender<Leadership>,
    ) -> Self {
        Self {
            transport,
            identity: identity.into(),
            settings,
            told,
            observed: None,
            record: Record::default(),
            changed: Instant::now(),
            random: fastrand::Rng::new(),
        }
    }

    pub(super) async fn run(mut self, cancel: CancellationToken) {
        loop {
            tokio::select! {
                biased;
                () = cancel.cancelled() => break,
                () = self.hold_and_lose() => {}
            }
        }
        self.release().await;
    }

    /// Waits for the Lease, holds it as long as it can, and loses it.
    async fn hold_and_lose(&mut self) {
        let mut renewed = self.acquire().await;
        self.told.send_modify(|leadership| leadership.term += 1);
        loop {
            self.tell_leading(renewed);
            tokio::time::sleep(self.settings.retry_period).await;
            match self.renew(renewed + self.settings.renew_deadline).await {
                Some(at) => renewed = at,
                None => break,
            }
        }
        // Bound first: the guard of `borrow` must be gone before anything is told.
        let trouble = self.told.borrow().trouble.clone();
        self.tell_waiting(trouble);
    }

    /// Until the Lease is ours. When the attempt that took it began.
    async fn acquire(&mut self) -> Instant {
        loop {
            let began = Instant::now();
            match self.attempt().await {
                Ok(()) => return began,
                Err(Miss::Failed(why)) => self.tell_waiting(Some(why.into())),
                Err(Miss::Held | Miss::Conflict) => self.tell_waiting(None),
            }
            // L1: jitter, so that hosts do not ask in step.
            let jitter = 1.0 + 1.2 * self.random.f64();
            tokio::time::sleep(self.settings.retry_period.mul_f64(jitter)).await;
        }
    }

    /// Tries to renew until the deadline (L5). When the attempt that renewed began; none: the Lease is lost.
    async fn renew(&mut self, deadline: Instant) -> Option<Instant> {
        loop {
            let began = Instant::now();
            let attempt = tokio::time::timeout_at(deadline, self.attempt()).await;
            match attempt {
                Ok(Ok(())) if Instant::now() < deadline => return Some(began),
                Ok(Ok(())) | Err(_) => {
                    self.trouble("the lease could not be renewed in time".to_owned());
                    return None;
                }
                Ok(Err(Miss::Held)) => {
                    self.trouble(format!("{} took the lease", self.record.holder));
                    return None;
                }
                Ok(Err(Miss::Failed(why))) => self.trouble(why),
                Ok(Err(Miss::Conflict)) => {}
            }
            tokio::time::sleep_until(deadline.min(Instant::now() + self.settings.retry_period)).await;
        }
    }

    /// One attempt to take or renew the Lease (L3).
    async fn attempt(&mut self) -> Result<(), Miss> {
        if self.record.holder == *self.identity
            && let Some(observed) = self.observed.clone()
        {
            // The fast path of a leader: no GET. If somebody else wrote, look first.
            let record = self.record.taken(&self.identity, self.settings.lease_duration, &micro_time());
            if self.write(Method::PUT, &record.onto(&observed)).await.is_ok() {
                return Ok(());
            }
        }
        let Some(lease) = self.read().await? else {
            let record = Record::default().taken(&self.identity, self.settings.lease_duration, &micro_time());
            let record = Record { transitions: 0, ..record };
            let lease = record.created(&self.settings.namespace, &self.settings.name);
            return self.write(Method::POST, &lease).await;
        };
        self.observe(lease.clone());
        let free = self.record.holder.is_empty() || self.record.holder == *self.identity;
        if !free && self.changed + self.record.valid_for() > Instant::now() {
            return Err(Miss::Held);
        }
        let record = self.record.taken(&self.identity, self.settings.lease_duration, &micro_time());
        self.write(Method::PUT, &record.onto(&lease)).await
    }

    /// L2: only a change of the record, seen by us, starts its time anew.
    fn observe(&mut self, lease: Value) {
        let record = Record::of(&lease);
        if record != self.record || self.observed.is_none() {
            self.changed = Instant::now();
            self.record = record;
        }
        self.observed = Some(lease);
    }

    /// L6: bounded, and only while we are the holder.
    async fn release(&mut self) {
        let deadline = Instant::now() + self.settings.renew_deadline;
        let led = self.told.borrow().leading;
        self.tell_waiting(None);
        while led && Instant::now() < deadline {
            match tokio::time::timeout_at(deadline, self.release_once()).await {
                Ok(Err(Miss::Conflict)) => {}
                Ok(Err(Miss::Failed(why))) => {
                    tracing::warn!(why, "the lease could not be released yet");
                    tokio::time::sleep(self.settings.retry_period).await;
                }
                Ok(Ok(()) | Err(Miss::Held)) | Err(_) => return,
            }
        }
    }

    async fn release_once(&mut self) -> Result<(), Miss> {
        let Some(lease) = self.read().await? else { return Ok(()) };
        let record = Record::of(&lease);
        if record.holder != *self.identity {
            return Err(Miss::Held);
        }
        self.write(Method::PUT, &record.released(&micro_time()).onto(&lease)).await
    }

    async fn read(&self) -> Result<Option<Value>, Miss> {
        let (status, body) = self.exchange(Method::GET, Bytes::new()).await?;
        match status {
            404 => Ok(None),
            _ => serde_json::from_slice(&body).map(Some).map_err(|error| Miss::Failed(error.to_string())),
        }
    }

    async fn write(&mut self, method: Method, lease: &Value) -> Result<(), Miss> {
        let creates = method == Method::POST;
        let (status, body) = self.exchange(method, Bytes::from(lease.to_string())).await?;
        if status == 404 {
            let (namespace, name) = (&self.settings.namespace, &self.settings.name);
            let what = if creates {
                format!("there is no namespace {namespace} for it")
            } else {
                format!("{namespace}/{name} is gone")
            };
            return Err(Miss::Failed(what));
        }
        let written = serde_json::from_slice(&body).map_err(|error| Miss::Failed(error.to_string()))?;
        self.observe(written);
        Ok(())
    }

    /// One exchange; 404 is an answer, 409 a conflict, the rest failures.
    async fn exchange(&self, method: Method, body: Bytes) -> Result<(u16, Bytes), Miss> {
        let mut path = format!("/apis/coordination.k8s.io/v1/namespaces/{}/leases", self.settings.namespace);
        if method != Method::POST {
            path.push('/');
            path.push_str(&self.settings.name);
        }
        let content_type = (method != Method::GET).then_some("application/json");
        let wire = Wire { method, path, accept: "application/json", content_type, body };
        let request = wire.request().map_err(|error| Miss::Failed(error.to_string()))?;
        // L8: its own timeout.
        let timeout = (self.settings.renew_deadline / 2).max(Duration::from_secs(1));
        let answer = self.transport.exchange(request, timeout, ANSWER_LEN_MAX).await;
        let answer = answer.map_err(|error| Miss::Failed(error.to_string()))?;
        match answer.status().as_u16() {
            404 => Ok((404, Bytes::new())),
            409 => Err(Miss::Conflict),
            code if answer.status().is_success() => Ok((code, answer.into_body())),
            _ => Err(Miss::Failed(api_error(answer.status(), answer.headers(), answer.body()).to_string())),
        }
    }

    /// L7: the fence stands from the start of the renewal that worked.
    fn tell_leading(&self, renewed: Instant) {
        self.told.send_modify(|leadership| {
            leadership.leading = true;
            leadership.holder = Some(self.identity.clone());
            leadership.fence_until = Some(renewed + self.settings.renew_deadline);
            leadership.trouble = None;
        });
    }

    fn tell_waiting(&self, trouble: Option<Arc<str>>) {
        let live = !self.record.holder.is_empty() && self.record.holder != *self.identity;
        let holder = live.then(|| Arc::from(self.record.holder.as_str()));
        let term = self.told.borrow().term;
        let now = Leadership { leading: false, holder, fence_until: None, term, trouble };
        self.told.send_if_modified(|told| {
            let changed = *told != now;
            *told = now;
            changed
        });
    }

    fn trouble(&self, why: String) {
        tracing::warn!(why, "the lease was not renewed");
        self.told.send_modify(|leadership| leadership.trouble = Some(why.into()));
    }
}
