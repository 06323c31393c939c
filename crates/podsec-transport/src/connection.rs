//! One connection: TLS, HTTP/1.1 or HTTP/2, and when it has to end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;

use crate::body::Given;
use crate::connections::Slot;
use crate::handler::Handler;
use crate::limits::Limits;
use crate::metrics::{Closed, ConnectionMetrics};
use crate::peer::Peer;
use crate::stream;
use crate::usage::{Answer, Usage};

/// What a connection needs besides its socket.
pub(crate) struct Connection<H> {
    acceptor: TlsAcceptor,
    handler: Arc<H>,
    limits: Limits,
    slot: Slot,
    /// True once the server stops.
    stop: watch::Receiver<bool>,
}

impl<H: Handler> Connection<H> {
    pub(crate) fn new(
        acceptor: TlsAcceptor,
        handler: Arc<H>,
        limits: Limits,
        slot: Slot,
        stop: watch::Receiver<bool>,
    ) -> Self {
        Self { acceptor, handler, limits, slot, stop }
    }

    /// Serves until the connection ends, or another one needs its slot.
    pub(crate) async fn run(self, socket: TcpStream, address: SocketAddr) {
        let evicted = self.slot.evicted();
        tokio::select! {
            () = evicted => {}
            () = self.serve(socket, address) => {}
        }
    }

    async fn serve(self, socket: TcpStream, address: SocketAddr) {
        let Self { acceptor, handler, limits, slot, mut stop } = self;
        let (usage, metrics) = (Arc::clone(slot.usage()), slot.metrics().clone());
        // Answers are small and written at once; waiting to fill a segment would only delay them. A socket that
        // refuses the option is about to fail anyway.
        let _ = socket.set_nodelay(true);
        let stream = match timeout(limits.handshake, acceptor.accept(socket)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                tracing::debug!(%error, "TLS handshake failed");
                return metrics.count(Closed::HandshakeError);
            }
            Err(_) => return metrics.count(Closed::HandshakeTimeout),
        };
        usage.restart();
        let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default().to_vec();
        let peer = Arc::new(Peer::new(address, certificates, slot));
        let service = service_fn(|request: Request<Incoming>| {
            let (handler, peer, in_flight) = (Arc::clone(&handler), Arc::clone(&peer), usage.begin());
            async move {
                let (request, given) = Given::lend(request);
                let answer = handler.answer(request, peer).await;
                given.take_in();
                Ok::<_, Infallible>(answer.map(|body| Answer::new(body, in_flight)))
            }
        });
        let builder = builder(limits);
        let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        let (stream, mut returned) = stream::lent(stream, (!is_http2).then_some(H::URI_TOO_LONG));
        let ended = {
            // With upgrades, so that a handler may answer one with its refusal.
            let mut connection = pin!(builder.serve_connection_with_upgrades(TokioIo::new(stream), service));
            let ends = tokio::select! {
                ended = &mut connection => Some(ended),
                () = end(&mut stop, &usage, limits, &metrics) => None,
            };
            match ends {
                Some(ended) => ended,
                None if usage.is_unused() => return,
                None => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            }
        };
        match ended {
            // A socket that is closed with something unread breaks the connection off: a client that is about to send
            // could then lose what it was told before.
            Ok(()) => {
                let _ = timeout(LAST_WORDS, returned.discard()).await;
            }
            Err(error) => tracing::debug!(error, "a connection ended early"),
        }
    }
}

/// Returns when the connection has to end: the server stops, or the client asks for nothing.
async fn end(stop: &mut watch::Receiver<bool>, usage: &Usage, limits: Limits, metrics: &ConnectionMetrics) {
    tokio::select! {
        // A client that has just connected is about to send the request that it connected for.
        () = async {
            let _ = stop.wait_for(|stops| *stops).await;
            let _ = timeout(FIRST_REQUEST, usage.used()).await;
        } => {}
        reason = idleness(usage, limits) => metrics.count(reason),
    }
}

/// Returns when nothing has been asked for too long.
async fn idleness(usage: &Usage, limits: Limits) -> Closed {
    loop {
        let (limit, reason) = if usage.is_unused() {
            (limits.first_request, Closed::FirstRequestTimeout)
        } else if usage.is_authenticated() {
            (limits.idle, Closed::Idle)
        } else {
            (limits.unauthenticated_idle, Closed::Idle)
        };
        let deadline = usage.idle_since() + limit;
        let now = Instant::now();
        if deadline <= now {
            return reason;
        }
        // Whatever is asked meanwhile may change which limit counts.
        let next = deadline.min(now + limits.first_request.min(limits.unauthenticated_idle));
        sleep_until(next).await;
    }
}

fn builder(limits: Limits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.headers);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(HEADERS)
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(limits.headers);
    builder
}

/// How long a stopping server waits for the first request of a connection.
const FIRST_REQUEST: Duration = Duration::from_secs(1);

/// How long a client may take to notice that its connection has ended.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The bytes that the headers of one HTTP/2 request may have, its target among them: what HTTP/1.1 reads of a target.
const HEADERS: u32 = 64 << 10;
