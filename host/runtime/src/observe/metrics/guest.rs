//! The modules' own metrics: `windlass_module_NAME` with the label `module`, made when a guest first names them.

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, MetricEncoder},
    metrics::MetricType,
};
use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};
use windlass_core::{fact::MetricChange, name::ModuleName};

/// Upper bounds of every guest histogram, in whatever unit the guest observes; Prometheus' own defaults.
const BUCKETS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

type Labels = Vec<(String, String)>;

/// All series of all modules.
#[derive(Clone, Debug, Default)]
pub(super) struct GuestMetrics(Arc<Mutex<Families>>);

#[derive(Debug, Default)]
struct Families {
    families: BTreeMap<String, Family>,
    series: BTreeMap<ModuleName, usize>,
}

/// One name is one type, for all modules: the first to use it decides.
#[derive(Debug)]
struct Family {
    kind: MetricType,
    series: BTreeMap<(ModuleName, Labels), Series>,
}

#[derive(Debug)]
enum Series {
    Number(f64),
    Histogram { sum: f64, count: u64, buckets: [u64; BUCKETS.len()] },
}

/// Why a sample changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotKept {
    /// The name has another type already.
    OtherType,
    /// The module has as many series as it may.
    TooMany,
}

impl GuestMetrics {
    /// Changes a series of a module that may have `series_max`; a label that grows without bound must not fill the host.
    ///
    /// # Errors
    /// Why nothing is kept.
    pub(super) fn change(
        &self,
        module: &ModuleName,
        (name, labels): (&str, &Labels),
        change: MetricChange,
        series_max: usize,
    ) -> Result<(), NotKept> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Families { families, series } = &mut *all;
        let kind = type_of(change);
        let known = families.get(name);
        if known.is_some_and(|family| family.kind.as_str() != kind.as_str()) {
            return Err(NotKept::OtherType);
        }
        let key = (module.clone(), labels.clone());
        let new = !known.is_some_and(|family| family.series.contains_key(&key));
        if new {
            let count = series.entry(module.clone()).or_default();
            if *count >= series_max {
                return Err(NotKept::TooMany);
            }
            *count += 1;
        }
        let family =
            families.entry(name.to_owned()).or_insert_with(|| Family { kind, series: BTreeMap::new() });
        family.series.entry(key).or_insert_with(|| Series::of(change)).change(change);
        Ok(())
    }

    /// Takes a module's series out.
    pub(super) fn forget(&self, module: &ModuleName) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.series.remove(module);
        all.families.values_mut().for_each(|family| family.series.retain(|(owner, _), _| owner != module));
        all.families.retain(|_, family| !family.series.is_empty());
    }
}

fn type_of(change: MetricChange) -> MetricType {
    match change {
        MetricChange::Add(_) => MetricType::Counter,
        MetricChange::Set(_) => MetricType::Gauge,
        MetricChange::Observe(_) => MetricType::Histogram,
    }
}

impl Series {
    fn of(change: MetricChange) -> Self {
        match change {
            MetricChange::Add(_) | MetricChange::Set(_) => Self::Number(0.0),
            MetricChange::Observe(_) => Self::Histogram { sum: 0.0, count: 0, buckets: [0; BUCKETS.len()] },
        }
    }

    fn change(&mut self, change: MetricChange) {
        match (self, change) {
            (Self::Number(number), MetricChange::Add(by)) => *number += by,
            (Self::Number(number), MetricChange::Set(value)) => *number = value,
            (Self::Histogram { sum, count, buckets }, MetricChange::Observe(value)) => {
                *sum += value;
                *count += 1;
                if let Some(at) = BUCKETS.iter().position(|bound| value <= *bound) {
                    buckets[at] += 1;
                }
            }
            // The family's type was checked.
            _ => {}
        }
    }

    fn encode(&self, encoder: &mut MetricEncoder<'_>, kind: MetricType) -> fmt::Result {
        match self {
            Self::Number(number) if kind.as_str() == MetricType::Counter.as_str() => {
                encoder.encode_counter::<Labels, _, f64>(number, None)
            }
            Self::Number(number) => encoder.encode_gauge(number),
            Self::Histogram { sum, count, buckets } => {
                let bounded = BUCKETS.iter().copied().zip(buckets.iter().copied());
                let within: u64 = buckets.iter().sum();
                let all: Vec<_> = bounded.chain([(f64::MAX, count - within)]).collect();
                encoder.encode_histogram::<Labels>(*sum, *count, &all, None)
            }
        }
    }
}

impl Collector for GuestMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, family) in &all.families {
            let name = format!("windlass_module_{name}");
            let mut metric =
                encoder.encode_descriptor(&name, "A metric of a module's own", None, family.kind)?;
            for ((module, labels), series) in &family.series {
                let mut labels = labels.clone();
                labels.push(("module".to_owned(), module.to_string()));
                series.encode(&mut metric.encode_family(&labels)?, family.kind)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use prometheus_client::{encoding::text::encode, registry::Registry};

    fn rendered(metrics: &GuestMetrics) -> String {
        let (mut registry, mut text) = (Registry::default(), String::new());
        registry.register_collector(Box::new(metrics.clone()));
        encode(&mut text, &registry).unwrap();
        text
    }

    #[test]
    fn a_guests_samples_come_out_under_its_modules_name() {
        let (metrics, module) = (GuestMetrics::default(), ModuleName("web".into()));
        let labels = vec![("result".to_owned(), "ok".to_owned())];
        for (name, change, labels) in [
            ("seen", MetricChange::Add(2.0), &labels),
            ("seen", MetricChange::Add(1.0), &labels),
            ("seconds", MetricChange::Observe(0.02), &vec![]),
        ] {
            assert_eq!(metrics.change(&module, (name, labels), change, 500), Ok(()));
        }
        let text = rendered(&metrics);
        assert!(text.contains("windlass_module_seen_total{result=\"ok\",module=\"web\"} 3"), "{text}");
        assert!(text.contains("windlass_module_seconds_bucket{le=\"0.025\",module=\"web\"} 1"), "{text}");
        assert!(text.contains("windlass_module_seconds_count{module=\"web\"} 1"), "{text}");
        metrics.forget(&module);
        assert!(!rendered(&metrics).contains("web"));
    }

    #[test]
    fn a_name_keeps_its_type_and_a_module_its_bound() {
        let (metrics, module) = (GuestMetrics::default(), ModuleName("web".into()));
        let change =
            |name: &str, labels: Labels, change| metrics.change(&module, (name, &labels), change, 50);
        assert_eq!(change("x", vec![], MetricChange::Set(1.0)), Ok(()));
        assert_eq!(change("x", vec![], MetricChange::Add(1.0)), Err(NotKept::OtherType));
        let series = |n: usize| vec![("n".to_owned(), n.to_string())];
        let kept = (0..60).map(|n| change("many", series(n), MetricChange::Set(0.0)));
        assert_eq!(kept.filter(|kept| *kept == Err(NotKept::TooMany)).count(), 60 - 49);
    }
}
