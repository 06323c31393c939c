//! The calls themselves: HTTP with pooled connections, a deadline, and client-go's words for what goes wrong.

use std::collections::HashMap;
use std::error::Error as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use hyper::{Request, Response, Uri};
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use podsec_apimachinery::quote::quoted;
use tokio::time::{Instant, sleep, timeout_at};

use super::address::Routes;
use super::connect::{Connector, Unreachable};
use super::hook::{Endpoint, Hook};
use super::response::http_failure;

/// The clients of all webhooks, kept between calls with their connections.
pub(crate) struct Clients {
    services: Option<Routes>,
    kept: Mutex<HashMap<Key, Client>>,
}

/// Two webhooks with the same key may share connections.
type Key = (Vec<u8>, Option<(String, String)>);
pub(super) type Client = legacy::Client<Connector, Full<Bytes>>;

/// Why there is no answer.
pub(super) struct Failure {
    /// In client-go's words.
    pub(super) why: String,
    /// The HTTP status, as the metrics count it.
    pub(super) code: u16,
}

impl Clients {
    /// Clients that look Services up in `services`; without any, only URLs can be called.
    pub(crate) fn new(services: Option<Routes>) -> Self {
        Self { services, kept: Mutex::default() }
    }

    /// The client for a webhook.
    ///
    /// # Errors
    /// When its bundle holds no authority.
    pub(super) fn client(&self, hook: &Hook) -> Result<Client, String> {
        let service = match &hook.endpoint {
            Endpoint::Service { namespace, name, .. } => Some((namespace.clone(), name.clone())),
            Endpoint::Url(_) => None,
        };
        let key = (hook.ca_bundle.clone(), service);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = kept.get(&key) {
            return Ok(client.clone());
        }
        let connector = Connector::new(&hook.ca_bundle, key.1.clone().zip(self.services.clone()))?;
        let client = legacy::Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .pool_timer(TokioTimer::new())
            .build(connector);
        if kept.len() >= MOST_KEPT {
            // Configurations change seldom; those that are in use come back with their next call.
            kept.clear();
        }
        kept.insert(key, client.clone());
        Ok(client)
    }
}

/// Sends a review and returns the body of the answer. Waits and tries again when it is told to, as client-go does.
pub(super) async fn post(
    client: &Client,
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
        let answer = timeout_at(deadline, exchange(client, request)).await;
        let answer = answer.unwrap_or_else(|_| Err("context deadline exceeded".to_owned()));
        let response = answer.map_err(|why| transport(&why))?;
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

async fn exchange(client: &Client, request: Request<Full<Bytes>>) -> Result<Response<Bytes>, String> {
    let response = client.request(request).await.map_err(|error| words(&error))?;
    let (parts, body) = response.into_parts();
    let body = Limited::new(body, LARGEST_ANSWER).collect().await;
    let body = body.map_err(|error| format!("unexpected EOF: {error}"))?;
    Ok(Response::from_parts(parts, body.to_bytes()))
}

/// The cause that says most.
fn words(error: &legacy::Error) -> String {
    let mut cause = error.source();
    let mut last = error.to_string();
    while let Some(error) = cause {
        if let Some(Unreachable(why)) = error.downcast_ref() {
            return why.clone();
        }
        if error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_incomplete_message) {
            return "EOF".to_owned();
        }
        last = error.to_string();
        cause = error.source();
    }
    last
}

/// 503: what a call without an answer counts as.
const UNAVAILABLE: u16 = 503;
/// How long an unused connection stays, as in Go.
const IDLE: Duration = Duration::from_secs(90);
/// As many clients as kube-apiserver keeps.
const MOST_KEPT: usize = 200;
/// As often as client-go tries when it is told to come back.
const MOST_ATTEMPTS: usize = 11;
/// The bytes that an answer may have: a patch may replace the largest object, several times over.
const LARGEST_ANSWER: usize = 16 << 20;
