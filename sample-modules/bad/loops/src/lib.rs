//! Never ends a run for a ConfigMap labelled `bad.windlass.dev/loops`, and calls nothing while it does not.

use std::hint::black_box;

use windlass::{Context, Object, Outcome, Result};

#[windlass::controller(reconciles = "v1/ConfigMap", labels = "bad.windlass.dev/loops")]
fn loops(_: &Context, _: Object) -> Result<Outcome> {
    let mut rounds = 0_u64;
    while black_box(true) {
        rounds = black_box(rounds.wrapping_add(1));
    }
    Ok(Outcome::done())
}

windlass::module! { controllers: [loops] }
