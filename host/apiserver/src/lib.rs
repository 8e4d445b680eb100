//! An embedded Kubernetes API server, faithful to kube-apiserver; depends on nothing of ours.

pub mod discovery;
pub mod object;
pub mod resource;
pub mod schema;
pub mod status;
pub mod store;
pub mod table;
pub mod wire;
