//! What `/metrics` shows: the requests as kube-apiserver counts them, and Pod Security's families.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Instant;

use hyper::Response;
use podsec_admission::Metrics as PodSecurityMetrics;
use prometheus::{
    Encoder, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry, TextEncoder,
};

use crate::admission::webhook::Metrics as WebhookMetrics;
use crate::body::ResponseBody;
use crate::pipeline::MaxInFlight;
use crate::request::RequestInfo;

/// Every metric of the server.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Option<IntCounterVec>,
    durations: Option<HistogramVec>,
    running: Option<IntGaugeVec>,
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
        let requests = IntCounterVec::new(
            Opts::new(
                "apiserver_request_total",
                "[STABLE] Counter of apiserver requests broken out for each verb, group, version, resource, scope, component, and HTTP response code.",
            ),
            &["code", "component", "group", "resource", "scope", "subresource", "verb", "version"],
        );
        let durations = HistogramVec::new(
            HistogramOpts::new(
                "apiserver_request_duration_seconds",
                "[STABLE] Response latency distribution in seconds for each verb, group, version, resource, subresource, scope and component.",
            ),
            &["component", "group", "resource", "scope", "subresource", "verb", "version"],
        );
        let running = IntGaugeVec::new(
            Opts::new(
                "apiserver_current_inflight_requests",
                "[STABLE] Maximal number of currently used inflight request limit of this apiserver per request kind in last second.",
            ),
            &["request_kind"],
        );
        let mut metrics = Self {
            connections: podsec_transport::ConnectionMetrics::default(),
            webhooks: WebhookMetrics::new(&registry),
            registry,
            requests: requests.ok(),
            durations: durations.ok(),
            running: running.ok(),
            pod_security: Arc::new(PodSecurityMetrics::new()),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    /// Starts to count a request.
    pub(crate) fn request(&self, info: &RequestInfo) -> Timer<'_> {
        Timer { metrics: self, started: Instant::now(), labels: Labels::of(info) }
    }

    /// The Prometheus text format, version 0.0.4.
    pub(crate) fn render(&self, in_flight: &MaxInFlight) -> String {
        if let Some(running) = &self.running {
            for (kind, peak) in in_flight.peaks() {
                running.with_label_values(&[kind]).set(i64::try_from(peak).unwrap_or(i64::MAX));
            }
        }
        let mut bytes = Vec::new();
        if let Err(error) = TextEncoder::new().encode(&self.registry.gather(), &mut bytes) {
            tracing::error!(%error, "metrics could not be written");
        }
        let mut text = String::from_utf8(bytes).unwrap_or_default();
        let _ = write!(text, "{}", self.pod_security.render());
        text
    }

    fn register(&mut self) {
        let registry = &self.registry;
        let registered = [
            self.requests.clone().map(|family| registry.register(Box::new(family))),
            self.durations.clone().map(|family| registry.register(Box::new(family))),
            self.running.clone().map(|family| registry.register(Box::new(family))),
            Some(self.connections.register(registry)),
        ];
        for error in registered.into_iter().flatten().filter_map(Result::err) {
            tracing::error!(%error, "a metric is missing");
        }
    }
}

/// A request that is being counted.
pub(crate) struct Timer<'a> {
    metrics: &'a Metrics,
    started: Instant,
    labels: Labels,
}

impl Timer<'_> {
    /// Counts the request with the code of its answer, which goes through untouched.
    pub(crate) fn stop(self, response: Response<ResponseBody>) -> Response<ResponseBody> {
        let Labels { group, resource, scope, subresource, verb, version } = &self.labels;
        if let Some(requests) = &self.metrics.requests {
            let code = response.status();
            let labels = [code.as_str(), "apiserver", group, resource, scope, subresource, verb, version];
            requests.with_label_values(&labels).inc();
        }
        if let Some(durations) = &self.metrics.durations
            && *verb != "WATCH"
        {
            let labels = ["apiserver", group, resource, scope, subresource, verb, version];
            durations.with_label_values(&labels).observe(self.started.elapsed().as_secs_f64());
        }
        response
    }
}

/// The labels of a request. Paths and resources that the server does not know are not spelt out: a client could
/// fill the memory with them.
struct Labels {
    group: &'static str,
    resource: &'static str,
    scope: &'static str,
    subresource: &'static str,
    verb: &'static str,
    version: &'static str,
}

impl Labels {
    fn of(info: &RequestInfo) -> Self {
        let verb = match &*info.verb {
            "create" | "post" => "POST",
            "delete" => "DELETE",
            "deletecollection" => "DELETECOLLECTION",
            "get" => "GET",
            "list" => "LIST",
            "patch" => "PATCH",
            "update" | "put" => "PUT",
            "watch" => "WATCH",
            _ => "other",
        };
        let nothing = Self { group: "", resource: "", scope: "", subresource: "", verb, version: "" };
        let catalog = podsec_apimachinery::schema::catalog::Catalog::builtin();
        let Some(resource) = catalog.find(&info.group, &info.version, &info.resource) else { return nothing };
        let scope = match (info.name.is_empty(), info.namespace.is_empty()) {
            (false, _) => "resource",
            (true, false) => "namespace",
            (true, true) => "cluster",
        };
        let subresource =
            resource.subresource(&info.subresource).map_or("", |subresource| subresource.name.as_str());
        Self {
            group: &resource.group,
            resource: &resource.resource,
            scope,
            subresource,
            verb,
            version: &resource.version,
        }
    }
}
