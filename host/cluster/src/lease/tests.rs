//! The election against a small Lease server in virtual time.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use super::*;
use crate::{script::status, transport::RequestBody};
use futures::future::BoxFuture;
use http::{Request, Response};
use http_body_util::BodyExt;
use serde_json::Value;
use std::{
    convert::Infallible,
    sync::Mutex,
    task::{Context, Poll},
};
use tower::Service;

/// One Lease with optimistic locking, and a switch.
#[derive(Clone, Default)]
struct Server(Arc<Mutex<Held>>);

#[derive(Default)]
struct Held {
    lease: Option<Value>,
    version: u64,
    down: bool,
    lines: Vec<String>,
}

impl Server {
    fn down(&self, down: bool) {
        self.0.lock().unwrap().down = down;
    }

    fn lease(&self) -> Value {
        self.0.lock().unwrap().lease.clone().unwrap()
    }

    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().lines.clone()
    }

    fn answer(&self, method: &str, body: &[u8]) -> (u16, String) {
        let mut held = self.0.lock().unwrap();
        held.lines.push(method.to_owned());
        let sent: Option<Value> = serde_json::from_slice(body).ok();
        let same = |lease: &Value, sent: &Value| {
            lease["metadata"]["resourceVersion"] == sent["metadata"]["resourceVersion"]
        };
        match (method, held.lease.clone(), sent) {
            ("GET", None, _) | ("PUT", None, _) => (404, status(404, "NotFound", "")),
            ("GET", Some(lease), _) => (200, lease.to_string()),
            ("POST", Some(_), _) => (409, status(409, "AlreadyExists", "")),
            ("PUT", Some(lease), Some(sent)) if !same(&lease, &sent) => (409, status(409, "Conflict", "")),
            (_, _, Some(mut sent)) => {
                held.version += 1;
                sent["metadata"]["resourceVersion"] = held.version.to_string().into();
                held.lease = Some(sent.clone());
                (200, sent.to_string())
            }
            _ => (400, status(400, "BadRequest", "")),
        }
    }
}

impl Service<Request<RequestBody>> for Server {
    type Response = Response<RequestBody>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<RequestBody>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        let server = self.clone();
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            if server.0.lock().unwrap().down {
                std::future::pending::<()>().await;
            }
            let (code, body) = server.answer(head.method.as_str(), &body);
            Ok(Response::builder().status(code).body(RequestBody::from(body)).unwrap())
        })
    }
}

fn host(server: &Server, identity: &str) -> Lease {
    let connection = Connection::in_process(server.clone());
    Lease::run(&connection, identity, Settings::default()).unwrap()
}

async fn seconds(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

fn leads(lease: &Lease) -> bool {
    let leadership = lease.leadership();
    leadership.borrow().may_write(Instant::now())
}

fn holder(lease: &Lease) -> Option<String> {
    lease.leadership().borrow().holder.as_deref().map(str::to_owned)
}

#[tokio::test(start_paused = true)]
async fn l3_l4_a_leader_renews_by_put_alone_and_keeps_the_time_of_acquiring() {
    let server = Server::default();
    let one = host(&server, "one");
    seconds(1).await;
    assert!(leads(&one));
    let first = Record::of(&server.lease());
    seconds(60).await;
    assert!(leads(&one));
    let now = Record::of(&server.lease());
    assert_eq!((now.acquire_time, now.transitions, now.lease_duration_seconds), (first.acquire_time, 0, 15));
    assert_eq!(server.lines()[..2], ["GET", "POST"]);
    assert!(server.lines()[2..].iter().all(|line| line == "PUT"));
}

#[tokio::test(start_paused = true)]
async fn l2_a_second_host_waits_and_says_who_holds_it_and_takes_over_a_lease_duration_after_the_last_change()
{
    let server = Server::default();
    let one = host(&server, "one");
    seconds(1).await;
    let two = host(&server, "two");
    seconds(60).await;
    assert!(leads(&one) && !leads(&two));
    assert_eq!(holder(&two).as_deref(), Some("one"));
    drop(one);
    seconds(12).await;
    assert!(!leads(&two), "the lease is still valid");
    seconds(10).await;
    assert!(leads(&two));
    assert_eq!(Record::of(&server.lease()).transitions, 1);
}

#[tokio::test(start_paused = true)]
async fn l5_l7_a_leader_that_cannot_renew_is_fenced_before_another_may_lead() {
    let server = Server::default();
    let one = host(&server, "one");
    seconds(1).await;
    let fence = one.leadership().borrow().fence_until.unwrap();
    server.down(true);
    tokio::time::sleep_until(fence - Duration::from_millis(1)).await;
    seconds(0).await;
    let renewed = one.leadership().borrow().fence_until.unwrap();
    tokio::time::sleep_until(renewed + Duration::from_millis(5)).await;
    assert!(!leads(&one));
    assert!(!one.leadership().borrow().leading);
    assert!(one.leadership().borrow().trouble.is_some());
    server.down(false);
    seconds(30).await;
    assert!(leads(&one), "it competes again");
    assert_eq!(one.leadership().borrow().term, 2);
}

#[tokio::test(start_paused = true)]
async fn l6_a_released_lease_is_taken_at_once() {
    let server = Server::default();
    let one = host(&server, "one");
    seconds(1).await;
    let two = host(&server, "two");
    seconds(5).await;
    one.release().await;
    assert_eq!(Record::of(&server.lease()).holder, "");
    seconds(5).await;
    assert!(leads(&two));
}

#[tokio::test(start_paused = true)]
async fn l6_a_host_that_never_led_releases_nothing() {
    let server = Server::default();
    let one = host(&server, "one");
    seconds(1).await;
    let two = host(&server, "two");
    seconds(3).await;
    two.release().await;
    assert_eq!(Record::of(&server.lease()).holder, "one");
    drop(one);
}

#[tokio::test(start_paused = true)]
async fn l7_two_hosts_never_lead_at_the_same_time_however_the_server_comes_and_goes() {
    let server = Server::default();
    let (one, two) = (host(&server, "one"), host(&server, "two"));
    let mut random = fastrand::Rng::with_seed(7);
    let mut led = [0, 0];
    for step in 0..4000 {
        tokio::time::sleep(Duration::from_millis(random.u64(10..400))).await;
        if step % 40 == 0 {
            server.down(random.bool());
        }
        let (first, second) = (leads(&one), leads(&two));
        assert!(!(first && second), "both lead in step {step}");
        led[0] += u32::from(first);
        led[1] += u32::from(second);
    }
    assert!(led[0] + led[1] > 400, "{led:?}");
}

#[test]
fn l1_settings_that_contradict_each_other_are_refused() {
    let settings = Settings { renew_deadline: Duration::from_secs(20), ..Settings::default() };
    let refused = Lease::run(&Connection::in_process(Server::default()), "x", settings).err();
    assert!(refused.unwrap().to_string().contains("must hold"));
}

#[test]
fn l9_identities_differ() {
    assert_ne!(identity(), identity());
    assert!(identity().contains('_'));
}
