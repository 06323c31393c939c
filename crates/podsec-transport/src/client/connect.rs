//! From a URL to a connection: addresses, TCP, TLS, and Go's words for where that ends.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use hyper::Uri;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tower_service::Service;

use super::trust;

/// Finds the addresses behind the host of a URL, where its name is not enough.
pub trait Resolve: Send + Sync + 'static {
    /// Hosts and ports to try, one after the other.
    ///
    /// # Errors
    /// Why there are none.
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, Result<Vec<(String, u16)>, String>>;
}

/// Connects to the hosts of URLs, or to the addresses that somebody else finds for them.
#[derive(Clone)]
pub(super) struct Connector {
    tls: TlsConnector,
    resolver: Option<Arc<dyn Resolve>>,
}

/// Why there is no connection, in Go's words.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unreachable(pub(super) String);

impl Service<Uri> for Connector {
    type Response = TokioIo<Stream>;
    type Error = Unreachable;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move { connector.connect(&uri).await.map_err(Unreachable) })
    }
}

impl Connector {
    /// A connector that trusts the authorities of `ca_bundle`, and shows the certificate of `identity` (beside its key).
    ///
    /// # Errors
    /// When the bundle holds no authority, or the identity is none.
    pub(super) fn new(
        ca_bundle: &[u8],
        identity: Option<(&[u8], &[u8])>,
        resolver: Option<Arc<dyn Resolve>>,
    ) -> Result<Self, String> {
        Ok(Self { tls: TlsConnector::from(Arc::new(trust::client_config(ca_bundle, identity)?)), resolver })
    }

    async fn connect(self, uri: &Uri) -> Result<TokioIo<Stream>, String> {
        let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let port = uri.port_u16().unwrap_or(443);
        let addresses = match &self.resolver {
            Some(resolver) => resolver.resolve(host, port).await?,
            None => vec![(host.to_owned(), port)],
        };
        let stream = dial(&addresses).await?;
        let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
        let stream = self.tls.connect(name, stream).await.map_err(|error| {
            let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
            inner.map_or_else(|| spoken(&error), trust::words)
        })?;
        Ok(TokioIo::new(Stream(stream)))
    }
}

/// The first address that answers; the error is that of the first that does not.
async fn dial(addresses: &[(String, u16)]) -> Result<TcpStream, String> {
    let mut first = None;
    for (host, port) in addresses {
        let Ok(found) = lookup_host((host.as_str(), *port)).await else {
            first.get_or_insert(format!("dial tcp: lookup {host}: no such host"));
            continue;
        };
        for address in found {
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    // A request is one message: nothing is to wait for more.
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Err(error) => {
                    first.get_or_insert(format!("dial tcp {address}: connect: {}", spoken(&error)));
                }
            }
        }
    }
    Err(first.unwrap_or_else(|| "dial tcp: no address".to_owned()))
}

/// The operating system's words, as Go spells them.
fn spoken(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return "EOF".to_owned();
    }
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}

/// A TLS connection that hyper may keep.
pub(super) struct Stream(TlsStream<TcpStream>);

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
