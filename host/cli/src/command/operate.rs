//! `windlass status | reload | pause | resume | rollback | reconcile`: commands to a running host over its control socket.

use crate::args::{OfModule, OfModules, Reconcile, Status};
use anyhow::{Result, anyhow, bail};
use std::path::Path;
use windlass_runtime::{
    control::{self, Answer, Command},
    text::{visible, visible_json},
};

/// Shows how things stand.
pub(crate) async fn status(arguments: &Status) -> Result<()> {
    match control::call(&arguments.state.state, &Command::Status {}, |note| eprintln!("{note}")).await? {
        Answer::Status(report) if arguments.json => {
            println!("{}", visible_json(&serde_json::to_string_pretty(&report)?));
        }
        Answer::Status(report) => print!("{report}"),
        Answer::Done { message } => println!("{}", visible(&message)),
        Answer::Failed { message } => bail!(message),
    }
    Ok(())
}

/// Loads modules again.
pub(crate) async fn reload(arguments: OfModules) -> Result<()> {
    ask(&arguments.state.state, Command::Reload { module: arguments.module }).await
}

/// Stops running a module.
pub(crate) async fn pause(arguments: OfModule) -> Result<()> {
    ask(&arguments.state.state, Command::Pause { module: arguments.module }).await
}

/// Runs a module again.
pub(crate) async fn resume(arguments: OfModule) -> Result<()> {
    ask(&arguments.state.state, Command::Resume { module: arguments.module }).await
}

/// Goes back to the version before.
pub(crate) async fn rollback(arguments: OfModule) -> Result<()> {
    ask(&arguments.state.state, Command::Rollback { module: arguments.module }).await
}

/// Reconciles now.
pub(crate) async fn reconcile(arguments: Reconcile) -> Result<()> {
    let object =
        arguments.object.as_deref().map(str::parse).transpose().map_err(|error: String| anyhow!(error))?;
    ask(&arguments.state.state, Command::Reconcile { module: arguments.module, object }).await
}

async fn ask(state: &Path, command: Command) -> Result<()> {
    match control::call(state, &command, |note| eprintln!("{note}")).await? {
        Answer::Done { message } => println!("{}", visible(&message)),
        Answer::Status(report) => print!("{report}"),
        Answer::Failed { message } => bail!(message),
    }
    Ok(())
}
