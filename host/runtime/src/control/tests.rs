//! Both sides of the control socket.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use super::*;
use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
};

async fn ask(state_dir: &Path, command: Command) -> Result<Answer, CallError> {
    call(state_dir, &command, |_| {}).await
}

fn status() -> StatusReport {
    let controllers = vec![ControllerStatus { name: "site".into(), ready: 3, ..ControllerStatus::default() }];
    let module = ModuleStatus {
        name: "website".into(),
        state: ModuleState::WaitingForGrant,
        reason: Some("write a manifest".into()),
        digest: None,
        generation: 0,
        title: "Websites".into(),
        version: "1.2".into(),
        conditions: Vec::new(),
        asleep: true,
        rejected: Some(Rejection { digest: Some("ab".into()), reason: "no".into() }),
        subscriptions: 0,
        controllers,
    };
    StatusReport { modules: vec![module], uptime_seconds: 7, ..StatusReport::default() }
}

#[tokio::test]
async fn a_command_reaches_the_driver_and_its_notes_and_answer_come_back() {
    let dir = TempDir::new().unwrap();
    let mut server = ControlServer::start(dir.path()).await.unwrap();
    let driver = tokio::spawn(async move {
        let request = server.next().await.unwrap();
        request.reply.note("compiling");
        request.reply.note("swapping");
        request.reply.finish(Answer::done("website serves"));
        let status_asked = server.next().await.unwrap();
        assert_eq!(status_asked.command, Command::Status {});
        status_asked.reply.finish(Answer::Status(Box::new(status())));
        (request.command, server)
    });
    let mut notes = Vec::new();
    let reload = Command::Reload { module: Some("website".into()) };
    let answer = call(dir.path(), &reload, |note| notes.push(note.to_owned())).await.unwrap();
    assert_eq!(
        (answer, notes),
        (Answer::done("website serves"), vec!["compiling".into(), "swapping".into()])
    );
    let answer = ask(dir.path(), Command::Status {}).await.unwrap();
    assert_eq!(answer, Answer::Status(Box::new(status())));
    let (command, _server) = driver.await.unwrap();
    assert_eq!(command, reload);
}

#[tokio::test]
async fn the_socket_is_for_its_user_only_and_gone_with_the_host() {
    let dir = TempDir::new().unwrap();
    let state = dir.path().join("new").join("state");
    let server = ControlServer::start(&state).await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(server.socket()), mode(&state)), (0o600, 0o700));
    drop(server);
    let error = ask(&state, Command::Status {}).await.unwrap_err();
    assert!(matches!(error, CallError::NoHost(_)), "{error}");
    assert!(error.to_string().contains("windlass run"), "{error}");
}

#[tokio::test]
async fn a_second_host_is_refused_while_the_first_lives_and_told_who_it_is() {
    let dir = TempDir::new().unwrap();
    let first = ControlServer::start(dir.path()).await.unwrap();
    let error = ControlServer::start(dir.path()).await.unwrap_err();
    let own = std::process::id();
    assert!(matches!(error, ControlError::HostRuns { process_id: Some(id), .. } if id == own), "{error}");
    assert!(error.to_string().contains("--state"), "{error}");
    drop(first);
    ControlServer::start(dir.path()).await.unwrap();
}

#[tokio::test]
async fn what_a_dead_host_left_behind_is_replaced() {
    let dir = TempDir::new().unwrap();
    drop(std::os::unix::net::UnixListener::bind(dir.path().join(SOCKET_NAME)).unwrap());
    fs::write(dir.path().join(LOCK_NAME), "99999").unwrap();
    let error = ask(dir.path(), Command::Status {}).await.unwrap_err();
    assert!(matches!(error, CallError::NoHost(_)), "{error}");
    let mut server = ControlServer::start(dir.path()).await.unwrap();
    let answering = async { server.next().await.unwrap().reply.finish(Answer::done("")) };
    let (answer, ()) = tokio::join!(ask(dir.path(), Command::Status {}), answering);
    assert_eq!(answer.unwrap(), Answer::done(""));
}

#[tokio::test]
async fn a_request_that_is_not_understood_is_answered_without_the_driver() {
    let dir = TempDir::new().unwrap();
    let server = ControlServer::start(dir.path()).await.unwrap();
    for request in ["{}\n", "no json\n", "{\"command\":\"explode\"}\n", "{\"command\":\"status\",\"x\":1}\n"]
    {
        let mut stream = UnixStream::connect(server.socket()).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.contains("does not understand"), "{request}: {answer}");
    }
}

#[tokio::test]
async fn a_command_that_is_dropped_is_answered_all_the_same() {
    let dir = TempDir::new().unwrap();
    let mut server = ControlServer::start(dir.path()).await.unwrap();
    let dropping = async { drop(server.next().await.unwrap()) };
    let pause = Command::Pause { module: "website".into() };
    let (answer, ()) = tokio::join!(ask(dir.path(), pause), dropping);
    assert_eq!(answer.unwrap(), Answer::failed("the host ended before it answered"));
}

#[tokio::test]
async fn a_directory_that_cannot_be_used_is_named_with_what_to_do() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let long = dir.path().join("x".repeat(120));
    for (path, said) in [(file, "cannot be written"), (long, "too long")] {
        let error = ControlServer::start(&path).await.unwrap_err().to_string();
        assert!(error.contains(said) && error.contains("--state"), "{error}");
    }
}

#[test]
fn an_object_is_named_with_or_without_a_namespace() {
    let object = |namespace: Option<&str>, name: &str| {
        Ok(ObjectArgument { namespace: namespace.map(str::to_owned), name: name.to_owned() })
    };
    assert_eq!("default/shop".parse(), object(Some("default"), "shop"));
    assert_eq!("node-1".parse(), object(None, "node-1"));
    for wrong in ["", "/", "a/", "/a", "a/b/c"] {
        assert!(wrong.parse::<ObjectArgument>().is_err(), "{wrong}");
    }
}
