//! The host's side: starts a child, feeds it, waits for its answer, and ends it when it takes too long.

use super::{
    CompileBounds, CompileError, ENGINE_VERSION,
    answer::{Answer, LINE_BYTES_MAX, Order},
};
use crate::text::plain;
use std::{
    io,
    os::unix::process::ExitStatusExt,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    sync::Arc,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, Command},
    time::{Instant, timeout},
};

/// Of what a child says besides its answer, so much is read, and so much told.
const SAID_BYTES_MAX: usize = 8 << 10;
const TOLD_BYTES_MAX: usize = 500;

/// Threads of one child. More make no module faster that is not made to be slow.
const THREADS_MAX: usize = 8;

/// The signal of a process that used its processor time up, and the one of a program that ends itself.
const SIGXCPU: i32 = 24;
const SIGABRT: i32 = 6;

/// How those libraries put it that compile and allocate.
const OUT_OF_MEMORY: [&str; 4] =
    ["memory allocation of", "Cannot allocate memory", "out of memory", "failed to spawn thread"];

pub(super) async fn compile(
    program: &[PathBuf],
    bounds: &CompileBounds,
    bytes: &Arc<[u8]>,
) -> Result<Vec<u8>, CompileError> {
    let started = Instant::now();
    let mut child = start(program)?;
    let heard = match timeout(bounds.wall_max, converse(&mut child, bounds, bytes)).await {
        Ok(heard) => heard,
        Err(_) => {
            end(&mut child).await;
            return Err(CompileError::Time { max: bounds.wall_max });
        }
    };
    // It has said all it had to say, but may hang. Of a child that has ended this only takes the status.
    end(&mut child).await;
    let ended = child.wait().await.map_err(|error| CompileError::Start(Arc::new(error)))?;
    let (code, memory_bytes) = heard.judge(ended, bounds)?;
    tracing::debug!(
        target: "windlass::compile",
        module_bytes = bytes.len(),
        code_bytes = code.len(),
        memory_bytes,
        took_ms = started.elapsed().as_millis(),
        "compiled"
    );
    Ok(code)
}

fn start(program: &[PathBuf]) -> Result<Child, CompileError> {
    let failed = |error| CompileError::Start(Arc::new(error));
    let (file, arguments) =
        program.split_first().ok_or_else(|| failed(io::ErrorKind::InvalidInput.into()))?;
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    Command::new(file)
        .args(arguments)
        .env_clear()
        .env("RAYON_NUM_THREADS", processors.min(THREADS_MAX).to_string())
        .current_dir("/")
        // A Ctrl-C at the terminal is the host's affair.
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)
}

/// Whatever is left of it is gone afterwards, and its status is taken.
async fn end(child: &mut Child) {
    // An error says that it has ended by itself.
    drop(child.kill().await);
}

/// What a child answered, and what else it said.
struct Heard {
    answer: io::Result<(Answer, Vec<u8>)>,
    said: Vec<u8>,
}

async fn converse(child: &mut Child, bounds: &CompileBounds, bytes: &[u8]) -> Heard {
    let (orders, answers, words) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let talk = async {
        let (Some(mut orders), Some(answers)) = (orders, answers) else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        // A child that does not listen to the end says why in its answer or by its end.
        let (_, answer) = tokio::join!(give(&mut orders, bounds, bytes), answer(answers, bounds));
        // Only now: the end of this stream is the end of the child.
        drop(orders);
        answer
    };
    let (answer, said) = tokio::join!(talk, async move {
        let mut said = Vec::new();
        if let Some(words) = words {
            // What comes after that meets a closed pipe, not a full one.
            drop(words.take(SAID_BYTES_MAX as u64).read_to_end(&mut said).await);
        }
        said
    });
    Heard { answer, said }
}

async fn give(orders: &mut ChildStdin, bounds: &CompileBounds, bytes: &[u8]) -> io::Result<()> {
    let order =
        Order { engine: ENGINE_VERSION.to_owned(), module_bytes: bytes.len(), bounds: bounds.clone() };
    let mut line = serde_json::to_vec(&order)?;
    line.push(b'\n');
    orders.write_all(&line).await?;
    orders.write_all(bytes).await
}

async fn answer(answers: impl AsyncRead + Unpin, bounds: &CompileBounds) -> io::Result<(Answer, Vec<u8>)> {
    let mut answers = BufReader::new(answers);
    let mut line = Vec::new();
    (&mut answers).take(LINE_BYTES_MAX).read_until(b'\n', &mut line).await?;
    let answer: Answer = serde_json::from_slice(&line)?;
    let Answer::Compiled { code_bytes, .. } = answer else { return Ok((answer, Vec::new())) };
    if code_bytes > bounds.code_bytes_max {
        return Ok((answer, Vec::new()));
    }
    let mut code = vec![0; usize::try_from(code_bytes).map_err(io::Error::other)?];
    answers.read_exact(&mut code).await?;
    Ok((answer, code))
}

impl Heard {
    /// The code and the most memory it took to make it, or why there is none.
    fn judge(
        self,
        ended: ExitStatus,
        bounds: &CompileBounds,
    ) -> Result<(Vec<u8>, Option<u64>), CompileError> {
        let said = String::from_utf8_lossy(&self.said);
        let told = plain(said.trim(), TOLD_BYTES_MAX);
        let strange = |what: String| CompileError::Strange { what, said: told.clone() };
        match self.answer {
            Ok((Answer::Compiled { code_bytes, .. }, _)) if code_bytes > bounds.code_bytes_max => {
                Err(CompileError::Code { bytes: code_bytes, max_bytes: bounds.code_bytes_max })
            }
            Ok((Answer::Compiled { memory_bytes, .. }, code)) => Ok((code, memory_bytes)),
            Ok((Answer::Invalid(why), _)) if is_out_of_memory(&why) => {
                Err(CompileError::Memory { max_bytes: bounds.memory_bytes_max })
            }
            Ok((Answer::Invalid(why), _)) => Err(CompileError::Invalid(why)),
            Ok((Answer::OtherEngine(engine), _)) => {
                Err(strange(format!("it is of another version, with {engine} for {ENGINE_VERSION}")))
            }
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(strange(error.to_string())),
            // It ended in the middle.
            Err(error) => Err(match ended.signal() {
                Some(SIGXCPU) => CompileError::Cpu { max: bounds.cpu_max },
                _ if is_out_of_memory(&said) => CompileError::Memory { max_bytes: bounds.memory_bytes_max },
                Some(SIGABRT) => CompileError::Panicked(told),
                Some(signal) => CompileError::Killed { signal, said: told },
                None if said.contains("panicked at") => CompileError::Panicked(told),
                None => strange(format!("{error}; {ended}")),
            }),
        }
    }
}

fn is_out_of_memory(said: &str) -> bool {
    OUT_OF_MEMORY.iter().any(|words| said.contains(words))
}
