//! How a watch ends from outside.

use super::*;
use tokio::sync::mpsc;

/// A sink that waits for room before it has told what it holds.
struct Slow {
    room: mpsc::Sender<String>,
    done: Arc<Mutex<Vec<String>>>,
}

impl Sink for Slow {
    async fn begin(&mut self) {}
    async fn stage(&mut self, _: Vec<Delta>) {}
    async fn commit(&mut self, _: &str) {}
    async fn change(&mut self, deltas: Vec<Delta>, _: &str) {
        self.room.send(line(&deltas)).await.unwrap();
        self.done.lock().unwrap().push(line(&deltas));
    }
    async fn bookmark(&mut self, _: &str) {}
    async fn failed(&mut self, _: &WatchError, _: Duration) {}
    async fn absent(&mut self) {}
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_began_is_carried_through_when_the_watch_is_stopped() {
    let later = [wait(1), added("c", 8), wait(1), added("d", 9), wait(1000)];
    let parts = [initial_end(5), wait(1), added("a", 6), wait(1), added("b", 7)].into_iter().chain(later);
    let server = Script::new([open(parts.collect::<Vec<_>>())]);
    server.serve(&[("v1", "configmaps", "ConfigMap", true)]);
    let connection = server.connection();
    let reflector = Reflector::new(connection.clone(), Discovery::new(&connection), Settings::default());
    let (room, mut told) = mpsc::channel(1);
    let done = Arc::<Mutex<_>>::default();
    let running = reflector.start(spec(), Slow { room, done: done.clone() });
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(*done.lock().unwrap(), ["+a@6"], "`b` waits for room");
    running.stop();
    tokio::time::sleep(Duration::from_secs(10)).await;
    let mut all = Vec::new();
    while let Some(one) = told.recv().await {
        all.push(one);
    }
    assert_eq!(all, ["+a@6", "+b@7"], "what began is told, nothing else, and the sink is dropped");
}
