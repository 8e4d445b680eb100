//! `environment`: settings, time, randomness. All of it passes the host, so that a run can be repeated.

use crate::{
    bindings::windlass::controller::environment,
    instance::{Breach, State},
    limits::Bound,
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
        let max = self.limits().size(Bound::RandomBytes);
        let wanted = usize::try_from(bytes).unwrap_or(usize::MAX);
        if wanted > max - self.tally.random_bytes {
            let what = format!("more than {max} random bytes in one run");
            return Err(Breach::of(Bound::RandomBytes, self.limits(), what).into());
        }
        self.tally.random_bytes += wanted;
        let mut filled = vec![0; wanted];
        self.host.random(&self.caller, &mut filled);
        self.doing = None;
        Ok(filled)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use crate::testing::Fake;
    use environment::Host;

    #[tokio::test]
    async fn a_run_depends_on_nothing_but_what_the_host_gives() {
        let mut state = Fake::default().state(|terms| terms.limits.set(Bound::RandomBytes, 6));
        assert_eq!(state.settings().await.unwrap(), r#"{"size":3}"#);
        assert_eq!(state.now_ms().await.unwrap().to_bits(), 1_795_255_200_123.5_f64.to_bits());
        assert_eq!(state.random(4).await.unwrap(), [7; 4]);
        assert_eq!(state.random(2).await.unwrap(), [7; 2]);
        assert!(state.random(1).await.is_err());
        assert!(state.random(u32::MAX).await.is_err());
    }
}
