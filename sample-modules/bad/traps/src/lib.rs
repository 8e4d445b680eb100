//! Panics in every run for a ConfigMap labelled `bad.windlass.dev/traps`, with a message that must be readable.

use windlass::{Context, Object, Outcome, Result};

#[windlass::controller(reconciles = "v1/ConfigMap", labels = "bad.windlass.dev/traps")]
fn traps(ctx: &Context, _: Object) -> Result<Outcome> {
    panic!("the trap of {} has sprung", ctx.name());
}

windlass::module! { controllers: [traps] }
