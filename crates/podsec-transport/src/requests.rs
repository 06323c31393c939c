//! The requests of one HTTP/2 connection, answered one after the other by the connection's own task.
//!
//! A task for each request costs more than a quick answer does, and each of them would have its connection send its
//! answer alone.

use std::mem;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures::future::CatchUnwind;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};

/// What answers one request. A panic ends it alone, as it would a task.
type Answering = CatchUnwind<AssertUnwindSafe<Pin<Box<dyn Future<Output = ()> + Send>>>>;

/// The requests that are being answered.
#[derive(Default)]
pub(crate) struct Requests {
    begun: Begun,
    waiting: FuturesUnordered<Answering>,
}

impl Requests {
    /// Has the connection's task answer them.
    pub(crate) fn executor(&self) -> Executor {
        Executor::Connection(self.begun.clone())
    }

    /// Answers as far as it goes without waiting. Whether anything came to its end, so that the connection has more
    /// to send.
    pub(crate) fn advance(&mut self, context: &mut Context<'_>) -> bool {
        let mut ended = false;
        for mut answering in self.begun.take() {
            // Most answers wait for nothing.
            match answering.poll_unpin(context) {
                Poll::Ready(_) => ended = true,
                Poll::Pending => self.waiting.push(answering),
            }
        }
        while let Poll::Ready(Some(_)) = self.waiting.poll_next_unpin(context) {
            ended = true;
        }
        ended
    }
}

/// What hyper has begun and nobody has looked at.
#[derive(Clone, Default)]
pub(crate) struct Begun(Arc<Mutex<Vec<Answering>>>);

impl Begun {
    fn take(&self) -> Vec<Answering> {
        mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Who answers the requests of a connection.
#[derive(Clone)]
pub(crate) enum Executor {
    /// A task for each.
    Tasks,
    /// The connection's own task.
    Connection(Begun),
}

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Executor {
    fn execute(&self, answering: F) {
        match self {
            Self::Tasks => drop(tokio::spawn(answering)),
            Self::Connection(begun) => {
                let answering: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(answering);
                let answering = AssertUnwindSafe(answering).catch_unwind();
                begun.0.lock().unwrap_or_else(PoisonError::into_inner).push(answering);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::task::Waker;

    use hyper::rt::Executor as _;
    use tokio::sync::oneshot;

    use super::*;

    #[test]
    fn answers_that_wait_do_not_hold_up_the_others() {
        let mut requests = Requests::default();
        let mut context = Context::from_waker(Waker::noop());
        assert!(!requests.advance(&mut context));
        let (sender, receiver) = oneshot::channel::<()>();
        requests.executor().execute(receiver_dropped(receiver));
        requests.executor().execute(pending());
        assert!(!requests.advance(&mut context));
        requests.executor().execute(ready(()));
        assert!(requests.advance(&mut context));
        assert_eq!(requests.waiting.len(), 2);
        drop(sender);
        assert!(requests.advance(&mut context));
        assert_eq!(requests.waiting.len(), 1);
    }

    async fn receiver_dropped(receiver: oneshot::Receiver<()>) {
        let _ = receiver.await;
    }

    #[test]
    fn a_panic_ends_its_own_request_alone() {
        let mut requests = Requests::default();
        let mut context = Context::from_waker(Waker::noop());
        let (sender, mut receiver) = oneshot::channel();
        requests.executor().execute(async { panic!("as a test") });
        requests.executor().execute(async move { sender.send(()).unwrap_or_default() });
        assert!(requests.advance(&mut context));
        assert_eq!(receiver.try_recv(), Ok(()));
    }
}
