//! What operators see: upstream's three families unchanged, and how the webhook itself is doing.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use podsec_admission::{Request, Response};

/// The webhook's metrics.
#[derive(Debug, Default)]
pub struct Metrics {
    admission: podsec_admission::Metrics,
    durations: [AtomicU64; BUCKETS.len() + 1],
    duration_nanoseconds: AtomicU64,
    live_lookups: AtomicU64,
    generation: AtomicU64,
    refused_configurations: AtomicU64,
}

impl Metrics {
    pub(crate) fn record(&self, request: &Request<'_>, response: &Response, duration: Duration) {
        self.admission.record(request, response);
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

    /// Counts a configuration that is now decided by.
    pub fn count_configuration(&self) {
        self.generation.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a configuration that was refused, so that the one before it stays.
    pub fn count_refused_configuration(&self) {
        self.refused_configurations.fetch_add(1, Ordering::Relaxed);
    }

    /// The Prometheus text format 0.0.4.
    pub(crate) fn render(&self, in_flight: usize, namespaces: usize) -> String {
        let mut text = self.admission.render();
        self.render_durations(&mut text);
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        for (name, kind, help, value) in [
            ("reviews_in_flight", "gauge", "Reviews being answered.", in_flight as u64),
            ("namespaces_cached", "gauge", "Namespaces whose labels are known.", namespaces as u64),
            (
                "namespace_lookups_total",
                "counter",
                "Namespaces that had to be asked for.",
                load(&self.live_lookups),
            ),
            (
                "configuration_generation",
                "gauge",
                "The configuration decided by, from 1.",
                load(&self.generation),
            ),
            (
                "configurations_refused_total",
                "counter",
                "Changed configurations that were refused.",
                load(&self.refused_configurations),
            ),
        ] {
            // Writing to a string cannot fail.
            let _ =
                writeln!(text, "# HELP podsec_webhook_{name} {help}\n# TYPE podsec_webhook_{name} {kind}");
            let _ = writeln!(text, "podsec_webhook_{name} {value}");
        }
        text
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

/// Upper limits in seconds. Most reviews take some ten microseconds; the API server's own limit is ten seconds.
const BUCKETS: [f64; 14] = [
    0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 10.0,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_count_everything_below_them() {
        let metrics = Metrics::default();
        for microseconds in [5, 20, 20, 20_000_000] {
            let (request, response) = (Request::default(), Response::default());
            metrics.record(&request, &response, Duration::from_micros(microseconds));
        }
        let text = metrics.render(0, 0);
        for line in [
            r#"podsec_webhook_review_duration_seconds_bucket{le="0.00001"} 1"#,
            r#"podsec_webhook_review_duration_seconds_bucket{le="0.000025"} 3"#,
            r#"podsec_webhook_review_duration_seconds_bucket{le="10"} 3"#,
            r#"podsec_webhook_review_duration_seconds_bucket{le="+Inf"} 4"#,
            "podsec_webhook_review_duration_seconds_sum 20.000045",
        ] {
            assert!(text.lines().any(|found| found == line), "no {line} in\n{text}");
        }
    }
}
