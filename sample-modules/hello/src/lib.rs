//! For each ConfigMap labelled `hello.windlass.dev/name: X`, keeps `data.greeting` at `Hello, X`.

use serde_json::json;
use windlass::{Context, Object, Outcome, Patch, Permission, Result, WriteOptions, info};

const LABEL: &str = "hello.windlass.dev/name";

#[windlass::controller(
    reconciles = "v1/ConfigMap",
    labels = "hello.windlass.dev/name",
    on("labels", ".data.greeting")
)]
fn hello(ctx: &Context, map: Object) -> Result<Outcome> {
    let Some(name) = map.label_value(LABEL) else { return Ok(Outcome::done()) };
    let greeting = format!("Hello, {name}");
    if map.str_at("/data/greeting") != Some(&greeting) {
        let patch = Patch::merge(&json!({ "data": { "greeting": greeting } }))?;
        ctx.patch_object("v1/ConfigMap", ctx.name(), &patch, &WriteOptions::default())?;
        info!("greeted {name}");
    }
    Ok(Outcome::done())
}

windlass::module! {
    controllers: [hello],
    title: "Hello",
    permissions: [Permission::new("", "configmaps", "patch")],
}

#[cfg(test)]
mod tests;
