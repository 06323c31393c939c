//! The four counters of kube-apiserver's audit subsystem.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use prometheus::TextEncoder;
use prometheus::proto::{Counter, LabelPair, Metric, MetricFamily, MetricType};

use crate::Level;

/// What was counted so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metrics {
    /// `apiserver_audit_event_total`: events handed to the sink, omitted stages left out.
    pub events: u64,
    /// `apiserver_audit_error_total`, by plugin: events that were lost.
    pub errors: BTreeMap<&'static str, u64>,
    /// `apiserver_audit_level_total`, by level: requests for which the policy was asked.
    pub levels: BTreeMap<&'static str, u64>,
    /// `apiserver_audit_requests_rejected_total`: requests refused because they could not be recorded.
    pub requests_rejected: u64,
}

impl Metrics {
    /// Appends the counters in Prometheus' text format, with Kubernetes' names and help.
    ///
    /// # Panics
    /// Never: the names that the library checks stand here.
    pub fn write_text(&self, out: &mut String) {
        let families = [
            family(
                "apiserver_audit_error_total",
                "[ALPHA] Counter of audit events that failed to be audited properly. Plugin identifies the plugin \
                 affected by the error.",
                labelled("plugin", &self.errors),
            ),
            family(
                "apiserver_audit_event_total",
                "[ALPHA] Counter of audit events generated and sent to the audit backend.",
                vec![counted(Vec::new(), self.events)],
            ),
            family(
                "apiserver_audit_level_total",
                "[ALPHA] Counter of policy levels for audit events (1 per request).",
                labelled("level", &self.levels),
            ),
            family(
                "apiserver_audit_requests_rejected_total",
                "[ALPHA] Counter of apiserver requests rejected due to an error in audit logging backend.",
                vec![counted(Vec::new(), self.requests_rejected)],
            ),
        ];
        let families: Vec<MetricFamily> = families.into_iter().flatten().collect();
        TextEncoder::new().encode_utf8(&families, out).expect("each family has a name and a metric");
    }
}

/// A family of counters; none without any.
fn family(name: &str, help: &str, counters: Vec<Metric>) -> Option<MetricFamily> {
    let mut family = MetricFamily::default();
    family.set_name(name.to_owned());
    family.set_help(help.to_owned());
    family.set_field_type(MetricType::COUNTER);
    let is_empty = counters.is_empty();
    family.set_metric(counters);
    (!is_empty).then_some(family)
}

fn labelled(name: &str, counts: &BTreeMap<&'static str, u64>) -> Vec<Metric> {
    let label = |value: &str| {
        let mut label = LabelPair::default();
        label.set_name(name.to_owned());
        label.set_value(value.to_owned());
        vec![label]
    };
    counts.iter().map(|(value, count)| counted(label(value), *count)).collect()
}

fn counted(labels: Vec<LabelPair>, count: u64) -> Metric {
    let mut counter = Counter::default();
    #[expect(clippy::cast_precision_loss, reason = "Prometheus' numbers are doubles")]
    counter.set_value(count as f64);
    let mut metric = Metric::from_label(labels);
    metric.set_counter(counter);
    metric
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) events: AtomicU64,
    levels: [AtomicU64; 4],
    pub(crate) requests_rejected: AtomicU64,
    errors: Mutex<BTreeMap<&'static str, u64>>,
}

impl Counters {
    pub(crate) fn level(&self, level: Level) {
        if let Some(counter) = self.levels.get(level as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn error(&self, plugin: &'static str) {
        *self.errors.lock().unwrap_or_else(PoisonError::into_inner).entry(plugin).or_default() += 1;
    }

    pub(crate) fn snapshot(&self) -> Metrics {
        let levels = Level::ALL.into_iter().zip(&self.levels);
        Metrics {
            events: self.events.load(Ordering::Relaxed),
            errors: self.errors.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            levels: levels
                .map(|(level, counter)| (level.name(), counter.load(Ordering::Relaxed)))
                .filter(|(_, count)| *count > 0)
                .collect(),
            requests_rejected: self.requests_rejected.load(Ordering::Relaxed),
        }
    }
}
