//! The requests, the same for each server, and what they cost it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::client::{CONNECTIONS, Failure, Pool};
use crate::process::Side;

const JSON: &str = "application/json";
/// Requests under way on each connection.
const DEPTH: usize = 4;
/// Objects of a listed page.
const PAGE: usize = 500;

/// How much is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    pub(crate) requests: usize,
    pub(crate) objects: usize,
    pub(crate) listed: usize,
    pub(crate) watches: usize,
    pub(crate) writes: usize,
}

impl Default for Sizes {
    /// Those of the table in benches/README.md.
    fn default() -> Self {
        Self { requests: 5000, objects: 10_000, listed: 100_000, watches: 100, writes: 200 }
    }
}

/// What one server came to. Rates are per second of its processor time.
#[derive(Debug, Default, Clone)]
pub(crate) struct Figures {
    pub(crate) ready: Duration,
    pub(crate) start_cpu_seconds: f64,
    pub(crate) empty_bytes: u64,
    pub(crate) creates: f64,
    pub(crate) patches: f64,
    pub(crate) applies: f64,
    pub(crate) gets: f64,
    pub(crate) lists: f64,
    pub(crate) full_bytes: u64,
    pub(crate) seen_p50: Duration,
    pub(crate) seen_p99: Duration,
    pub(crate) list_bytes: u64,
    pub(crate) list_time: Duration,
    pub(crate) list_cpu_seconds: f64,
    /// Resident at the peak of the list, above what was before it.
    pub(crate) list_rise_bytes: u64,
}

/// All figures of one server.
pub(crate) async fn run(side: &Side, sizes: &Sizes) -> Result<Figures, Failure> {
    let mut figures = Figures {
        ready: side.ready,
        start_cpu_seconds: side.cpu_seconds()?,
        empty_bytes: side.resident_bytes()?,
        ..Figures::default()
    };
    let pool = &side.pool;
    for namespace in ["rates", "full", "watched", "listed"] {
        let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
        pool.send(0, ("POST", "/api/v1/namespaces", JSON), body.to_string().into()).await?;
    }
    rates(side, sizes.requests, &mut figures).await?;
    watches(pool, sizes, &mut figures).await?;
    many(pool, sizes.objects, |number| create("full", number, 4096 - 300)).await?;
    settle().await;
    figures.full_bytes = side.resident_bytes()?;
    long_list(side, sizes.listed, &mut figures).await?;
    Ok(figures)
}

/// One request: method, path, content type, body.
type Request = (&'static str, String, &'static str, Bytes);

fn maps(namespace: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/configmaps")
}

fn create(namespace: &str, number: usize, bytes: usize) -> Request {
    let text = "x".repeat(bytes);
    let body = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": format!("object-{number}"), "labels": {"number": number.to_string()}},
        "data": {"text": text, "count": "0"}});
    ("POST", maps(namespace), JSON, body.to_string().into())
}

fn one(namespace: &str, number: usize) -> String {
    format!("{}/object-{number}", maps(namespace))
}

fn patch(namespace: &str, number: usize, count: usize) -> Request {
    let body = json!({"data": {"count": count.to_string()}});
    ("PATCH", one(namespace, number), "application/merge-patch+json", body.to_string().into())
}

fn apply(number: usize) -> Request {
    let body = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": format!("object-{number}")},
        "data": {"applied": number.to_string(), "more": "text"}});
    let path = format!("{}?fieldManager=figures&force=true", one("rates", number));
    ("PATCH", path, "application/apply-patch+yaml", body.to_string().into())
}

async fn rates(side: &Side, requests: usize, figures: &mut Figures) -> Result<(), Failure> {
    let pool = &side.pool;
    // What a first request costs once (schemas, caches) is no rate.
    many(pool, 50, move |number| create("rates", requests + number, 600)).await?;
    many(pool, 50, move |number| patch("rates", requests + number, 1)).await?;
    many(pool, 50, move |number| apply(requests + number)).await?;
    figures.creates = rate(side, requests, |number| create("rates", number, 600)).await?;
    figures.patches = rate(side, requests, |number| patch("rates", number, 1)).await?;
    figures.applies = rate(side, requests, apply).await?;
    let get = |number| ("GET", one("rates", number), JSON, Bytes::new());
    figures.gets = rate(side, requests * 2, move |number| get(number % requests)).await?;
    let page = move |_| ("GET", format!("{}?limit={PAGE}", maps("rates")), JSON, Bytes::new());
    figures.lists = rate(side, (requests / 20).max(20), page).await?;
    Ok(())
}

/// Requests per second of the server's processor time.
async fn rate(
    side: &Side,
    count: usize,
    make: impl Fn(usize) -> Request + Send + Sync + 'static,
) -> Result<f64, Failure> {
    let before = side.cpu_seconds()?;
    many(&side.pool, count, make).await?;
    let taken = side.cpu_seconds()? - before;
    // A tick is the least that the kernel tells.
    Ok(count as f64 / taken.max(0.01))
}

/// Sends many requests, some at once on each connection.
async fn many(
    pool: &Pool,
    count: usize,
    make: impl Fn(usize) -> Request + Send + Sync + 'static,
) -> Result<(), Failure> {
    let make = Arc::new(make);
    let lanes = CONNECTIONS * DEPTH;
    let mut running = Vec::new();
    for lane in 0..lanes {
        let (pool, make) = (pool.clone(), Arc::clone(&make));
        running.push(tokio::spawn(async move {
            for number in (lane..count).step_by(lanes) {
                let (method, path, content_type, body) = make(number);
                pool.send(lane, (method, &path, content_type), body).await?;
            }
            Ok::<_, Failure>(())
        }));
    }
    for lane in running {
        lane.await??;
    }
    Ok(())
}

/// How long a write takes to be seen on every watch: from before it is sent to the moment its event has been read.
async fn watches(pool: &Pool, sizes: &Sizes, figures: &mut Figures) -> Result<(), Failure> {
    let (method, path, content_type, body) = create("watched", 0, 600);
    pool.send(0, (method, &path, content_type), body).await?;
    let list = pool.json(&maps("watched")).await?;
    let version = list["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned();
    let (sender, mut seen) = mpsc::unbounded_channel();
    let path = format!("{}?watch=true&resourceVersion={version}", maps("watched"));
    let mut following = Vec::new();
    for number in 0..sizes.watches {
        // Watches have connections of their own, as client-go's do not either share with a stalled one.
        let body = pool.open(number, ("GET", &path, JSON), Bytes::new()).await?;
        following.push(tokio::spawn(follow(body, sender.clone())));
    }
    let mut taken = Vec::new();
    for write in 1..=sizes.writes {
        let (method, path, content_type, body) = patch("watched", 0, write);
        let begun = Instant::now();
        pool.send(write, (method, &path, content_type), body).await?;
        for _ in 0..sizes.watches {
            let at: Instant =
                tokio::time::timeout(Duration::from_secs(30), seen.recv()).await?.ok_or("a watch ended")?;
            taken.push(at.duration_since(begun));
        }
    }
    following.iter().for_each(tokio::task::JoinHandle::abort);
    taken.sort_unstable();
    let at = |share: usize| taken.get(taken.len() * share / 100).copied().unwrap_or_default();
    (figures.seen_p50, figures.seen_p99) = (at(50), at(99));
    Ok(())
}

/// Tells the moment of each event.
async fn follow(mut body: hyper::body::Incoming, seen: mpsc::UnboundedSender<Instant>) {
    while let Some(Ok(frame)) = body.frame().await {
        let now = Instant::now();
        let lines = frame.data_ref().map_or(0, |data| data.iter().filter(|byte| **byte == b'\n').count());
        for _ in 0..lines {
            if seen.send(now).is_err() {
                return;
            }
        }
    }
}

async fn long_list(side: &Side, listed: usize, figures: &mut Figures) -> Result<(), Failure> {
    many(&side.pool, listed, |number| create("listed", number, 300)).await?;
    settle().await;
    let (before, cpu) = (side.resident_bytes()?, side.cpu_seconds()?);
    side.forget_peak()?;
    let begun = Instant::now();
    let path = maps("listed");
    figures.list_bytes = side.pool.send(0, ("GET", &path, JSON), Bytes::new()).await?;
    figures.list_time = begun.elapsed();
    figures.list_cpu_seconds = side.cpu_seconds()? - cpu;
    figures.list_rise_bytes = side.peak_bytes()?.saturating_sub(before);
    let page: Value = side.pool.json(&format!("{path}?limit=1")).await?;
    let left = page["metadata"]["remainingItemCount"].as_u64().unwrap_or_default();
    if left + 1 < listed as u64 {
        return Err(format!("only {} of {listed} objects are there", left + 1).into());
    }
    Ok(())
}

/// Lets a collector run and caches be trimmed.
async fn settle() {
    tokio::time::sleep(Duration::from_secs(3)).await;
}
