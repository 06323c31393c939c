//! The body of a request, lent to its handler: what the handler leaves unread comes back, and is taken in.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::EXPECT;
use hyper::{Request, Version};

use super::reading::{Pace, discard};

/// The body of a request that has arrived.
#[derive(Debug)]
pub struct IncomingBody {
    incoming: Option<Incoming>,
    rest: Arc<Mutex<Option<Incoming>>>,
}

/// What is left of a body that was lent.
pub(crate) struct Given {
    rest: Arc<Mutex<Option<Incoming>>>,
    /// Whether the client sends its body only when it is told to.
    waits: bool,
}

impl Given {
    /// Lends the body of a request.
    pub(crate) fn lend(request: Request<Incoming>) -> (Request<IncomingBody>, Self) {
        let waits = request.version() < Version::HTTP_2 && request.headers().contains_key(EXPECT);
        let rest = Arc::<Mutex<Option<Incoming>>>::default();
        let given = Self { rest: Arc::clone(&rest), waits };
        (request.map(|incoming| IncomingBody { incoming: Some(incoming), rest }), given)
    }

    /// Takes in what was left unread, beside the answer and after it.
    ///
    /// A stream of HTTP/2 whose client is still sending would else be reset as soon as the answer is written, and some
    /// clients, curl 7.88 among them, then forget the answer. A client of HTTP/1.1 may only look for an answer when it
    /// has sent everything; whoever hangs up before resets its connection.
    pub(crate) fn take_in(self) {
        let rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut rest) = rest.filter(|rest| !self.waits && !rest.is_end_stream()) {
            tokio::spawn(async move { discard(&mut rest, Pace::default()).await });
        }
    }
}

impl Drop for IncomingBody {
    fn drop(&mut self) {
        *self.rest.lock().unwrap_or_else(PoisonError::into_inner) = self.incoming.take();
    }
}

impl Body for IncomingBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.incoming.as_mut().map_or(Poll::Ready(None), |incoming| Pin::new(incoming).poll_frame(context))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.as_ref().map(Body::size_hint).unwrap_or_default()
    }
}
