//! HTTPS clients: one that behaves, and a socket for those that do not.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::authority::{Authority, Pair, trusting};

/// A client of one server, which asks over both versions of HTTP.
#[derive(Clone)]
pub struct Client {
    address: SocketAddr,
    http1: TlsConnector,
    http2: TlsConnector,
}

/// An HTTP/2 connection; clones share it.
#[derive(Clone)]
pub struct Http2(http2::SendRequest<Full<Bytes>>);

/// An HTTP/1.1 connection.
pub struct Http1(http1::SendRequest<Full<Bytes>>);

/// The status and the body of a response.
pub type Answer = (StatusCode, Bytes);

impl Client {
    /// A client that trusts this authority alone.
    pub fn new(address: SocketAddr, authority: &Authority) -> Self {
        Self::trusting(address, authority.certificate())
    }

    /// A client that trusts the authority with this certificate alone.
    pub fn trusting(address: SocketAddr, authority: &CertificateDer<'static>) -> Self {
        let connector = |protocol: &[u8]| TlsConnector::from(trusting(authority, protocol, None));
        Self { address, http1: connector(b"http/1.1"), http2: connector(b"h2") }
    }

    /// A client that shows this certificate.
    pub fn showing(address: SocketAddr, authority: &Authority, pair: &Pair) -> Self {
        let connector =
            |protocol: &[u8]| TlsConnector::from(trusting(authority.certificate(), protocol, Some(pair)));
        Self { address, http1: connector(b"http/1.1"), http2: connector(b"h2") }
    }

    /// A client that shows this certificate to a server whose own one, PEM, it trusts.
    pub fn showing_to(address: SocketAddr, server: &str, pair: &Pair) -> Self {
        let server = CertificateDer::from_pem_slice(server.as_bytes()).unwrap();
        let connector = |protocol: &[u8]| TlsConnector::from(trusting(&server, protocol, Some(pair)));
        Self { address, http1: connector(b"http/1.1"), http2: connector(b"h2") }
    }

    /// The certificate that is shown to whoever asks for this name.
    pub async fn shown(&self, name: &'static str) -> std::io::Result<CertificateDer<'static>> {
        let stream = TcpStream::connect(self.address).await?;
        let stream = self.http2.connect(ServerName::try_from(name).unwrap(), stream).await?;
        Ok(stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned())
    }

    /// A new HTTP/2 connection.
    pub async fn http2(&self) -> std::io::Result<Http2> {
        let stream = TokioIo::new(self.connect(&self.http2).await?);
        let (sender, connection) =
            http2::handshake(TokioExecutor::new(), stream).await.map_err(std::io::Error::other)?;
        tokio::spawn(connection);
        Ok(Http2(sender))
    }

    /// A new HTTP/1.1 connection.
    pub async fn http1(&self) -> std::io::Result<Http1> {
        let stream = TokioIo::new(self.connect(&self.http1).await?);
        let (sender, connection) = http1::handshake(stream).await.map_err(std::io::Error::other)?;
        tokio::spawn(connection);
        Ok(Http1(sender))
    }

    /// A TLS connection on which nothing is said yet.
    pub async fn socket(&self) -> std::io::Result<TlsStream<TcpStream>> {
        self.connect(&self.http1).await
    }

    /// Where the server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A review over a connection of its own.
    pub async fn review(&self, body: Vec<u8>) -> Answer {
        self.http2().await.unwrap().review(body).await.unwrap()
    }

    /// Reads a path over a connection of its own.
    pub async fn get(&self, path: &str) -> Answer {
        let request = Request::get(format!("https://localhost{path}")).body(Full::default()).unwrap();
        self.http2().await.unwrap().send(request).await.unwrap()
    }

    /// The value of a metric without labels.
    pub async fn metric(&self, name: &str) -> f64 {
        let (_, text) = self.get("/metrics").await;
        let text = String::from_utf8(text.to_vec()).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
    }

    async fn connect(&self, connector: &TlsConnector) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(self.address).await?;
        // As Kubernetes' clients; else a request may wait for the acknowledgement of what was sent before it.
        stream.set_nodelay(true)?;
        connector.connect(ServerName::try_from("localhost").unwrap(), stream).await
    }
}

impl Http2 {
    /// Sends a request and waits for the whole answer.
    pub async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<Answer, hyper::Error> {
        self.0.ready().await?;
        let response = self.0.send_request(request).await?;
        let status = response.status();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }

    /// Sends a review and waits for the answer.
    pub async fn review(&mut self, body: impl Into<Bytes>) -> Result<Answer, hyper::Error> {
        self.send(post("https://localhost/?timeout=10s", "application/json", body.into())).await
    }
}

impl Http1 {
    /// Sends a request and waits for the whole answer.
    pub async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<Answer, hyper::Error> {
        self.0.ready().await?;
        let response = self.0.send_request(request).await?;
        let status = response.status();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }

    /// Whether no further request can be sent.
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }
}

/// A POST request with this body.
pub fn post(uri: &str, content_type: &str, body: Bytes) -> Request<Full<Bytes>> {
    Request::builder()
        .method(Method::POST)
        .uri(uri)
        .header("host", "localhost")
        .header("content-type", content_type)
        .body(Full::new(body))
        .unwrap()
}
