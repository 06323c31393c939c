//! What is asked on one connection, and since when nothing is.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::Notify;
use tokio::time::Instant;

/// The use of one connection.
#[derive(Debug)]
pub(crate) struct Usage {
    state: Mutex<State>,
    /// Told of the first request.
    used: Notify,
}

#[derive(Debug)]
struct State {
    requests: u64,
    in_flight: u32,
    /// When a request last began or ended, or the connection did.
    since: Instant,
    is_authenticated: bool,
}

impl Default for Usage {
    fn default() -> Self {
        let state = State { requests: 0, in_flight: 0, since: Instant::now(), is_authenticated: false };
        Self { state: Mutex::new(state), used: Notify::new() }
    }
}

impl Usage {
    /// Counts a request that lasts until the guard is dropped.
    pub(crate) fn begin(self: &Arc<Self>) -> InFlight {
        self.change(|state| {
            state.requests += 1;
            state.in_flight += 1;
            state.since = Instant::now();
            if state.requests == 1 {
                self.used.notify_one();
            }
        });
        InFlight(Arc::clone(self))
    }

    /// Starts the clock again: from now on the client is expected to ask.
    pub(crate) fn restart(&self) {
        self.change(|state| state.since = Instant::now());
    }

    pub(crate) fn is_unused(&self) -> bool {
        self.change(|state| state.requests == 0)
    }

    /// Returns once something has been asked.
    pub(crate) async fn used(&self) {
        if self.is_unused() {
            self.used.notified().await;
        }
    }

    pub(crate) fn is_authenticated(&self) -> bool {
        self.change(|state| state.is_authenticated)
    }

    /// Whether this changed anything.
    pub(crate) fn set_authenticated(&self) -> bool {
        self.change(|state| !std::mem::replace(&mut state.is_authenticated, true))
    }

    /// Now, while anything is in flight.
    pub(crate) fn idle_since(&self) -> Instant {
        self.change(|state| if state.in_flight > 0 { Instant::now() } else { state.since })
    }

    /// By what connections make room for others, the least first: idle ones, and then those on which nothing has
    /// happened for the longest time.
    pub(crate) fn worth(&self) -> (bool, Instant) {
        self.change(|state| (state.in_flight > 0, state.since))
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        // A poisoned lock still guards whole numbers.
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A request in flight.
#[derive(Debug)]
pub(crate) struct InFlight(Arc<Usage>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.change(|state| {
            state.in_flight -= 1;
            state.since = Instant::now();
        });
    }
}

/// The body of an answer, whose request is in flight until it is sent.
pub(crate) struct Answer<B> {
    body: B,
    _in_flight: InFlight,
}

impl<B> Answer<B> {
    pub(crate) fn new(body: B, in_flight: InFlight) -> Self {
        Self { body, _in_flight: in_flight }
    }
}

impl<B: Body + Unpin> Body for Answer<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
