//! Write a Kubernetes controller for Windlass in Rust.
