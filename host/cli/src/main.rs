//! The `windlass` command: what was typed → what is meant → what is run. Only this crate prints or exits.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the command line is what prints")]

mod args;
mod command;
mod console;
mod examples;
mod failure;
mod kinds;

use args::{Arguments, Command};
use clap::Parser as _;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Command::Compile = arguments.command {
        return command::compile::compile()
            .map_or_else(|error| failure::report(&error), |()| ExitCode::SUCCESS);
    }
    raise_open_files();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return failure::report(&anyhow::Error::new(error).context("no threads can be started"));
        }
    };
    // On a thread of the pool: what a host's driver and its runs tell each other then wakes no other thread.
    let done = runtime.block_on(runtime.spawn(run(arguments.command)));
    // A build that is under way, or a connection that hangs, does not hold up the end.
    runtime.shutdown_timeout(std::time::Duration::from_millis(200));
    match done {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => failure::report(&error),
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}

/// Each module in memory and each connection takes a descriptor. The usual soft limit of 1,024 is there for programs
/// that use `select`, which none of ours does; where it cannot be raised, it holds.
fn raise_open_files() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap_or_default();
}

async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Dev(arguments) => command::dev::dev(arguments).await,
        Command::Run(arguments) => command::run::run(arguments).await,
        Command::Server(arguments) => command::server::server(arguments).await,
        Command::Build(arguments) => command::build::build(&arguments).await,
        Command::Inspect(arguments) => command::inspect::inspect(&arguments).await,
        Command::Grant(arguments) => command::grant::grant(&arguments).await,
        Command::Status(arguments) => command::operate::status(&arguments).await,
        Command::Reload(arguments) => command::operate::reload(arguments).await,
        Command::Pause(arguments) => command::operate::pause(arguments).await,
        Command::Resume(arguments) => command::operate::resume(arguments).await,
        Command::Rollback(arguments) => command::operate::rollback(arguments).await,
        Command::Reconcile(arguments) => command::operate::reconcile(arguments).await,
        Command::Compile => unreachable!("it is answered before there are threads"),
    }
}
