//! The command line's side of the control socket.

use super::{ANSWER_BYTES_MAX, Answer, Command, Line, SOCKET_NAME};
use std::{
    io,
    path::{Path, PathBuf},
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::UnixStream,
};

/// A host cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// None runs.
    #[error("no host runs with the state directory {}; start one with `windlass run`, or name its directory with --state", .0.display())]
    NoHost(PathBuf),
    /// It is another user's.
    #[error("the host of {} belongs to another user; ask as that user", .0.display())]
    NotYours(PathBuf),
    /// It went away, or is no Windlass.
    #[error("the host of {} stopped answering; look at its log", .state_dir.display())]
    Lost {
        /// Where it was asked.
        state_dir: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Sends a command to the host of a state directory and waits for its answer; tells what it notes meanwhile.
///
/// # Errors
/// No host can be asked there. What the host itself refuses is an [`Answer::Failed`].
pub async fn call(
    state_dir: &Path,
    command: &Command,
    mut noted: impl FnMut(&str),
) -> Result<Answer, CallError> {
    let stream = UnixStream::connect(state_dir.join(SOCKET_NAME)).await.map_err(|source| {
        let state_dir = state_dir.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => CallError::NoHost(state_dir),
            io::ErrorKind::PermissionDenied => CallError::NotYours(state_dir),
            _ => CallError::Lost { state_dir, source },
        }
    })?;
    exchange(stream, command, &mut noted)
        .await
        .map_err(|source| CallError::Lost { state_dir: state_dir.to_owned(), source })
}

async fn exchange(
    stream: UnixStream,
    command: &Command,
    noted: &mut impl FnMut(&str),
) -> Result<Answer, io::Error> {
    let (reader, mut writer) = stream.into_split();
    let mut request = serde_json::to_vec(command)?;
    request.push(b'\n');
    writer.write_all(&request).await?;
    let mut lines = BufReader::new(reader.take(ANSWER_BYTES_MAX)).lines();
    while let Some(line) = lines.next_line().await? {
        match serde_json::from_str(&line)? {
            Line::Note { note } => noted(&note),
            Line::Answer(answer) => return Ok(answer),
        }
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}
