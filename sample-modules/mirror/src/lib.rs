//! For each ConfigMap labelled `mirror.windlass.dev/of: X`, keeps its `data` that of the ConfigMap X beside it.
//!
//! Which ConfigMaps are copied nobody knows beforehand, so the module declares no watch of them: it reads X with
//! `subscribed`, and the host follows X for as long as somebody copies it.

use serde_json::{Value, json};
use windlass::{
    Context, Object, ObjectName, Outcome, Patch, Permission, ReadOptions, Result, WriteOptions, info,
};

const LABEL: &str = "mirror.windlass.dev/of";

#[windlass::controller(reconciles = "v1/ConfigMap", labels = "mirror.windlass.dev/of", on("labels", ".data"))]
fn mirror(ctx: &Context, map: Object) -> Result<Outcome> {
    let Some(source) = map.label_value(LABEL) else { return Ok(Outcome::done()) };
    let name = ObjectName { namespace: ctx.name().namespace.clone(), name: source.to_owned() };
    let found = ctx.get_object("v1/ConfigMap", &name, &ReadOptions::default().subscribed())?;
    let data = |map: &Object| map.at("/data").cloned().unwrap_or_else(|| json!({}));
    let (wanted, mut change) = (found.as_ref().map_or_else(|| json!({}), data), data(&map));
    if wanted == change {
        return Ok(Outcome::done());
    }
    // A merge patch takes out what is null in it.
    if let (Value::Object(change), Value::Object(wanted)) = (&mut change, wanted) {
        change.values_mut().for_each(|value| *value = Value::Null);
        change.extend(wanted);
    }
    ctx.patch_object(
        "v1/ConfigMap",
        ctx.name(),
        &Patch::merge(&json!({ "data": change }))?,
        &WriteOptions::default(),
    )?;
    info!("copied {source}");
    Ok(Outcome::done())
}

windlass::module! {
    controllers: [mirror],
    title: "Mirror",
    permissions: [Permission::new("", "configmaps", "get, watch, patch")],
}

#[cfg(test)]
mod tests;
