//! The server behind its socket: TLS, credentials, restarts, slow clients, the end.

use std::convert::Infallible;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::Request;
use hyper::body::Frame;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use podsec_apiserver::{Options, Server, Storage};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

#[tokio::test]
async fn the_kubeconfig_is_for_its_owner_alone_and_works() {
    let server = Running::start(Storage::Memory).await;
    let file = fs::metadata(server.folder.path().join("kubeconfig")).expect("a kubeconfig");
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
    let answer = server.client().token().get("/api/v1/namespaces/default").await;
    assert_eq!((answer.0, &answer.1["metadata"]["name"]), (200, &json!("default")));
}

#[tokio::test]
async fn a_client_certificate_alone_names_the_administrator() {
    let server = Running::start(Storage::Memory).await;
    let (code, review) = server.client().certificate().post(WHO_AM_I, &json!({})).await;
    assert_eq!((code, &review["status"]["userInfo"]["username"]), (201, &json!("kubernetes-admin")));
}

#[tokio::test]
async fn without_credentials_there_is_health_and_nothing_else() {
    let server = Running::start(Storage::Memory).await;
    let nobody = server.client();
    assert_eq!(nobody.get("/readyz").await.0, 200);
    assert_eq!(nobody.get("/version").await.0, 200);
    assert_eq!(nobody.get("/api/v1/namespaces").await.0, 403);
    assert_eq!(nobody.get("/metrics").await.0, 403);
    let mut liar = server.client();
    liar.headers = "authorization: Bearer wrong\r\n".to_owned();
    assert_eq!(liar.get("/readyz").await.0, 401);
}

#[tokio::test]
async fn the_certificate_of_a_stranger_harms_no_token_and_is_401_without_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let (policy, log) = (folder.path().join("policy.yaml"), folder.path().join("audit.log"));
    fs::write(&policy, "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]")
        .expect("a file");
    let server = Running::with(|options| {
        options.audit.policy_file = Some(policy);
        options.audit.log_path = Some(log.clone());
    })
    .await;
    let other = Running::start(Storage::Memory).await;
    let mut stranger = server.client();
    stranger.identity = Some(other.identity());
    let (code, refusal) = stranger.get("/readyz").await;
    assert_eq!((code, &refusal["message"]), (401, &json!("Unauthorized")));
    let audited = fs::read_to_string(&log).expect("an audit log");
    assert!(audited.contains(r#""message":"Unauthorized""#), "{audited}");
    assert_eq!(stranger.token().get("/api/v1/namespaces/default").await.0, 200);
}

#[tokio::test]
async fn a_target_that_is_too_long_gets_a_status() {
    let server = Running::start(Storage::Memory).await;
    let url = format!("/api/v1/pods?labelSelector={}", "a".repeat(100_000));
    let (code, status) = server.client().token().get(&url).await;
    assert_eq!((code, &status["kind"], &status["code"]), (414, &json!("Status"), &json!(414)), "{status}");
    let url = format!("/api/v1/pods?labelSelector={}", "a".repeat(60_000));
    assert_ne!(server.client().token().get(&url).await.0, 414);
}

#[tokio::test]
async fn an_answer_that_comes_before_the_end_of_the_body_always_arrives() {
    let server = Running::start(Storage::Memory).await;
    for length in [60, 500_000] {
        for (token, path, expected) in [
            ("wrong", "/api/v1/namespaces/default/configmaps", 401),
            ("", "/api/v1/namespaces/default/configmaps", 403),
            ("admin", "/api/v1/namespaces/default/configmaps?fieldValidation=Foo", 422),
            ("admin", "/api/v1/nothing", 404),
        ] {
            let mut client = server.client();
            client.headers = match token {
                "admin" => server.client().token().headers,
                "" => String::new(),
                token => format!("authorization: Bearer {token}\r\n"),
            };
            for _ in 0..20 {
                let (code, status) = client.post_http2(path, vec![b' '; length]).await;
                assert_eq!((code, &status["code"]), (expected, &json!(expected)), "{path} {length} {status}");
            }
        }
    }
    let (code, _) = server.client().token().post_http2("/api/v1/namespaces", vec![b' '; 4 << 20]).await;
    assert_eq!(code, 413);
}

#[tokio::test]
async fn idle_and_bare_connections_do_not_lock_the_administrator_out() {
    let server = Running::start(Storage::Memory).await;
    let nobody = server.client();
    let mut idle = Vec::new();
    for _ in 0..1024 {
        idle.push(nobody.connect().await);
    }
    let mut bare = Vec::new();
    for _ in 0..1100 {
        bare.push(TcpStream::connect(server.address).await.expect("a connection"));
    }
    let (code, metrics) = server.client().token().text("/metrics").await;
    assert_eq!(code, 200);
    let evicted = "podsec_connections_closed_total{reason=\"evicted_for_address\"} ";
    let evicted = metrics.lines().find_map(|line| line.strip_prefix(evicted)).expect("a metric");
    assert!(evicted.parse::<u32>().expect("a number") > 1000, "{evicted}");
}

#[tokio::test]
async fn beyond_the_requests_in_flight_others_wait_and_the_administrator_does_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let tokens = folder.path().join("tokens");
    fs::write(&tokens, "janes,jane,1\n").expect("a file");
    let server = Running::with(|options| {
        options.token_auth_file = Some(tokens);
        options.max_mutating_requests_inflight = 1;
    })
    .await;
    let mut jane = server.client();
    jane.headers = "authorization: Bearer janes\r\n".to_owned();
    let stalled = jane.send("POST", WHO_AM_I, "content-length: 10\r\n", b"{").await;
    let refusal = loop {
        let mut refused = jane.send("POST", WHO_AM_I, "content-length: 2\r\n", b"{}").await;
        let mut text = String::new();
        let _ = refused.read_to_string(&mut text).await;
        // The other request may not have arrived yet.
        if !text.starts_with("HTTP/1.1 201 ") {
            break text;
        }
    };
    assert!(refusal.starts_with("HTTP/1.1 429 "), "{refusal}");
    assert!(refusal.contains("\r\nretry-after: 1\r\n"), "{refusal}");
    assert!(refusal.ends_with("\r\n\r\nToo many requests, please try again later.\n"), "{refusal}");
    assert_eq!(jane.get("/readyz").await.0, 200);
    assert_eq!(server.client().token().post(WHO_AM_I, &json!({})).await.0, 201);
    let (_, metrics) = server.client().token().text("/metrics").await;
    let expected = "apiserver_current_inflight_requests{request_kind=\"mutating\"} 1";
    assert!(metrics.contains(expected), "{metrics}");
    drop(stalled);
}

#[tokio::test]
async fn http_2_is_offered_first() {
    let server = Running::start(Storage::Memory).await;
    let mut client = server.client();
    client.protocols = vec![b"http/1.1".to_vec(), b"h2".to_vec()];
    let stream = client.connect().await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
}

#[tokio::test]
async fn objects_and_credentials_outlive_a_restart() {
    let parent = tempfile::tempdir().expect("a folder");
    let data = parent.path().join("data");
    let first = Running::start(Storage::Directory(data.clone())).await;
    let mode = fs::metadata(&data).expect("a data directory").permissions().mode();
    assert_eq!(mode & 0o777, 0o700, "Secrets are for their owner alone");
    let config_map = json!({"metadata": {"name": "kept"}, "data": {"k": "v"}});
    let url = "/api/v1/namespaces/default/configmaps";
    assert_eq!(first.client().token().post(url, &config_map).await.0, 201);
    let kubeconfig = first.kubeconfig.clone();
    first.stop().await;

    let mut second = Running::start(Storage::Directory(data)).await;
    let token = second.kubeconfig.pointer("/users/0/user/token").cloned();
    assert_eq!(token.as_ref(), kubeconfig.pointer("/users/0/user/token"));
    second.kubeconfig = kubeconfig;
    let (code, kept) = second.client().token().get(&format!("{url}/kept")).await;
    assert_eq!((code, &kept["data"]), (200, &config_map["data"]));
    assert_eq!(second.client().certificate().get(&format!("{url}/kept")).await.0, 200);
}

#[tokio::test]
async fn watches_end_when_the_server_stops() {
    let server = Running::start(Storage::Memory).await;
    let mut watch = server.client().token().send("GET", "/api/v1/namespaces?watch=true", "", b"").await;
    let mut first = [0; 1024];
    assert!(watch.read(&mut first).await.expect("the beginning of the watch") > 0);
    let end = tokio::spawn(async move {
        let mut rest = Vec::new();
        let _ = watch.read_to_end(&mut rest).await;
    });
    timeout(Duration::from_secs(10), server.stop()).await.expect("the server ends");
    timeout(Duration::from_secs(10), end).await.expect("the watch ends").expect("no panic");
}

#[tokio::test]
async fn a_client_that_stalls_holds_up_nobody_else() {
    let server = Running::start(Storage::Memory).await;
    let client = server.client().token();
    let length = "content-length: 100\r\ncontent-type: application/json\r\n";
    let mut stalled = Vec::new();
    for _ in 0..50 {
        stalled.push(client.send("POST", "/api/v1/namespaces", length, b"{").await);
    }
    let answer = timeout(Duration::from_secs(5), client.get("/api/v1/namespaces/default")).await;
    assert_eq!(answer.expect("an answer in time").0, 200);
}

#[tokio::test]
async fn a_body_that_says_it_is_too_long_is_refused_before_it_is_sent() {
    let server = Running::start(Storage::Memory).await;
    let length = "content-length: 3145729\r\ncontent-type: application/json\r\n";
    let stream = server.client().token().send("POST", "/api/v1/namespaces", length, b"{").await;
    assert_eq!(answer(stream).await.0, 413);
}

#[tokio::test]
async fn what_is_no_http_is_no_end() {
    let server = Running::start(Storage::Memory).await;
    let mut plain = TcpStream::connect(server.address).await.expect("a connection");
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").await.expect("to send");
    let mut garbage = server.client().connect().await;
    garbage.write_all(b"\x00\x01\x02 garbage\r\n\r\n").await.expect("to send");
    assert_eq!(server.client().get("/livez").await.0, 200);
}

#[tokio::test]
async fn what_keeps_the_server_from_starting_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    fs::write(path("file"), "x").expect("a file");
    fs::create_dir(path("corrupt")).expect("a folder");
    fs::write(path("corrupt/podsec.redb"), "garbage").expect("a file");
    fs::write(path("policy.yaml"), "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: All}]")
        .expect("a file");
    let taken = Running::start(Storage::Memory).await;
    let options = || Options {
        secure_port: 0,
        kubeconfig_out: Some(path("kubeconfig")),
        storage: Storage::Memory,
        ..Options::default()
    };
    let mut policy = options();
    policy.audit.policy_file = Some(path("policy.yaml"));
    for (options, expected) in [
        (Options { secure_port: taken.address.port(), ..options() }, "cannot listen on 127.0.0.1:"),
        (Options { kubeconfig_out: Some(path("no/kubeconfig")), ..options() }, "cannot write the kubeconfig"),
        (Options { storage: Storage::Directory(path("file")), ..options() }, "cannot use the data directory"),
        (Options { storage: Storage::Directory(path("corrupt")), ..options() }, "cannot open the database"),
        (policy, "loading audit policy file: rules[0].level: Unsupported value: \"All\""),
        (
            Options { admission_control_config_file: Some(path("none.yaml")), ..options() },
            "cannot use the admission configuration",
        ),
    ] {
        let error = Server::start(&options).await.err().expect("a refusal").to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    assert!(!path("kubeconfig").exists(), "a kubeconfig without a server");
}

const WHO_AM_I: &str = "/apis/authentication.k8s.io/v1/selfsubjectreviews";

/// A server on a port of its own.
struct Running {
    address: SocketAddr,
    folder: TempDir,
    kubeconfig: Value,
    stop: Option<oneshot::Sender<()>>,
    server: JoinHandle<()>,
}

/// A client with what it knows from a kubeconfig.
struct Client<'a> {
    server: &'a Running,
    headers: String,
    /// A client certificate and its key, PEM.
    identity: Option<(Vec<u8>, Vec<u8>)>,
    protocols: Vec<Vec<u8>>,
}

impl Running {
    async fn start(storage: Storage) -> Self {
        Self::with(|options| options.storage = storage).await
    }

    async fn with(change: impl FnOnce(&mut Options)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("kubeconfig");
        let mut options = Options {
            secure_port: 0,
            kubeconfig_out: Some(path.clone()),
            storage: Storage::Memory,
            ..Options::default()
        };
        change(&mut options);
        let server = Server::start(&options).await.expect("a server");
        let address = server.address();
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(server.run(async move { drop(stopped.await) }));
        Self { address, folder, kubeconfig: read(&path), stop: Some(stop), server }
    }

    async fn stop(mut self) {
        self.stop.take();
        (&mut self.server).await.expect("no panic");
    }

    fn client(&self) -> Client<'_> {
        let protocols = vec![b"http/1.1".to_vec()];
        Client { server: self, headers: String::new(), identity: None, protocols }
    }

    /// The administrator's certificate and its key.
    fn identity(&self) -> (Vec<u8>, Vec<u8>) {
        (self.data("/users/0/user/client-certificate-data"), self.data("/users/0/user/client-key-data"))
    }

    fn data(&self, pointer: &str) -> Vec<u8> {
        let text = self.kubeconfig.pointer(pointer).and_then(Value::as_str).expect(pointer);
        STANDARD.decode(text).expect("base64")
    }
}

impl Client<'_> {
    fn token(mut self) -> Self {
        let token = self.server.kubeconfig.pointer("/users/0/user/token").and_then(Value::as_str);
        self.headers = format!("authorization: Bearer {}\r\n", token.expect("a token"));
        self
    }

    fn certificate(mut self) -> Self {
        self.identity = Some(self.server.identity());
        self
    }

    async fn connect(&self) -> TlsStream<TcpStream> {
        let mut roots = RootCertStore::empty();
        let authority = self.server.data("/clusters/0/cluster/certificate-authority-data");
        roots.add(CertificateDer::from_pem_slice(&authority).expect("an authority")).expect("an authority");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots);
        let mut config = if let Some((certificate, key)) = &self.identity {
            let certificate = CertificateDer::from_pem_slice(certificate).expect("a certificate");
            let key = PrivateKeyDer::from_pem_slice(key).expect("a key");
            builder.with_client_auth_cert(vec![certificate], key).expect("a pair")
        } else {
            builder.with_no_client_auth()
        };
        config.alpn_protocols.clone_from(&self.protocols);
        let stream = TcpStream::connect(self.server.address).await.expect("a connection");
        let name = ServerName::from(self.server.address.ip());
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.expect("a handshake")
    }

    async fn send(&self, method: &str, url: &str, headers: &str, body: &[u8]) -> TlsStream<TcpStream> {
        let mut stream = self.connect().await;
        let head = format!(
            "{method} {url} HTTP/1.1\r\nhost: podsec\r\nconnection: close\r\n{}{headers}\r\n",
            self.headers
        );
        stream.write_all(head.as_bytes()).await.expect("to send");
        stream.write_all(body).await.expect("to send");
        stream
    }

    /// The status code and the body as text.
    async fn text(&self, url: &str) -> (u16, String) {
        let mut stream = self.send("GET", url, "", b"").await;
        let mut text = String::new();
        let _ = stream.read_to_string(&mut text).await;
        (text[9..12].parse().expect("a status code"), text)
    }

    /// Sends a body in small pieces over HTTP/2, whatever the server has said meanwhile.
    async fn post_http2(&self, url: &str, body: Vec<u8>) -> (u16, Value) {
        let mut client = self.server.client();
        client.protocols = vec![b"h2".to_vec()];
        let stream = TokioIo::new(client.connect().await);
        let (mut sender, connection) = http2::handshake(TokioExecutor::new(), stream).await.expect("HTTP/2");
        tokio::spawn(connection);
        let mut request =
            Request::post(format!("https://podsec{url}")).header("content-type", "application/json");
        for line in self.headers.lines() {
            let (name, value) = line.split_once(": ").expect("a header");
            request = request.header(name, value);
        }
        let (pieces, body_sent) = tokio::sync::mpsc::channel::<Bytes>(1);
        let sending = async move {
            for piece in body.chunks(16 << 10) {
                // A server that has answered may want no more.
                if pieces.send(Bytes::copy_from_slice(piece)).await.is_err() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        };
        let frames = futures::stream::unfold(body_sent, |mut pieces| async move {
            Some((Ok::<_, Infallible>(Frame::data(pieces.recv().await?)), pieces))
        });
        let request = request.body(StreamBody::new(Box::pin(frames))).expect("a request");
        let (response, ()) = tokio::join!(sender.send_request(request), sending);
        let response = response.expect("an answer");
        let code = response.status().as_u16();
        let body = response.into_body().collect().await.expect("a whole answer").to_bytes();
        (code, serde_json::from_slice(&body).unwrap_or_default())
    }

    async fn get(&self, url: &str) -> (u16, Value) {
        answer(self.send("GET", url, "", b"").await).await
    }

    async fn post(&self, url: &str, object: &Value) -> (u16, Value) {
        let body = object.to_string();
        let headers = format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len());
        answer(self.send("POST", url, &headers, body.as_bytes()).await).await
    }
}

/// The status code and the body, when that is JSON.
async fn answer(mut stream: TlsStream<TcpStream>) -> (u16, Value) {
    let mut bytes = Vec::new();
    // The server may close without a farewell once it has refused a body.
    let _ = stream.read_to_end(&mut bytes).await;
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n").expect("an answer");
    let code = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status code");
    (code, serde_json::from_str(body).unwrap_or_default())
}

fn read(path: &Path) -> Value {
    podsec_yaml::to_json(&fs::read_to_string(path).expect("a kubeconfig")).expect("YAML")
}
