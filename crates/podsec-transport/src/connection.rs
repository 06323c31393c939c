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
use tokio::io::{AsyncRead, AsyncWrite};
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
        let Self { acceptor, handler, limits, slot, stop } = self;
        // Answers are small and written at once; waiting to fill a segment would only delay them. A socket that
        // refuses the option is about to fail anyway.
        let _ = socket.set_nodelay(true);
        let stream = match timeout(limits.handshake, acceptor.accept(socket)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                tracing::debug!(%error, "TLS handshake failed");
                return slot.metrics().count(Closed::HandshakeError);
            }
            Err(_) => return slot.metrics().count(Closed::HandshakeTimeout),
        };
        slot.usage().restart();
        let session = stream.get_ref().1;
        let certificates = session.peer_certificates().unwrap_or_default().to_vec();
        let is_http2 = session.alpn_protocol() == Some(b"h2");
        let peer = Arc::new(Peer::new(address, certificates, slot));
        Exchange { handler, limits, peer, stop }.run(stream, is_http2).await;
    }
}

/// HTTP with one client.
struct Exchange<H> {
    handler: Arc<H>,
    limits: Limits,
    peer: Arc<Peer>,
    stop: watch::Receiver<bool>,
}

impl<H: Handler> Exchange<H> {
    /// Answers requests until the client ends, or has to.
    async fn run<S>(self, stream: S, is_http2: bool)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Self { handler, limits, peer, mut stop } = self;
        let (usage, metrics) = (Arc::clone(peer.slot().usage()), peer.slot().metrics().clone());
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

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use bytes::Bytes;
    use http_body_util::Full;
    use hyper::Response;
    use proptest::prelude::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::runtime::Builder;

    use super::*;
    use crate::body::{self, BodyBudget, IncomingBody, Pace};
    use crate::connections::Connections;
    use crate::handler::Refusal;

    /// Answers with the length of the body, or why there is none.
    struct Lengths(BodyBudget);

    impl Handler for Lengths {
        type Body = Full<Bytes>;

        const URI_TOO_LONG: Refusal = Refusal { content_type: "text/plain", body: "too long\n" };

        async fn answer(&self, request: Request<IncomingBody>, _: Arc<Peer>) -> Response<Full<Bytes>> {
            let read = body::read(request.into_body(), &self.0, Pace::default()).await;
            let text = read.map_or_else(|why| why.to_string(), |body| body.as_ref().len().to_string());
            Response::new(Full::from(text))
        }
    }

    /// What a client that sends these pieces is told, until the server has closed the connection. The clock stands still
    /// while anybody has something to do.
    fn told(pieces: Vec<Vec<u8>>, says_goodbye: bool) -> Vec<u8> {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(async {
            let limits = Limits::default();
            let connections = Connections::new(limits, ConnectionMetrics::default());
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
            let slot = connections.open(address.ip()).expect("a slot");
            let peer = Arc::new(Peer::new(address, Vec::new(), slot));
            let (_stopping, stop) = watch::channel(false);
            let handler = Arc::new(Lengths(BodyBudget::new(1 << 20, 10)));
            let (client, server) = tokio::io::duplex(4096);
            let serving = tokio::spawn(Exchange { handler, limits, peer, stop }.run(server, false));
            let (mut from_server, mut to_server) = tokio::io::split(client);
            let sending = async move {
                for piece in pieces {
                    // The server may have closed.
                    if to_server.write_all(&piece).await.is_err() {
                        break;
                    }
                    tokio::task::yield_now().await;
                }
                if says_goodbye {
                    let _ = to_server.shutdown().await;
                }
                to_server
            };
            let mut told = Vec::new();
            let reading = timeout(Duration::from_hours(1), from_server.read_to_end(&mut told));
            let (ended, to_server) = tokio::join!(reading, sending);
            let _ = ended.expect("the connection never ends");
            drop((from_server, to_server));
            serving.await.expect("no panic");
            told
        })
    }

    fn told_text(request: &str) -> String {
        String::from_utf8(told(vec![request.as_bytes().to_vec()], true)).expect("text")
    }

    #[test]
    fn a_request_is_answered_and_what_is_none_is_refused() {
        let request = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\nconnection: close\r\n\r\nabc";
        assert!(told_text(request).ends_with("\r\n\r\n3"));
        assert!(told_text("POST\r\n\r\n").starts_with("HTTP/1.1 400 "));
        let long = format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "a".repeat(70_000));
        assert!(told_text(&long).ends_with("\r\n\r\ntoo long\n"));
    }

    /// Requests, whole and in part, over both versions, and bytes that are none.
    fn piece() -> impl Strategy<Value = Vec<u8>> {
        let text = |text: &'static str| Just(text.as_bytes().to_vec());
        prop_oneof![
            text("GET / HTTP/1.1\r\nhost: a\r\n\r\n"),
            text("POST /?timeout=1s HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n12345"),
            text("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3145727\r\n\r\n"),
            text("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\n\r\n"),
            text("POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n"),
            text("GET / HTTP/1.1\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n"),
            text("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"),
            // HEADERS of a POST to / on stream 1, without its body.
            Just(b"\0\0\x07\x01\x04\0\0\0\x01\x83\x87\x84\x41\x01a\0".to_vec()),
            (0..12_u8, any::<u8>(), prop::collection::vec(any::<u8>(), 0..40)).prop_map(
                |(kind, flags, payload)| {
                    let length = u8::try_from(payload.len()).expect("forty at most");
                    [vec![0, 0, length, kind, flags, 0, 0, 0, 1], payload].concat()
                }
            ),
            prop::collection::vec(any::<u8>(), 0..60),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

        #[test]
        fn any_bytes_end_in_a_closed_connection_and_none_in_a_panic(
            pieces in prop::collection::vec(piece(), 0..6),
            says_goodbye: bool,
        ) {
            told(pieces, says_goodbye);
        }
    }
}
