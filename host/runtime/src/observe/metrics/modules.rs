//! The series of all modules, written from their numbers whenever the metrics are read.

use super::{
    module::{ControllerSeries, ModuleSeries},
    rows::{self, About, Row},
    times::{QUEUE_SECONDS, RECONCILE_SECONDS},
};
use crate::observe::Metric;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _, MetricEncoder, NoLabelSet},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
};
use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};
use windlass_core::name::ModuleName;

type All = BTreeMap<ModuleName, ModuleSeries>;

/// The numbers of all modules. Cheap to clone: all clones are one.
#[derive(Clone, Debug, Default)]
pub(super) struct Modules(Arc<RwLock<All>>);

impl Modules {
    /// A module's numbers begin at zero; what exists already goes on.
    pub(super) fn register<'a>(
        &self,
        module: &ModuleName,
        controllers: impl IntoIterator<Item = &'a str>,
        concurrency: u32,
    ) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.entry(module.clone()).or_default().keep_controllers(controllers, concurrency);
    }

    /// Takes a module's numbers out.
    pub(super) fn forget(&self, module: &ModuleName) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(module);
    }

    /// Uses the numbers of a module that is registered.
    pub(super) fn with(&self, module: &ModuleName, use_it: impl FnOnce(&ModuleSeries)) {
        if let Some(series) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(module) {
            use_it(series);
        }
    }
}

impl Collector for Modules {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if all.is_empty() {
            return Ok(());
        }
        let modules: Vec<_> = all.iter().map(|(name, series)| (name.to_string(), series)).collect();
        numbers(&mut encoder, &rows::of_modules(), &modules, |series, place| series.numbers.get(place))?;
        let controllers: Vec<_> = all.iter().flat_map(|(name, series)| of_module(name, series)).collect();
        numbers(&mut encoder, &rows::of_controllers(), &controllers, |series, place| {
            series.numbers.get(place)
        })?;
        all_seconds(&mut encoder, &controllers)?;
        all_times(&mut encoder, &controllers)
    }
}

fn of_module<'a>(
    module: &'a ModuleName,
    series: &'a ModuleSeries,
) -> impl Iterator<Item = (String, &'a ControllerSeries)> {
    series.controllers.iter().map(move |(name, series)| (format!("{module}/{name}"), &**series))
}

/// One metric after the other, each for all.
fn numbers<S>(
    encoder: &mut DescriptorEncoder<'_>,
    rows: &[Row],
    all: &[(String, &S)],
    number: impl Fn(&S, usize) -> u64,
) -> fmt::Result {
    let mut begin = 0;
    for family in rows.chunk_by(|one, next| one.metric == next.metric) {
        let gauge = family[0].gauge;
        let mut metric = begin_metric(encoder, family[0].metric, kind(gauge))?;
        for (name, series) in all {
            for (at, row) in family.iter().enumerate() {
                let number = number(series, begin + at);
                let labels = labels(row.about, name, &row.labels);
                let to = metric.encode_family(&labels)?;
                match gauge {
                    true => ConstGauge::new(i64::try_from(number).unwrap_or(i64::MAX)).encode(to)?,
                    false => ConstCounter::new(number).encode(to)?,
                }
            }
        }
        begin += family.len();
    }
    Ok(())
}

fn all_seconds(encoder: &mut DescriptorEncoder<'_>, all: &[(String, &ControllerSeries)]) -> fmt::Result {
    type Seconds = fn(&ControllerSeries) -> f64;
    let rows: [(Metric, About, bool, Seconds); 3] = [
        (Metric::RunCpu, About::Controller, false, ControllerSeries::cpu_seconds),
        (Metric::UnfinishedWork, About::Queue, true, ControllerSeries::unfinished_seconds),
        (Metric::LongestRunning, About::Queue, true, ControllerSeries::longest_seconds),
    ];
    for (metric, about, gauge, seconds) in rows {
        let mut metric = begin_metric(encoder, metric, kind(gauge))?;
        for (name, series) in all {
            let labels = labels(about, name, &[]);
            let mut to = metric.encode_family(&labels)?;
            match gauge {
                true => to.encode_gauge(&seconds(series))?,
                false => to.encode_counter::<NoLabelSet, _, f64>(&seconds(series), None)?,
            }
        }
    }
    Ok(())
}

fn all_times(encoder: &mut DescriptorEncoder<'_>, all: &[(String, &ControllerSeries)]) -> fmt::Result {
    type Encode = fn(&ControllerSeries, MetricEncoder<'_>) -> fmt::Result;
    let rows: [(Metric, About, Encode); 3] = [
        (Metric::ReconcileTime, About::Controller, |one, to| one.time.encode(&RECONCILE_SECONDS, to)),
        (Metric::QueueDuration, About::Queue, |one, to| one.waited.encode(&QUEUE_SECONDS, to)),
        (Metric::WorkDuration, About::Queue, |one, to| one.worked.encode(&QUEUE_SECONDS, to)),
    ];
    for (metric, about, encode) in rows {
        let mut metric = begin_metric(encoder, metric, MetricType::Histogram)?;
        for (name, series) in all {
            encode(series, metric.encode_family(&labels(about, name, &[]))?)?;
        }
    }
    Ok(())
}

fn begin_metric<'e>(
    encoder: &'e mut DescriptorEncoder<'_>,
    metric: Metric,
    kind: MetricType,
) -> Result<MetricEncoder<'e>, fmt::Error> {
    encoder.encode_descriptor(metric.name(), metric.help(), None, kind)
}

fn kind(gauge: bool) -> MetricType {
    if gauge { MetricType::Gauge } else { MetricType::Counter }
}

/// `name` is a module's, or `module/controller`.
fn labels<'a>(about: About, name: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let who: &[&str] = match about {
        About::Module => &["module"],
        About::Controller => &["controller"],
        About::Queue => &["name", "controller"],
    };
    who.iter().map(|label| (*label, name)).chain(more.iter().copied()).collect()
}
