//! A program under test: a child whose output can be awaited and which does not outlive its test.

use std::{
    io::{BufRead as _, BufReader, Read},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Condvar, Mutex},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// Longer than anything takes here on a busy machine, a module's first build included.
pub(crate) const PATIENCE: Duration = Duration::from_secs(240);

/// Between two looks at something that cannot be awaited otherwise, such as a child's end.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The command under test, free of the settings of whoever runs the tests.
pub(crate) fn windlass(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_windlass"));
    command.args(arguments);
    for name in ["KUBECONFIG", "WINDLASS_STATE", "WINDLASS_LOG", "CARGO_TARGET_DIR"] {
        command.env_remove(name);
    }
    command
}

/// Looks until there is something, and gives up with `what` in the message.
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Result<T, String>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        match look() {
            Ok(found) => return found,
            Err(seen) if Instant::now() > end => panic!("{what}: not within {PATIENCE:?}; at last:\n{seen}"),
            Err(_) => thread::sleep(LOOK_EVERY),
        }
    }
}

/// A running child.
pub(crate) struct Program {
    child: Child,
    output: Arc<Output>,
    readers: Vec<JoinHandle<()>>,
    /// Lines before this one were seen already.
    passed: usize,
}

#[derive(Default)]
struct Output {
    lines: Mutex<Lines>,
    grown: Condvar,
}

#[derive(Default)]
struct Lines {
    /// Both streams, in the order of their arrival.
    both: Vec<String>,
    out: String,
    err: String,
}

/// How a program ended.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Program {
    /// Starts it.
    pub(crate) fn start(command: &mut Command) -> Self {
        let piped = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        let output = Arc::new(Output::default());
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let readers =
            vec![read(out, &output, |lines| &mut lines.out), read(err, &output, |lines| &mut lines.err)];
        Self { child, output, readers, passed: 0 }
    }

    /// Waits for a line with this text, after the last one that was waited for.
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        let end = Instant::now() + PATIENCE;
        let mut lines = self.output.lines.lock().unwrap();
        loop {
            let at = lines.both.iter().skip(self.passed).position(|line| line.contains(text));
            if let Some(at) = at {
                self.passed += at + 1;
                return lines.both[self.passed - 1].clone();
            }
            let left = end.saturating_duration_since(Instant::now());
            let all = lines.both.join("\n");
            assert!(!left.is_zero(), "no line with `{text}` within {PATIENCE:?}; there were:\n{all}");
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "ended ({ended:?}) without a line with `{text}`; there were:\n{all}");
            lines = self.output.grown.wait_timeout(lines, left.min(Duration::from_secs(1))).unwrap().0;
        }
    }

    /// The first line on standard output.
    pub(crate) fn first_line(&mut self) -> String {
        eventually("a first line", || {
            let lines = self.output.lines.lock().unwrap();
            lines.out.lines().next().map(str::to_owned).ok_or_else(|| lines.both.join("\n"))
        })
    }

    /// What it has printed.
    pub(crate) fn printed(&self) -> String {
        self.output.lines.lock().unwrap().both.join("\n")
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name, such as `INT`.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Waits for its end.
    pub(crate) fn end(mut self, within: Duration) -> Ended {
        let end = Instant::now() + within;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < end, "did not end within {within:?}; it printed:\n{}", self.printed());
            thread::sleep(Duration::from_millis(10));
        };
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
        let mut lines = self.output.lines.lock().unwrap();
        Ended { status, out: std::mem::take(&mut lines.out), err: std::mem::take(&mut lines.err) }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Runs a command to its end.
pub(crate) fn finish(command: &mut Command) -> Ended {
    Program::start(command).end(PATIENCE)
}

/// Runs `windlass` to its end, which must be good, and gives what it printed on standard output.
pub(crate) fn done(arguments: &[&str]) -> String {
    let ended = finish(&mut windlass(arguments));
    assert!(ended.status.success(), "windlass {}: {}{}", arguments.join(" "), ended.out, ended.err);
    ended.out
}

/// Runs `windlass` to its end, which must be bad, and gives what it printed on standard error.
pub(crate) fn refused(arguments: &[&str]) -> String {
    let ended = finish(&mut windlass(arguments));
    assert!(!ended.status.success(), "windlass {} succeeded: {}", arguments.join(" "), ended.out);
    assert_eq!(ended.out, "", "an error belongs on standard error");
    ended.err
}

/// `refused`, and holds the parts that its message must have.
pub(crate) fn refused_with(arguments: &[&str], parts: &[&str]) {
    let message = refused(arguments);
    for part in parts {
        assert!(message.contains(part), "windlass {}: no `{part}` in:\n{message}", arguments.join(" "));
    }
}

fn read(
    stream: impl Read + Send + 'static,
    output: &Arc<Output>,
    of: fn(&mut Lines) -> &mut String,
) -> JoinHandle<()> {
    let output = output.clone();
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            let mut lines = output.lines.lock().unwrap();
            let text = of(&mut lines);
            text.push_str(&line);
            text.push('\n');
            lines.both.push(line);
            output.grown.notify_all();
        }
    })
}
