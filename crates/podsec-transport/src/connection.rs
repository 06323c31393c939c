//! One connection: TLS, HTTP/1.1 or HTTP/2, and when it has to end.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::AsyncWrite;
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;

use crate::requests::{Executor, Requests};
use crate::server::{Handler, Limits, Peer};
use crate::socket::Socket;
use crate::stream::{self, Outlet};

/// What a connection needs besides its socket.
pub(crate) struct Connection<H> {
    acceptor: TlsAcceptor,
    handler: Arc<H>,
    limits: Limits,
    /// Closed when the server stops.
    stop: watch::Receiver<()>,
}

impl<H: Handler> Connection<H> {
    pub(crate) fn new(
        acceptor: TlsAcceptor,
        handler: Arc<H>,
        limits: Limits,
        stop: watch::Receiver<()>,
    ) -> Self {
        Self { acceptor, handler, limits, stop }
    }

    pub(crate) async fn run(mut self, stream: TcpStream, address: SocketAddr) {
        // Answers are small and written at once; waiting to fill a segment would only delay them. A socket that
        // refuses the option is about to fail anyway.
        let _ = stream.set_nodelay(true);
        let Ok(handshake) = timeout(self.limits.patience, self.acceptor.accept(Socket::new(stream))).await
        else {
            return;
        };
        let stream = match handshake {
            Ok(stream) => stream,
            Err(error) => {
                tracing::debug!(%error, "TLS handshake failed");
                return;
            }
        };
        let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default().to_vec();
        let peer = Arc::new(Peer { address, certificates });
        let usage = Arc::new(Usage::default());
        let handler = self.handler;
        let service = service_fn(|request| {
            let (handler, peer) = (Arc::clone(&handler), Arc::clone(&peer));
            let used = usage.begin();
            async move {
                let answer = handler.answer(request, peer).await;
                drop(used);
                Ok::<_, Infallible>(answer)
            }
        });
        let requests = Requests::default();
        let builder = builder(self.limits, if H::QUICK { requests.executor() } else { Executor::Tasks });
        let (stream, outlet) = stream::gathering(stream);
        // With upgrades, so that a handler may answer one with its refusal.
        let connection = pin!(builder.serve_connection_with_upgrades(TokioIo::new(stream), service));
        let mut exchange = Exchange { connection, requests, outlet };
        let ends = tokio::select! {
            ended = exchange.run() => Some(ended),
            () = end(&mut self.stop, &usage, self.limits) => None,
        };
        let ended = match ends {
            Some(ended) => ended,
            None if usage.is_unused() => return,
            None => {
                exchange.connection.as_mut().graceful_shutdown();
                let ended = exchange.run().await;
                if ended.is_ok() {
                    let _ = timeout(LAST_WORDS, exchange.outlet.discard()).await;
                }
                ended
            }
        };
        if let Err(error) = ended {
            tracing::debug!(error, "a connection ended early");
        }
    }
}

/// HTTP on one connection: what it reads, what answers, and what it sends.
struct Exchange<'c, C, S> {
    connection: Pin<&'c mut C>,
    requests: Requests,
    outlet: Outlet<S>,
}

impl<C, S> Exchange<'_, C, S>
where
    C: Future<Output = Result<(), Error>>,
    S: AsyncWrite + Unpin,
{
    /// Goes on until the connection ends.
    async fn run(&mut self) -> Result<(), Error> {
        poll_fn(|context| self.poll(context)).await
    }

    /// Reads what has come, answers it, and then sends: a client that has asked for many things at once is told several
    /// at once, and can ask for more while the others are answered.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        loop {
            self.outlet.gather();
            let mut ended = self.connection.as_mut().poll(context);
            let answered = self.requests.advance(context);
            if answered && ended.is_pending() {
                // HTTP has yet to write what was answered.
                ended = self.connection.as_mut().poll(context);
            }
            match (ended, self.outlet.poll_send(context)) {
                (Poll::Pending, Poll::Ready(Err(error))) => return Poll::Ready(Err(error.into())),
                (Poll::Pending, _) if answered || self.outlet.is_cut_short() => {}
                (ended, _) => return ended,
            }
        }
    }
}

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Returns when the connection has to end: the server stops, or the client asks for nothing.
async fn end(stop: &mut watch::Receiver<()>, usage: &Usage, limits: Limits) {
    tokio::select! {
        _ = stop.changed() => {
            // A client that has just connected is about to send the request that it connected for.
            if usage.is_unused() {
                let _ = timeout(FIRST_REQUEST, usage.used.notified()).await;
            }
        }
        () = idleness(usage, limits) => {}
    }
}

/// Returns when nothing has been asked for too long. (Notices it late where a connection may be idle for less time
/// than its first request may take.)
async fn idleness(usage: &Usage, limits: Limits) {
    loop {
        let deadline = usage.idle_since() + if usage.is_unused() { limits.patience } else { limits.idle };
        if deadline <= Instant::now() {
            return;
        }
        sleep_until(deadline).await;
    }
}

/// How long a stopping server waits for the first request of a connection.
const FIRST_REQUEST: Duration = Duration::from_secs(1);

/// How long a client may take to notice that its connection has ended.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What is asked on a connection, and since when nothing is.
struct Usage {
    state: Mutex<UsageState>,
    /// Told of the first request.
    used: Notify,
}

struct UsageState {
    requests: u64,
    in_flight: u32,
    since: Instant,
}

impl Default for Usage {
    fn default() -> Self {
        let state = UsageState { requests: 0, in_flight: 0, since: Instant::now() };
        Self { state: Mutex::new(state), used: Notify::new() }
    }
}

impl Usage {
    fn begin(self: &Arc<Self>) -> Used {
        self.change(|state| {
            state.requests += 1;
            state.in_flight += 1;
            if state.requests == 1 {
                self.used.notify_one();
            }
        });
        Used(Arc::clone(self))
    }

    fn is_unused(&self) -> bool {
        self.change(|state| state.requests == 0)
    }

    /// Now, while anything is in flight.
    fn idle_since(&self) -> Instant {
        self.change(|state| if state.in_flight > 0 { Instant::now() } else { state.since })
    }

    fn change<T>(&self, change: impl FnOnce(&mut UsageState) -> T) -> T {
        // A poisoned lock still guards whole numbers.
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A request in flight.
struct Used(Arc<Usage>);

impl Drop for Used {
    fn drop(&mut self) {
        self.0.change(|state| {
            state.in_flight -= 1;
            state.since = Instant::now();
        });
    }
}

fn builder(limits: Limits, executor: Executor) -> auto::Builder<Executor> {
    let mut builder = auto::Builder::new(executor);
    builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.patience);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(limits.patience);
    builder
}
