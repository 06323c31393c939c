//! The four counters of kube-apiserver's audit subsystem.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

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
    pub fn write_text(&self, out: &mut String) {
        let mut family = |name: &str, help: &str, samples: Vec<(String, u64)>| {
            if samples.is_empty() {
                return;
            }
            // Writing to a String cannot fail.
            let _ = write!(out, "# HELP {name} [ALPHA] {help}\n# TYPE {name} counter\n");
            for (labels, count) in samples {
                let _ = writeln!(out, "{name}{labels} {count}");
            }
        };
        let labelled = |label: &str, counts: &BTreeMap<&'static str, u64>| {
            counts.iter().map(|(value, count)| (format!("{{{label}=\"{value}\"}}"), *count)).collect()
        };
        family(
            "apiserver_audit_error_total",
            "Counter of audit events that failed to be audited properly. Plugin identifies the plugin affected by the \
             error.",
            labelled("plugin", &self.errors),
        );
        family(
            "apiserver_audit_event_total",
            "Counter of audit events generated and sent to the audit backend.",
            vec![(String::new(), self.events)],
        );
        family(
            "apiserver_audit_level_total",
            "Counter of policy levels for audit events (1 per request).",
            labelled("level", &self.levels),
        );
        family(
            "apiserver_audit_requests_rejected_total",
            "Counter of apiserver requests rejected due to an error in audit logging backend.",
            vec![(String::new(), self.requests_rejected)],
        );
    }
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
