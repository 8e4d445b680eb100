//! The host's side of the control socket.

use super::{Answer, Command, ControlRequest, LOCK_NAME, Line, REQUEST_BYTES_MAX, Reply, SOCKET_NAME};
use std::{
    fs::{self, File, OpenOptions, Permissions, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{UnixListener, UnixStream},
    sync::{Semaphore, mpsc, oneshot},
    task::JoinHandle,
    time::{sleep, timeout},
};

/// Commands that wait for the driver.
const REQUESTS_WAITING_MAX: usize = 16;
/// Notes that wait for a slow client; more are lost.
const NOTES_WAITING_MAX: usize = 64;
/// More clients than this wait.
const CLIENTS_MAX: usize = 16;
/// A client that does not send its line in this time is cut off.
const REQUEST_MAX: Duration = Duration::from_secs(10);
/// What the address of a Unix socket can hold, without the zero at its end.
const SOCKET_PATH_BYTES_MAX: usize = 107;

/// The host cannot be controlled, and so does not start.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Another host is alive.
    #[error("another host{} runs with the state directory {}; stop it, or give this one another directory with --state", holder(.process_id), .state_dir.display())]
    HostRuns {
        /// Shared by both.
        state_dir: PathBuf,
        /// Of the other one, if it is known.
        process_id: Option<u32>,
    },
    /// A system's limit.
    #[error("the state directory's path is too long for a socket in it: {} has {} bytes, {SOCKET_PATH_BYTES_MAX} are possible; choose a shorter one with --state", .0.display(), .0.as_os_str().len())]
    PathTooLong(PathBuf),
    /// The directory cannot be used.
    #[error("the state directory {} cannot be written; check its owner, its mode and the room on its disk, or choose another one with --state", .state_dir.display())]
    Unwritable {
        /// Which.
        state_dir: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

fn holder(process_id: &Option<u32>) -> String {
    process_id.map_or_else(String::new, |process_id| format!(" (process {process_id})"))
}

/// Listens for commands until it is dropped; then the socket is gone.
#[derive(Debug)]
pub struct ControlServer {
    socket: PathBuf,
    requests: mpsc::Receiver<ControlRequest>,
    serving: JoinHandle<()>,
    /// Locked as long as it is open.
    _lock: File,
}

impl ControlServer {
    /// Makes the state directory if it is not there (for this user only), and listens in it.
    ///
    /// # Errors
    /// Another host uses the directory, or it cannot be used.
    pub async fn start(state_dir: &Path) -> Result<Self, ControlError> {
        let unwritable = |source| ControlError::Unwritable { state_dir: state_dir.to_owned(), source };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(state_dir).map_err(unwritable)?;
        let lock = lock(state_dir)?;
        let socket = state_dir.join(SOCKET_NAME);
        // Bound under another name first: nobody can connect before the mode is set, and a stale socket is replaced.
        let unready = state_dir.join(format!("{SOCKET_NAME}.new"));
        if unready.as_os_str().len() > SOCKET_PATH_BYTES_MAX {
            return Err(ControlError::PathTooLong(unready));
        }
        let listen = || -> io::Result<UnixListener> {
            match fs::remove_file(&unready) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let listener = UnixListener::bind(&unready)?;
            fs::set_permissions(&unready, Permissions::from_mode(0o600))?;
            fs::rename(&unready, &socket)?;
            Ok(listener)
        };
        let listener = listen().map_err(unwritable)?;
        let (sender, requests) = mpsc::channel(REQUESTS_WAITING_MAX);
        Ok(Self { socket, requests, serving: tokio::spawn(serve(listener, sender)), _lock: lock })
    }

    /// The next command; never none while the server lives.
    pub async fn next(&mut self) -> Option<ControlRequest> {
        self.requests.recv().await
    }

    /// Where it listens.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }
}

impl Drop for ControlServer {
    fn drop(&mut self) {
        self.serving.abort();
        // The lock is still held, so it is our own socket; one that stays would be taken for stale by the next host.
        fs::remove_file(&self.socket).unwrap_or_default();
    }
}

/// Takes the directory for this process, and notes who it is.
fn lock(state_dir: &Path) -> Result<File, ControlError> {
    let unwritable = |source| ControlError::Unwritable { state_dir: state_dir.to_owned(), source };
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(state_dir.join(LOCK_NAME))
        .map_err(unwritable)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::Error(source)) => return Err(unwritable(source)),
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            let read = file.read_to_string(&mut text);
            let process_id = read.ok().and_then(|_| text.trim().parse().ok());
            return Err(ControlError::HostRuns { state_dir: state_dir.to_owned(), process_id });
        }
    }
    let mut note = || -> io::Result<()> {
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{}", std::process::id())
    };
    note().map_err(unwritable)?;
    Ok(file)
}

async fn serve(listener: UnixListener, requests: mpsc::Sender<ControlRequest>) {
    let room = Arc::new(Semaphore::new(CLIENTS_MAX));
    loop {
        let Ok(place) = room.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let requests = requests.clone();
                tokio::spawn(async move {
                    // How a client goes away is its own business.
                    client(stream, requests).await.unwrap_or_default();
                    drop(place);
                });
            }
            // Out of file descriptors: wait until some are free again instead of spinning.
            Err(_) => sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn client(stream: UnixStream, requests: mpsc::Sender<ControlRequest>) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut line = String::new();
    let mut reader = BufReader::new(reader).take(REQUEST_BYTES_MAX);
    timeout(REQUEST_MAX, reader.read_line(&mut line)).await??;
    let command = match serde_json::from_str::<Command>(&line) {
        Ok(command) => command,
        Err(error) => {
            let message = format!(
                "this host (version {}) does not understand the request: {error}; use the windlass command of the same version",
                env!("CARGO_PKG_VERSION")
            );
            return write(&mut writer, &Line::Answer(Answer::failed(message))).await;
        }
    };
    let (notes, mut noted) = mpsc::channel(NOTES_WAITING_MAX);
    let (answer, answered) = oneshot::channel();
    let request = ControlRequest { command, reply: Reply { notes, answer } };
    if requests.send(request).await.is_err() {
        return write(&mut writer, &Line::Answer(ended())).await;
    }
    while let Some(note) = noted.recv().await {
        write(&mut writer, &Line::Note { note }).await?;
    }
    let answer = answered.await.unwrap_or_else(|_dropped| ended());
    write(&mut writer, &Line::Answer(answer)).await
}

fn ended() -> Answer {
    Answer::failed("the host ended before it answered")
}

async fn write(writer: &mut (impl tokio::io::AsyncWrite + Unpin), line: &Line) -> io::Result<()> {
    let mut bytes = serde_json::to_vec(line)?;
    bytes.push(b'\n');
    writer.write_all(&bytes).await
}
