//! From an engine's error to the reason why an instance died.

use super::state::{Breach, State};
use crate::{limits::Bound, text::plain};
use std::time::Duration;
use wasmtime::WasmBacktrace;
use windlass_core::outcome::{Trap, TrapKind};

/// Frames of one trap.
const FRAMES_MAX: usize = 24;
/// Frames looked at; a runtime's own way to a trap is some 15.
const FRAMES_SEEN_MAX: usize = 64;
/// How the names of functions begin that lie between a panic and its trap.
const PANICKING: &[&str] = &[
    "abort",
    "std::",
    "__rustc::",
    "__rust_",
    "core::panicking::",
    "core::option::",
    "core::result::",
    "core::slice::index::",
    "alloc::alloc::",
    "alloc::raw_vec::",
    "runtime.fatal",
    "runtime.abort",
    "runtime.throw",
];
/// Bytes of one frame's text; mangled generic names can be very long.
const FRAME_BYTES_MAX: usize = 300;
/// Bytes of the message without the guest's last words.
const MESSAGE_BYTES_MAX: usize = 1 << 10;

/// Why an invocation died of an error.
pub(crate) fn of_error(error: &wasmtime::Error, state: &State) -> Trap {
    let kind = kind(error, state);
    let fault = match (kind, state.memory.refusal()) {
        (TrapKind::Memory, Some(refusal)) => refusal.told(state.limits()),
        _ => match of_engine(error) {
            Some(bound) => format!("{}; {}", error.root_cause(), state.limits().hint(bound)),
            None => error.root_cause().to_string(),
        },
    };
    Trap { kind, message: with_last_words(&fault, state), frames: frames(error) }
}

/// The bound that an invocation died of, as far as it is not counted where it is found.
pub(crate) fn bound(error: &wasmtime::Error) -> Option<Bound> {
    error.downcast_ref::<Breach>().map(|breach| breach.bound).or_else(|| of_engine(error))
}

/// A bound that the engine watches over. It keeps the types of these errors to itself; tests hold the texts.
fn of_engine(error: &wasmtime::Error) -> Option<Bound> {
    let text = error.root_cause().to_string();
    let says = |part: &str| text.contains(part);
    if says("fuel allocated for hostcalls") {
        Some(Bound::Payload)
    } else if says("handle limit") {
        Some(Bound::Handles)
    } else if says("instance count too high") {
        Some(Bound::Instances)
    } else if says("table count too high") {
        Some(Bound::Tables)
    } else if says("memory count too high") {
        Some(Bound::Memories)
    } else {
        None
    }
}

/// Why an invocation that was given up at its deadline died. The error is there when the guest itself was interrupted.
pub(crate) fn of_deadline(spent: Duration, state: &State, error: Option<&wasmtime::Error>) -> Trap {
    let hint = state.limits().hint(Bound::Deadline);
    let doing = state.doing.map_or_else(
        || format!("the guest itself was at work ({spent:.0?} of processor time)"),
        |call| format!("it was waiting for the answer to {call}"),
    );
    let fault = format!("the run took longer than its deadline; {doing}; {hint}");
    let frames = error.map_or_else(Vec::new, frames);
    Trap { kind: TrapKind::Deadline, message: with_last_words(&fault, state), frames }
}

fn kind(error: &wasmtime::Error, state: &State) -> TrapKind {
    if let Some(breach) = error.downcast_ref::<Breach>() {
        return match breach.bound {
            Bound::CpuPerRun => TrapKind::Cpu,
            Bound::Deadline => TrapKind::Deadline,
            _ => TrapKind::HostCalls,
        };
    }
    match error.downcast_ref::<wasmtime::Trap>() {
        Some(wasmtime::Trap::StackOverflow) => return TrapKind::Stack,
        Some(wasmtime::Trap::Interrupt) => return TrapKind::Cpu,
        Some(wasmtime::Trap::AllocationTooLarge) => return TrapKind::Memory,
        _ => {}
    }
    if state.memory.refusal().is_some() {
        return TrapKind::Memory;
    }
    match of_engine(error) {
        Some(Bound::Instances | Bound::Tables | Bound::Memories) => TrapKind::Memory,
        Some(_) => TrapKind::HostCalls,
        None => TrapKind::Fault,
    }
}

fn with_last_words(fault: &str, state: &State) -> String {
    let fault = plain(fault, MESSAGE_BYTES_MAX);
    match state.last_words() {
        words if words.is_empty() => fault,
        words => format!("{fault}; the guest said: {words}"),
    }
}

/// The frames, innermost first, from the guest's own code on: how a runtime panics is the same each time.
fn frames(error: &wasmtime::Error) -> Vec<String> {
    let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else { return Vec::new() };
    let all: Vec<String> = backtrace.frames().iter().take(FRAMES_SEEN_MAX).map(frame).collect();
    let own = all.iter().position(|frame| !PANICKING.iter().any(|prefix| frame.starts_with(prefix)));
    all[own.unwrap_or_default()..].iter().take(FRAMES_MAX).cloned().collect()
}

fn frame(frame: &wasmtime::FrameInfo) -> String {
    let name = match frame.func_name() {
        Some(name) => format!("{:#}", rustc_demangle::demangle(name)),
        None => format!("function {}", frame.func_index()),
    };
    let place = frame.symbols().first().and_then(|symbol| Some((symbol.file()?, symbol.line()?)));
    let text = match place {
        Some((file, line)) => format!("{name} at {file}:{line}"),
        None => name,
    };
    plain(&text, FRAME_BYTES_MAX)
}
