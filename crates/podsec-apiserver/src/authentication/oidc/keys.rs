//! The public keys of a provider: found by its discovery document, kept, and fetched again when a token names another one.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Uri};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode_header};
use podsec_apimachinery::quote::quoted;
use podsec_kinds::object::Fields as _;
use podsec_transport::HttpsClient;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

/// The keys of a provider.
pub(super) struct ProviderKeys {
    client: HttpsClient,
    issuer: String,
    /// Whoever fetches holds it, so that everybody else waits for the same answer.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    keys: Arc<[Jwk]>,
    /// When they were last asked for, whether or not that went well.
    asked: Option<Instant>,
    failure: Option<String>,
}

impl ProviderKeys {
    pub(super) fn new(client: HttpsClient, issuer: &str) -> Self {
        Self { client, issuer: issuer.to_owned(), state: Mutex::default() }
    }

    /// The claims of a token that one of the keys has signed by one of the algorithms.
    ///
    /// # Errors
    /// Why there are none.
    pub(super) async fn verify(&self, token: &str, algorithms: &[Algorithm]) -> Result<Value, String> {
        let header = decode_header(token).map_err(|error| format!("oidc: malformed jwt: {error}"))?;
        if !algorithms.contains(&header.alg) {
            return Err(format!("oidc: malformed jwt: unexpected signature algorithm {:?}", header.alg));
        }
        let known = Arc::clone(&self.state.lock().await.keys);
        if let Some(claims) = verified(token, header.alg, header.kid.as_deref(), &known) {
            return Ok(claims);
        }
        let fetched = self.fetched().await.map_err(|why| format!("failed to verify signature: {why}"))?;
        verified(token, header.alg, header.kid.as_deref(), &fetched)
            .ok_or_else(|| "failed to verify signature: failed to verify id token signature".to_owned())
    }

    /// The keys as the provider has them now, or a moment ago: strangers cannot make this server ask without end.
    async fn fetched(&self) -> Result<Arc<[Jwk]>, String> {
        let mut state = self.state.lock().await;
        if state.asked.is_none_or(|asked| asked.elapsed() > INTERVAL) {
            let fetched = timeout(TIMEOUT, self.fetch()).await;
            let fetched = fetched.unwrap_or_else(|_| Err("the provider does not answer".to_owned()));
            match fetched {
                Ok(keys) => {
                    state.keys = keys.into();
                    state.failure = None;
                }
                Err(why) => {
                    tracing::warn!(
                        issuer = self.issuer,
                        why,
                        "the keys of the OpenID provider cannot be read"
                    );
                    state.failure = Some(format!("fetching keys {why}"));
                }
            }
            state.asked = Some(Instant::now());
        }
        match &state.failure {
            Some(why) => Err(why.clone()),
            None => Ok(Arc::clone(&state.keys)),
        }
    }

    async fn fetch(&self) -> Result<Vec<Jwk>, String> {
        let url = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let configuration: Value = self.get(&url).await?;
        let issuer = configuration.text("issuer");
        if issuer != self.issuer {
            let (own, issuer) = (quoted(&self.issuer), quoted(issuer));
            return Err(format!(
                "oidc: issuer URL provided to client ({own}) did not match the issuer URL returned by provider ({issuer})"
            ));
        }
        let uri = configuration.text("jwks_uri");
        if !uri.starts_with("https://") {
            return Err(format!("oidc: jwks_uri {} must be a URL with scheme https", quoted(uri)));
        }
        let mut keys: JwkSet = self.get(uri).await?;
        keys.keys.truncate(MOST_KEYS);
        Ok(keys.keys)
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, url: &str) -> Result<T, String> {
        let why = |error: String| format!("Get {}: {error}", quoted(url));
        let uri: Uri = url.parse().map_err(|error: hyper::http::uri::InvalidUri| why(error.to_string()))?;
        let request = Request::get(uri).body(Full::new(Bytes::new()));
        let request = request.map_err(|error| why(error.to_string()))?;
        let response = self.client.send(request, LARGEST).await.map_err(|error| why(error.to_string()))?;
        if !response.status().is_success() {
            return Err(why(response.status().to_string()));
        }
        serde_json::from_slice(response.body()).map_err(|error| why(error.to_string()))
    }
}

/// The claims, if one of the keys has signed them. Times and audiences are judged by whoever reads them.
fn verified(token: &str, algorithm: Algorithm, key: Option<&str>, keys: &[Jwk]) -> Option<Value> {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    (validation.validate_exp, validation.validate_nbf, validation.validate_aud) = (false, false, false);
    let named = |jwk: &&Jwk| key.is_none_or(|key| jwk.common.key_id.as_deref().is_none_or(|id| id == key));
    keys.iter().filter(named).find_map(|jwk| {
        let key = DecodingKey::from_jwk(jwk).ok()?;
        jsonwebtoken::decode::<Value>(token, &key, &validation).ok().map(|data| data.claims)
    })
}

/// How often the provider is asked at most.
const INTERVAL: Duration = Duration::from_secs(10);
/// How long both questions may take together.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The bytes of an answer.
const LARGEST: usize = 1 << 20;
/// How many keys are tried at most: each signature takes a while.
const MOST_KEYS: usize = 64;
