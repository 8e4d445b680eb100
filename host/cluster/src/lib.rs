//! The only crate that knows kube: connection, discovery, reflector, client, events, lease.
//!
//! ```text
//! API server ◀─ transport ─▶ reflector ──Delta──▶ Sink (the driver lays it into core's cache)
//!                   ▲ ▲
//!                   │ └───── client ◀── core::call::Call   (guests' calls, events)
//!                   └─────── lease                         (its own connection and timeout, L8)
//! ```
//!
//! kube gives configuration, authentication and TLS. HTTP, retries, watches and everything after them are ours,
//! after client-go's rules; the ids in comments and test names (R14, H1, …) are listed in `RULES.md`.

pub mod client;
mod clock;
pub mod connect;
pub mod discovery;

pub mod events;
pub mod lease;
pub mod reflector;
mod shape;
pub mod transport;

#[cfg(test)]
mod script;
