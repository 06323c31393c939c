//! What tests of controllers start as etcd: it is healthy, and holds nothing. The objects are in the API server's memory.

use std::convert::Infallible;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::flags::{Dialect, Flags, Kind, Refusal};

/// Answers until a signal ends it, as it ends etcd; the exit codes are etcd's.
#[expect(clippy::print_stderr, reason = "where etcd says what is wrong")]
pub(super) fn run(words: &[OsString]) -> ExitCode {
    let flags = match Flags::read(words, Dialect::Standard, kind) {
        Ok(flags) => flags,
        Err(Refusal::Help) => {
            return if io::stdout().write_all(help().as_bytes()).is_ok() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            };
        }
        Err(refusal) => {
            eprintln!("{refusal}\n\n{}", help());
            return ExitCode::from(2);
        }
    };
    if flags.value("version") == Some("true") {
        let version = writeln!(
            io::stdout(),
            "etcd Version: {VERSION}\nthe stand-in of podsec {}",
            env!("CARGO_PKG_VERSION")
        );
        return if version.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    match serve(&flags) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("etcd: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether an answer over HTTP to a request for the version is from here.
pub(super) fn is_own(answer: &str) -> bool {
    answer.contains(MARK)
}

fn kind(name: &str) -> Option<Kind> {
    FLAGS.iter().find(|(flag, ..)| *flag == name).map(|(_, kind, _)| *kind)
}

fn help() -> String {
    let mut text = "Usage:\n\n  etcd [options]\n    Stands in for etcd beside podsec's kube-apiserver, and holds nothing.\n\n".to_owned();
    for (name, kind, about) in FLAGS {
        let value = if *kind == Kind::Bool { "'false'" } else { "''" };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  --{name} {value}\n    {about}");
    }
    text
}

#[tokio::main(flavor = "current_thread")]
async fn serve(flags: &Flags) -> anyhow::Result<()> {
    let urls = flags.value("listen-client-urls").unwrap_or("http://localhost:2379");
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    let mut listening = Vec::new();
    for url in urls.split(',') {
        for address in addresses(url)? {
            let listener = TcpListener::bind(address).await;
            let listener = listener.with_context(|| format!("listen tcp {address}: bind"))?;
            listening.push(tokio::spawn(accept(listener, Arc::clone(&permits))));
        }
    }
    for listener in listening {
        listener.await?;
    }
    Ok(())
}

/// The addresses of a URL as `http://127.0.0.1:2379`.
fn addresses(url: &str) -> anyhow::Result<Vec<SocketAddr>> {
    let Some(address) = url.trim().strip_prefix("http://") else {
        bail!("--listen-client-urls={url}: want http://HOST:PORT: podsec's etcd speaks no TLS");
    };
    let address = address.trim_end_matches('/');
    Ok(address.to_socket_addrs().with_context(|| format!("--listen-client-urls={url}"))?.collect())
}

async fn accept(listener: TcpListener, permits: Arc<Semaphore>) {
    loop {
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(async move {
                converse(stream).await;
                drop(permit);
            })),
            // Too many open files, mostly: others may close theirs.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

/// One request a connection, and no longer than a health check takes.
async fn converse(stream: TcpStream) {
    let service = service_fn(async |request: Request<Incoming>| Ok::<_, Infallible>(answer(&request)));
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(LONGEST).max_buf_size(16 << 10).keep_alive(false);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    // Whoever is late or speaks something else has no answer to lose.
    let _ = tokio::time::timeout(LONGEST, connection).await;
}

fn answer(request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let (status, kind, body) = match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/health") => {
            (StatusCode::OK, "text/plain; charset=utf-8", r#"{"health":"true","reason":""}"#.to_owned())
        }
        (&Method::GET | &Method::HEAD, "/version") => (
            StatusCode::OK,
            "application/json",
            format!(r#"{{"etcdserver":"{VERSION}","etcdcluster":"3.6.0",{MARK}}}"#),
        ),
        _ => (StatusCode::NOT_FOUND, "text/plain; charset=utf-8", "404 page not found\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(kind));
    response
}

/// The flags that frameworks pass. Those that say where objects are kept and how members find each other have no effect,
/// as there are neither.
const FLAGS: &[(&str, Kind, &str)] = &[
    ("advertise-client-urls", Kind::Text, "Where clients are told to find it; nobody asks."),
    ("data-dir", Kind::Text, "Nothing is stored there: objects are in the API server's memory."),
    ("initial-advertise-peer-urls", Kind::Text, "There are no other members."),
    ("initial-cluster", Kind::Text, "There are no other members."),
    ("initial-cluster-state", Kind::Text, "There are no other members."),
    ("initial-cluster-token", Kind::Text, "There are no other members."),
    ("listen-client-urls", Kind::Text, "Where to listen, as http://127.0.0.1:2379."),
    ("listen-peer-urls", Kind::Text, "There are no other members, and nobody listens for them."),
    ("log-level", Kind::Text, "Nothing is logged."),
    ("logger", Kind::Text, "Nothing is logged."),
    ("name", Kind::Text, "There are no other members."),
    ("unsafe-no-fsync", Kind::Bool, "Nothing is stored."),
    ("version", Kind::Bool, "Print the version."),
    ("wal-dir", Kind::Text, "Nothing is stored there."),
];
/// The version that it says to be, which Kubernetes' own API server is tested with.
const VERSION: &str = "3.6.13";
/// What an answer of etcd itself has not.
const MARK: &str = r#""standIn":"podsec""#;
/// Connections at one time; the next waits.
const CONNECTIONS: usize = 64;
const LONGEST: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flags_of_every_framework_are_taken_and_others_refused_by_name() {
        let read = |line: &str| {
            let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
            Flags::read(&words, Dialect::Standard, kind).map_err(|refusal| refusal.to_string())
        };
        let controller_runtime = "--advertise-client-urls=http://127.0.0.1:1 --data-dir=d \
                                  --listen-client-urls=http://127.0.0.1:1 --listen-peer-urls=http://127.0.0.1:2 \
                                  --unsafe-no-fsync=true";
        let fabric8 = "-data-dir d -wal-dir w --listen-client-urls http://0.0.0.0:1 \
                       --advertise-client-urls http://0.0.0.0:1 --initial-cluster default=http://localhost:2 \
                       --initial-advertise-peer-urls http://localhost:2 --listen-peer-urls http://localhost:2";
        for line in [controller_runtime, fabric8] {
            assert!(read(line).is_ok(), "{line}");
        }
        assert_eq!(read("--no-such-flag"), Err("unknown flag: --no-such-flag".to_owned()));
        assert!(addresses("https://127.0.0.1:1").is_err() && addresses("127.0.0.1:1").is_err());
    }

    #[test]
    fn the_help_lists_the_flag_that_controller_runtime_looks_for() {
        assert!(help().lines().any(|line| line.trim_start().starts_with("--unsafe-no-fsync ")));
    }
}
