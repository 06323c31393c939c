//! Bodies: what a client sends, read with a limit and a deadline, and what it gets, whole or as a stream.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::{Frame, SizeHint};
use podsec_apimachinery::Status;
use podsec_apimachinery::status::Details;
use podsec_transport::body::{self, BODY_LIMIT, BodyBudget, BodyError, Held, Pace};
use tokio::sync::mpsc;

/// The body of a request, wherever it comes from.
pub type RequestBody = UnsyncBoxBody<Bytes, Box<dyn std::error::Error + Send + Sync>>;

/// The body of an answer.
pub enum ResponseBody {
    /// All of it.
    Full(Option<Bytes>),
    /// Pieces as they come, until the sender is dropped.
    Stream(mpsc::Receiver<Result<Bytes, Broken>>),
    /// A body, and what is dropped when it has ended.
    Guarded(Box<ResponseBody>, Box<dyn Send + Sync>),
}

impl ResponseBody {
    /// The same body, holding `guard` until it has ended.
    #[must_use]
    pub(crate) fn with_guard(self, guard: impl Send + Sync + 'static) -> Self {
        Self::Guarded(Box::new(self), Box::new(guard))
    }
}

/// An answer that ends before its end: the connection is closed, so that nobody takes it for whole.
#[derive(Debug, thiserror::Error)]
#[error("the answer was broken off: {0}")]
pub struct Broken(String);

impl Broken {
    pub(crate) fn new(why: String) -> Self {
        Self(why)
    }
}

/// Boxes any body.
pub fn request_body<B>(body: B) -> RequestBody
where
    B: hyper::body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    body.map_err(Into::into).boxed_unsync()
}

/// The body of a request that nobody has read yet, and the room that all bodies have together.
pub(crate) struct UnreadBody<'a> {
    pub(crate) body: RequestBody,
    pub(crate) budget: &'a BodyBudget,
}

impl UnreadBody<'_> {
    /// Reads it whole.
    ///
    /// # Errors
    /// 413 beyond 3 MiB, 408 when it does not arrive in time, 429 when too many bodies are in memory, 400 when the
    /// connection breaks.
    pub(crate) async fn read(self) -> Result<Held, Status> {
        body::read(self.body, self.budget, Pace::default()).await.map_err(|error| match error {
            BodyError::TooLarge => {
                let message = format!("Request entity too large: limit is {BODY_LIMIT}");
                Status::failure(413, "RequestEntityTooLarge", message)
            }
            BodyError::TooSlow => Status::failure(408, "Timeout", format!("Timeout: {error}")),
            BodyError::NoRoom => {
                let details = Details { retry_after_seconds: 1, ..Details::default() };
                let message = "Too many requests, please try again later.";
                Status { details: Some(details), ..Status::failure(429, "TooManyRequests", message) }
            }
            other => Status::bad_request(other.to_string()),
        })
    }
}

impl From<Vec<u8>> for ResponseBody {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Full(Some(bytes.into()))
    }
}

impl hyper::body::Body for ResponseBody {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match &mut *self {
            Self::Full(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Stream(receiver) => {
                receiver.poll_recv(context).map(|bytes| bytes.map(|bytes| bytes.map(Frame::data)))
            }
            Self::Guarded(body, _) => Pin::new(&mut **body).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Full(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Self::Stream(_) => false,
            Self::Guarded(body, _) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Stream(_) => SizeHint::default(),
            Self::Guarded(body, _) => body.size_hint(),
        }
    }
}
