//! Prints `docs/limits.md`, the page about limits.
#![allow(clippy::print_stdout, reason = "printing is what it is for")]

fn main() {
    print!("{}", windlass_guest::limits::page());
}
