//! Bodies read whole, or read past.

use std::pin::pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::FutureExt as _;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame};
use tokio::time::{Instant, timeout_at};

use super::budget::BodyBudget;
use super::budget::Hold;
use super::error::{BODY_LIMIT, BodyError};

/// How fast a body has to arrive. A client that is slower is cut off.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How long a client may send nothing.
    pub idle: Duration,
    /// The bytes a second that must have arrived on the average, from [`Pace::idle`] after the beginning on.
    pub rate: u32,
    /// How long the whole body may take.
    pub whole: Duration,
}

impl Default for Pace {
    /// The longest body takes half a minute at the least rate.
    fn default() -> Self {
        Self { idle: Duration::from_secs(5), rate: 100 << 10, whole: Duration::from_secs(30) }
    }
}

impl Pace {
    /// The same, and not longer than `limit` in all. A longer limit changes nothing.
    #[must_use]
    pub fn within(self, limit: Duration) -> Self {
        Self { whole: self.whole.min(limit), ..self }
    }

    /// When the next bytes must be there, after so many of them.
    fn deadline(&self, began: Instant, received: usize) -> Instant {
        let received = u32::try_from(received).unwrap_or(u32::MAX);
        let at_rate = Duration::from_secs(1) * received / self.rate.max(1);
        let in_time = (began + self.idle + at_rate).min(began + self.whole);
        in_time.min(Instant::now() + self.idle)
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

/// Reads a whole body.
///
/// # Errors
/// When it is too long, does not fit into the budget, ends early or comes too slowly.
pub async fn read<B>(mut body: B, budget: &BodyBudget, pace: Pace) -> Result<Held, BodyError>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    // What says that it is too long is refused before it is sent; otherwise a client's word counts for nothing.
    if body.size_hint().lower() > BODY_LIMIT as u64 {
        return Err(BodyError::TooLarge);
    }
    let mut hold = budget.hold();
    let began = Instant::now();
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    loop {
        let length = first.len() + rest.len();
        let Some(frame) = next(&mut body, &mut hold, || pace.deadline(began, length)).await? else { break };
        let Ok(data) = frame.into_data() else { continue };
        if data.is_empty() {
            continue;
        }
        if length + data.len() > BODY_LIMIT {
            return Err(BodyError::TooLarge);
        }
        hold.grow_to(length + data.len())?;
        // Most reviews arrive in one frame and need no copy.
        if length == 0 {
            first = data;
        } else {
            rest.extend_from_slice(&std::mem::take(&mut first));
            rest.extend_from_slice(&data);
        }
    }
    hold.end()?;
    Ok(Held { bytes: if rest.is_empty() { first } else { rest.freeze() }, _hold: hold })
}

/// The next frame of a body, or none at its end. What is already here is not waited for.
pub(super) async fn next<B>(
    body: &mut B,
    hold: &mut Hold,
    deadline: impl Fn() -> Instant,
) -> Result<Option<Frame<Bytes>>, BodyError>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let frame = if let Some(frame) = body.frame().now_or_never() {
        frame
    } else {
        let evicted = hold.wait()?;
        tokio::select! {
            frame = timeout_at(deadline(), body.frame()) => frame.map_err(|_| BodyError::TooSlow)?,
            () = evicted.notified() => return Err(BodyError::NoRoom),
        }
    };
    frame.transpose().map_err(|error| BodyError::Broken(error.into()))
}

/// Takes in what is left of a body that nobody wants, and keeps nothing of it. A client that goes on for more than
/// [`BODY_LIMIT`], or slower than the pace, is not waited for.
pub async fn discard<B>(body: &mut B, pace: Pace)
where
    B: Body<Data = Bytes> + Unpin,
{
    let began = Instant::now();
    let mut discarded = 0;
    while discarded <= BODY_LIMIT {
        let frame = pin!(timeout_at(pace.deadline(began, discarded), body.frame()));
        let Ok(Some(Ok(frame))) = frame.await else { break };
        discarded += frame.data_ref().map_or(0, Bytes::len);
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures::{StreamExt as _, stream};
    use http_body_util::{Full, StreamBody};
    use proptest::prelude::*;
    use tokio::runtime::Builder;
    use tokio::time::sleep;

    use super::*;

    type Chunk = Result<Frame<Bytes>, Infallible>;

    fn in_chunks(chunks: Vec<Bytes>) -> impl Body<Data = Bytes, Error = Infallible> + Unpin {
        StreamBody::new(stream::iter(chunks.into_iter().map(|chunk| Ok(Frame::data(chunk)))))
    }

    /// A clock that stands still until everybody waits for it.
    fn block_on<F: Future>(future: F) -> F::Output {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(future)
    }

    fn budget(bytes: usize) -> BodyBudget {
        BodyBudget::new(bytes, 100)
    }

    /// So many bytes, one each time.
    fn dripping(bytes: usize, every: Duration) -> impl Body<Data = Bytes, Error = Infallible> + Unpin {
        let drops = stream::iter(0..bytes).then(move |_| async move {
            sleep(every).await;
            Chunk::Ok(Frame::data(Bytes::from_static(b" ")))
        });
        StreamBody::new(Box::pin(drops))
    }

    #[test]
    fn a_body_that_never_ends_is_cut_off() {
        let body = StreamBody::new(stream::pending::<Chunk>());
        let cut = block_on(async {
            let began = Instant::now();
            let cut = read(body, &budget(10), Pace::default()).await;
            assert_eq!(began.elapsed().as_secs(), 5);
            cut
        });
        assert!(matches!(cut, Err(BodyError::TooSlow)), "{cut:?}");
    }

    #[test]
    fn a_body_that_drips_is_cut_off_and_one_that_keeps_pace_is_not() {
        let pace = Pace { idle: Duration::from_secs(2), rate: 10, whole: Duration::from_secs(20) };
        let dripping = |bytes, every| block_on(read(dripping(bytes, every), &budget(1000), pace));
        assert!(matches!(dripping(100, Duration::from_secs(1)), Err(BodyError::TooSlow)));
        assert!(dripping(100, Duration::from_millis(100)).is_ok());
        let endless = dripping(500, Duration::from_millis(100));
        assert!(matches!(endless, Err(BodyError::TooSlow)), "the whole has a limit, too");
    }

    #[test]
    fn what_a_client_asks_for_lengthens_no_limit() {
        let pace = Pace::default();
        assert_eq!(pace.within(Duration::from_hours(1)).whole, pace.whole);
        assert_eq!(pace.within(Duration::from_secs(1)).whole, Duration::from_secs(1));
    }

    #[test]
    fn a_body_over_the_limit_is_refused_whether_it_says_so_or_not() {
        let long = Bytes::from(vec![b' '; BODY_LIMIT + 1]);
        let read = |body| block_on(super::read(body, &budget(usize::MAX), Pace::default()));
        let declared = block_on(super::read(Full::new(long.clone()), &budget(usize::MAX), Pace::default()));
        assert!(matches!(declared, Err(BodyError::TooLarge)), "{declared:?}");
        let streamed = read(in_chunks(vec![long.slice(..BODY_LIMIT), long.slice(BODY_LIMIT..)]));
        assert!(matches!(streamed, Err(BodyError::TooLarge)), "{streamed:?}");
    }

    #[test]
    fn a_body_that_does_not_fit_is_refused_and_leaves_the_budget_whole() {
        let budget = budget(10);
        let read = |chunks| block_on(super::read(in_chunks(chunks), &budget, Pace::default()));
        let held = read(vec![Bytes::from_static(b"123456")]).expect("room for six");
        let refused = read(vec![Bytes::from_static(b"12"), Bytes::from_static(b"345")]);
        assert!(matches!(refused, Err(BodyError::NoRoom)), "{refused:?}");
        assert_eq!(budget.held(), 6);
        drop(held);
        assert_eq!(budget.held(), 0);
    }

    #[test]
    fn bodies_that_stop_in_the_middle_take_no_room_from_one_that_arrives() {
        let budget = budget(10);
        block_on(async {
            let stopped = || {
                let begun = stream::iter([Chunk::Ok(Frame::data(Bytes::from_static(b"12345")))]);
                let budget = budget.clone();
                let body = StreamBody::new(begun.chain(stream::pending()));
                tokio::task::spawn(async move { read(body, &budget, Pace::default()).await })
            };
            let stopped = [stopped(), stopped()];
            tokio::task::yield_now().await;
            assert_eq!(budget.held(), 10);
            let whole = read(Full::new(Bytes::from_static(b"12345678")), &budget, Pace::default()).await;
            assert!(whole.is_ok(), "{whole:?}");
            for stopped in stopped {
                assert!(matches!(stopped.await.unwrap(), Err(BodyError::NoRoom)));
            }
        });
    }

    #[test]
    fn what_is_left_of_a_body_is_taken_in_up_to_a_limit() {
        let chunk = Bytes::from(vec![b' '; BODY_LIMIT / 2]);
        let mut body = in_chunks(vec![chunk; 5]);
        block_on(discard(&mut body, Pace::default()));
        assert!(block_on(body.frame()).is_some(), "more than the limit was taken in");
        let mut endless = StreamBody::new(stream::pending::<Chunk>());
        block_on(discard(&mut endless, Pace::default()));
    }

    proptest! {
        #[test]
        fn a_body_is_the_same_however_it_is_cut(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..8)) {
            let whole = chunks.concat();
            let chunks = chunks.into_iter().map(Bytes::from).collect();
            let held = block_on(read(in_chunks(chunks), &budget(1000), Pace::default())).unwrap();
            prop_assert_eq!(held.as_ref(), whole.as_slice());
        }
    }
}
