//! Counts its runs in the very ConfigMap that wakes it (label `bad.windlass.dev/restless`), so each run causes the next
//! one. With `calm: true` in its settings it counts the first run only.

use serde::Deserialize;
use serde_json::json;
use windlass::{Context, Object, Outcome, Patch, Permission, Result, WriteOptions};

#[derive(Deserialize)]
struct Settings {
    #[serde(default)]
    calm: bool,
}

#[windlass::controller(reconciles = "v1/ConfigMap", labels = "bad.windlass.dev/restless")]
fn restless(ctx: &Context, map: Object) -> Result<Outcome> {
    let runs = map.str_at("/data/runs").and_then(|runs| runs.parse::<u64>().ok());
    if runs.is_some() && ctx.settings::<Settings>()?.calm {
        return Ok(Outcome::done());
    }
    let runs = runs.unwrap_or(0).saturating_add(1).to_string();
    let patch = Patch::merge(&json!({ "data": { "runs": runs } }))?;
    ctx.patch_object("v1/ConfigMap", ctx.name(), &patch, &WriteOptions::default())?;
    Ok(Outcome::done())
}

windlass::module! {
    controllers: [restless],
    permissions: [Permission::new("", "configmaps", "patch")],
}
