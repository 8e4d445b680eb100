//! Every module of the corpus against one whole host, `hello` beside them: each comes to its verdict and no further.

use super::{config_map, hello_greets};
use serde_json::json;
use std::{
    path::Path,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    time::{Duration, Instant},
};
use windlass_apiserver::AuditRecord;
use windlass_runtime::{
    core::{fact::Fact, outcome::Outcome},
    text::deceives,
};
use windlass_tests::{
    Cluster, Host, Hosting,
    hostile::{Attack, Verdict, corpus, mangled},
    modules::{manifest, module},
};

/// Modules that are in the host at a time.
const AT_A_TIME: usize = 32;

/// What the process may take in memory beyond what it had before the first attack.
const MEMORY_KIB_MAX: u64 = 1_500 << 10;

/// How long the fate of one module is awaited.
const PATIENCE: Duration = Duration::from_secs(20);

/// A greeting beside so many attacks that use up their CPU, on a busy machine.
const PROMPT: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_attack_of_the_corpus_gets_further_than_its_verdict() {
    static PANICS: AtomicUsize = AtomicUsize::new(0);
    let (hello, folder) = (module("hello"), Path::new(env!("CARGO_MANIFEST_DIR")).join("isolation/corpus"));
    let mut attacks = corpus(&folder);
    attacks.extend(mangled(&hello));
    assert!(attacks.len() >= 150, "{}", attacks.len());
    let cluster = cluster_with_secrets().await;
    let set_up = cluster.audit().len();
    let files = [("hello.yaml", manifest("hello").into_bytes()), ("hello.wasm", hello.to_vec())];
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (*name, &**bytes)).collect();
    let host = Host::start_with(&cluster, Hosting::default(), &files).await;
    host.serving("hello").await;
    let told = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        PANICS.fetch_add(1, Relaxed);
        told(panic);
    }));
    let memory_before = memory_kib();
    let over = AtomicBool::new(false);
    let attacking = async {
        let mut wrong = Vec::new();
        for group in attacks.chunks(AT_A_TIME) {
            wrong.extend(
                futures::future::join_all(group.iter().map(|attack| judged(&cluster, &host, attack))).await,
            );
        }
        over.store(true, Relaxed);
        wrong.into_iter().flatten().collect::<Vec<_>>()
    };
    let (wrong, slowest) = tokio::join!(attacking, hello_goes_on(&cluster, &over));
    assert!(wrong.is_empty(), "{} of {} are wrong:\n{}", wrong.len(), attacks.len(), wrong.join("\n"));
    assert!(slowest < PROMPT, "the slowest greeting took {slowest:?}");
    let grown = memory_kib().saturating_sub(memory_before);
    assert!(grown < MEMORY_KIB_MAX, "the process grew by {grown} KiB");
    assert_eq!(PANICS.load(Relaxed), 0, "panics of the host");
    nothing_steers_a_terminal(&host);
    nothing_outside_the_grants(&cluster, set_up);
    host.stop().await;
    cluster.stop().await;
}

/// What the attacks are after.
async fn cluster_with_secrets() -> Cluster {
    let cluster = Cluster::start(&[]).await;
    for namespace in ["other", "granted"] {
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
        cluster.create(&namespace).await.unwrap();
    }
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "token", "namespace": "default"}, "stringData": {"a": "b"},
    });
    cluster.create(&secret).await.unwrap();
    for namespace in ["other", "granted", "kube-system"] {
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": namespace}});
        cluster.create(&map).await.unwrap();
    }
    cluster
}

/// Hello greets one after the other until the attacks are over. The slowest greeting.
async fn hello_goes_on(cluster: &Cluster, over: &AtomicBool) -> Duration {
    let mut slowest = Duration::ZERO;
    let mut greeted = 0;
    while !over.load(Relaxed) {
        let since = Instant::now();
        hello_greets(cluster, &format!("beside-{greeted}")).await;
        (slowest, greeted) = (slowest.max(since.elapsed()), greeted + 1);
    }
    assert!(greeted > 10, "{greeted} greetings");
    slowest
}

/// Brings a module in, gives it its victim, and takes it out again; what is wrong with what became of it.
async fn judged(cluster: &Cluster, host: &Host, attack: &Attack) -> Option<String> {
    let Attack { name, bytes, spec, verdict, .. } = attack;
    let manifest =
        format!("apiVersion: windlass.dev/v1alpha1\nkind: Module\nmetadata: {{name: {name}}}\nspec:\n{spec}");
    let mark = host.facts.mark();
    cluster.create(&victim(name)).await.unwrap();
    host.put(&format!("{name}.yaml"), manifest.as_bytes());
    host.put(&format!("{name}.wasm"), bytes);
    let fate = host.facts.wait_for_since(mark, PATIENCE, |fact| fate(name, verdict, fact)).await;
    let fate = fate.unwrap_or_else(|_| Err("nothing".to_owned()));
    let reached: Vec<&'static str> = host.facts.all(|fact| match fact {
        Fact::BoundReached { module, bound, .. } if *module.0 == **name => Some(*bound),
        _ => None,
    });
    host.take(&format!("{name}.wasm"));
    host.take(&format!("{name}.yaml"));
    let missed: Vec<_> = attack.reached.iter().filter(|bound| !reached.contains(&bound.as_str())).collect();
    match fate {
        Err(other) => Some(format!("{name}: not {verdict:?} but {other}")),
        Ok(()) if missed.is_empty() => None,
        Ok(()) => Some(format!("{name}: did not come to {missed:?}, only to {reached:?}")),
    }
}

fn victim(name: &str) -> serde_json::Value {
    let mut victim = config_map(&format!("victim-{name}"), "attack");
    victim["metadata"]["labels"]["attack"] = name.into();
    victim
}

/// Whether a fact is the fate of this module, and whether it is the one expected. What is only on the way to it is none.
fn fate(name: &str, verdict: &Verdict, fact: &Fact) -> Option<Result<(), String>> {
    let is = |module: &str| module == name;
    match fact {
        Fact::ModuleRejected { module, reason } if is(&module.0) => Some(match verdict {
            Verdict::Refused(says) if reason.contains(says.as_str()) => Ok(()),
            Verdict::Any => Ok(()),
            _ => Err(format!("refused: {reason}")),
        }),
        Fact::ModuleWaiting { module, reason } if is(&module.0) => Some(match verdict {
            Verdict::Any => Ok(()),
            _ => Err(format!("waits: {reason}")),
        }),
        Fact::ModuleServing { module, .. } if is(&module.0) => match verdict {
            Verdict::Refused(_) => Some(Err("it serves".to_owned())),
            _ => None,
        },
        Fact::Fight(fight) if fight.writers.iter().any(|writer| is(&writer.controller.module.0)) => {
            (*verdict == Verdict::Fights).then_some(Ok(()))
        }
        Fact::RunEnded(run) if is(&run.request.controller.module.0) => match (verdict, &run.outcome) {
            (Verdict::Fights, Outcome::Done) => None,
            (_, outcome) => Some(as_expected(verdict, outcome)),
        },
        _ => None,
    }
}

fn as_expected(verdict: &Verdict, outcome: &Outcome) -> Result<(), String> {
    let fits = match (verdict, outcome) {
        (Verdict::Any, _)
        | (Verdict::Done, Outcome::Done)
        | (Verdict::Requeues, Outcome::RequeueAfter(_)) => true,
        (Verdict::Trapped(kind, says), Outcome::Trapped(trap)) => {
            (kind.is_empty() || trap.kind.as_str() == kind) && trap.message.contains(says.as_str())
        }
        (Verdict::Says(says), Outcome::Terminal { message, .. }) => message.contains(says.as_str()),
        (Verdict::Retries(says), Outcome::Retry { message, .. }) => message.contains(says.as_str()),
        _ => false,
    };
    if fits { Ok(()) } else { Err(format!("{outcome:?}")) }
}

/// The most memory that the process had so far.
fn memory_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse().unwrap()
}

/// Nothing that a module said is in a fact as it said it.
fn nothing_steers_a_terminal(host: &Host) {
    let said = host.facts.all(|fact| match fact {
        Fact::GuestLog { message, fields, .. } => Some(format!("{message}{fields:?}")),
        Fact::ModuleRejected { reason, .. } | Fact::CallRefused { reason, .. } => Some(reason.clone()),
        Fact::RunEnded(run) => match &run.outcome {
            Outcome::Trapped(trap) => Some(format!("{} {}", trap.message, trap.frames.join(" "))),
            Outcome::Terminal { message, .. } | Outcome::Retry { message, .. } => Some(message.clone()),
            _ => None,
        },
        _ => None,
    });
    let steers = |text: &&String| text.contains(|char| char != '\n' && deceives(char));
    assert_eq!(said.iter().filter(steers).collect::<Vec<_>>(), Vec::<&String>::new());
}

/// Since it was set up, the API server has been asked for nothing that no module was granted.
fn nothing_outside_the_grants(cluster: &Cluster, set_up: usize) {
    let allowed = |record: &AuditRecord| {
        let reads = ["get", "list", "watch"].contains(&&*record.verb);
        let here = ["default", "granted"].contains(&&*record.namespace);
        match &*record.resource {
            // Discovery, and what tells the host that it has changed.
            "" => record.verb == "get",
            "customresourcedefinitions" | "apiservices" => reads,
            // Hello's grant is of every namespace, so its watch is too.
            "configmaps" => here || (reads && record.namespace.is_empty()),
            "events" => here,
            _ => false,
        }
    };
    let audit = cluster.audit();
    let odd: Vec<_> = audit[set_up..].iter().filter(|record| !allowed(record)).collect();
    assert!(odd.is_empty(), "{odd:#?}");
}
