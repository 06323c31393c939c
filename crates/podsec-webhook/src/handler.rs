//! One HTTP request: an AdmissionReview in, an AdmissionReview out, and what operators ask beside it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use podsec_admission::cluster::EXISTING_PODS_TIMEOUT;
use podsec_admission::{Admission, ClusterError, NamespaceLabels, review};
use podsec_https::body::{self, BodyError, Budget};
use podsec_https::{Handler, Peer};
use tokio::runtime::Handle;

use crate::cluster::{Live, Namespaces, RequestCluster};
use crate::metrics::Metrics;

/// The webhook: what it decides by, and what it knows of the cluster.
pub struct Webhook {
    admission: ArcSwap<Admission>,
    namespaces: Arc<Namespaces>,
    live: Arc<dyn Live>,
    metrics: Arc<Metrics>,
    budget: Budget,
    in_flight: Arc<AtomicUsize>,
    in_flight_limit: usize,
    ready: AtomicBool,
}

/// How much the webhook takes on at one time.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Reviews at one time; one more is answered 429 at once.
    pub reviews: usize,
    /// Bytes of request bodies in memory at one time; what does not fit is answered 429 at once.
    pub body_bytes: usize,
}

impl Default for Load {
    fn default() -> Self {
        Self { reviews: 1024, body_bytes: 24 * 1024 * 1024 }
    }
}

impl Webhook {
    /// A webhook that is not ready yet.
    pub fn new(
        admission: Admission,
        namespaces: Arc<Namespaces>,
        live: Arc<dyn Live>,
        metrics: Arc<Metrics>,
        load: Load,
    ) -> Self {
        Self {
            admission: ArcSwap::from_pointee(admission),
            namespaces,
            live,
            metrics,
            budget: Budget::new(load.body_bytes),
            in_flight: Arc::default(),
            in_flight_limit: load.reviews,
            ready: AtomicBool::new(false),
        }
    }

    /// Decides by another configuration from the next request on.
    pub fn reconfigure(&self, admission: Admission) {
        self.admission.store(Arc::new(admission));
    }

    /// Answers `/readyz` with success from now on, or no longer.
    pub fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Relaxed);
    }

    async fn review(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let Some(_place) = self.place() else {
            return refuse(StatusCode::TOO_MANY_REQUESTS, "too many reviews at the moment, try again");
        };
        let began = Instant::now();
        let patience = patience(request.uri().query().unwrap_or_default());
        // Upstream's webhook takes this very content type and no parameters.
        if request.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes) != Some(b"application/json")
        {
            return refuse(
                StatusCode::BAD_REQUEST,
                "unable to process a request with a non-json content type",
            );
        }
        let body = match body::read(request.into_body(), &self.budget, patience).await {
            Ok(body) => body,
            Err(error) => return refuse(status_of(&error), &error.to_string()),
        };
        let decoded = match review::decode(body.as_ref()) {
            Ok(decoded) => decoded,
            Err(error) => return refuse(StatusCode::BAD_REQUEST, &error.to_string()),
        };
        let cluster = RequestCluster {
            labels: self.labels(&decoded.namespace, patience.saturating_sub(began.elapsed())).await,
            live: self.live.as_ref(),
            runtime: Handle::current(),
            deadline: Instant::now()
                + EXISTING_PODS_TIMEOUT.min(patience.saturating_sub(began.elapsed()) / 2),
        };
        let admission = self.admission.load_full();
        let response = if decoded.resource.resource == "namespaces" {
            // Only here may existing pods be asked for, which waits for the API server.
            tokio::task::block_in_place(|| admission.review(&cluster, &decoded))
        } else {
            admission.review(&cluster, &decoded)
        };
        self.metrics.record(&decoded, &response, began.elapsed());
        if response.lacks_object() {
            return refuse(StatusCode::BAD_REQUEST, "the request has no object to review");
        }
        answer(StatusCode::OK, "application/json", review::encode(&decoded.uid, &response))
    }

    /// The labels of the request's namespace: from the cache, else from the API server itself.
    async fn labels(
        &self,
        namespace: &str,
        patience: Duration,
    ) -> Result<Arc<NamespaceLabels>, ClusterError> {
        if let Some(labels) = self.namespaces.find(namespace) {
            return Ok(labels);
        }
        if namespace.is_empty() {
            return Err(ClusterError::NotFound(String::new()));
        }
        self.metrics.count_live_lookup();
        match tokio::time::timeout(patience, self.live.namespace(namespace)).await {
            Ok(labels) => labels.map(Arc::new),
            Err(late) => Err(ClusterError::Unavailable(late.into())),
        }
    }

    fn place(&self) -> Option<Place> {
        let place = Place { in_flight: Arc::clone(&self.in_flight) };
        (self.in_flight.fetch_add(1, Ordering::Relaxed) < self.in_flight_limit).then_some(place)
    }
}

impl Handler for Webhook {
    type Body = Full<Bytes>;

    async fn answer(&self, request: Request<Incoming>, _: Arc<Peer>) -> Response<Full<Bytes>> {
        match (request.method(), request.uri().path()) {
            (&Method::POST, "/" | "/validate") => self.review(request).await,
            (&Method::GET, "/healthz") => answer(StatusCode::OK, TEXT, "ok"),
            (&Method::GET, "/readyz") if self.ready.load(Ordering::Relaxed) => {
                answer(StatusCode::OK, TEXT, "ok")
            }
            (&Method::GET, "/readyz") => {
                refuse(StatusCode::SERVICE_UNAVAILABLE, "the namespaces are not known yet")
            }
            (&Method::GET, "/metrics") => {
                let in_flight = self.in_flight.load(Ordering::Relaxed);
                answer(StatusCode::OK, METRICS, self.metrics.render(in_flight, self.namespaces.len()))
            }
            _ => refuse(StatusCode::NOT_FOUND, "404 page not found"),
        }
    }
}

/// A review's place among those in flight.
struct Place {
    in_flight: Arc<AtomicUsize>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How long the API server waits, from its `timeout` parameter (`10s`); ten seconds, its default, otherwise.
fn patience(query: &str) -> Duration {
    let timeout = query.split('&').find_map(|pair| pair.strip_prefix("timeout="));
    let seconds =
        timeout.and_then(|timeout| timeout.strip_suffix('s')).and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(seconds.unwrap_or(10).min(30))
}

fn status_of(error: &BodyError) -> StatusCode {
    match error {
        BodyError::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        BodyError::NoRoom => StatusCode::TOO_MANY_REQUESTS,
        BodyError::TooSlow => StatusCode::REQUEST_TIMEOUT,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// A refusal in the form of Go's `http.Error`, as upstream's webhook answers.
fn refuse(status: StatusCode, message: &str) -> Response<Full<Bytes>> {
    let mut response = answer(status, TEXT, format!("{message}\n"));
    if status == StatusCode::TOO_MANY_REQUESTS {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

fn answer(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

const TEXT: &str = "text/plain; charset=utf-8";
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";
