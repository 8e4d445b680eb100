//! From `windlass server` to its first answer, and its memory when it holds nothing: `cargo bench -p windlass-benches --bench start`.

use anyhow::{Context as _, Result};
use std::time::Duration;
use tokio::time::sleep;
use windlass_benches::{
    client::Access,
    process::{self, Memory},
    program::{Program, windlass},
    table,
};

const STARTS: usize = 20;

/// By then nothing of the start is under way any more.
const AT_REST: Duration = Duration::from_millis(500);

/// What one start showed.
struct Start {
    printed: Duration,
    answered: Duration,
    memory: Memory,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let data = data.to_str().context("a temporary folder with a strange name")?;
    let ways: [(&str, &[&str]); 3] = [
        ("no controllers", &[]),
        ("all controllers", &["--controllers", "*"]),
        ("no controllers, on disk, as left", &["--data", data]),
    ];
    let mut starts = Vec::new();
    for (what, flags) in ways {
        start(flags).await?;
        let mut all = Vec::new();
        for _ in 0..STARTS {
            all.push(start(flags).await?);
        }
        starts.push((what, all));
    }
    table::head("windlass server, from exec", "ms");
    for (what, all) in &starts {
        let printed: Vec<_> = all.iter().map(|one| one.printed).collect();
        let answered: Vec<_> = all.iter().map(|one| one.answered).collect();
        table::times(&format!("first answer over HTTPS, {what}"), &answered, Some(50));
        table::times("  of it until it prints its kubeconfig", &printed, None);
    }
    table::head("windlass server, empty", "MiB");
    for (what, all) in &starts {
        type Part = fn(&Memory) -> f64;
        let parts: [(&str, Part, Option<u32>); 3] = [
            ("resident", |memory| memory.rss, Some(30)),
            ("  proportional", |memory| memory.pss, None),
            ("  not of a file", |memory| memory.anonymous, None),
        ];
        for (kind, part, aim) in parts {
            table::row(&format!("{kind}, {what}"), all.iter().map(|one| part(&one.memory)).collect(), aim);
        }
    }
    Ok(())
}

async fn start(flags: &[&str]) -> Result<Start> {
    let folder = tempfile::tempdir()?;
    let kubeconfig = folder.path().join("kubeconfig");
    let mut command = windlass(&["server", "--secure-port", "0", "--kubeconfig"])?;
    let mut server = Program::start(command.arg(&kubeconfig).args(flags))?;
    let printed = server.wait_for(&["KUBECONFIG="])?.at - server.started;
    let mut connection = Access::read(&kubeconfig)?.connect().await?;
    connection.get("/api/v1/namespaces").await?;
    let answered = server.started.elapsed();
    sleep(AT_REST).await;
    Ok(Start { printed, answered, memory: process::memory(server.id())? })
}
