//! podsec in the place of kube-apiserver and etcd, started, probed and stopped as test frameworks do it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::Full;
use podsec_testing::authority::{Authority, Pair};
use podsec_testing::client::{Client, post};
use serde_json::{Value, json};
use tempfile::TempDir;

#[tokio::test]
async fn controller_runtime_starts_probes_uses_and_stops_it() {
    let assets = Assets::install();
    let help = assets.output("kube-apiserver", &["--help"]);
    assert!(help.status.success() && !lists(&help, "--insecure-port"), "{help:?}");
    let help = assets.output("etcd", &["--help"]);
    assert!(help.status.success() && lists(&help, "--unsafe-no-fsync"), "{help:?}");

    let (etcd_port, peer_port, port) = (free_port(), free_port(), free_port());
    let etcd = assets.start(
        "etcd",
        &[
            format!("--advertise-client-urls=http://127.0.0.1:{etcd_port}"),
            format!("--data-dir={}", assets.path("data").display()),
            format!("--listen-client-urls=http://127.0.0.1:{etcd_port}"),
            format!("--listen-peer-urls=http://127.0.0.1:{peer_port}"),
            "--unsafe-no-fsync=true".to_owned(),
        ],
    );
    until(async || plain(etcd_port, "/health").is_some_and(|answer| answer.contains(r#""health":"true""#)))
        .await;

    let certs = Certificates::write(&assets.path("certs"));
    let directory = assets.path("certs").display().to_string();
    let server = assets.start(
        "kube-apiserver",
        &[
            "--allow-privileged=true".to_owned(),
            "--authorization-mode=RBAC".to_owned(),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--cert-dir={directory}"),
            format!("--client-ca-file={directory}/client-cert-auth-ca.crt"),
            "--disable-admission-plugins=ServiceAccount".to_owned(),
            format!("--etcd-servers=http://127.0.0.1:{etcd_port}"),
            format!("--secure-port={port}"),
            format!("--service-account-issuer=https://127.0.0.1:{port}/"),
            format!("--service-account-key-file={directory}/sa-signer.crt"),
            format!("--service-account-signing-key-file={directory}/sa-signer.key"),
            "--service-cluster-ip-range=10.0.0.0/24".to_owned(),
        ],
    );
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let anonymous = Client::new(address, &certs.server);
    until(async || anonymous.http1().await.is_ok()).await;
    until(async || anonymous.get("/healthz").await == (StatusCode::OK, Bytes::from("ok"))).await;
    assert_eq!(
        files(&assets.path("certs")),
        ["apiserver.crt", "apiserver.key", "client-cert-auth-ca.crt", "sa-signer.crt", "sa-signer.key"]
    );

    let admin = certs.clients.issue_client_as("default", Some("system:masters"), 2100);
    let admin = Client::showing(address, &certs.server, &admin);
    let who = create(&admin, "/apis/authentication.k8s.io/v1/selfsubjectreviews", &json!({})).await;
    let user = &who["status"]["userInfo"];
    assert_eq!(
        (&user["username"], &user["groups"]),
        (&json!("default"), &json!(["system:masters", "system:authenticated"]))
    );
    create(&admin, "/api/v1/namespaces", &json!({"metadata": {"name": "t"}})).await;
    let service = create(
        &admin,
        "/api/v1/namespaces/t/services",
        &json!({"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}}),
    )
    .await;
    assert!(service["spec"]["clusterIP"].as_str().unwrap().starts_with("10.0.0."), "{service}");
    let own: Value = body(admin.get("/api/v1/namespaces/default/services/kubernetes").await);
    assert_eq!(own["spec"]["clusterIP"], "10.0.0.1");
    create(&admin, "/api/v1/namespaces/t/serviceaccounts", &json!({"metadata": {"name": "a"}})).await;
    let token = create(&admin, "/api/v1/namespaces/t/serviceaccounts/a/token", &json!({"spec": {}})).await;
    let token = token["status"]["token"].as_str().unwrap().to_owned();
    let review = json!({"spec": {"token": token}});
    let review = create(&admin, "/apis/authentication.k8s.io/v1/tokenreviews", &review).await;
    assert_eq!(review["status"]["user"]["username"], "system:serviceaccount:t:a");

    let alice = certs.clients.issue_client_as("alice", Some("devs"), 2100);
    let alice = Client::showing(address, &certs.server, &alice);
    let (status, refusal) = alice.get("/api/v1/namespaces").await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let said = r#"User \"alice\" cannot list resource \"namespaces\""#;
    assert!(String::from_utf8_lossy(&refusal).contains(said), "{refusal:?}");
    let (status, _) = alice.get("/healthz").await;
    assert_eq!(status, StatusCode::OK);

    // What the real pair never does: a deleted namespace goes, and what is in it.
    let delete = Request::builder().method(Method::DELETE).uri("https://localhost/api/v1/namespaces/t");
    admin.http2().await.unwrap().send(delete.body(Full::default()).unwrap()).await.unwrap();
    until(async || admin.get("/api/v1/namespaces/t").await.0 == StatusCode::NOT_FOUND).await;

    // While clients have connections open on which nobody reads any more.
    assert_eq!(server.terminate().code(), Some(0));
    assert_eq!(etcd.terminate().signal(), Some(15));
}

#[tokio::test]
async fn fabric8_starts_it_with_two_words_a_flag_and_a_client_that_is_its_own_authority() {
    let assets = Assets::install();
    let (etcd_port, peer_port, port) = (free_port(), free_port(), free_port());
    let etcd_url = format!("http://0.0.0.0:{etcd_port}");
    let peer_url = format!("http://localhost:{peer_port}");
    let data = assets.path("data").display().to_string();
    let etcd = [
        ["-data-dir", &data],
        ["-wal-dir", &data],
        ["--listen-client-urls", &etcd_url],
        ["--advertise-client-urls", &etcd_url],
        ["--initial-cluster", &format!("default={peer_url}")],
        ["--initial-advertise-peer-urls", &peer_url],
        ["--listen-peer-urls", &peer_url],
    ];
    let _etcd =
        assets.start("etcd", &etcd.as_flattened().iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
    until(async || plain(etcd_port, "/health").is_some()).await;

    let directory = assets.path("certs");
    fs::create_dir(&directory).unwrap();
    let server = self_signed("example.org", None, &["localhost"]);
    let client = self_signed("kubeapitest", Some("system:masters"), &[]);
    for (name, pair) in [("apiserver", &server), ("client", &client)] {
        fs::write(directory.join(format!("{name}.crt")), &pair.certificate).unwrap();
        fs::write(directory.join(format!("{name}.key")), &pair.key).unwrap();
    }
    let path = |name: &str| directory.join(name).display().to_string();
    let (key, port_text) = (path("apiserver.key"), port.to_string());
    let flags = [
        ["--cert-dir", &path("")],
        ["--secure-port", &port_text],
        ["--etcd-servers", &etcd_url],
        ["--authorization-mode", "RBAC"],
        ["--service-account-issuer", "https://localhost"],
        ["--service-account-signing-key-file", &key],
        ["--service-account-signing-key-file", &key],
        ["--service-account-key-file", &key],
        ["--service-account-issuer", &path("apiserver.crt")],
        ["--disable-admission-plugins", "ServiceAccount"],
        ["--client-ca-file", &path("client.crt")],
        ["--service-cluster-ip-range", "10.0.0.0/24"],
    ];
    let mut flags: Vec<String> = flags.as_flattened().iter().map(|word| (*word).to_owned()).collect();
    flags.push("--allow-privileged".to_owned());
    let _server = assets.start("kube-apiserver", &flags);

    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let client = Client::showing_to(address, &server.certificate, &client);
    until(async || client.http1().await.is_ok()).await;
    until(async || client.get("/readyz").await.0 == StatusCode::OK).await;
    assert_eq!(client.get("/api/v1/namespaces/default").await.0, StatusCode::OK);
}

#[test]
fn what_cannot_start_says_why_and_ends_with_the_codes_of_the_programs() {
    let assets = Assets::install();
    let refused = assets.output("kube-apiserver", &["--no-such-flag"]);
    assert_eq!(
        (refused.status.code(), text(&refused.stderr)),
        (Some(1), "Error: unknown flag: --no-such-flag\n".to_owned())
    );
    assert_eq!(text(&refused.stdout), "");
    let refused = assets.output("etcd", &["--no-such-flag"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).starts_with("unknown flag: --no-such-flag\n"), "{refused:?}");
    let version = text(&assets.output("kube-apiserver", &["--version"]).stdout);
    assert!(version.starts_with("Kubernetes v1."), "{version}");
}

#[test]
fn installing_again_replaces_what_was_there_and_prints_the_variable() {
    let assets = Assets::install();
    let folder = assets.folder.path().join("it's here");
    for _ in 0..2 {
        let output = podsec(&["envtest", "install", folder.to_str().unwrap(), "--kubectl", "/bin/sh"]);
        assert!(output.status.success(), "{output:?}");
        let variable =
            format!("export KUBEBUILDER_ASSETS='{}'\n", folder.display().to_string().replace('\'', r"'\''"));
        assert_eq!(text(&output.stdout), variable);
        assert_eq!(files(&folder), ["etcd", "kube-apiserver", "kubectl"]);
    }
}

/// A folder of programs as frameworks find it, and room beside it.
struct Assets {
    folder: TempDir,
}

impl Assets {
    fn install() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let output = podsec(&["envtest", "install", folder.path().join("bin").to_str().unwrap()]);
        assert!(output.status.success(), "{output:?}");
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.path("bin").join(program));
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    fn output(&self, program: &str, arguments: &[&str]) -> Output {
        self.command(program).args(arguments).output().unwrap()
    }

    fn start(&self, program: &str, arguments: &[String]) -> Running {
        // As the framework does unless it is told otherwise.
        Running(
            self.command(program)
                .args(arguments)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap(),
        )
    }
}

/// A program that ends with its test.
struct Running(Child);

impl Running {
    /// Sends SIGTERM and waits.
    fn terminate(mut self) -> ExitStatus {
        let pid = self.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < until, "it does not end");
            sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What controller-runtime writes into the certificate directory before it starts the server.
struct Certificates {
    server: Authority,
    clients: Authority,
}

impl Certificates {
    fn write(directory: &Path) -> Self {
        fs::create_dir(directory).unwrap();
        let (server, clients) = (Authority::new(), Authority::new());
        let (serving, signer) = (server.issue(2100), Authority::new().issue(2100));
        let clients_pem = clients.pem();
        for (name, text) in [
            ("apiserver.crt", &serving.certificate),
            ("apiserver.key", &serving.key),
            ("sa-signer.crt", &signer.certificate),
            ("sa-signer.key", &signer.key),
            ("client-cert-auth-ca.crt", &clients_pem),
        ] {
            fs::write(directory.join(name), text).unwrap();
        }
        Self { server, clients }
    }
}

/// A certificate of RSA that its own key has signed, as fabric8 makes it: no authority, no extensions but names.
fn self_signed(user: &str, group: Option<&str>, names: &[&str]) -> Pair {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut parameters = rcgen::CertificateParams::new(names).unwrap();
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    if let Some(group) = group {
        parameters.distinguished_name.push(rcgen::DnType::OrganizationName, group);
    }
    parameters.distinguished_name.push(rcgen::DnType::CommonName, user);
    let key = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
    Pair { certificate: parameters.self_signed(&key).unwrap().pem(), key: key.serialize_pem() }
}

async fn create(client: &Client, path: &str, object: &Value) -> Value {
    let request =
        post(&format!("https://localhost{path}"), "application/json", Bytes::from(object.to_string()));
    let (status, answer) = client.http2().await.unwrap().send(request).await.unwrap();
    assert!(status.is_success(), "{path}: {answer:?}");
    body((status, answer))
}

fn body((_, answer): (StatusCode, Bytes)) -> Value {
    serde_json::from_slice(&answer).unwrap()
}

/// Asks over plain HTTP; nothing unless the answer is 200.
fn plain(port: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.starts_with("HTTP/1.1 200 ").then_some(answer)
}

async fn until(mut holds: impl AsyncFnMut() -> bool) {
    let until = Instant::now() + Duration::from_mins(1);
    while !holds().await {
        assert!(Instant::now() < until, "it does not come to hold");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Whether a help has a line that begins with a flag, as the framework looks for it.
fn lists(help: &Output, flag: &str) -> bool {
    let begins = |line: &str| {
        line.trim_start()
            .strip_prefix(flag)
            .is_some_and(|rest| !rest.starts_with(|next: char| next.is_alphanumeric() || next == '-'))
    };
    text(&help.stdout).lines().any(begins)
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

fn podsec(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_podsec")).args(arguments).output().unwrap()
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
