//! What answers requests.

use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;
use hyper::body::Body;
use hyper::{Request, Response};

use crate::body::IncomingBody;
use crate::peer::Peer;

/// Something that answers requests and cannot fail: every refusal is an answer.
pub trait Handler: Send + Sync + 'static {
    /// What its answers carry.
    type Body: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + Unpin + 'static;

    /// What is answered to an HTTP/1.1 request whose target is too long to be read (414), which the handler never
    /// sees. (HTTP/2 refuses such a request with 431 and no body.)
    const URI_TOO_LONG: Refusal;

    /// The answer to one request. Reading the request's body takes as long as the client does; see
    /// [`body::read`](crate::body::read). What it leaves unread is taken in after the answer, within bounds, so that
    /// the client gets to read the answer.
    fn answer(
        &self,
        request: Request<IncomingBody>,
        peer: Arc<Peer>,
    ) -> impl Future<Output = Response<Self::Body>> + Send;
}

/// An answer that is the same for every request.
#[derive(Clone, Copy, Debug)]
pub struct Refusal {
    /// Its content type.
    pub content_type: &'static str,
    /// Its body.
    pub body: &'static str,
}
