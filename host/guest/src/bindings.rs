//! The contract, bound: generated from `wit/` at the root.

#![allow(missing_docs, unreachable_pub, reason = "generated")]
#![allow(clippy::all, reason = "generated")]

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "windlass",
    imports: { default: async | trappable },
    exports: { default: async },
    require_store_data_send: true,
});
