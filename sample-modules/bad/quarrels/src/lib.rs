//! Insists on its own value of `data.word` in each ConfigMap labelled `bad.windlass.dev/quarrels`. Two of it, with other
//! words in their settings (`insists: WORD`), undo each other's writes for ever; without the setting it is peaceable.

use serde::Deserialize;
use serde_json::json;
use windlass::{Context, Object, Outcome, Patch, Permission, Result, WriteOptions};

#[derive(Deserialize)]
struct Settings {
    insists: Option<String>,
}

#[windlass::controller(
    reconciles = "v1/ConfigMap",
    labels = "bad.windlass.dev/quarrels",
    on("labels", ".data.word")
)]
fn quarrels(ctx: &Context, map: Object) -> Result<Outcome> {
    let Some(word) = ctx.settings::<Settings>()?.insists else { return Ok(Outcome::done()) };
    if map.str_at("/data/word") != Some(&word) {
        let patch = Patch::merge(&json!({ "data": { "word": word } }))?;
        ctx.patch_object("v1/ConfigMap", ctx.name(), &patch, &WriteOptions::default())?;
    }
    Ok(Outcome::done())
}

windlass::module! {
    controllers: [quarrels],
    permissions: [Permission::new("", "configmaps", "patch")],
}
