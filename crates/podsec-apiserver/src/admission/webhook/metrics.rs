//! Upstream's metrics of webhooks: how long they take, what they refuse, when they are done without.

use std::time::Duration;

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};

/// The four families; one that cannot be made is missing.
#[derive(Clone, Default)]
pub(crate) struct Metrics {
    durations: Option<HistogramVec>,
    requests: Option<IntCounterVec>,
    rejections: Option<IntCounterVec>,
    failed_open: Option<IntCounterVec>,
}

/// One call, as the metrics see it.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    /// The webhook's name.
    pub(super) name: &'a str,
    /// `admit` or `validating`.
    pub(super) phase: &'static str,
    /// `CREATE` and its siblings.
    pub(super) operation: &'static str,
}

/// Why a call has stopped a request.
#[derive(Clone, Copy)]
pub(super) enum Rejection {
    /// The webhook said no.
    Denied,
    /// It could not be asked.
    Unreachable,
    /// What it answered could not be done.
    Internal,
}

impl Metrics {
    /// Families that `registry` shows.
    pub(crate) fn new(registry: &Registry) -> Self {
        let counter = |name: &str, help: &str, labels: &[&str]| {
            let family = IntCounterVec::new(Opts::new(name, help), labels).ok()?;
            registry.register(Box::new(family.clone())).ok().map(|()| family)
        };
        let durations = HistogramOpts::new(
            "apiserver_admission_webhook_admission_duration_seconds",
            "[STABLE] Admission webhook latency histogram in seconds, identified by name and broken out for each operation and API resource and type (validate or admit).",
        )
        .buckets(vec![0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 10.0, 25.0]);
        let durations = HistogramVec::new(durations, &["name", "operation", "rejected", "type"]).ok();
        let durations = durations.filter(|family| registry.register(Box::new(family.clone())).is_ok());
        Self {
            durations,
            requests: counter(
                "apiserver_admission_webhook_request_total",
                "[ALPHA] Admission webhook request total, identified by name and broken out for each admission type (validating or mutating) and operation. Additional labels specify whether the request was rejected or not and an HTTP status code. Codes greater than 600 are truncated to 600, to keep the metrics cardinality bounded.",
                &["code", "name", "operation", "rejected", "type"],
            ),
            rejections: counter(
                "apiserver_admission_webhook_rejection_count",
                "[ALPHA] Admission webhook rejection count, identified by name and broken out for each admission type (validating or admit) and operation. Additional labels specify an error type (calling_webhook_error or apiserver_internal_error if an error occurred; no_error otherwise) and optionally a non-zero rejection code if the webhook rejects the request with an HTTP status code (honored by the apiserver when the code is greater or equal to 400). Codes greater than 600 are truncated to 600, to keep the metrics cardinality bounded.",
                &["error_type", "name", "operation", "rejection_code", "type"],
            ),
            failed_open: counter(
                "apiserver_admission_webhook_fail_open_count",
                "[ALPHA] Admission webhook fail open count, identified by name and broken out for each admission type (validating or mutating).",
                &["name", "type"],
            ),
        }
    }

    /// Counts a call that has ended with `code`.
    pub(super) fn observe(&self, call: Call<'_>, elapsed: Duration, code: u16, rejection: Option<Rejection>) {
        let Call { name, phase, operation } = call;
        let rejected = if rejection.is_some() { "true" } else { "false" };
        let code = code.min(600).to_string();
        if let Some(requests) = &self.requests {
            requests.with_label_values(&[&*code, name, operation, rejected, phase]).inc();
        }
        if let Some(durations) = &self.durations {
            durations.with_label_values(&[name, operation, rejected, phase]).observe(elapsed.as_secs_f64());
        }
        if let (Some(rejections), Some(rejection)) = (&self.rejections, rejection) {
            let error = match rejection {
                Rejection::Denied => "no_error",
                Rejection::Unreachable => "calling_webhook_error",
                Rejection::Internal => "apiserver_internal_error",
            };
            rejections.with_label_values(&[error, name, operation, &*code, phase]).inc();
        }
    }

    /// Counts a request that goes on although a webhook could not be asked.
    pub(super) fn failed_open(&self, call: Call<'_>) {
        if let Some(failed_open) = &self.failed_open {
            failed_open.with_label_values(&[call.name, call.phase]).inc();
        }
    }
}
