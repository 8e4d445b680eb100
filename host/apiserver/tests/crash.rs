//! A server on disk is killed while clients write, and started again: what it acknowledged is there.
//!
//! `WINDLASS_TEST_KILLS` is how often (5). Each time four clients create, update, patch, apply and delete; the server is a
//! process of its own, killed with SIGKILL at a random moment.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod wire;

use std::collections::HashMap;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use windlass_apiserver::ApiServer;
use wire::Client;

/// Where the child keeps its objects; set for the child only.
const FOLDER: &str = "WINDLASS_TEST_CRASH_FOLDER";
const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";
const WRITERS: usize = 4;
/// Objects of each writer.
const NAMES: u64 = 8;

/// The child of the crash test, and by itself a test that a server on disk starts where another one ended.
#[tokio::test]
async fn a_server_on_disk_starts_where_another_one_ended() {
    let Ok(folder) = std::env::var(FOLDER) else {
        let folder = tempfile::tempdir().unwrap();
        let first = serve(folder.path()).await;
        let client = Client::connect(&kubeconfig(folder.path())).await.unwrap();
        let (code, _) = client.send("POST", CONFIG_MAPS, JSON, &config_map("kept", 1)).await.unwrap();
        assert_eq!(code, 201);
        first.shutdown().await;
        let second = serve(folder.path()).await;
        let client = Client::connect(&kubeconfig(folder.path())).await.unwrap();
        let (code, object) = client.send("GET", &path_of("kept"), JSON, &Value::Null).await.unwrap();
        assert_eq!((code, count_of(&object)), (200, 1));
        second.shutdown().await;
        return;
    };
    let _server = serve(Path::new(&folder)).await;
    std::future::pending::<()>().await;
}

/// Starts a server on the folder and writes its kubeconfig there, whole or not at all.
async fn serve(folder: &Path) -> ApiServer {
    let server = ApiServer::builder().data_dir(folder).start().await.unwrap();
    let listening = server.listen(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let half = folder.join("kubeconfig.half");
    std::fs::write(&half, server.kubeconfig(&listening)).unwrap();
    std::fs::rename(&half, kubeconfig(folder)).unwrap();
    server
}

fn kubeconfig(folder: &Path) -> PathBuf {
    folder.join("kubeconfig")
}

const JSON: &str = "application/json";

fn path_of(name: &str) -> String {
    format!("{CONFIG_MAPS}/{name}")
}

fn config_map(name: &str, count: u64) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"count": count.to_string()}})
}

fn count_of(object: &Value) -> u64 {
    object["data"]["count"].as_str().and_then(|count| count.parse().ok()).unwrap_or_default()
}

fn version_of(object: &Value) -> u64 {
    object["metadata"]["resourceVersion"].as_str().and_then(|text| text.parse().ok()).unwrap_or_default()
}

/// What a client knows of one name: what was acknowledged last, and what it asked for since.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    /// Version and count of the object, if the last acknowledgement left one.
    acknowledged: Option<(u64, u64)>,
    /// A write that was sent and not answered: the count that it sets, or `None` for a deletion.
    asked: Option<Option<u64>>,
}

/// One client and its objects.
#[derive(Debug)]
struct Writer {
    id: usize,
    known: HashMap<u64, Known>,
    count: u64,
    random: u64,
    acknowledged: u64,
    /// The newest version that an answer told.
    version: u64,
}

impl Writer {
    fn new(id: usize) -> Self {
        let random = 0x9e37_79b9_7f4a_7c15 ^ u64::from(uuid::Uuid::new_v4().as_fields().0);
        Self { id, known: HashMap::new(), count: 0, random, acknowledged: 0, version: 0 }
    }

    fn random(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }

    fn name(&self, number: u64) -> String {
        format!("object-{}-{number}", self.id)
    }

    /// Writes until the server is gone.
    async fn write(mut self, client: Client) -> Self {
        while self.write_once(&client).await.is_ok() {}
        self
    }

    async fn write_once(&mut self, client: &Client) -> Result<(), wire::Gone> {
        let number = self.random() % NAMES;
        let name = self.name(number);
        let path = path_of(&name);
        let exists = self.known.entry(number).or_default().acknowledged.is_some();
        self.count += 1;
        let count = self.count;
        let body = config_map(&name, count);
        let kind = if exists { self.random() % 5 } else { 4 + self.random() % 2 };
        let asked = if kind == 0 { None } else { Some(count) };
        self.known.entry(number).or_default().asked = Some(asked);
        let (code, object) = match kind {
            0 => client.send("DELETE", &path, JSON, &Value::Null).await?,
            1 => client.send("PUT", &path, JSON, &body).await?,
            2 | 3 => {
                let patch = json!({"data": {"count": count.to_string()}});
                client.send("PATCH", &path, "application/merge-patch+json", &patch).await?
            }
            4 => {
                let path = format!("{path}?fieldManager=crash&force=true");
                client.send("PATCH", &path, "application/apply-patch+yaml", &body).await?
            }
            _ => client.send("POST", CONFIG_MAPS, JSON, &body).await?,
        };
        assert!(code < 300, "{code} to {kind} of {name}: {object}");
        self.acknowledged += 1;
        let version = version_of(&object);
        self.version = self.version.max(version);
        let acknowledged = asked.map(|count| (version, count));
        self.known.insert(number, Known { acknowledged, asked: None });
        Ok(())
    }

    /// Holds what the server has now against what it acknowledged; what it has is what is known from then on.
    async fn check(&mut self, client: &Client) {
        for (number, known) in self.known.clone() {
            let name = self.name(number);
            let (code, object) = client.send("GET", &path_of(&name), JSON, &Value::Null).await.unwrap();
            let found = (code == 200).then(|| (version_of(&object), count_of(&object)));
            let unanswered = known.asked.is_some_and(|asked| asked == found.map(|(_, count)| count));
            let newer = match (found, known.acknowledged) {
                (Some((version, _)), Some((acknowledged, _))) => version > acknowledged,
                _ => true,
            };
            assert!(
                found == known.acknowledged || (unanswered && newer),
                "{name} is {found:?}, acknowledged was {:?}, asked for {:?}",
                known.acknowledged,
                known.asked
            );
            self.known.insert(number, Known { acknowledged: found, asked: None });
        }
    }
}

/// A server as a process of its own.
struct Server {
    process: Child,
}

impl Server {
    fn start(folder: &Path) -> Self {
        let program = std::env::current_exe().unwrap();
        let process = Command::new(program)
            .args(["--exact", "a_server_on_disk_starts_where_another_one_ended", "--nocapture"])
            .env(FOLDER, folder)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self { process }
    }

    /// A connection, once the process listens.
    async fn connect(folder: &Path) -> Client {
        for _ in 0..3000 {
            if let Ok(client) = Client::connect(&kubeconfig(folder)).await {
                return client;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the server does not come up within 30 s");
    }

    /// SIGKILL: the process has no moment to write anything.
    fn kill(mut self, folder: &Path) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        std::fs::remove_file(kubeconfig(folder)).unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A test that fails leaves no process behind; one that was killed already is no fault.
        self.process.kill().unwrap_or_default();
    }
}

/// Follows the objects until the server is gone; the newest version that was told.
async fn follow(client: Client, from: u64) -> u64 {
    let path = format!("{CONFIG_MAPS}?watch=true&resourceVersion={from}");
    let mut last = from;
    let Ok(mut watch) = client.watch(&path).await else { return last };
    while let Ok(Some(event)) = watch.next().await {
        let version = version_of(&event["object"]);
        assert!(version > last, "version {version} is told after {last}");
        last = version;
    }
    last
}

/// A watch from a version that was told before the kill goes on after it without a gap, or says that it cannot.
async fn check_watch(client: &Client, told: u64, now: u64) {
    assert!(now >= told, "the server is at {now}, and had told {told}");
    let path = |version: u64| format!("{CONFIG_MAPS}?watch=true&resourceVersion={version}");
    let mut resumed = client.watch(&path(told)).await.unwrap();
    let mut newest = client.watch(&path(now)).await.unwrap();
    let (code, written) = client.send("POST", CONFIG_MAPS, JSON, &config_map("probe", 0)).await.unwrap();
    assert_eq!(code, 201, "{written}");
    let version = version_of(&written);
    assert!(version > now, "a write after the kill has version {version}, a read before it told {now}");
    let event = newest.next().await.unwrap().unwrap();
    assert_eq!((&event["type"], version_of(&event["object"])), (&json!("ADDED"), version));
    let event = resumed.next().await.unwrap().unwrap();
    let gone = event["type"] == "ERROR" && event["object"]["code"] == 410;
    assert!(gone || (told == now && version_of(&event["object"]) == version), "{event}");
    let (code, _) = client.send("DELETE", &path_of("probe"), JSON, &Value::Null).await.unwrap();
    assert_eq!(code, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_acknowledged_write_is_lost_and_no_version_goes_back_when_the_server_is_killed() {
    let kills: u64 = std::env::var("WINDLASS_TEST_KILLS").map_or(5, |kills| kills.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let mut writers: Vec<Writer> = (0..WRITERS).map(Writer::new).collect();
    let (mut version, mut told) = (0, 0);
    for kill in 0..=kills {
        let server = Server::start(folder.path());
        let client = Server::connect(folder.path()).await;
        for writer in &mut writers {
            writer.check(&client).await;
            version = version.max(writer.version);
        }
        let (_, list) = client.send("GET", CONFIG_MAPS, JSON, &Value::Null).await.unwrap();
        let now = version_of(&list);
        assert!(now >= version, "the server is at {now}, and had acknowledged {version}");
        if kill > 0 {
            check_watch(&client, told, now).await;
        }
        if kill == kills {
            server.kill(folder.path());
            break;
        }
        let (_, list) = client.send("GET", CONFIG_MAPS, JSON, &Value::Null).await.unwrap();
        let following = tokio::spawn(follow(client.clone(), version_of(&list)));
        let mut running = Vec::new();
        for writer in writers.drain(..) {
            running.push(tokio::spawn(writer.write(Server::connect(folder.path()).await)));
        }
        let wait = 20 + uuid::Uuid::new_v4().as_fields().0 % 300;
        tokio::time::sleep(Duration::from_millis(wait.into())).await;
        server.kill(folder.path());
        for writer in running {
            writers.push(writer.await.unwrap());
        }
        told = following.await.unwrap();
    }
    let acknowledged: u64 = writers.iter().map(|writer| writer.acknowledged).sum();
    assert!(acknowledged > kills, "{acknowledged} writes over {kills} kills try nothing");
    // What was tried is the result of a run by hand.
    let tried = format!("{kills} kills | {acknowledged} acknowledged writes | 0 lost\n");
    std::io::stderr().write_all(tried.as_bytes()).unwrap();
}
