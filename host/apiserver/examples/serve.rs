//! A server to try by hand: `serve [--port N] [--data DIR] [--token-file F] [--controllers LIST] [--kubeconfig F]`.
//!
//! Prints the address and where the kubeconfig is, and runs until it is interrupted.
#![allow(clippy::print_stdout, reason = "an example talks to the one who runs it")]

use std::error::Error;
use std::net::SocketAddr;

use windlass_apiserver::ApiServer;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let started = std::time::Instant::now();
    let mut builder = ApiServer::builder().controllers(["*"]);
    let mut port = 0;
    let mut kubeconfig = std::env::temp_dir().join("windlass.kubeconfig");
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{argument} wants a value"))?;
        match argument.as_str() {
            "--port" => port = value.parse()?,
            "--data" => builder = builder.data_dir(value),
            "--token-file" => builder = builder.token_file(value),
            "--controllers" => {
                builder = builder.controllers(value.split(',').filter(|name| !name.is_empty()))
            }
            "--kubeconfig" => kubeconfig = value.into(),
            other => return Err(format!("unknown argument {other}").into()),
        }
    }
    let server = builder.start().await?;
    let listening = server.listen(SocketAddr::from(([127, 0, 0, 1], port))).await?;
    std::fs::write(&kubeconfig, server.kubeconfig(&listening))?;
    println!("https://{} after {:?}", listening.address, started.elapsed());
    println!("export KUBECONFIG={}", kubeconfig.display());
    tokio::signal::ctrl_c().await?;
    server.shutdown().await;
    Ok(())
}
