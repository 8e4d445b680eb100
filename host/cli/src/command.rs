//! One module for each command.

pub(crate) mod build;
pub(crate) mod compile;
pub(crate) mod dev;
pub(crate) mod grant;
pub(crate) mod inspect;
pub(crate) mod operate;
pub(crate) mod run;
pub(crate) mod server;

use tokio_util::sync::CancellationToken;

/// Cancelled by the first Ctrl-C or SIGTERM. A second one ends the process at once.
pub(crate) fn stop_on_signal() -> std::io::Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};
    let stop = CancellationToken::new();
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let told = stop.clone();
    tokio::spawn(async move {
        for _ in 0..2 {
            tokio::select! { _ = interrupt.recv() => {} _ = terminate.recv() => {} }
            if told.is_cancelled() {
                eprintln!("stopped at once");
                std::process::exit(130);
            }
            told.cancel();
        }
    });
    Ok(stop)
}
