//! Certificates that the webhook makes for itself.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use podsec_webhook::self_signed::SelfSigned;
use podsec_webhook::{Options, Server};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::api_server::ApiServer;

const SECRET: &str = "/api/v1/namespaces/podsec-system/secrets/podsec-webhook-tls";
const CONFIGURATION: &str =
    "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/podsec-webhook";

async fn start(api_server: &ApiServer) -> Result<Server, podsec_webhook::StartError> {
    let folder = tempfile::tempdir().unwrap();
    api_server.write_kubeconfig(&folder.path().join("kubeconfig"));
    Server::start(Options {
        bind_address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        secure_port: 0,
        kubeconfig: Some(folder.path().join("kubeconfig")),
        self_signed: Some(SelfSigned {
            namespace: "podsec-system".to_owned(),
            secret: "podsec-webhook-tls".to_owned(),
            service: "podsec-webhook".to_owned(),
            configuration: "podsec-webhook".to_owned(),
        }),
        ..Options::default()
    })
    .await
}

fn decoded(text: &Value) -> Vec<u8> {
    STANDARD.decode(text.as_str().unwrap()).unwrap()
}

/// The certificate that a server shows to whoever trusts the bundle and calls it as the API server does.
async fn shown(server: Server, bundle: &[u8]) -> CertificateDer<'static> {
    let address = server.address();
    let serving = tokio::spawn(server.serve(std::future::pending()));
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(bundle) {
        roots.add(certificate.unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("podsec-webhook.podsec-system.svc").unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    let shown = stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned();
    serving.abort();
    shown
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_share_one_certificate_that_the_api_server_is_told_to_trust() {
    let api_server = ApiServer::start().await;
    let webhooks = ["pods", "namespaces"].map(|name| json!({"name": name, "clientConfig": {"service": {}}}));
    api_server
        .set_object(CONFIGURATION, json!({"metadata": {"name": "podsec-webhook"}, "webhooks": webhooks}));
    let (first, second) = tokio::join!(start(&api_server), start(&api_server));

    let secret = api_server.object(SECRET).unwrap();
    let configuration = api_server.object(CONFIGURATION).unwrap();
    for webhook in configuration["webhooks"].as_array().unwrap() {
        assert_eq!(webhook["clientConfig"]["caBundle"], secret["data"]["ca.crt"]);
    }
    let bundle = decoded(&secret["data"]["ca.crt"]);
    let certificate = CertificateDer::from_pem_slice(&decoded(&secret["data"]["tls.crt"])).unwrap();
    for server in [first, second] {
        assert_eq!(shown(server.unwrap(), &bundle).await, certificate);
    }
    let third = start(&api_server).await.unwrap();
    assert_eq!(shown(third, &bundle).await, certificate, "one that comes later, too");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_of_somebody_else_is_left_alone() {
    let api_server = ApiServer::start().await;
    let secret = json!({"metadata": {"name": "podsec-webhook-tls"}, "data": {"tls.crt": "Cg=="}});
    api_server.set_object(SECRET, secret.clone());
    let error = start(&api_server).await.err().unwrap();
    assert_eq!(
        error.to_string(),
        "the Secret was not made by this webhook; delete it, or serve it with --tls-cert-file"
    );
    assert_eq!(api_server.object(SECRET), Some(secret));
}
