//! Reading request bodies within bounds: a limit for each, and a budget for all that are in memory together.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Body;
use tokio::time::timeout;

/// The longest body that is read, in bytes: the limit of upstream's webhook and of the API server itself.
pub const BODY_LIMIT: usize = 3 * 1024 * 1024;

/// The bytes of request bodies that may be in memory at one time, shared by all requests.
///
/// A request that does not fit is refused at once. Waiting for room would stall its whole HTTP/2 connection, because
/// the unread bytes hold the connection's flow-control window.
#[derive(Clone, Debug)]
pub struct Budget {
    free: Arc<AtomicUsize>,
}

impl Budget {
    /// A budget of `bytes`.
    pub fn new(bytes: usize) -> Self {
        Self { free: Arc::new(AtomicUsize::new(bytes)) }
    }

    /// The bytes that are free now.
    pub fn free(&self) -> usize {
        self.free.load(Ordering::Relaxed)
    }

    fn hold(&self) -> Hold {
        Hold { free: Arc::clone(&self.free), bytes: 0 }
    }
}

/// A body in memory; its share of the budget is free again when this is dropped.
#[derive(Debug)]
pub struct Held {
    bytes: Bytes,
    _hold: Hold,
}

impl Held {
    /// The bytes, for whatever may outlive this, which the budget then does not know of.
    pub fn bytes(&self) -> Bytes {
        self.bytes.clone()
    }
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Why a body was not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// It is longer than [`BODY_LIMIT`]; the sentence is upstream's.
    #[error("request entity is too large; limit is {BODY_LIMIT} bytes")]
    TooLarge,
    /// The bodies in memory leave no room for it.
    #[error("too many requests are being read at the moment, try again")]
    NoRoom,
    /// The client took too long.
    #[error("the request body did not arrive in time")]
    TooSlow,
    /// The connection failed before its end.
    #[error("unable to read the request body")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Reads a whole body, for at most `patience`: a client that sends slower than that is cut off.
///
/// # Errors
/// When it is too long, does not fit into the budget, ends early or comes too slowly.
pub async fn read<B>(body: B, budget: &Budget, patience: Duration) -> Result<Held, BodyError>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    // A body that is already here needs no timer.
    let mut reading = pin!(collect(body, budget));
    match poll_fn(|context| Poll::Ready(reading.as_mut().poll(context))).await {
        Poll::Ready(held) => held,
        Poll::Pending => timeout(patience, reading).await.unwrap_or(Err(BodyError::TooSlow)),
    }
}

/// Takes in what is left of a body that was refused, and keeps nothing of it. An HTTP/1.1 client reads the refusal
/// only when it has sent its body; whoever hangs up before resets its connection. A client that goes on for more
/// than another [`BODY_LIMIT`] or `patience` is not waited for.
pub async fn discard<B>(body: &mut B, patience: Duration)
where
    B: Body<Data = Bytes> + Unpin,
{
    let discarding = async {
        let mut discarded = 0;
        while let Some(Ok(frame)) = body.frame().await {
            discarded += frame.data_ref().map_or(0, Bytes::len);
            if discarded > BODY_LIMIT {
                break;
            }
        }
    };
    // Either way the refusal is what is said next.
    let _ = timeout(patience, discarding).await;
}

async fn collect<B>(mut body: B, budget: &Budget) -> Result<Held, BodyError>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut hold = budget.hold();
    // A length that the client declared is held at once, so that a body which will not fit is refused before it is
    // sent; without one the hold grows with what arrives.
    let declared =
        body.size_hint().exact().map_or(Ok(0), usize::try_from).map_err(|_| BodyError::TooLarge)?;
    if declared > BODY_LIMIT {
        return Err(BodyError::TooLarge);
    }
    hold.grow_to(declared)?;
    let mut first: Option<Bytes> = None;
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|error| BodyError::Broken(error.into()))?.into_data() else { continue };
        let length = first.as_ref().map_or(0, Bytes::len) + rest.len() + data.len();
        if length > BODY_LIMIT {
            return Err(BodyError::TooLarge);
        }
        hold.grow_to(length)?;
        match (&first, rest.is_empty()) {
            // Most reviews arrive in one frame and need no copy.
            (None, true) => first = Some(data),
            (Some(_), _) => {
                rest.reserve(declared.max(length));
                rest.extend_from_slice(&first.take().unwrap_or_default());
                rest.extend_from_slice(&data);
            }
            (None, false) => rest.extend_from_slice(&data),
        }
    }
    Ok(Held { bytes: first.unwrap_or_else(|| rest.freeze()), _hold: hold })
}

#[derive(Debug)]
struct Hold {
    free: Arc<AtomicUsize>,
    bytes: usize,
}

impl Hold {
    fn grow_to(&mut self, bytes: usize) -> Result<(), BodyError> {
        let more = bytes.saturating_sub(self.bytes);
        self.free
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |free| free.checked_sub(more))
            .map_err(|_| BodyError::NoRoom)?;
        self.bytes += more;
        Ok(())
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.free.fetch_add(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures::stream;
    use http_body_util::{Full, StreamBody};
    use hyper::body::Frame;
    use proptest::prelude::*;
    use tokio::runtime::Builder;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    fn in_chunks(chunks: Vec<Bytes>) -> impl Body<Data = Bytes, Error = Infallible> + Unpin {
        StreamBody::new(stream::iter(chunks.into_iter().map(|chunk| Ok(Frame::data(chunk)))))
    }

    fn block_on<F: Future>(future: F) -> F::Output {
        Builder::new_current_thread().enable_time().build().expect("a runtime").block_on(future)
    }

    #[test]
    fn a_body_that_never_ends_is_cut_off() {
        let body = StreamBody::new(stream::pending::<Result<Frame<Bytes>, Infallible>>());
        let cut = block_on(read(body, &Budget::new(10), Duration::from_millis(10)));
        assert!(matches!(cut, Err(BodyError::TooSlow)), "{cut:?}");
    }

    #[test]
    fn a_body_over_the_limit_is_refused_whether_it_says_so_or_not() {
        let budget = Budget::new(usize::MAX);
        let long = Bytes::from(vec![b' '; BODY_LIMIT + 1]);
        let declared = block_on(read(Full::new(long.clone()), &budget, PATIENCE));
        assert!(matches!(declared, Err(BodyError::TooLarge)), "{declared:?}");
        let streamed = block_on(read(
            in_chunks(vec![long.slice(..BODY_LIMIT), long.slice(BODY_LIMIT..)]),
            &budget,
            PATIENCE,
        ));
        assert!(matches!(streamed, Err(BodyError::TooLarge)), "{streamed:?}");
    }

    #[test]
    fn a_body_that_does_not_fit_is_refused_and_leaves_the_budget_whole() {
        let budget = Budget::new(10);
        let held = block_on(read(Full::new(Bytes::from_static(b"123456")), &budget, PATIENCE))
            .expect("room for six");
        let refused = block_on(read(
            in_chunks(vec![Bytes::from_static(b"12"), Bytes::from_static(b"345")]),
            &budget,
            PATIENCE,
        ));
        assert!(matches!(refused, Err(BodyError::NoRoom)), "{refused:?}");
        assert_eq!(budget.free(), 4);
        drop(held);
        assert_eq!(budget.free(), 10);
    }

    #[test]
    fn what_is_left_of_a_refused_body_is_taken_in_up_to_a_limit() {
        let chunk = Bytes::from(vec![b' '; BODY_LIMIT / 2]);
        let mut body = in_chunks(vec![chunk; 5]);
        let refused = block_on(read(&mut body, &Budget::new(0), PATIENCE));
        assert!(matches!(refused, Err(BodyError::NoRoom)), "{refused:?}");
        block_on(discard(&mut body, PATIENCE));
        assert!(block_on(body.frame()).is_some(), "more than the limit was taken in");
        let mut endless = StreamBody::new(stream::pending::<Result<Frame<Bytes>, Infallible>>());
        block_on(discard(&mut endless, Duration::from_millis(10)));
    }

    proptest! {
        #[test]
        fn a_body_is_the_same_however_it_is_cut(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..8)) {
            let budget = Budget::new(1000);
            let whole = chunks.concat();
            let held = block_on(read(in_chunks(chunks.into_iter().map(Bytes::from).collect()), &budget, PATIENCE)).unwrap();
            prop_assert_eq!(held.as_ref(), whole.as_slice());
        }
    }
}
