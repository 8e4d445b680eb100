//! Every decision of the host, and no I/O: no sockets, no clock, no tasks, no kube, no wasmtime.
//!
//! ```text
//! ObjectChange ─▶ cache ─▶ interest ─▶ queue ─▶ dispatch ─▶ Command::Run
//!                   ▲ reads of guests              ▲ Outcome ─┘
//! ```
//!
//! [`pipeline::Pipeline::step`] is the only way in: the driver hands it an [`input::Input`] and the time, and
//! carries out the [`input::Command`]s it answers with. The same inputs give the same commands. Beside it stands
//! [`cache::Cache`], a store of snapshots that the watches fill and that guests read without passing `step`.

pub mod cache;
pub mod call;
pub mod change;
pub mod description;
mod dispatch;
pub mod fact;
pub mod field_path;
pub mod field_selector;
pub mod fight;
pub mod grant;
pub mod input;
mod interest;
mod json;
pub mod name;
pub mod object;
pub mod outcome;
pub mod pipeline;
pub mod quantity;
pub mod quarantine;
mod queue;
pub mod selector;
pub mod subscription;
mod sync;
pub mod time;
pub mod trial;
pub mod unneeded;
