//! The objects of the cluster that the certificates live in: the Secret, and the configuration that trusts them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::{Method, Request, StatusCode};
use kube::client::Body;
use serde_json::{Value, json};

use super::material::Material;
use super::names::SelfSigned;

/// The Secret and the ValidatingWebhookConfiguration.
pub(super) struct Objects {
    client: kube::Client,
    names: SelfSigned,
}

/// What the Secret holds.
pub(super) struct Stored {
    pub(super) material: Material,
    revision: String,
}

/// Why an object cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ObjectError {
    /// The API server did not answer.
    #[error("the API server does not answer")]
    Client(#[source] kube::Error),
    /// The Secret holds something else.
    #[error("the Secret was not made by this webhook; delete it, or serve it with --tls-cert-file")]
    Foreign,
    /// The API server refused.
    #[error("{path}: {message}")]
    Refused {
        /// What was asked for.
        path: String,
        /// The API server's sentence.
        message: String,
    },
    /// The Secret was deleted as soon as it was made.
    #[error("the Secret has vanished")]
    Vanished,
}

impl Objects {
    pub(super) fn new(client: kube::Client, names: &SelfSigned) -> Self {
        Self { client, names: names.clone() }
    }

    /// What the Secret holds; none while there is no Secret.
    pub(super) async fn read(&self) -> Result<Option<Stored>, ObjectError> {
        let Some(secret) = self.ask(Method::GET, &self.secret(), None).await? else { return Ok(None) };
        let state = secret["data"][STATE].as_str().and_then(|state| STANDARD.decode(state).ok());
        let material =
            state.and_then(|state| serde_json::from_slice(&state).ok()).ok_or(ObjectError::Foreign)?;
        let revision = secret["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned();
        Ok(Some(Stored { material, revision }))
    }

    /// Makes the Secret, unless it is there.
    pub(super) async fn create(&self, material: &Material) -> Result<(), ObjectError> {
        let secret = self.secret_object(material, None);
        let path = format!("/api/v1/namespaces/{}/secrets", self.names.namespace);
        match self.send(Method::POST, &path, Some(&secret)).await? {
            (StatusCode::CONFLICT, _) => Ok(()),
            (status, body) => succeeded(&path, status, &body).map(drop),
        }
    }

    /// Replaces what the Secret holds; false if somebody else has changed it since.
    pub(super) async fn replace(&self, stored: &Stored, next: &Material) -> Result<bool, ObjectError> {
        let secret = self.secret_object(next, Some(&stored.revision));
        let path = self.secret();
        match self.send(Method::PUT, &path, Some(&secret)).await? {
            (StatusCode::CONFLICT, _) => Ok(false),
            (status, body) => succeeded(&path, status, &body).map(|_| true),
        }
    }

    /// Makes the API server trust these authorities, if it does not yet.
    pub(super) async fn announce(&self, bundle: &str) -> Result<(), ObjectError> {
        let path = format!(
            "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/{}",
            self.names.configuration
        );
        let Some(configuration) = self.ask(Method::GET, &path, None).await? else {
            // It may be made later: nobody is asked before.
            tracing::warn!(
                name = self.names.configuration,
                "there is no such ValidatingWebhookConfiguration yet"
            );
            return Ok(());
        };
        let bundle = STANDARD.encode(bundle);
        let webhooks = configuration["webhooks"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut operations = Vec::new();
        for (index, webhook) in webhooks.iter().enumerate() {
            if webhook["clientConfig"]["caBundle"] != bundle.as_str() {
                operations.push(json!({"op": "test", "path": format!("/webhooks/{index}/name"), "value": webhook["name"]}));
                let place = format!("/webhooks/{index}/clientConfig/caBundle");
                operations.push(json!({"op": "add", "path": place, "value": bundle}));
            }
        }
        if !operations.is_empty() {
            self.ask(Method::PATCH, &path, Some(&Value::Array(operations))).await?;
            tracing::info!("the API server was told of the authorities");
        }
        Ok(())
    }

    fn secret(&self) -> String {
        format!("/api/v1/namespaces/{}/secrets/{}", self.names.namespace, self.names.secret)
    }

    fn secret_object(&self, material: &Material, revision: Option<&str>) -> Value {
        let state = serde_json::to_vec(material).unwrap_or_default();
        json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": self.names.secret,
                "namespace": self.names.namespace,
                "labels": {"app.kubernetes.io/name": "podsec-webhook"},
                "resourceVersion": revision,
            },
            "type": "kubernetes.io/tls",
            "data": {
                "ca.crt": STANDARD.encode(material.bundle()),
                "tls.crt": STANDARD.encode(&material.serving.certificate),
                "tls.key": STANDARD.encode(&material.serving.key),
                STATE: STANDARD.encode(state),
            },
        })
    }

    /// The object that answers; none if there is none.
    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Option<Value>, ObjectError> {
        match self.send(method, path, body).await? {
            (StatusCode::NOT_FOUND, _) => Ok(None),
            (status, body) => succeeded(path, status, &body).map(Some),
        }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(StatusCode, Bytes), ObjectError> {
        let content_type =
            if method == Method::PATCH { "application/json-patch+json" } else { "application/json" };
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string().into_bytes()));
        let request =
            Request::builder().method(method).uri(path).header("content-type", content_type).body(body);
        let request = request.map_err(|error| ObjectError::Client(kube::Error::HttpError(error)))?;
        let response = self.client.send(request).await.map_err(ObjectError::Client)?;
        let status = response.status();
        let body = response.into_body().collect().await.map_err(ObjectError::Client)?.to_bytes();
        Ok((status, body))
    }
}

fn succeeded(path: &str, status: StatusCode, body: &[u8]) -> Result<Value, ObjectError> {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    if status.is_success() {
        return Ok(answer);
    }
    let message = answer["message"].as_str().map_or_else(|| status.to_string(), str::to_owned);
    Err(ObjectError::Refused { path: path.to_owned(), message })
}

/// The key under which the Secret holds all that is needed to go on.
const STATE: &str = "podsec-webhook.json";
