//! An embedded Kubernetes API server, faithful to kube-apiserver; depends on nothing of ours.
//!
//! ```text
//! request ─▶ chain (filters → aggregator → core groups → custom resources → 404)
//!               │                                   ▲ what is served
//!               ▼                                   │
//!            registry (one for all resources) ◀── catalog ◀── crd
//!               │ reads, writes, watches
//!               ▼
//!            store (versions, history; memory or disk) ◀── controllers
//! ```
//!
//! [`ApiServer`] starts it; [`ApiServer::service`] serves in process, [`ApiServer::listen`] over TLS.

pub mod apply;
mod calendar;
pub mod catalog;
pub mod chain;
pub mod clock;
pub mod controllers;
mod convert;
pub mod crd;
pub mod defaults;
pub mod discovery;
pub mod fault;
pub mod object;
pub mod openapi;
pub mod patch;
pub mod query;
pub mod registry;
pub mod resource;
pub mod schema;
pub mod selector;
pub mod server;
mod signal;
pub mod status;
pub mod store;
pub mod strategy;
pub mod table;
pub mod validate;
pub mod wire;

pub use chain::{AuditLog, AuditRecord, Authorization, User};
pub use server::{ApiServer, Builder, Listening, StartError};
