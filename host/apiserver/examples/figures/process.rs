//! The servers as processes, and what the kernel says of them.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::client::{Failure, Pool};

/// USER_HZ, in which the kernel counts processor time.
const TICKS_PER_SECOND: f64 = 100.0;
const PATIENCE: Duration = Duration::from_secs(120);

/// One server, with all its processes; they end with it.
#[derive(Debug)]
pub(crate) struct Side {
    pub(crate) pool: Pool,
    /// From the start to the first `ok` of `/readyz`.
    pub(crate) ready: Duration,
    ids: Vec<u32>,
    child: Option<Child>,
}

impl Side {
    /// kube-apiserver and etcd, by the program that starts them and prints their ids.
    pub(crate) async fn start_real(start: &Path, bin: &Path, dir: &Path, port: u16) -> Result<Self, Failure> {
        let output =
            Command::new(start).arg(bin).arg(dir).arg(port.to_string()).stderr(Stdio::inherit()).output()?;
        let text = String::from_utf8(output.stdout)?;
        let ids = text.split_whitespace().map(str::parse).collect::<Result<Vec<u32>, _>>()?;
        if ids.is_empty() {
            return Err(format!("{} did not start a server", start.display()).into());
        }
        let ready = age(ids[0])?;
        let pool = Pool::connect(port, &std::fs::read(dir.join("ca.crt"))?).await?;
        Ok(Self { pool, ready, ids, child: None })
    }

    /// Ours, in memory or on disk.
    pub(crate) async fn start_ours(
        serve: &Path,
        dir: &Path,
        port: u16,
        on_disk: bool,
    ) -> Result<Self, Failure> {
        std::fs::create_dir_all(dir)?;
        let (tokens, kubeconfig) = (dir.join("tokens.csv"), dir.join("kubeconfig"));
        std::fs::write(&tokens, "admin-token,admin,admin-uid,\"system:masters\"\n")?;
        std::fs::write(&kubeconfig, "")?;
        let mut command = Command::new(serve);
        command.arg("--port").arg(port.to_string()).args(["--controllers", ""]);
        command.arg("--token-file").arg(&tokens).arg("--kubeconfig").arg(&kubeconfig);
        if on_disk {
            command.arg("--data").arg(dir.join("data"));
        }
        let started = Instant::now();
        let child = command.stdout(Stdio::null()).spawn()?;
        let ids = vec![child.id()];
        let side = |pool, ready| Self { pool, ready, ids, child: Some(child) };
        loop {
            // The kubeconfig is written once the server listens.
            let text = std::fs::read_to_string(&kubeconfig)?;
            if text.ends_with('\n') {
                let ready = started.elapsed();
                let pool = Pool::connect(port, &crate::client::embedded_ca(&text)?).await?;
                return Ok(side(pool, ready));
            }
            if started.elapsed() > PATIENCE {
                return Err("the server did not become ready".into());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Processor time that all processes have taken, in seconds.
    pub(crate) fn cpu_seconds(&self) -> Result<f64, Failure> {
        self.ids.iter().map(|id| stat(*id).map(|stat| stat.cpu_ticks / TICKS_PER_SECOND)).sum()
    }

    /// What all processes have resident, in bytes.
    pub(crate) fn resident_bytes(&self) -> Result<u64, Failure> {
        self.ids.iter().map(|id| status_bytes(*id, "VmRSS:")).sum()
    }

    /// The most that they had resident since [`Side::forget_peak`], in bytes.
    pub(crate) fn peak_bytes(&self) -> Result<u64, Failure> {
        self.ids.iter().map(|id| status_bytes(*id, "VmHWM:")).sum()
    }

    /// Begins the peak anew at what is resident now.
    pub(crate) fn forget_peak(&self) -> Result<(), Failure> {
        for id in &self.ids {
            std::fs::write(format!("/proc/{id}/clear_refs"), "5")?;
        }
        Ok(())
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        for id in &self.ids {
            // Ends at once; on SIGTERM kube-apiserver waits for a minute. One that is gone is no fault.
            drop(Command::new("kill").args(["-9", &id.to_string()]).status());
        }
        if let Some(mut child) = self.child.take() {
            drop(child.wait());
        }
    }
}

struct Stat {
    cpu_ticks: f64,
    started_ticks: f64,
}

/// The fields after the name in brackets, which may hold anything.
fn stat(id: u32) -> Result<Stat, Failure> {
    let text = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
    let (_, rest) = text.rsplit_once(')').ok_or("no name in stat")?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let number =
        |index: usize| -> Result<f64, Failure> { Ok(fields.get(index).ok_or("stat is short")?.parse()?) };
    Ok(Stat { cpu_ticks: number(11)? + number(12)?, started_ticks: number(19)? })
}

/// Since when a process runs.
fn age(id: u32) -> Result<Duration, Failure> {
    let uptime = std::fs::read_to_string("/proc/uptime")?;
    let up: f64 = uptime.split(' ').next().ok_or("no uptime")?.parse()?;
    Ok(Duration::from_secs_f64((up - stat(id)?.started_ticks / TICKS_PER_SECOND).max(0.0)))
}

fn status_bytes(id: u32, field: &str) -> Result<u64, Failure> {
    let text = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    let line =
        text.lines().find_map(|line| line.strip_prefix(field)).ok_or("a field of status is missing")?;
    let kibibytes: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kibibytes * 1024)
}
