//! The load: reviews over HTTP/2, so many in flight, for so long.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::future::join_all;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2;
use hyper::{Request, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::process::Process;
use podsec_testing::authority::{Authority, trusting};

const IN_FLIGHT: usize = 32;
const WARM_UP: Duration = Duration::from_millis(300);
const DURATION: Duration = Duration::from_secs(2);

pub(crate) struct Load {
    connector: TlsConnector,
}

/// What one round came to.
#[derive(Clone, Copy)]
pub(crate) struct Figures {
    /// Answers a second.
    pub(crate) rate: f64,
    /// Microseconds that half of the answers took at most.
    pub(crate) p50: f64,
    /// Microseconds that 99 of 100 answers took at most.
    pub(crate) p99: f64,
    /// Microseconds of processor time that the server's process spent on each, TLS, HTTP and the kernel's work for
    /// its sockets included.
    pub(crate) processor: f64,
    /// The part of it that was spent in the kernel.
    pub(crate) system: f64,
}

impl Figures {
    /// Each figure's median over the rounds.
    pub(crate) fn median(rounds: &[Self]) -> Self {
        let median = |figure: fn(&Self) -> f64| {
            let mut values: Vec<f64> = rounds.iter().map(figure).collect();
            values.sort_unstable_by(f64::total_cmp);
            values[values.len() / 2]
        };
        Self {
            rate: median(|round| round.rate),
            p50: median(|round| round.p50),
            p99: median(|round| round.p99),
            processor: median(|round| round.processor),
            system: median(|round| round.system),
        }
    }
}

type Sender = http2::SendRequest<Full<Bytes>>;

impl Load {
    pub(crate) fn new(authority: &Authority) -> Self {
        Self { connector: TlsConnector::from(trusting(authority.certificate(), b"h2", None)) }
    }

    /// Makes sure that the server decides as expected.
    pub(crate) async fn check(&self, port: u16, body: &Bytes, allowed: bool) {
        let (_, answer) = ask(&mut self.connect(port).await, post(body)).await;
        let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!(answer["response"]["allowed"], allowed, "{answer}");
    }

    pub(crate) async fn run(&self, process: &Process, body: &Bytes) -> Figures {
        let sender = self.connect(process.port).await;
        all_at_once(&sender, body, WARM_UP).await;
        let before = process.processor_time();
        let began = Instant::now();
        let mut latencies = all_at_once(&sender, body, DURATION).await;
        let elapsed = began.elapsed();
        let after = process.processor_time();
        latencies.sort_unstable();
        let microseconds = |share: usize| latencies[(latencies.len() - 1) * share / 100].as_secs_f64() * 1e6;
        #[expect(clippy::cast_precision_loss, reason = "there are not that many")]
        let count = latencies.len() as f64;
        let each = |spent: Duration| spent.as_secs_f64() * 1e6 / count;
        Figures {
            rate: count / elapsed.as_secs_f64(),
            p50: microseconds(50),
            p99: microseconds(99),
            processor: each(after.total.saturating_sub(before.total)),
            system: each(after.system.saturating_sub(before.system)),
        }
    }

    async fn connect(&self, port: u16) -> Sender {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TokioIo::new(self.connector.connect(name, stream).await.unwrap());
        let (sender, connection) = http2::handshake(TokioExecutor::new(), stream).await.unwrap();
        tokio::spawn(connection);
        sender
    }
}

/// Waits until the webhook has cached so many namespaces.
pub(crate) async fn wait_for_namespaces(authority: &Authority, port: u16, namespaces: usize) {
    let mut sender = Load::new(authority).connect(port).await;
    let line = format!("podsec_webhook_namespaces_cached {namespaces}");
    loop {
        let request = Request::get("https://localhost/metrics").body(Full::default()).unwrap();
        let (_, metrics) = ask(&mut sender, request).await;
        if String::from_utf8_lossy(&metrics).lines().any(|found| found == line) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// All of them in one task, which sends together what it has to send: the load shall cost less than the servers.
async fn all_at_once(sender: &Sender, body: &Bytes, duration: Duration) -> Vec<Duration> {
    let deadline = Instant::now() + duration;
    let clients: Vec<_> =
        (0..IN_FLIGHT).map(|_| one_by_one(sender.clone(), body.clone(), deadline)).collect();
    tokio::spawn(join_all(clients)).await.unwrap().concat()
}

async fn one_by_one(mut sender: Sender, body: Bytes, deadline: Instant) -> Vec<Duration> {
    let mut latencies = Vec::new();
    loop {
        let began = Instant::now();
        if began >= deadline {
            return latencies;
        }
        let (status, _) = ask(&mut sender, post(&body)).await;
        assert_eq!(status, StatusCode::OK);
        latencies.push(began.elapsed());
    }
}

async fn ask(sender: &mut Sender, request: Request<Full<Bytes>>) -> (StatusCode, Bytes) {
    sender.ready().await.unwrap();
    let response = sender.send_request(request).await.unwrap();
    let status = response.status();
    (status, response.into_body().collect().await.unwrap().to_bytes())
}

fn post(body: &Bytes) -> Request<Full<Bytes>> {
    Request::post("https://localhost/?timeout=10s")
        .header("content-type", "application/json")
        .body(Full::new(body.clone()))
        .unwrap()
}
