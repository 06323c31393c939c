//! What operators see: upstream's three families unchanged, and how the webhook itself is doing.

use std::fmt::{Display, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hyper::StatusCode;
use podsec_admission::{Request, Response};

use crate::violations::Violations;

/// The webhook's metrics.
#[derive(Debug, Default)]
pub struct Metrics {
    admission: podsec_admission::Metrics,
    violations: Violations,
    durations: [AtomicU64; BUCKETS.len() + 1],
    duration_nanoseconds: AtomicU64,
    live_lookups: AtomicU64,
    refused: [AtomicU64; REFUSALS.len()],
    generation: AtomicU64,
    refused_configurations: AtomicU64,
    /// In seconds since 1970; zero while unknown.
    certificate_expiry: AtomicU64,
    connections: podsec_transport::ConnectionMetrics,
}

/// What is read from elsewhere when the metrics are asked for.
pub(crate) struct State {
    pub(crate) in_flight: usize,
    pub(crate) body_bytes: usize,
    pub(crate) namespaces: usize,
    pub(crate) cache_age: Duration,
}

impl Metrics {
    pub(crate) fn record(&self, request: &Request<'_>, response: &Response, duration: Duration) {
        self.admission.record(request, response);
        self.violations.record(request, response);
        let bucket = BUCKETS.partition_point(|limit| *limit < duration.as_secs_f64());
        if let Some(count) = self.durations.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.duration_nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    pub(crate) fn count_live_lookup(&self) {
        self.live_lookups.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a request that was answered with an HTTP error.
    pub(crate) fn count_refused(&self, status: StatusCode) {
        let index = REFUSALS.iter().position(|code| *code == status);
        if let Some(count) = index.and_then(|index| self.refused.get(index)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts a configuration that is now decided by.
    pub fn count_configuration(&self) {
        self.generation.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a configuration that was refused, so that the one before it stays.
    pub fn count_refused_configuration(&self) {
        self.refused_configurations.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes when the certificate expires that is served from now on, in seconds since 1970.
    pub fn set_certificate_expiry(&self, seconds: u64) {
        self.certificate_expiry.store(seconds, Ordering::Relaxed);
    }

    /// Those of connections.
    pub fn connections(&self) -> &podsec_transport::ConnectionMetrics {
        &self.connections
    }

    /// The Prometheus text format 0.0.4.
    pub(crate) fn render(&self, state: &State) -> String {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let mut text = self.admission.render();
        self.violations.render(&mut text);
        self.render_durations(&mut text);
        self.render_refused(&mut text);
        let mut family = |name, kind, help, value: &dyn Display| family(&mut text, name, kind, help, value);
        family("reviews_in_flight", "gauge", "Reviews being answered.", &state.in_flight);
        family("body_bytes", "gauge", "Bytes of request bodies in memory.", &state.body_bytes);
        family("namespaces_cached", "gauge", "Namespaces whose labels are known.", &state.namespaces);
        family(
            "namespace_cache_age_seconds",
            "gauge",
            "How long no changes of namespaces have arrived for want of a watch; 0 while there is one.",
            &state.cache_age.as_secs_f64(),
        );
        family(
            "namespace_lookups_total",
            "counter",
            "Namespaces that had to be asked for.",
            &load(&self.live_lookups),
        );
        family(
            "configuration_generation",
            "gauge",
            "The configuration decided by, from 1.",
            &load(&self.generation),
        );
        family(
            "configurations_refused_total",
            "counter",
            "Changed configurations that were refused.",
            &load(&self.refused_configurations),
        );
        family(
            "certificate_expiry_timestamp_seconds",
            "gauge",
            "When the serving certificate expires, in seconds since 1970; 0 while unknown.",
            &load(&self.certificate_expiry),
        );
        self.connections.render(&mut text);
        text
    }

    fn render_refused(&self, text: &mut String) {
        const NAME: &str = "podsec_webhook_requests_refused_total";
        let _ = writeln!(text, "# HELP {NAME} Requests answered with an HTTP error.\n# TYPE {NAME} counter");
        for (count, code) in self.refused.iter().zip(REFUSALS) {
            let _ = writeln!(text, "{NAME}{{code=\"{}\"}} {}", code.as_u16(), count.load(Ordering::Relaxed));
        }
    }

    fn render_durations(&self, text: &mut String) {
        const NAME: &str = "podsec_webhook_review_duration_seconds";
        let _ = writeln!(
            text,
            "# HELP {NAME} Time from a review's headers to its answer.\n# TYPE {NAME} histogram"
        );
        let mut total = 0;
        let limits = BUCKETS.iter().map(ToString::to_string).chain(["+Inf".to_owned()]);
        for (count, limit) in self.durations.iter().zip(limits) {
            total += count.load(Ordering::Relaxed);
            let _ = writeln!(text, "{NAME}_bucket{{le=\"{limit}\"}} {total}");
        }
        let sum = Duration::from_nanos(self.duration_nanoseconds.load(Ordering::Relaxed)).as_secs_f64();
        let _ = writeln!(text, "{NAME}_sum {sum}\n{NAME}_count {total}");
    }
}

fn family(text: &mut String, name: &str, kind: &str, help: &str, value: &dyn Display) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "# HELP podsec_webhook_{name} {help}\n# TYPE podsec_webhook_{name} {kind}");
    let _ = writeln!(text, "podsec_webhook_{name} {value}");
}

/// The HTTP errors that there are.
const REFUSALS: [StatusCode; 6] = [
    StatusCode::BAD_REQUEST,
    StatusCode::UNAUTHORIZED,
    StatusCode::REQUEST_TIMEOUT,
    StatusCode::PAYLOAD_TOO_LARGE,
    StatusCode::TOO_MANY_REQUESTS,
    StatusCode::INTERNAL_SERVER_ERROR,
];

/// Upper limits in seconds. Most reviews take some ten microseconds; the API server's own limit is ten seconds.
const BUCKETS: [f64; 14] = [
    0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 10.0,
];

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use podsec_admission::{Admission, Cluster, ClusterError, NamespaceLabels};

    use super::*;

    /// A cluster without namespaces.
    struct Empty;

    impl Cluster for Empty {
        type Pod = Vec<u8>;

        fn namespace(&self, name: &str) -> Result<Arc<NamespaceLabels>, ClusterError> {
            Err(ClusterError::NotFound(name.to_owned()))
        }

        fn pods(&self, _: &str) -> Result<Vec<Vec<u8>>, ClusterError> {
            Ok(Vec::new())
        }

        fn expired(&self) -> bool {
            false
        }
    }

    #[test]
    fn buckets_count_everything_below_them() {
        let metrics = Metrics::default();
        for microseconds in [5, 20, 20, 20_000_000] {
            let request = Request::default();
            let response = Admission::default().review(&Empty, &request);
            metrics.record(&request, &response, Duration::from_micros(microseconds));
        }
        metrics.count_refused(StatusCode::TOO_MANY_REQUESTS);
        let state = State { in_flight: 0, body_bytes: 0, namespaces: 0, cache_age: Duration::ZERO };
        let text = metrics.render(&state);
        for line in [
            r#"podsec_webhook_review_duration_seconds_bucket{le="0.00001"} 1"#,
            r#"podsec_webhook_review_duration_seconds_bucket{le="0.000025"} 3"#,
            r#"podsec_webhook_review_duration_seconds_bucket{le="10"} 3"#,
            r#"podsec_webhook_review_duration_seconds_bucket{le="+Inf"} 4"#,
            "podsec_webhook_review_duration_seconds_sum 20.000045",
            r#"podsec_webhook_requests_refused_total{code="429"} 1"#,
        ] {
            assert!(text.lines().any(|found| found == line), "no {line} in\n{text}");
        }
    }
}
