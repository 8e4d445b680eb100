//! `environment`: settings, time, randomness. All of it passes the host, so that a run can be repeated.

use crate::{
    bindings::windlass::controller::environment,
    instance::{Breach, State},
};

impl environment::Host for State {
    async fn settings(&mut self) -> wasmtime::Result<String> {
        Ok(self.caller.terms.settings.to_string())
    }

    async fn now_ms(&mut self) -> wasmtime::Result<f64> {
        Ok(self.host.now_ms(&self.caller))
    }

    async fn random(&mut self, bytes: u32) -> wasmtime::Result<Vec<u8>> {
        self.count_call("environment.random")?;
        let max = self.limits().random_bytes_max;
        let wanted = usize::try_from(bytes).unwrap_or(usize::MAX);
        if wanted > max - self.tally.random_bytes {
            return Err(Breach::RandomBytes(max).into());
        }
        self.tally.random_bytes += wanted;
        let mut filled = vec![0; wanted];
        self.host.random(&self.caller, &mut filled);
        self.doing = None;
        Ok(filled)
    }
}
