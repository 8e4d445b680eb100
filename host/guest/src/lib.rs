//! The only crate that knows wasmtime: engine, module, registry, instance, capabilities.
