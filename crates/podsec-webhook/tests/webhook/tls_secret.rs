//! Certificates from a Secret, for certain names, and of clients.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use podsec_webhook::{Options, Server};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::api_server::{ApiServer, Gone, Manners};
use crate::authority::{Authority, Pair};
use crate::client::Client;
use crate::running::Running;

const SECRET: &str = "/api/v1/namespaces/certificates/secrets/webhook";

fn secret(pair: &Pair) -> Value {
    json!({
        "metadata": {"name": "webhook", "namespace": "certificates"},
        "type": "kubernetes.io/tls",
        "data": {"tls.crt": STANDARD.encode(&pair.certificate), "tls.key": STANDARD.encode(&pair.key)},
    })
}

fn certificate(pair: &Pair) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap()
}

/// A webhook that is to serve the certificate of a Secret, once it is started.
async fn start(api_server: &ApiServer) -> Result<Server, podsec_webhook::StartError> {
    let folder = tempfile::tempdir().unwrap();
    api_server.write_kubeconfig(&folder.path().join("kubeconfig"));
    Server::start(Options {
        bind_address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        secure_port: 0,
        kubeconfig: Some(folder.path().join("kubeconfig")),
        tls_secret: Some("certificates/webhook".parse().unwrap()),
        ..Options::default()
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_is_waited_for_and_followed_and_what_cannot_be_served_is_refused() {
    let (mut api_server, authority) = (ApiServer::start().await, Authority::new());
    let waiting = timeout(Duration::from_millis(200), start(&api_server)).await;
    assert!(waiting.is_err(), "there is no Secret yet");

    let [first, second, third, fourth] = [2101, 2102, 2103, 2104].map(|year| authority.issue(year));
    let mismatch = json!({"metadata": {"name": "webhook"}, "data": {
        "tls.crt": STANDARD.encode(&first.certificate), "tls.key": STANDARD.encode(&second.key)}});
    api_server.set_object(SECRET, mismatch.clone());
    let waiting = timeout(Duration::from_millis(200), start(&api_server)).await;
    assert!(waiting.is_err(), "no certificate fits that key");

    api_server.set_object(SECRET, secret(&first));
    let server = start(&api_server).await.unwrap();
    let client = Client::new(server.address(), &authority);
    let serving = tokio::spawn(server.serve(std::future::pending()));
    let eventually = async |pair: &Pair| {
        let wanted = certificate(pair);
        let changed = async {
            while client.shown("localhost").await.unwrap() != wanted {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(20), changed).await.expect("another certificate");
    };
    eventually(&first).await;

    api_server.set_object(SECRET, secret(&second));
    eventually(&second).await;
    let expiry = client.metric("podsec_webhook_certificate_expiry_timestamp_seconds").await;
    assert!((expiry - 4_165_516_800.0).abs() < 1.0, "{expiry} is not 2102");

    api_server.set_object(SECRET, mismatch);
    api_server.set_object(SECRET, json!({"metadata": {"name": "webhook"}, "data": {}}));
    api_server.remove_object(SECRET);
    sleep(Duration::from_millis(200)).await;
    eventually(&second).await;
    api_server.set_object(SECRET, secret(&first));
    eventually(&first).await;

    // Closed, forgotten, and gone for a while.
    api_server.close_watches();
    api_server.set_object(SECRET, secret(&second));
    eventually(&second).await;
    api_server.behave(Manners { gone: Some(Gone::Event), ..Manners::default() });
    api_server.close_watches();
    api_server.set_object(SECRET, secret(&third));
    eventually(&third).await;
    api_server.vanish().await;
    api_server.set_object(SECRET, secret(&fourth));
    eventually(&third).await;
    api_server.come_back().await;
    eventually(&fourth).await;
    serving.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_asks_for_a_name_is_shown_its_certificate() {
    let (authority, files) = (Authority::new(), tempfile::tempdir().unwrap());
    let write = |pair: &Pair| {
        std::fs::write(files.path().join("named.crt"), &pair.certificate).unwrap();
        std::fs::write(files.path().join("named.key"), &pair.key).unwrap();
    };
    let named = authority.issue_for("webhook.example.com", 2100);
    write(&named);
    let flag = format!("{0}/named.crt,{0}/named.key", files.path().display());
    let running = Running::start(ApiServer::start().await, |options| {
        options.sni_certificates = vec![flag.parse().unwrap()];
    })
    .await;
    let client = Client::new(running.client.address(), &authority);
    assert_eq!(client.shown("webhook.example.com").await.unwrap(), certificate(&named));
    assert!(client.shown("other.example.com").await.is_err(), "it is shown the certificate for localhost");
    assert!(running.client.shown("localhost").await.is_ok());

    let next = authority.issue_for("webhook.example.com", 2101);
    write(&next);
    running
        .eventually("replaced", async || {
            client.shown("webhook.example.com").await.unwrap() == certificate(&next)
        })
        .await;
}
