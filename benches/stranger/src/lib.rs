//! Reads its ConfigMap and, if that says so, passes a counter on to another one.
//!
//! The benchmarks put other digits into the label's name in the built module: each number is a module of its own, with
//! other bytes, another digest and objects of its own.

use serde::{Deserialize, Serialize};
use serde_json::json;
use windlass::{
    Context, Kind, ObjectMeta, ObjectName, Outcome, Patch, Permission, Resource, Result, WriteOptions,
};

/// What the module reads of a ConfigMap; the rest costs it nothing.
#[derive(Deserialize, Serialize)]
pub struct Map {
    #[serde(skip)]
    metadata: ObjectMeta,
    data: Data,
}

/// All values of a ConfigMap are texts.
#[derive(Deserialize, Serialize)]
struct Data {
    /// How many of the ring are still to come; nothing where there is no ring.
    #[serde(default)]
    left: String,
    /// The name of the next one.
    #[serde(default)]
    next: String,
}

impl Resource for Map {
    const API_VERSION: &'static str = "v1";
    const KIND: &'static str = "ConfigMap";

    fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn metadata_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

/// Takes the newest state from the cache, as a reconciler of more than one object does.
#[windlass::controller(labels = "strangers.windlass.dev/s00000")]
fn stranger(ctx: &Context, _: Map) -> Result<Outcome> {
    let Some(Map { data: Data { left, next }, .. }) = ctx.get::<Map>(ctx.name())? else {
        return Ok(Outcome::done());
    };
    if let Some(left) = left.parse::<u32>().ok().filter(|left| *left > 0) {
        let patch = Patch::merge(&json!({ "data": { "left": (left - 1).to_string() } }))?;
        let next = ObjectName { namespace: ctx.namespace().map(str::to_owned), name: next };
        ctx.patch_object(Kind::new("v1", "ConfigMap"), &next, &patch, &WriteOptions::default())?;
    }
    Ok(Outcome::done())
}

windlass::module! {
    controllers: [stranger],
    permissions: [Permission::new("", "configmaps", "get, patch")],
}
