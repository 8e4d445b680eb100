//! The process in which a module is compiled: what it makes, and each way in which it ends before that.

use std::{
    fs,
    io::Write as _,
    os::unix::process::ExitStatusExt as _,
    path::PathBuf,
    process::{Command, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};
use windlass_runtime::{
    compile::{CompileBounds, Compiling},
    core::name::ModuleName,
    examine::examine,
};

const COMPILE: &str = "compile-module";

fn program(parts: &[&str], bounds: CompileBounds) -> Compiling {
    Compiling::InChild { program: parts.iter().map(PathBuf::from).collect(), bounds }
}

fn windlass(bounds: CompileBounds) -> Compiling {
    program(&[env!("CARGO_BIN_EXE_windlass"), COMPILE], bounds)
}

/// A component that admission lets pass, with these functions in it.
fn component(functions: &str) -> Vec<u8> {
    let text = format!(
        r#"(component (core module {functions}) (instance $i)
            (export "windlass:controller/reconciler@0.1.0" (instance $i)))"#
    );
    wat::parse_str(text).unwrap()
}

/// Takes the compiler many seconds: functions of branches that all reach the same few locals.
fn bomb() -> &'static [u8] {
    static BOMB: OnceLock<Vec<u8>> = OnceLock::new();
    let step = "local.get 0 local.get 1 i64.mul local.get 2 i64.add local.tee 1 local.get 2 i64.lt_s \
        if local.get 1 local.get 0 i64.xor local.set 2 else local.get 2 local.get 1 i64.sub local.set 0 end ";
    let function = || format!("(func (param i64 i64 i64) (result i64) {} local.get 0)", step.repeat(4_000));
    BOMB.get_or_init(|| component(&function().repeat(8)))
}

/// Why a module is not taken.
async fn refusal(bytes: &[u8], compiling: Compiling) -> String {
    let refused = examine(&ModuleName("bomb".into()), bytes, compiling).await;
    let mut error: &dyn std::error::Error = &refused.map(drop).unwrap_err();
    let mut text = error.to_string();
    while let Some(cause) = error.source() {
        text = format!("{text}: {cause}");
        error = cause;
    }
    text
}

#[track_caller]
fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_component_passes_from_the_child_to_its_author() {
    let invalid = component("(func (result i32) (i64.const 1))");
    let text = refusal(&invalid, windlass(CompileBounds::default())).await;
    says(&text, &["not valid here", "expected i32, found i64"]);
    // Compiled, and then of the wrong shape: the code came back whole.
    let hollow = component("(func (export \"f\"))");
    let text = refusal(&hollow, windlass(CompileBounds::default())).await;
    says(&text, &["does not fit version 0.1.0 of the contract", "no function `describe`"]);
}

#[tokio::test]
async fn a_module_that_takes_too_much_to_compile_is_refused_with_the_bound() {
    let bomb = bomb();
    let bounds = CompileBounds::default;
    let cpu = Duration::from_secs(1);
    let text = refusal(bomb, windlass(CompileBounds { cpu_max: cpu, ..bounds() })).await;
    says(&text, &["more than 1s of processor time", "--compile-cpu"]);
    let wall = Duration::from_millis(400);
    let started = Instant::now();
    let text = refusal(bomb, windlass(CompileBounds { wall_max: wall, ..bounds() })).await;
    says(&text, &["longer than 400ms", "--compile-time"]);
    assert!(started.elapsed() < Duration::from_secs(5), "it was not ended in time: {:?}", started.elapsed());
    let text = refusal(bomb, windlass(CompileBounds { memory_bytes_max: 48 << 20, ..bounds() })).await;
    says(&text, &["more than 48 MiB of memory", "--compile-memory"]);
    let small = component("(func (export \"f\"))");
    let text = refusal(&small, windlass(CompileBounds { code_bytes_max: 1 << 10, ..bounds() })).await;
    says(&text, &["bytes of machine code", "at most 1024"]);
}

#[tokio::test]
async fn a_program_that_is_no_compiler_is_told_for_what_it_did() {
    let module = component("(func (export \"f\"))");
    let with = |parts: &[&str]| program(parts, CompileBounds::default());
    says(
        &refusal(&module, with(&["/nowhere/windlass"])).await,
        &["no process can be started", "No such file"],
    );
    says(
        &refusal(&module, with(&["sh", "-c", "echo so what >&2; exit 3"])).await,
        &["exit status: 3", "so what"],
    );
    says(&refusal(&module, with(&["sh", "-c", "kill -KILL $$"])).await, &["signal 9", "windlass reload"]);
    says(&refusal(&module, with(&["sh", "-c", "echo me >&2; kill -SEGV $$"])).await, &["signal 11", "me"]);
    says(&refusal(&module, with(&["cat"])).await, &["did not answer as it should"]);
    let loud = "yes the end | head -c 1000000 >&2; echo '{\"Invalid\":\"no\"}'";
    says(&refusal(&module, with(&["sh", "-c", loud])).await, &["not valid here: no"]);
}

#[tokio::test]
async fn no_child_outlives_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let told = folder.path().join("id");
    let script = format!("echo $$ > {}; exec sleep 1000", told.display());
    let bounds = CompileBounds { wall_max: Duration::from_millis(500), ..CompileBounds::default() };
    let text = refusal(&component(""), program(&["sh", "-c", &script], bounds)).await;
    says(&text, &["longer than 500ms"]);
    let id = fs::read_to_string(told).unwrap();
    assert!(!PathBuf::from("/proc").join(id.trim()).exists(), "{id} is still there, or was not reaped");
}

#[test]
fn a_child_whose_host_is_gone_ends_itself() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_windlass"));
    let child = child.arg(COMPILE).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = child.spawn().unwrap();
    let bomb = bomb();
    let order = format!(
        "{{\"engine\":\"wasmtime 48.0.8\",\"module_bytes\":{},\"bounds\":{{\"wall_max\":{{\"secs\":9,\"nanos\":0}},\
        \"cpu_max\":{{\"secs\":99,\"nanos\":0}},\"memory_bytes_max\":2000000000,\"code_bytes_max\":1}}}}\n",
        bomb.len()
    );
    let mut orders = child.stdin.take().unwrap();
    orders.write_all(order.as_bytes()).unwrap();
    orders.write_all(bomb).unwrap();
    assert_eq!(child.try_wait().unwrap(), None, "it compiles");
    let gone = Instant::now();
    drop(orders);
    assert_eq!(child.wait().unwrap().signal(), Some(9));
    assert!(gone.elapsed() < Duration::from_secs(5), "it went on for {:?}", gone.elapsed());
}
