//! Requests as kube-apiserver counts them.

use std::time::Instant;

use hyper::Response;
use hyper::body::Body as _;
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry};

use crate::body::ResponseBody;
use crate::request::{Query, RequestInfo};

/// The families about requests; one that could not be made is missing.
pub(super) struct Requests {
    total: Option<IntCounterVec>,
    durations: Option<HistogramVec>,
    /// The same without what webhooks took; nobody measures that apart here.
    objectives: Option<HistogramVec>,
    sizes: Option<HistogramVec>,
    watches: Option<IntGaugeVec>,
}

impl Requests {
    pub(super) fn new(registry: &Registry) -> Self {
        let histogram = |name: &str, help: &str, buckets: &[f64], labels: &[&str]| {
            HistogramVec::new(HistogramOpts::new(name, help).buckets(buckets.to_vec()), labels).ok()
        };
        let requests = Self {
            total: IntCounterVec::new(
                Opts::new(
                    "apiserver_request_total",
                    "[STABLE] Counter of apiserver requests broken out for each verb, dry run value, group, version, resource, scope, component, and HTTP response code.",
                ),
                &["code", "component", "dry_run", "group", "resource", "scope", "subresource", "system_client", "verb", "version"],
            )
            .ok(),
            durations: histogram(
                "apiserver_request_duration_seconds",
                "[STABLE] Response latency distribution in seconds for each verb, dry run value, group, version, resource, subresource, scope and component.",
                &SECONDS,
                &["component", "dry_run", "group", "resource", "scope", "subresource", "verb", "version"],
            ),
            objectives: histogram(
                "apiserver_request_sli_duration_seconds",
                "[ALPHA] Response latency distribution (not counting webhook duration and priority & fairness queue wait times) in seconds for each verb, group, version, resource, subresource, scope and component.",
                &SECONDS,
                &OF_A_REQUEST,
            ),
            sizes: histogram(
                "apiserver_response_sizes",
                "[STABLE] Response size distribution in bytes for each group, version, verb, resource, subresource, scope and component.",
                &BYTES,
                &OF_A_REQUEST,
            ),
            watches: IntGaugeVec::new(
                Opts::new(
                    "apiserver_longrunning_requests",
                    "[STABLE] Gauge of all active long-running apiserver requests broken out by verb, group, version, resource, scope and component. Not all requests are tracked this way.",
                ),
                &OF_A_REQUEST,
            )
            .ok(),
        };
        let registered = [
            requests.total.clone().map(|family| registry.register(Box::new(family))),
            requests.durations.clone().map(|family| registry.register(Box::new(family))),
            requests.objectives.clone().map(|family| registry.register(Box::new(family))),
            requests.sizes.clone().map(|family| registry.register(Box::new(family))),
            requests.watches.clone().map(|family| registry.register(Box::new(family))),
        ];
        super::families::report(registered.into_iter().flatten());
        requests
    }

    /// Starts to count a request.
    pub(super) fn start(&self, info: &RequestInfo, query: &Query) -> Timer<'_> {
        let dry_run = if query.values("dryRun").any(|value| value == "All") { "All" } else { "" };
        Timer { requests: self, started: Instant::now(), labels: Labels::of(info), dry_run }
    }
}

/// A request that is being counted.
pub(crate) struct Timer<'a> {
    requests: &'a Requests,
    started: Instant,
    labels: Labels,
    dry_run: &'static str,
}

impl Timer<'_> {
    /// Counts the request with the code of its answer, which goes through. A watch runs on behind its answer and is counted
    /// among those that run until its body ends.
    pub(crate) fn stop(self, mut response: Response<ResponseBody>) -> Response<ResponseBody> {
        let Labels { group, resource, scope, subresource, verb, version } = self.labels;
        let (requests, dry_run) = (self.requests, self.dry_run);
        let labels = ["apiserver", group, resource, scope, subresource, verb, version];
        if let Some(total) = &requests.total {
            let code = response.status();
            let labels =
                [code.as_str(), "apiserver", dry_run, group, resource, scope, subresource, "", verb, version];
            total.with_label_values(&labels).inc();
        }
        if verb == "WATCH" {
            if let Some(watches) = &requests.watches
                && response.status().is_success()
            {
                let running = Running::start(watches.with_label_values(&labels));
                let body = std::mem::replace(response.body_mut(), ResponseBody::Full(None));
                *response.body_mut() = body.with_guard(running);
            }
            return response;
        }
        let seconds = self.started.elapsed().as_secs_f64();
        if let Some(durations) = &requests.durations {
            let labels = ["apiserver", dry_run, group, resource, scope, subresource, verb, version];
            durations.with_label_values(&labels).observe(seconds);
        }
        if let Some(objectives) = &requests.objectives {
            objectives.with_label_values(&labels).observe(seconds);
        }
        // The length of a stream is not known when it begins.
        if let (Some(sizes), Some(length)) = (&requests.sizes, response.body().size_hint().exact()) {
            let bytes = u32::try_from(length).unwrap_or(u32::MAX);
            sizes.with_label_values(&labels).observe(f64::from(bytes));
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

/// A watch that runs; dropped, it runs no more.
struct Running(prometheus::IntGauge);

impl Running {
    fn start(gauge: prometheus::IntGauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.dec();
    }
}

const OF_A_REQUEST: [&str; 7] = ["component", "group", "resource", "scope", "subresource", "verb", "version"];
const SECONDS: [f64; 23] = [
    0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0,
    20.0, 30.0, 45.0, 60.0,
];
const BYTES: [f64; 8] = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10];

#[cfg(test)]
mod tests {
    use hyper::StatusCode;

    use super::*;

    fn text(registry: &Registry) -> String {
        prometheus::TextEncoder::new().encode_to_string(&registry.gather()).unwrap()
    }

    fn response(body: ResponseBody) -> Response<ResponseBody> {
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::OK;
        response
    }

    #[test]
    fn a_watch_is_counted_for_as_long_as_its_body_is_read() {
        let registry = Registry::new();
        let requests = Requests::new(&registry);
        let info = RequestInfo {
            is_resource: true,
            verb: "watch".into(),
            version: "v1".to_owned(),
            resource: "pods".to_owned(),
            ..RequestInfo::default()
        };
        let running = "apiserver_longrunning_requests{component=\"apiserver\",group=\"\",resource=\"pods\",scope=\"cluster\",subresource=\"\",verb=\"WATCH\",version=\"v1\"}";
        let answer = requests.start(&info, &Query::default()).stop(response(ResponseBody::Full(None)));
        assert!(text(&registry).contains(&format!("{running} 1")), "{}", text(&registry));
        drop(answer);
        assert!(text(&registry).contains(&format!("{running} 0")));
    }

    #[test]
    fn a_dry_run_is_told_from_a_write() {
        let registry = Registry::new();
        let requests = Requests::new(&registry);
        let info = RequestInfo { is_resource: true, verb: "create".into(), ..RequestInfo::default() };
        drop(requests.start(&info, &Query::parse("dryRun=All")).stop(response(vec![1, 2, 3].into())));
        let text = text(&registry);
        assert!(
            text.contains("apiserver_request_total{code=\"200\",component=\"apiserver\",dry_run=\"All\""),
            "{text}"
        );
        assert!(text.contains("apiserver_response_sizes_sum{component=\"apiserver\""), "{text}");
    }
}
