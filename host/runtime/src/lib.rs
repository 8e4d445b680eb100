//! The driver: turns happenings into inputs of core and carries out its commands.
//!
//! ```text
//! source ─▶ loader ─▶ book ─┐                       ┌─▶ watches ─▶ cache
//! watches, runs, control ───┴─▶ drive ─ step() ─▶ ──┼─▶ runs ─▶ guest ─▶ bridge ─▶ cluster
//!                                                   └─▶ observe
//! ```

pub mod apply;
mod aside;
mod book;
mod bridge;
mod circles;
mod clock;
pub mod control;
mod desk;
mod drive;
pub mod endpoints;
pub mod examine;
mod failures;
mod gauges;
mod hands;
mod kinds;
mod loader;
pub mod manifest;
pub mod observe;
mod operate;
mod own_writes;
mod refusals;
mod resident;
mod rollback;
mod runs;
pub mod settings;
mod sleep;
pub mod source;
mod spare;
mod start;
mod tell;
mod versions;
mod watches;

pub use loader::Grants;
pub use start::{Parts, StartError, run};
pub use windlass_cluster::{
    client::{Client, Settings as ClientSettings},
    connect::{ConnectError, ConnectOptions, Connection},
    discovery::Discovery,
    lease::identity,
};
/// What the host decides by, and what it tells.
pub use windlass_core as core;
/// What modules may use.
pub use windlass_guest::limits;
/// Text of modules, made fit for terminals.
pub use windlass_guest::text;
/// How modules become machine code.
pub use windlass_guest::{
    compile,
    module::{ModuleBound, ModuleBounds},
};
