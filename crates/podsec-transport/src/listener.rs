//! The accept loop: bounded connections, and an end that answers what it has begun.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use crate::connection::Connection;
use crate::connections::Connections;
use crate::handler::Handler;
use crate::limits::Limits;
use crate::metrics::ConnectionMetrics;

/// A socket that is listened on, and how.
pub struct Listener {
    /// The socket.
    pub socket: TcpListener,
    /// The server's side of TLS.
    pub tls: Arc<ServerConfig>,
    /// What clients may hold.
    pub limits: Limits,
    /// Where connections are counted.
    pub metrics: ConnectionMetrics,
}

impl Listener {
    /// Serves until `stop` resolves, then lets what was begun end, for [`Limits::drain`] at most.
    ///
    /// No error of a single connection ends the loop. When the process runs out of file descriptors, a connection of a
    /// client that has not authenticated makes room.
    pub async fn serve<H: Handler>(self, handler: Arc<H>, stop: impl Future<Output = ()>) {
        let Self { socket, tls, limits, metrics } = self;
        let acceptor = TlsAcceptor::from(tls);
        let connections = Connections::new(limits, metrics);
        let (stopping, stopped) = watch::channel(false);
        let welcome = |stream: TcpStream, address: SocketAddr| {
            if let Some(slot) = connections.open(address.ip()) {
                let connection =
                    Connection::new(acceptor.clone(), Arc::clone(&handler), limits, slot, stopped.clone());
                tokio::spawn(connection.run(stream, address));
            }
        };
        let mut stop = pin!(stop);
        loop {
            let accepted = tokio::select! {
                accepted = socket.accept() => accepted,
                () = &mut stop => break,
            };
            match accepted {
                Ok((stream, address)) => welcome(stream, address),
                Err(error) if belongs_to_one_connection(&error) => {}
                Err(error) => {
                    tracing::error!(%error, "accepting a connection failed");
                    connections.make_room();
                    sleep(Duration::from_millis(10)).await;
                }
            }
        }
        // Whoever connected before the end is answered, too: closing the socket would reset them.
        while let Some(Ok((stream, address))) = waiting(&socket).await {
            welcome(stream, address);
        }
        drop((socket, stopped));
        stopping.send_replace(true);
        // Each connection has a receiver.
        if timeout(limits.drain, stopping.closed()).await.is_err() {
            tracing::warn!(
                seconds = limits.drain.as_secs(),
                "requests were still running at the end of the drain"
            );
        }
    }
}

/// The next connection, if there is one that waits already.
async fn waiting(socket: &TcpListener) -> Option<io::Result<(TcpStream, SocketAddr)>> {
    poll_fn(|context| match socket.poll_accept(context) {
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
