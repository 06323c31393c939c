//! The client by which the API server asks others over HTTPS: whom it believes, pooled connections, and client-go's words
//! for what goes wrong.

mod authorities;
mod connect;
mod trust;

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{Request, Response};
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};

pub use authorities::Authorities;
use connect::Connector;
pub use connect::{Resolve, Unreachable};

/// A client that trusts certain authorities; clones share its connections.
#[derive(Clone)]
pub struct HttpsClient(legacy::Client<Connector, Full<Bytes>>);

impl HttpsClient {
    /// A client that trusts the authorities of `ca_bundle` (PEM), and those of the system when it is empty. It connects to
    /// whatever address `resolver` finds for the host of a URL, and the certificate must be for that host all the same.
    ///
    /// # Errors
    /// When the bundle holds no authority, in kube-apiserver's words.
    pub fn new(ca_bundle: &[u8], resolver: Option<Arc<dyn Resolve>>) -> Result<Self, Unreachable> {
        Self::over(Connector::new(ca_bundle, None, resolver))
    }

    /// The same for a client that shows a certificate of its own, PEM, whose key is in `key`.
    ///
    /// # Errors
    /// When the bundle holds no authority, or certificate and key are none.
    pub fn with_certificate(ca_bundle: &[u8], certificate: &[u8], key: &[u8]) -> Result<Self, Unreachable> {
        Self::over(Connector::new(ca_bundle, Some((certificate, key)), None))
    }

    fn over(connector: Result<Connector, String>) -> Result<Self, Unreachable> {
        let connector = connector.map_err(Unreachable)?;
        let client = legacy::Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .pool_timer(TokioTimer::new())
            .build(connector);
        Ok(Self(client))
    }

    /// Sends a request and reads the answer whole, of `limit` bytes at most. How long that may take is for the caller to
    /// say.
    ///
    /// # Errors
    /// When there is no answer, or it does not end.
    pub async fn send(
        &self,
        request: Request<Full<Bytes>>,
        limit: usize,
    ) -> Result<Response<Bytes>, Unreachable> {
        let response = self.0.request(request).await.map_err(|error| Unreachable(words(&error)))?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, limit).collect().await;
        let body = body.map_err(|error| Unreachable(format!("unexpected EOF: {error}")))?;
        Ok(Response::from_parts(parts, body.to_bytes()))
    }
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

/// How long an unused connection stays, as in Go.
const IDLE: Duration = Duration::from_secs(90);
