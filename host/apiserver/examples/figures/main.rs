//! The figures of this server beside those of kube-apiserver and etcd: the same requests to both, in one run.
//!
//! `figures --ours SERVE --real START --bin DIR --dir DIR [--port N] [--requests N] [--objects N] [--listed N]
//! [--watches N] [--writes N] [--data]`. SERVE is the example `serve`; START a program `START BIN DIR PORT` that starts
//! etcd and kube-apiserver, writes DIR/ca.crt and prints their ids; without it only ours is measured. `--data` adds ours
//! on disk. `benches/apiserver` builds all that and runs this.
#![allow(clippy::print_stdout, reason = "a benchmark prints its table")]

mod client;
mod load;
mod process;
mod table;

use std::path::PathBuf;

use client::Failure;
use load::{Figures, Sizes};
use process::Side;

/// What was typed.
#[derive(Debug, Default)]
struct Settings {
    ours: PathBuf,
    real: Option<PathBuf>,
    bin: PathBuf,
    dir: PathBuf,
    port: u16,
    data: bool,
    sizes: Sizes,
}

fn settings() -> Result<Settings, Failure> {
    let mut settings = Settings { port: 18443, dir: std::env::temp_dir(), ..Settings::default() };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--data" {
            settings.data = true;
            continue;
        }
        let value = arguments.next().ok_or_else(|| format!("{argument} wants a value"))?;
        let sizes = &mut settings.sizes;
        match argument.as_str() {
            "--ours" => settings.ours = value.into(),
            "--real" => settings.real = Some(value.into()),
            "--bin" => settings.bin = value.into(),
            "--dir" => settings.dir = value.into(),
            "--port" => settings.port = value.parse()?,
            "--requests" => sizes.requests = value.parse()?,
            "--objects" => sizes.objects = value.parse()?,
            "--listed" => sizes.listed = value.parse()?,
            "--watches" => sizes.watches = value.parse()?,
            "--writes" => sizes.writes = value.parse()?,
            other => return Err(format!("unknown argument {other}").into()),
        }
    }
    Ok(settings)
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let settings = settings()?;
    let mut columns: Vec<(&str, Figures)> = Vec::new();
    if let Some(start) = &settings.real {
        let side = Side::start_real(start, &settings.bin, &settings.dir.join("real"), settings.port).await?;
        columns.push(("kube-apiserver + etcd", load::run(&side, &settings.sizes).await?));
    }
    let side = Side::start_ours(&settings.ours, &settings.dir.join("ours"), settings.port + 5, false).await?;
    columns.push(("windlass", load::run(&side, &settings.sizes).await?));
    drop(side);
    if settings.data {
        let side =
            Side::start_ours(&settings.ours, &settings.dir.join("disk"), settings.port + 6, true).await?;
        columns.push(("windlass, on disk", load::run(&side, &settings.sizes).await?));
    }
    println!("{}", table::render(&columns, &settings.sizes));
    Ok(())
}
