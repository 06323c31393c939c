//! What `/metrics` shows: the requests as kube-apiserver counts them, its objects, and Pod Security's families.

mod families;
mod health;
mod requests;

use std::fmt::Write as _;
use std::sync::Arc;

use podsec_admission::Metrics as PodSecurityMetrics;
use prometheus::{IntGaugeVec, Opts, Registry};

use crate::admission::webhook::Metrics as WebhookMetrics;
use crate::pipeline::MaxInFlight;
use crate::request::{Query, RequestInfo};

pub(crate) use health::Health;
pub(crate) use requests::Timer;

use families::{report, written};
use requests::Requests;

/// Every metric of the server.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Requests,
    running: Option<IntGaugeVec>,
    objects: Option<IntGaugeVec>,
    /// What the checks of health said.
    pub(crate) health: Health,
    /// Those of connections.
    pub(crate) connections: podsec_transport::ConnectionMetrics,
    /// Those of admission webhooks.
    pub(crate) webhooks: WebhookMetrics,
    /// Pod Security's own.
    pub(crate) pod_security: Arc<PodSecurityMetrics>,
}

impl Default for Metrics {
    fn default() -> Self {
        let registry = Registry::new();
        let running = IntGaugeVec::new(
            Opts::new(
                "apiserver_current_inflight_requests",
                "[STABLE] Maximal number of currently used inflight request limit of this apiserver per request kind in last second.",
            ),
            &["request_kind"],
        );
        let objects = IntGaugeVec::new(
            Opts::new(
                "apiserver_storage_objects",
                "[STABLE] Number of stored objects at the time of last check split by kind. In case of a fetching error, the value will be -1.",
            ),
            &["resource"],
        );
        let metrics = Self {
            connections: podsec_transport::ConnectionMetrics::default(),
            webhooks: WebhookMetrics::new(&registry),
            requests: Requests::new(&registry),
            registry,
            running: running.ok(),
            objects: objects.ok(),
            health: Health::default(),
            pod_security: Arc::new(PodSecurityMetrics::new()),
        };
        let registry = &metrics.registry;
        let registered = [
            metrics.running.clone().map(|family| registry.register(Box::new(family))),
            metrics.objects.clone().map(|family| registry.register(Box::new(family))),
            Some(metrics.connections.register(registry)),
        ];
        report(registered.into_iter().flatten());
        metrics
    }
}

impl Metrics {
    /// Starts to count a request.
    pub(crate) fn request(&self, info: &RequestInfo, query: &Query) -> Timer<'_> {
        self.requests.start(info, query)
    }

    /// Notes how many objects of a resource (`deployments.apps`) are stored; none when nobody knows.
    pub(crate) fn note_objects(&self, resource: &str, count: Option<usize>) {
        if let Some(objects) = &self.objects {
            let count = count.map_or(-1, |count| i64::try_from(count).unwrap_or(i64::MAX));
            objects.with_label_values(&[resource]).set(count);
        }
    }

    /// The Prometheus text format, version 0.0.4.
    pub(crate) fn render(&self, in_flight: &MaxInFlight) -> String {
        if let Some(running) = &self.running {
            for (kind, peak) in in_flight.peaks() {
                running.with_label_values(&[kind]).set(i64::try_from(peak).unwrap_or(i64::MAX));
            }
        }
        let mut text = written(&self.registry);
        // Writing to a String cannot fail.
        let _ = write!(text, "{}", self.pod_security.render());
        text
    }
}
