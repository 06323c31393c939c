//! A client inside of the process: the node and the controllers send their writes through the whole pipeline, as
//! users of their own, so that authorization, admission and the audit log see them.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http_body_util::{BodyExt, Full};
use hyper::header::{CONTENT_TYPE, USER_AGENT};
use hyper::{Method, Request, StatusCode};
use serde_json::Value;

use crate::apiserver::ApiServer;
use crate::body::request_body;
use crate::request::Peer;
use crate::request::User;

/// Sends requests as one user.
#[derive(Clone)]
pub(crate) struct Client {
    api: Arc<ApiServer>,
    user: User,
    agent: &'static str,
    /// The requests that failed, those of all clones together.
    failures: Arc<AtomicU64>,
}

impl Client {
    pub(crate) fn new(api: &Arc<ApiServer>, user: User, agent: &'static str) -> Self {
        Self { api: Arc::clone(api), user, agent, failures: Arc::default() }
    }

    /// The server it talks to.
    pub(crate) fn api(&self) -> &Arc<ApiServer> {
        &self.api
    }

    /// How many requests have failed so far, those for what is not there any more left out. A controller compares it
    /// before and after its work on an object, and does again what failed.
    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// POST of an object.
    pub(crate) async fn create(&self, path: &str, object: &Value) -> (StatusCode, Value) {
        self.send(Method::POST, path, "application/json", object).await
    }

    /// PUT of an object.
    pub(crate) async fn update(&self, path: &str, object: &Value) -> (StatusCode, Value) {
        self.send(Method::PUT, path, "application/json", object).await
    }

    /// PATCH with a JSON merge patch.
    pub(crate) async fn merge_patch(&self, path: &str, change: &Value) -> (StatusCode, Value) {
        self.send(Method::PATCH, path, "application/merge-patch+json", change).await
    }

    /// PATCH with a strategic merge patch.
    pub(crate) async fn strategic_merge_patch(&self, path: &str, change: &Value) -> (StatusCode, Value) {
        self.send(Method::PATCH, path, "application/strategic-merge-patch+json", change).await
    }

    /// DELETE of an object or a collection.
    pub(crate) async fn delete(&self, path: &str, options: &Value) -> (StatusCode, Value) {
        self.send(Method::DELETE, path, "application/json", options).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        body: &Value,
    ) -> (StatusCode, Value) {
        let bytes = serde_json::to_vec(body).unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(CONTENT_TYPE, content_type)
            .header(USER_AGENT, self.agent)
            .body(request_body(Full::from(bytes)));
        let request = match request {
            Ok(request) => request,
            Err(error) => {
                tracing::error!(%error, path, "a controller made a request that is none");
                return (StatusCode::BAD_REQUEST, Value::Null);
            }
        };
        let address = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0);
        let peer = Peer { address, certified: Some(self.user.clone()) };
        let response = Box::pin(self.api.serve(peer, request)).await;
        let status = response.status();
        let body = response.into_body().collect().await;
        let bytes = body.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        let object: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        if status.is_client_error() || status.is_server_error() {
            if status != StatusCode::NOT_FOUND {
                self.failures.fetch_add(1, Ordering::Relaxed);
            }
            let message = object.get("message").and_then(Value::as_str).unwrap_or_default();
            tracing::debug!(%status, path, message, agent = self.agent, "a controller was refused");
        }
        (status, object)
    }
}
