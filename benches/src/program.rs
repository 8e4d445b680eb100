//! A program under measurement: a child whose lines carry the moment at which they came.

use anyhow::{Context as _, Result, bail};
use std::{
    env,
    io::{BufRead as _, BufReader, Read},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread,
    time::{Duration, Instant},
};

/// Longer than anything takes here, a module's first build included.
const PATIENCE: Duration = Duration::from_secs(240);

/// As many lines are shown when one is missing.
const LINES_SHOWN: usize = 20;

/// The command under measurement, free of the settings of whoever measures.
///
/// # Errors
/// It is not built.
pub fn windlass(arguments: &[&str]) -> Result<Command> {
    let file = match env::var_os("WINDLASS") {
        Some(file) => PathBuf::from(file),
        // The benchmark itself stands in `deps`.
        None => env::current_exe()?.with_file_name("../windlass"),
    };
    let file = file.canonicalize().with_context(|| {
        format!("there is no {}: `cargo build --release`, or name a built one with $WINDLASS", file.display())
    })?;
    let mut command = Command::new(file);
    command.args(arguments).envs([("NO_COLOR", "1")]);
    for name in ["KUBECONFIG", "WINDLASS_STATE", "WINDLASS_LOG"] {
        command.env_remove(name);
    }
    Ok(command)
}

/// A line of either stream.
#[derive(Debug)]
pub struct Line {
    /// When it came.
    pub at: Instant,
    /// Without its end.
    pub text: String,
}

/// A running child; killed when it is dropped.
pub struct Program {
    /// When it was started.
    pub started: Instant,
    child: Child,
    lines: Receiver<Line>,
    /// The latest lines, for messages.
    seen: Vec<String>,
}

impl Program {
    /// Starts it.
    ///
    /// # Errors
    /// The system does not start it.
    pub fn start(command: &mut Command) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let started = Instant::now();
        let mut child = command.spawn().with_context(|| format!("{command:?} does not start"))?;
        let (sender, lines) = channel();
        read(child.stdout.take().context("no output")?, sender.clone());
        read(child.stderr.take().context("no errors")?, sender);
        Ok(Self { started, child, lines, seen: Vec::new() })
    }

    /// Its process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a line that holds all these texts, after the last one that was waited for.
    ///
    /// # Errors
    /// It ended, or no such line came within minutes.
    pub fn wait_for(&mut self, texts: &[&str]) -> Result<Line> {
        let end = Instant::now() + PATIENCE;
        loop {
            let line = match self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) => line,
                Err(RecvTimeoutError::Timeout) => bail!("no line with {texts:?}; {}", self.last_words()),
                Err(RecvTimeoutError::Disconnected) => bail!("ended; {}", self.last_words()),
            };
            self.seen.push(line.text.clone());
            if texts.iter().all(|text| line.text.contains(text)) {
                return Ok(line);
            }
        }
    }

    /// Lines that came and were not waited for are forgotten.
    pub fn forget(&mut self) {
        self.seen.extend(self.lines.try_iter().map(|line| line.text));
    }

    fn last_words(&self) -> String {
        let from = self.seen.len().saturating_sub(LINES_SHOWN);
        format!("its last lines:\n{}", self.seen[from..].join("\n"))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.child.kill().unwrap_or_default();
        drop(self.child.wait());
    }
}

/// Runs a command to its good end and gives what it printed.
///
/// # Errors
/// It failed; what it said is in the message.
pub fn finish(command: &mut Command) -> Result<String> {
    let ended = command.output().with_context(|| format!("{command:?} does not start"))?;
    if !ended.status.success() {
        bail!("{command:?}: {}", String::from_utf8_lossy(&ended.stderr));
    }
    Ok(String::from_utf8(ended.stdout)?)
}

fn read(stream: impl Read + Send + 'static, lines: Sender<Line>) {
    thread::spawn(move || {
        for text in BufReader::new(stream).lines().map_while(Result::ok) {
            if lines.send(Line { at: Instant::now(), text }).is_err() {
                return;
            }
        }
    });
}
