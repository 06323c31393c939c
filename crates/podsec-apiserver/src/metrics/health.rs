//! `/metrics/slis`: what the checks of the server's health said.

use std::time::{SystemTime, UNIX_EPOCH};

use prometheus::{IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

/// The results of the checks, in a registry of their own.
pub(crate) struct Health {
    registry: Registry,
    last: Option<IntGaugeVec>,
    all: Option<IntCounterVec>,
}

impl Default for Health {
    fn default() -> Self {
        let registry = Registry::new();
        let last = IntGaugeVec::new(
            Opts::new(
                "kubernetes_healthcheck",
                "[STABLE] This metric records the result of a single healthcheck.",
            ),
            &["name", "type"],
        );
        let all = IntCounterVec::new(
            Opts::new(
                "kubernetes_healthchecks_total",
                "[STABLE] This metric records the results of all healthcheck.",
            ),
            &["name", "status", "type"],
        );
        let started = IntGauge::new(
            "process_start_time_seconds",
            "[ALPHA] Start time of the process since unix epoch in seconds.",
        );
        let health = Self { registry, last: last.ok(), all: all.ok() };
        let registry = &health.registry;
        let registered = [
            health.last.clone().map(|family| registry.register(Box::new(family))),
            health.all.clone().map(|family| registry.register(Box::new(family))),
            started.ok().map(|started| {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                started.set(i64::try_from(now.as_secs()).unwrap_or(i64::MAX));
                registry.register(Box::new(started))
            }),
        ];
        super::families::report(registered.into_iter().flatten());
        health
    }
}

impl Health {
    /// Notes what a check of an endpoint (`livez`) has found.
    pub(crate) fn note(&self, endpoint: &str, check: &str, healthy: bool) {
        if let Some(last) = &self.last {
            last.with_label_values(&[check, endpoint]).set(i64::from(healthy));
        }
        if let Some(all) = &self.all {
            let status = if healthy { "success" } else { "error" };
            all.with_label_values(&[check, status, endpoint]).inc();
        }
    }

    /// The Prometheus text format.
    pub(crate) fn render(&self) -> String {
        super::families::written(&self.registry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_result_of_a_check_is_told_and_all_are_counted() {
        let health = Health::default();
        health.note("livez", "etcd", true);
        health.note("livez", "etcd", false);
        let text = health.render();
        assert!(text.contains("kubernetes_healthcheck{name=\"etcd\",type=\"livez\"} 0"), "{text}");
        assert!(
            text.contains("kubernetes_healthchecks_total{name=\"etcd\",status=\"success\",type=\"livez\"} 1")
        );
        assert!(text.contains("process_start_time_seconds"));
    }
}
