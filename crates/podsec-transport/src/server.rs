//! The accept loop: bounded connections, and an end that answers what it has begun.

use std::error::Error;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Incoming};
use hyper::{Request, Response};
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use crate::connection::Connection;

/// What one client, and all of them together, may hold.
///
/// Memory for unread bytes follows from it: hyper keeps at most one flow-control window (1 MiB) for each HTTP/2
/// connection and one buffer (about 400 KiB) for each HTTP/1.1 connection that nobody reads from. A connection on which
/// much was sent keeps another 64 KiB to read into.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at one time; one more is closed at once.
    pub connections: u32,
    /// How long a client may take for its TLS handshake, for its first request, and for the headers of any.
    pub patience: Duration,
    /// How long a connection is kept on which nothing is asked.
    pub idle: Duration,
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
            // As long as Kubernetes' own servers.
            idle: Duration::from_secs(90),
            drain: Duration::from_secs(30),
            streams: 250,
        }
    }
}

/// Something that answers requests and cannot fail: every refusal is an answer.
pub trait Handler: Send + Sync + 'static {
    /// Whether it answers within microseconds, or waits. The requests of one HTTP/2 connection are then answered by
    /// the connection's own task, which costs half of what tasks of their own do; an answer that computes for longer
    /// would hold up the others.
    const QUICK: bool = false;

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
    let room = Arc::new(Semaphore::new(limits.connections as usize));
    let (stopping, stopped) = watch::channel(());
    let welcome = |stream: TcpStream, address: SocketAddr| {
        if let Ok(place) = Arc::clone(&room).try_acquire_owned() {
            let connection = Connection::new(acceptor.clone(), Arc::clone(&handler), limits, stopped.clone());
            tokio::spawn(async move {
                connection.run(stream, address).await;
                drop(place);
            });
        }
    };
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        match accepted {
            Ok((stream, address)) => welcome(stream, address),
            Err(error) if belongs_to_one_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "accepting a connection failed");
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
    // Whoever connected before the end is answered, too: closing the socket would reset them.
    while let Some(Ok((stream, address))) = waiting(&listener).await {
        welcome(stream, address);
    }
    drop(listener);
    drop(stopping);
    if timeout(limits.drain, room.acquire_many(limits.connections)).await.is_err() {
        tracing::warn!(
            seconds = limits.drain.as_secs(),
            "requests were still running at the end of the drain"
        );
    }
}

/// The next connection, if there is one that waits already.
async fn waiting(listener: &TcpListener) -> Option<io::Result<(TcpStream, SocketAddr)>> {
    poll_fn(|context| match listener.poll_accept(context) {
        Poll::Ready(accepted) => Poll::Ready(Some(accepted)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

fn belongs_to_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}
