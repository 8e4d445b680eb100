//! `metrics`: the module's own counters, gauges and histograms.

use crate::{
    bindings::windlass::controller::metrics::{self, Label},
    host::{MetricChange, MetricSample},
    instance::State,
    limits::Bound,
    text::plain,
};

/// Bytes of a metric's or a label's name.
const NAME_BYTES_MAX: usize = 100;
/// Bytes of a label's value: each value makes a series.
const VALUE_BYTES_MAX: usize = 200;

impl metrics::Host for State {
    async fn add(&mut self, counter: String, by: f64, labels: Vec<Label>) -> wasmtime::Result<()> {
        self.sample(counter, MetricChange::Add(by), by.is_finite() && by >= 0.0, labels)
    }

    async fn set(&mut self, gauge: String, value: f64, labels: Vec<Label>) -> wasmtime::Result<()> {
        self.sample(gauge, MetricChange::Set(value), value.is_finite(), labels)
    }

    async fn observe(&mut self, histogram: String, value: f64, labels: Vec<Label>) -> wasmtime::Result<()> {
        self.sample(histogram, MetricChange::Observe(value), value.is_finite(), labels)
    }
}

impl State {
    fn sample(
        &mut self,
        name: String,
        change: MetricChange,
        fits: bool,
        labels: Vec<Label>,
    ) -> wasmtime::Result<()> {
        let limits = self.limits();
        let room = self.tally.metric_samples < limits.count(Bound::MetricSamples);
        let few = labels.len() <= limits.size(Bound::LogFields);
        let named = is_name(&name) && labels.iter().all(|label| is_label(&label.name));
        self.reach(Bound::MetricSamples, usize::from(!room));
        self.reach(Bound::LogFields, usize::from(!few));
        if !room || !fits || !named || !few || self.describing() {
            self.tally.metric_samples_dropped += 1;
            return Ok(());
        }
        self.tally.metric_samples += 1;
        let labels =
            labels.into_iter().map(|label| (label.name, plain(&label.value, VALUE_BYTES_MAX))).collect();
        self.host.metric(&self.caller, MetricSample { name, change, labels });
        Ok(())
    }
}

/// Prometheus's form, without the colon that recording rules use.
fn is_name(name: &str) -> bool {
    name.len() <= NAME_BYTES_MAX
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// `__…` is Prometheus's own, `module` is what the host adds.
fn is_label(name: &str) -> bool {
    is_name(name) && !name.starts_with("__") && name != "module"
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use crate::testing::Fake;
    use metrics::Host;

    #[tokio::test]
    async fn only_samples_that_prometheus_can_hold_get_through() {
        let fake = Fake::default();
        let mut state = fake.state(|_| {});
        let label = |name: &str| vec![Label { name: name.to_owned(), value: "v".to_owned() }];
        state.add("made".to_owned(), 1.5, label("size")).await.unwrap();
        state.set("depth".to_owned(), -2.0, vec![]).await.unwrap();
        for (name, by, labels) in [
            ("made", -1.0, vec![]),
            ("made", f64::NAN, vec![]),
            ("9made", 1.0, vec![]),
            ("made total", 1.0, vec![]),
            ("made", 1.0, label("module")),
            ("made", 1.0, label("__name__")),
        ] {
            state.add(name.to_owned(), by, labels).await.unwrap();
        }
        assert_eq!((state.tally.metric_samples, state.tally.metric_samples_dropped), (2, 6));
        let samples = fake.samples.lock().unwrap();
        let labels = vec![("size".to_owned(), "v".to_owned())];
        assert_eq!(
            samples[0],
            MetricSample { name: "made".to_owned(), change: MetricChange::Add(1.5), labels }
        );
        assert_eq!(samples[1].change, MetricChange::Set(-2.0));
    }
}
