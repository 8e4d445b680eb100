//! Takes all the memory it can get in a run for a ConfigMap labelled `bad.windlass.dev/hoards`, and touches it.

use std::hint::black_box;

use windlass::{Context, Object, Outcome, Result};

#[windlass::controller(reconciles = "v1/ConfigMap", labels = "bad.windlass.dev/hoards")]
fn hoards(_: &Context, _: Object) -> Result<Outcome> {
    let mut hoard = Vec::new();
    while black_box(true) {
        hoard.push(black_box(vec![1_u8; 1 << 20]));
    }
    Ok(Outcome::done())
}

windlass::module! { controllers: [hoards] }
