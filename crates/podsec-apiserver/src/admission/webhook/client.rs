//! The calls themselves: a client for each webhook, a deadline, and when to try again, as client-go does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use hyper::{Request, Uri};
use podsec_apimachinery::quote::quoted;
use podsec_transport::{HttpsClient, Resolve};
use tokio::time::{Instant, sleep, timeout_at};

use super::address::{Route, Routes};
use super::hook::{Endpoint, Hook};
use super::response::http_failure;
use crate::registry::Resources;

/// The clients of all webhooks, kept between calls with their connections.
pub(crate) struct Clients {
    services: Option<Routes>,
    kept: Mutex<HashMap<Key, HttpsClient>>,
}

/// Two webhooks with the same key may share connections.
type Key = (Vec<u8>, Option<(String, String)>);

/// Why there is no answer.
pub(crate) struct Failure {
    /// In client-go's words.
    pub(crate) why: String,
    /// The HTTP status, as the metrics count it.
    pub(super) code: u16,
}

impl Clients {
    /// Clients that look Services up among `resources`.
    pub(crate) fn over(resources: &Resources) -> Self {
        let registry = |group: &str, resource: &str| resources.builtin(group, "v1", resource);
        let services = || {
            Some(Routes {
                services: registry("", "services")?,
                endpoints: registry("", "endpoints")?,
                slices: registry("discovery.k8s.io", "endpointslices")?,
                range: resources.service_range(),
            })
        };
        Self { services: services(), kept: Mutex::default() }
    }

    /// The client for a webhook.
    ///
    /// # Errors
    /// When its bundle holds no authority.
    pub(super) fn client(&self, hook: &Hook) -> Result<HttpsClient, String> {
        self.client_of(&hook.endpoint, &hook.ca_bundle)
    }

    /// The client for whoever is at `endpoint` and shows a certificate of `ca_bundle`.
    ///
    /// # Errors
    /// When the bundle holds no authority.
    pub(crate) fn client_of(&self, endpoint: &Endpoint, ca_bundle: &[u8]) -> Result<HttpsClient, String> {
        let service = match endpoint {
            Endpoint::Service { namespace, name, .. } => Some((namespace.clone(), name.clone())),
            Endpoint::Url(_) => None,
        };
        let key = (ca_bundle.to_vec(), service);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = kept.get(&key) {
            return Ok(client.clone());
        }
        let route = key.1.clone().zip(self.services.clone());
        let resolver = route.map(|((namespace, name), routes)| -> Arc<dyn Resolve> {
            Arc::new(Route { routes, namespace, name })
        });
        let client = HttpsClient::new(ca_bundle, resolver).map_err(|error| error.to_string())?;
        if kept.len() >= MOST_KEPT {
            // Configurations change seldom; those that are in use come back with their next call.
            kept.clear();
        }
        kept.insert(key, client.clone());
        Ok(client)
    }
}

/// Sends a review and returns the body of the answer. Waits and tries again when it is told to, as client-go does.
pub(crate) async fn post(
    client: &HttpsClient,
    url: &str,
    review: Vec<u8>,
    patience: Duration,
    deadline: Instant,
) -> Result<Bytes, Failure> {
    // Webhooks are told how long they may take, in whole seconds.
    let seconds = patience.as_secs() + u64::from(patience.subsec_nanos() > 0);
    let url = format!("{url}?timeout={seconds}s");
    let transport = |why: &str| Failure { why: format!("Post {}: {why}", quoted(&url)), code: UNAVAILABLE };
    let uri: Uri =
        url.parse().map_err(|error: hyper::http::uri::InvalidUri| transport(&error.to_string()))?;
    let review = Bytes::from(review);
    let mut attempts = 1;
    loop {
        let request = Request::post(uri.clone())
            .header(ACCEPT, "application/json, */*")
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, "kube-apiserver-admission")
            .body(Full::new(review.clone()))
            .map_err(|error| transport(&error.to_string()))?;
        let answer = timeout_at(deadline, client.send(request, LARGEST_ANSWER)).await;
        let answer = answer.map_err(|_| transport("context deadline exceeded"))?;
        let response = answer.map_err(|error| transport(&error.to_string()))?;
        let code = response.status().as_u16();
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        if (200..=206).contains(&code) {
            if response.body().is_empty() {
                let content_type = header(CONTENT_TYPE).unwrap_or_default();
                let why =
                    format!("0-length response with status code: {code} and content type: {content_type}");
                return Err(Failure { why, code: UNAVAILABLE });
            }
            return Ok(response.into_body());
        }
        let wait = header(RETRY_AFTER).filter(|_| code == 429 || code >= 500);
        let wait = wait.and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
        match wait {
            Some(wait) if attempts < MOST_ATTEMPTS && wait < deadline - Instant::now() => sleep(wait).await,
            _ => {
                let content_type = header(CONTENT_TYPE).unwrap_or_default();
                return Err(Failure { why: http_failure(code, content_type, response.body()), code });
            }
        }
        attempts += 1;
    }
}

/// 503: what a call without an answer counts as.
const UNAVAILABLE: u16 = 503;
/// As many clients as kube-apiserver keeps.
const MOST_KEPT: usize = 200;
/// As often as client-go tries when it is told to come back.
const MOST_ATTEMPTS: usize = 11;
/// The bytes that an answer may have: a patch may replace the largest object, several times over.
const LARGEST_ANSWER: usize = 16 << 20;
