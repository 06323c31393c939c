//! The accept loop: TLS, HTTP/1.1 and HTTP/2, bounded connections, and an end that answers what it has begun.

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

/// What one client, and all of them together, may hold.
///
/// Memory for unread bytes follows from it: hyper keeps at most one flow-control window (1 MiB) for each HTTP/2
/// connection and one buffer (about 400 KiB) for each HTTP/1.1 connection that nobody reads from.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at one time; one more is closed at once.
    pub connections: usize,
    /// How long a client may take for its TLS handshake, and for the headers of a request.
    pub patience: Duration,
    /// How long requests that were begun may take after the server was told to stop.
    pub drain: Duration,
    /// Requests at one time on one HTTP/2 connection.
    pub streams: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            patience: Duration::from_secs(10),
            drain: Duration::from_secs(30),
            streams: 250,
        }
    }
}

/// Something that answers requests and cannot fail: every refusal is an answer.
pub trait Handler: Send + Sync + 'static {
    /// What its answers carry.
    type Body: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static;

    /// The answer to one request. Reading the request's body takes as long as the client does; see
    /// [`body::read`](crate::body::read).
    fn answer(
        &self,
        request: Request<Incoming>,
        peer: Arc<Peer>,
    ) -> impl Future<Output = Response<Self::Body>> + Send;
}

/// Who is at the other end of a connection.
#[derive(Clone, Debug)]
pub struct Peer {
    /// The address that the connection came from.
    pub address: SocketAddr,
    /// The client's certificate and those it sent with it; verified if the TLS configuration has a verifier, else
    /// empty.
    pub certificates: Vec<CertificateDer<'static>>,
}

/// Serves until `stop` resolves, then lets what was begun end, for [`Limits::drain`] at most.
///
/// No error of a single connection ends the loop. When the process runs out of file descriptors it waits a moment
/// instead of spinning.
pub async fn serve<H: Handler>(
    listener: TcpListener,
    tls: Arc<ServerConfig>,
    handler: Arc<H>,
    limits: Limits,
    stop: impl Future<Output = ()>,
) {
    let acceptor = TlsAcceptor::from(tls);
    let room = Arc::new(Semaphore::new(limits.connections));
    let graceful = GracefulShutdown::new();
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        match accepted {
            Ok((stream, address)) => {
                if let Ok(place) = Arc::clone(&room).try_acquire_owned() {
                    let connection = Connection {
                        acceptor: acceptor.clone(),
                        handler: Arc::clone(&handler),
                        limits,
                        watcher: graceful.watcher(),
                        _place: place,
                    };
                    tokio::spawn(connection.run(stream, address));
                }
            }
            Err(error) if belongs_to_one_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "accepting a connection failed");
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop(listener);
    if timeout(limits.drain, graceful.shutdown()).await.is_err() {
        tracing::warn!(
            seconds = limits.drain.as_secs(),
            "requests were still running at the end of the drain"
        );
    }
}

struct Connection<H> {
    acceptor: TlsAcceptor,
    handler: Arc<H>,
    limits: Limits,
    watcher: Watcher,
    _place: OwnedSemaphorePermit,
}

impl<H: Handler> Connection<H> {
    async fn run(self, stream: TcpStream, address: SocketAddr) {
        // Answers are small and written at once; waiting to fill a segment would only delay them. A socket that
        // refuses the option is about to fail anyway.
        let _ = stream.set_nodelay(true);
        let Ok(handshake) = timeout(self.limits.patience, self.acceptor.accept(stream)).await else { return };
        let stream = match handshake {
            Ok(stream) => stream,
            Err(error) => {
                tracing::debug!(%error, "TLS handshake failed");
                return;
            }
        };
        let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default().to_vec();
        let peer = Arc::new(Peer { address, certificates });
        let handler = self.handler;
        let service = service_fn(move |request| {
            let (handler, peer) = (Arc::clone(&handler), Arc::clone(&peer));
            async move { Ok::<_, Infallible>(handler.answer(request, peer).await) }
        });
        let builder = builder(self.limits);
        // With upgrades, so that a handler may answer one with its refusal.
        let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
        if let Err(error) = self.watcher.watch(connection).await {
            tracing::debug!(%error, "a connection ended early");
        }
    }
}

fn builder(limits: Limits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.patience);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(limits.patience);
    builder
}

fn belongs_to_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}
