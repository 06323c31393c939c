//! A webhook to be asked: HTTPS on a free port of this machine, answering as the test wants, remembering every review.

#![allow(clippy::unwrap_used, reason = "a webhook that fails fails its test")]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// A webhook that runs until the test ends.
pub(crate) struct Hook {
    pub(crate) address: SocketAddr,
    /// The authority of its certificate, as a `caBundle`.
    pub(crate) ca_bundle: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// A review that has come.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) review: Value,
}

/// What a webhook answers.
pub(crate) enum Reply {
    /// A review with this `response`, whose uid is filled in.
    Review(Value),
    /// A review of another kind.
    Body(String),
    /// Anything else.
    Raw(u16, &'static str),
    /// 429, and to come back in so many seconds.
    Busy(u64),
    /// Nothing, for longer than anyone waits.
    Silence,
}

impl Hook {
    /// Starts a webhook whose certificate an authority has signed, for `localhost` and the Service `hook` in `hooks`.
    pub(crate) async fn start(reply: impl Fn(&Value) -> Reply + Send + Sync + 'static) -> Self {
        let authority_key = KeyPair::generate().unwrap();
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority_pem = authority.self_signed(&authority_key).unwrap().pem();
        let key = KeyPair::generate().unwrap();
        let issuer = Issuer::new(authority, authority_key);
        let certificate = names().signed_by(&key, &issuer).unwrap();
        Self::serve(certificate.der().clone(), &key, &authority_pem, reply).await
    }

    /// Starts a webhook whose certificate is its own authority, as `openssl req -x509` makes it.
    pub(crate) async fn start_self_signed(reply: impl Fn(&Value) -> Reply + Send + Sync + 'static) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = names();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        Self::serve(certificate.der().clone(), &key, &certificate.pem(), reply).await
    }

    async fn serve(
        certificate: CertificateDer<'static>,
        key: &KeyPair,
        authority_pem: &str,
        reply: impl Fn(&Value) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (reply, remembered) = (Arc::new(reply), Arc::clone(&seen));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (acceptor, reply, seen) = (acceptor.clone(), Arc::clone(&reply), Arc::clone(&remembered));
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let service = service_fn(|request| answer(request, &*reply, &seen));
                    let connection = hyper::server::conn::http1::Builder::new();
                    let _ = connection.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { address, ca_bundle: STANDARD.encode(authority_pem), seen }
    }

    /// A webhook that lets everything pass.
    pub(crate) async fn allowing() -> Self {
        Self::start(|_| Reply::Review(json!({"allowed": true}))).await
    }

    /// How the API server reaches it.
    pub(crate) fn client_config(&self) -> Value {
        json!({"url": format!("https://localhost:{}/", self.address.port()), "caBundle": self.ca_bundle})
    }

    /// The reviews that have come, which are forgotten.
    pub(crate) fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

impl Seen {
    /// `operation group/resource/subresource namespace/name`.
    pub(crate) fn line(&self) -> String {
        let request = &self.review["request"];
        let text = |pointer: &str| request.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        format!(
            "{} {}/{}/{} {}/{}",
            text("/operation"),
            text("/resource/group"),
            text("/resource/resource"),
            text("/subResource"),
            text("/namespace"),
            text("/name")
        )
    }
}

/// A webhook of a configuration, asked about everything, that `own` changes.
pub(crate) fn webhook(name: &str, client_config: &Value, own: Value) -> Value {
    let mut webhook = json!({
        "name": name,
        "clientConfig": client_config,
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "rules": [{"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*/*"]}],
    });
    let Value::Object(own) = own else { return webhook };
    webhook.as_object_mut().unwrap().extend(own);
    webhook
}

fn names() -> CertificateParams {
    let names = ["localhost", "127.0.0.1", "hook.hooks.svc"].map(str::to_owned);
    CertificateParams::new(names).unwrap()
}

async fn answer(
    request: Request<Incoming>,
    reply: &(impl Fn(&Value) -> Reply + Send + Sync),
    seen: &Mutex<Vec<Seen>>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().unwrap().to_string();
    let body = body.collect().await?.to_bytes();
    // Who sends nothing is answered by the path.
    let review = if body.is_empty() { json!({"path": path}) } else { serde_json::from_slice(&body).unwrap() };
    seen.lock().unwrap().push(Seen { path, headers: parts.headers, review: review.clone() });
    let mut retry_after = 0;
    let (code, body) = match reply(&review) {
        Reply::Review(mut response) => {
            let fields = response.as_object_mut().unwrap();
            fields.entry("uid").or_insert_with(|| review["request"]["uid"].clone());
            let answer =
                json!({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "response": response});
            (200, answer.to_string())
        }
        Reply::Body(body) => (200, body),
        Reply::Raw(code, body) => (code, body.to_owned()),
        Reply::Busy(seconds) => {
            retry_after = seconds;
            (429, String::new())
        }
        Reply::Silence => {
            tokio::time::sleep(Duration::from_hours(1)).await;
            (200, String::new())
        }
    };
    let mut response = Response::builder().status(code);
    if retry_after > 0 {
        response = response.header("retry-after", retry_after);
    }
    Ok(response.body(Full::from(body)).unwrap())
}
