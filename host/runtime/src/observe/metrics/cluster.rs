//! What watches and requests did, read from the cluster's own counters when somebody asks: under client-go's names
//! where they mean the same, with the kind as `name`.

use prometheus_client::{collector::Collector, encoding::DescriptorEncoder, metrics::MetricType};
use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};
use windlass_cluster::{
    reflector::{Counters, Measures, Spread, Spreads},
    transport::Requests,
};

type Labels = Vec<(String, String)>;
/// Labels beside `name`, and the value.
type Values = Vec<(Vec<(&'static str, String)>, f64)>;

/// Counters of one cluster; nothing before there is one.
#[derive(Clone, Debug, Default)]
pub(super) struct ClusterMetrics(Arc<Mutex<Option<Sources>>>);

#[derive(Debug)]
struct Sources {
    measures: Arc<Measures>,
    requests: Arc<Requests>,
    host: String,
}

/// A counter for each kind: name, help, what it counts.
type Family = (&'static str, &'static str, fn(&Counters) -> Values);

const FAMILIES: [Family; 6] = [
    ("reflector_lists", "LISTs begun", |counters| one(read(&counters.lists))),
    ("reflector_watches", "WATCHes begun, first lists over a watch included", |counters| {
        one(read(&counters.watches) + read(&counters.watch_lists))
    }),
    ("reflector_short_watches", "Watches that ended at once and without an event", |counters| {
        one(read(&counters.short_watches))
    }),
    ("windlass_watch_relists", "Lists made anew of what was held, by reason", |counters| {
        let relists = counters.relists().into_iter();
        relists.map(|(reason, count)| (vec![("reason", reason.to_owned())], number(count))).collect()
    }),
    ("windlass_watch_reconnects", "Watches resumed where they broke, with no list", |counters| {
        one(read(&counters.reconnects) + read(&counters.idle))
    }),
    ("windlass_watch_events", "Events of watches, by type", |counters| {
        let of = |name: &str, count| (vec![("type", name.to_owned())], read(count));
        vec![
            of("upsert", &counters.upserts),
            of("delete", &counters.deletes),
            of("bookmark", &counters.bookmarks),
            of("error", &counters.errors),
            of("undecodable", &counters.skipped),
        ]
    }),
];

type OneOf = fn(&Spreads) -> &Spread;

/// A histogram for each kind. client-go has summaries of these names: their `_sum` and `_count` are here as well.
const SPREADS: [(&str, &str, OneOf); 4] = [
    ("reflector_list_duration_seconds", "How long lists took", |spreads| &spreads.list_time),
    ("reflector_items_per_list", "How many objects lists brought", |spreads| &spreads.list_items),
    ("reflector_watch_duration_seconds", "How long watches lived", |spreads| &spreads.watch_time),
    ("reflector_items_per_watch", "How many events watches brought", |spreads| &spreads.watch_items),
];

impl ClusterMetrics {
    pub(super) fn follow(&self, measures: Arc<Measures>, requests: Arc<Requests>, host: &str) {
        let sources = Sources { measures, requests, host: host.to_owned() };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(sources);
    }
}

fn read(counter: &std::sync::atomic::AtomicU64) -> f64 {
    number(counter.load(std::sync::atomic::Ordering::Relaxed))
}

/// Counts are exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "metrics are floating point numbers")]
fn number(count: u64) -> f64 {
    count as f64
}

fn one(value: f64) -> Values {
    vec![(Vec::new(), value)]
}

impl Collector for ClusterMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let sources = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(sources) = &*sources else { return Ok(()) };
        let kinds = sources.measures.all();
        for (name, help, values) in FAMILIES {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            for (kind, counters) in &kinds {
                for (labels, value) in values(counters) {
                    let labels = labels.into_iter().map(|(name, value)| (name.to_owned(), value));
                    let labels: Labels =
                        [("name".to_owned(), kind.to_string())].into_iter().chain(labels).collect();
                    family.encode_family(&labels)?.encode_counter::<Labels, _, f64>(&value, None)?;
                }
            }
        }
        for (name, help, spread) in SPREADS {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
            for (kind, counters) in &kinds {
                let spread = spread(&counters.spreads);
                let labels: Labels = vec![("name".to_owned(), kind.to_string())];
                // The encoder writes the greatest number as infinity, and adds the buckets up.
                let buckets: Vec<_> =
                    spread.buckets().map(|(bound, count)| (bound.min(f64::MAX), count)).collect();
                let count = buckets.iter().map(|(_, count)| count).sum();
                let mut family = family.encode_family(&labels)?;
                family.encode_histogram::<Labels>(spread.sum(), count, &buckets, None)?;
            }
        }
        sources.requests(&mut encoder)
    }
}

impl Sources {
    /// As client-go has them: no answer is the code `<error>`.
    fn requests(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Requests to the API server, by answer";
        let mut family =
            encoder.encode_descriptor("rest_client_requests", help, None, MetricType::Counter)?;
        let mut all = self.requests.all();
        if !all.iter().any(|(status, method, _)| (*status, method.as_str()) == (200, "GET")) {
            all.push((200, "GET".to_owned(), 0));
        }
        for (status, method, count) in all {
            let code = if status == 0 { "<error>".to_owned() } else { status.to_string() };
            let labels = [("code", code), ("method", method), ("host", self.host.clone())];
            let labels: Labels = labels.map(|(name, value)| (name.to_owned(), value)).into();
            family.encode_family(&labels)?.encode_counter::<Labels, _, f64>(&number(count), None)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_client::{encoding::text::encode, registry::Registry};
    use windlass_core::name::Kind;

    fn rendered(metrics: &ClusterMetrics) -> String {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(metrics.clone()));
        let mut text = String::new();
        encode(&mut text, &registry).expect("a String takes all");
        text
    }

    #[test]
    fn every_series_of_a_kind_begins_at_zero_when_its_first_watch_starts() {
        let metrics = ClusterMetrics::default();
        assert!(!rendered(&metrics).contains("reflector"), "nothing before there is a cluster");
        let (measures, requests) = (Arc::<Measures>::default(), Arc::<Requests>::default());
        metrics.follow(measures.clone(), requests, "in-process");
        let counters = measures.of(&Kind::new("v1", "ConfigMap"));
        counters.lists.fetch_add(2, std::sync::atomic::Ordering::Relaxed);
        let text = rendered(&metrics);
        for line in [
            "reflector_lists_total{name=\"v1 ConfigMap\"} 2",
            "reflector_watches_total{name=\"v1 ConfigMap\"} 0",
            "reflector_short_watches_total{name=\"v1 ConfigMap\"} 0",
            "windlass_watch_relists_total{name=\"v1 ConfigMap\",reason=\"expired\"} 0",
            "windlass_watch_reconnects_total{name=\"v1 ConfigMap\"} 0",
            "windlass_watch_events_total{name=\"v1 ConfigMap\",type=\"undecodable\"} 0",
            "reflector_list_duration_seconds_count{name=\"v1 ConfigMap\"} 0",
            "reflector_list_duration_seconds_sum{name=\"v1 ConfigMap\"} 0",
            "reflector_list_duration_seconds_bucket{le=\"0.005\",name=\"v1 ConfigMap\"} 0",
            "reflector_list_duration_seconds_bucket{le=\"+Inf\",name=\"v1 ConfigMap\"} 0",
            "reflector_items_per_list_bucket{le=\"100000.0\",name=\"v1 ConfigMap\"} 0",
            "reflector_watch_duration_seconds_bucket{le=\"600.0\",name=\"v1 ConfigMap\"} 0",
            "reflector_items_per_watch_count{name=\"v1 ConfigMap\"} 0",
            "rest_client_requests_total{code=\"200\",method=\"GET\",host=\"in-process\"} 0",
        ] {
            let begins =
                |one: &str| one.strip_prefix(line).is_some_and(|rest| rest.is_empty() || rest == ".0");
            assert!(text.lines().any(begins), "{line} is not in:\n{text}");
        }
    }
}
