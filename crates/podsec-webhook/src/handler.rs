//! One HTTP request: an AdmissionReview in, an AdmissionReview out, and what operators ask beside it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{self, HeaderValue};
use hyper::{Method, Request, Response, StatusCode, Version};
use podsec_admission::cluster::{EXISTING_PODS_LIMIT, EXISTING_PODS_TIMEOUT};
use podsec_admission::{Admission, ClusterError, NamespaceLabels, review};
use podsec_transport::body::{self, BODY_LIMIT, BodyBudget, BodyError, Pace};
use podsec_transport::{Handler, IncomingBody, Peer, Refusal};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::authentication::Authentication;
use crate::cluster::{Live, Namespaces, RequestCluster, Want};
use crate::deadline;
use crate::existing_pods::{self, ExistingPods};
use crate::metrics::{Metrics, State};
use crate::traces::Traces;

/// The webhook: what it decides by, and what it knows of the cluster.
pub struct Webhook {
    admission: ArcSwap<Admission>,
    namespaces: Arc<Namespaces>,
    live: Arc<dyn Live>,
    metrics: Arc<Metrics>,
    authentication: Authentication,
    existing_pods: ExistingPods,
    traces: Traces,
    load: Load,
    budget: BodyBudget,
    in_flight: Arc<AtomicUsize>,
    ready: AtomicBool,
    leaving: AtomicBool,
}

/// How much the webhook takes on.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Reviews at one time, and besides them as many whose bodies are still arriving; one more is answered 429 at once.
    pub reviews: usize,
    /// Bytes of request bodies in memory at one time; what does not fit is answered 429 at once.
    pub body_bytes: usize,
    /// How fast a body must arrive.
    pub pace: Pace,
    /// How long a review may take in all. The `timeout` of a request may only shorten it.
    pub timeout: Duration,
    /// How many existing pods are checked against a new enforce level.
    pub existing_pods: usize,
    /// How long checking them may take; half of the time that the request has left, if that is shorter.
    pub existing_pods_timeout: Duration,
}

impl Default for Load {
    fn default() -> Self {
        Self {
            reviews: 1024,
            body_bytes: 24 * 1024 * 1024,
            pace: Pace::default(),
            // What Kubernetes gives a webhook that says nothing else.
            timeout: Duration::from_secs(10),
            existing_pods: EXISTING_PODS_LIMIT,
            existing_pods_timeout: EXISTING_PODS_TIMEOUT,
        }
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
            authentication: Authentication::default(),
            existing_pods: ExistingPods::default(),
            traces: Traces::default(),
            load,
            budget: BodyBudget::new(load.body_bytes, load.reviews),
            in_flight: Arc::default(),
            ready: AtomicBool::new(false),
            leaving: AtomicBool::new(false),
        }
    }

    /// Sends spans of its reviews there.
    #[must_use]
    pub fn with_traces(self, traces: Traces) -> Self {
        Self { traces, ..self }
    }

    /// Answers nobody but whoever this knows.
    #[must_use]
    pub fn with_authentication(self, authentication: Authentication) -> Self {
        Self { authentication, ..self }
    }

    /// Decides by another configuration from the next request on. A review is decided by one configuration as a
    /// whole.
    pub fn reconfigure(&self, admission: Admission) {
        self.admission.store(Arc::new(admission));
    }

    /// Answers `/readyz` with success from now on.
    pub fn set_ready(&self) {
        self.ready.store(true, Ordering::Relaxed);
    }

    /// Sends clients away: `/readyz` fails, and HTTP/1.1 connections end with their next answer.
    pub fn leave(&self) {
        self.leaving.store(true, Ordering::Relaxed);
    }

    async fn review(&self, request: Request<IncomingBody>) -> Response<Full<Bytes>> {
        let began = Instant::now();
        let timeout = deadline::of_query(request.uri().query().unwrap_or_default(), self.load.timeout);
        let deadline = began + timeout;
        // Upstream's webhook takes this very content type and no parameters.
        let is_json =
            request.headers().get(header::CONTENT_TYPE).is_some_and(|value| value == "application/json");
        let span = self.traces.begin(request.headers());
        let body = match body::read(request.into_body(), &self.budget, self.load.pace.within(timeout)).await {
            Ok(body) => body,
            Err(error) => return self.refuse(status_of(&error), &error.to_string()),
        };
        // Only now: a client that does not send its body takes no review from another.
        let Some(_slot) = self.slot() else {
            return self.refuse(StatusCode::TOO_MANY_REQUESTS, "too many reviews at the moment, try again");
        };
        // Upstream's webhook refuses what is as long as its limit, too.
        if body.as_ref().len() >= BODY_LIMIT {
            return self.refuse(StatusCode::PAYLOAD_TOO_LARGE, &BodyError::TooLarge.to_string());
        }
        if !is_json && !body.as_ref().is_empty() {
            let why = "unable to process a request with a non-json content type";
            return self.refuse(StatusCode::BAD_REQUEST, why);
        }
        let request = match review::decode(body.as_ref()) {
            Ok(request) => request,
            Err(error) => {
                tracing::debug!(error = crate::cluster::chain(&error), "a request that is no review");
                return self.refuse(StatusCode::BAD_REQUEST, &error.to_string());
            }
        };
        let response = match self.decide(&request) {
            Ok(response) => response,
            // Boxed, so that the many reviews which want nothing are smaller.
            Err((admission, want)) => {
                let deciding = self.decide_with(admission, want, &request, body.bytes(), deadline);
                match Box::pin(deciding).await {
                    Some(response) => response,
                    None => return self.refuse(StatusCode::INTERNAL_SERVER_ERROR, "the review broke off"),
                }
            }
        };
        self.metrics.record(&request, &response, began.elapsed());
        span.end(&request, &response);
        if let Some(refusal) = response.status() {
            tracing::debug!(
                uid = &*request.uid,
                namespace = &*request.namespace,
                name = &*request.name,
                user = &*request.username,
                code = refusal.code,
                message = refusal.message,
                "refused"
            );
        }
        if response.lacks_object() {
            return self.refuse(StatusCode::BAD_REQUEST, "the request has no object to review");
        }
        answer(StatusCode::OK, "application/json", review::encode(&request.uid, &response))
    }

    /// Reviews by what is known; or says by which configuration it began and what it wants to know.
    fn decide(
        &self,
        request: &podsec_admission::Request<'_>,
    ) -> Result<podsec_admission::Response, (Arc<Admission>, Want)> {
        let admission = self.admission.load();
        let cluster = RequestCluster::new(&*self.namespaces, self.load.existing_pods);
        let response = admission.review(&cluster, request);
        cluster.wants().map_or(Ok(response), |want| Err((Arc::clone(&admission), want)))
    }

    /// Reviews again with what is wanted, until nothing is. None if that came to no end.
    async fn decide_with(
        &self,
        admission: Arc<Admission>,
        mut want: Want,
        request: &podsec_admission::Request<'_>,
        body: Bytes,
        deadline: Instant,
    ) -> Option<podsec_admission::Response> {
        let mut cluster = RequestCluster::new(Arc::clone(&self.namespaces), self.load.existing_pods);
        loop {
            let response;
            match &want {
                Want::Labels => {
                    cluster.learn_labels(self.fetch_labels(&request.namespace, deadline).await);
                    response = admission.review(&cluster, request);
                }
                Want::Pods(namespace) => {
                    let limit = self.load.existing_pods_timeout.min(left(deadline) / 2);
                    let deadline = Instant::now() + limit;
                    cluster.learn_pods(self.fetch_pods(namespace, deadline).await, deadline);
                    // Thousands of pods take their time, and others on this thread have none to lose. What runs there
                    // may outlive this request, so that it reads the request for itself.
                    let (admission, body) = (Arc::clone(&admission), body.clone());
                    let reviewing = move || {
                        let request = review::decode(&body).ok()?;
                        Some((admission.review(&cluster, &request), cluster))
                    };
                    (response, cluster) = spawn_blocking(reviewing).await.ok().flatten()?;
                }
            }
            match cluster.wants() {
                None => {
                    if matches!(want, Want::Pods(_)) {
                        self.existing_pods.record(request, &response, cluster.offenders());
                    }
                    return Some(response);
                }
                Some(next) => want = next,
            }
        }
    }

    async fn fetch_labels(
        &self,
        namespace: &str,
        deadline: Instant,
    ) -> Result<NamespaceLabels, ClusterError> {
        self.metrics.count_live_lookup();
        timeout(left(deadline), self.live.namespace(namespace))
            .await
            .unwrap_or_else(|late| Err(ClusterError::Unavailable(late.into())))
    }

    async fn fetch_pods(&self, namespace: &str, deadline: Instant) -> Result<Vec<Vec<u8>>, ClusterError> {
        timeout(left(deadline), self.live.pods(namespace))
            .await
            .unwrap_or_else(|late| Err(ClusterError::Unavailable(late.into())))
    }

    fn slot(&self) -> Option<Slot> {
        let slot = Slot { in_flight: Arc::clone(&self.in_flight) };
        (self.in_flight.fetch_add(1, Ordering::Relaxed) < self.load.reviews).then_some(slot)
    }

    fn readiness(&self) -> Response<Full<Bytes>> {
        let why = if self.leaving.load(Ordering::Relaxed) {
            "shutting down"
        } else if self.ready.load(Ordering::Relaxed) {
            return answer(StatusCode::OK, TEXT, "ok");
        } else {
            "the namespaces are not known yet"
        };
        refusal(StatusCode::SERVICE_UNAVAILABLE, why)
    }

    fn metrics(&self) -> Response<Full<Bytes>> {
        let state = State {
            in_flight: self.in_flight.load(Ordering::Relaxed),
            body_bytes: self.budget.held(),
            namespaces: self.namespaces.len(),
            cache_age: self.namespaces.age(),
        };
        answer(StatusCode::OK, METRICS, self.metrics.render(&state))
    }

    /// Names the existing pods that violate what their namespaces are to enforce.
    fn existing_pods(&self, query: &str, peer: &Peer) -> Response<Full<Bytes>> {
        if !existing_pods::may_know(peer.address.ip()) {
            return refusal(StatusCode::FORBIDDEN, "this is only told through kubectl port-forward");
        }
        let namespace = query.split('&').find_map(|pair| pair.strip_prefix("namespace="));
        answer(StatusCode::OK, "application/json", self.existing_pods.render(namespace))
    }

    fn refuse(&self, status: StatusCode, message: &str) -> Response<Full<Bytes>> {
        self.metrics.count_refused(status);
        refusal(status, message)
    }
}

impl Handler for Webhook {
    type Body = Full<Bytes>;

    const URI_TOO_LONG: Refusal =
        Refusal { content_type: TEXT, body: "the target of the request is longer than 65534 bytes\n" };

    async fn answer(&self, request: Request<IncomingBody>, peer: Arc<Peer>) -> Response<Full<Bytes>> {
        let ends = self.leaving.load(Ordering::Relaxed) && request.version() < Version::HTTP_2;
        let mut response = match (request.method(), request.uri().path()) {
            (&Method::GET, "/healthz" | "/healthz/ping" | "/livez") => answer(StatusCode::OK, TEXT, "ok"),
            (&Method::GET, "/readyz" | "/readyz/informer-sync") => self.readiness(),
            _ if !self.authentication.admits(&peer, request.headers()) => {
                let why =
                    "no certificate of --client-ca-file and no bearer token of --client-token-file was shown";
                self.refuse(StatusCode::UNAUTHORIZED, why)
            }
            (&Method::GET, "/metrics") => self.metrics(),
            (&Method::GET, "/existing-pods") => {
                self.existing_pods(request.uri().query().unwrap_or_default(), &peer)
            }
            // Whatever path a webhook configuration names, as upstream.
            _ => self.review(request).await,
        };
        if ends {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// A review among those in flight.
struct Slot {
    in_flight: Arc<AtomicUsize>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
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
fn refusal(status: StatusCode, message: &str) -> Response<Full<Bytes>> {
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
