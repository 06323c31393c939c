//! Requests without a socket, for clients that speak through a tower service, as `kube::Client` does.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::header::{HeaderValue, USER_AGENT};
use hyper::{Request, Response};
use tower_service::Service;

use crate::apiserver::ApiServer;
use crate::body::{ResponseBody, request_body};
use crate::request::Peer;
use crate::request::User;

/// Sends requests as one user. Authorization, admission and the audit log see them as they see anybody's.
#[derive(Clone)]
pub struct InProcess {
    api: Arc<ApiServer>,
    user: User,
    /// What programs say of themselves; field managers and the audit log show it.
    agent: HeaderValue,
}

impl InProcess {
    pub(crate) fn new(api: &Arc<ApiServer>, user: User, agent: &'static str) -> Self {
        Self { api: Arc::clone(api), user, agent: HeaderValue::from_static(agent) }
    }
}

impl<B> Service<Request<B>> for InProcess
where
    B: hyper::body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let Self { api, user, agent } = self.clone();
        Box::pin(async move {
            let mut request = request.map(request_body);
            request.headers_mut().entry(USER_AGENT).or_insert(agent);
            let address = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0);
            Ok(api.serve(Peer { address, certified: Some(user) }, request).await)
        })
    }
}
