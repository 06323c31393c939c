//! Users of an OpenID provider: their tokens, its keys, and what becomes of tokens that nobody has signed.

mod cluster;
#[allow(dead_code, reason = "the provider needs a part of what webhooks need")]
#[path = "webhooks/hook.rs"]
mod hook;

use std::sync::{Arc, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cluster::Cluster;
use hook::{Hook, Reply};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use podsec_apiserver::OidcOptions;
use podsec_storage::Memory;
use serde_json::{Value, json};

/// A provider and a server that believes it.
struct Provider {
    hook: Hook,
    cluster: Cluster,
    issuer: String,
    key: EncodingKey,
}

impl Provider {
    async fn start() -> Self {
        let key = rcgen::KeyPair::generate().expect("a key");
        let key = EncodingKey::from_ec_pem(key.serialize_pem().as_bytes()).expect("a key");
        let mut public = Jwk::from_encoding_key(&key, Algorithm::ES256).expect("its public half");
        public.common.key_id = Some("first".to_owned());
        let address: Arc<OnceLock<String>> = Arc::default();
        let issuer = Arc::clone(&address);
        let hook = Hook::start(move |request| {
            let issuer = issuer.get().expect("the provider has started");
            Reply::Body(match request["path"].as_str() {
                Some("/.well-known/openid-configuration") => {
                    json!({"issuer": issuer, "jwks_uri": format!("{issuer}/keys")}).to_string()
                }
                Some("/keys") => json!({"keys": [public]}).to_string(),
                _ => String::new(),
            })
        })
        .await;
        let issuer = format!("https://localhost:{}", hook.address.port());
        address.set(issuer.clone()).expect("it is set once");
        let authority = tempfile::NamedTempFile::new().expect("a file");
        let bundle = STANDARD.decode(&hook.ca_bundle).expect("the authority");
        std::fs::write(authority.path(), bundle).expect("the file takes it");
        let options = OidcOptions {
            issuer_url: Some(issuer.clone()),
            client_id: Some("podsec".to_owned()),
            ca_file: Some(authority.path().to_owned()),
            groups_claim: Some("groups".to_owned()),
            groups_prefix: "oidc:".to_owned(),
            signing_algs: vec!["ES256".to_owned()],
            ..OidcOptions::default()
        };
        let mut cluster = Cluster::over(Arc::new(Memory::default()), None);
        let api = Arc::into_inner(cluster.api).expect("nobody else has it");
        cluster.api = Arc::new(api.with_oidc(&options).expect("the options go together"));
        Self { hook, cluster, issuer, key }
    }

    fn token(&self, key_id: &str, change: impl FnOnce(&mut Value)) -> String {
        let mut claims = json!({
            "iss": self.issuer, "aud": "podsec", "sub": "jane", "groups": ["devs"], "exp": 4_000_000_000_u64,
        });
        change(&mut claims);
        let header = Header { kid: Some(key_id.to_owned()), ..Header::new(Algorithm::ES256) };
        jsonwebtoken::encode(&header, &claims, &self.key).expect("the key signs")
    }

    async fn review(&self, token: &str) -> Value {
        let review = json!({"spec": {"token": token}});
        let url = "/apis/authentication.k8s.io/v1/tokenreviews";
        self.cluster.create(url, review).await["status"].clone()
    }
}

#[tokio::test]
async fn an_id_token_names_a_user_and_the_provider_is_asked_once() {
    let provider = Provider::start().await;
    let token = provider.token("first", |_| {});
    for _ in 0..3 {
        let status = provider.review(&token).await;
        assert_eq!(status["user"]["username"], format!("{}#jane", provider.issuer), "{status}");
        assert_eq!(status["user"]["groups"], json!(["oidc:devs", "system:authenticated"]));
    }
    let paths: Vec<String> = provider.hook.take().into_iter().map(|seen| seen.path).collect();
    assert_eq!(paths, ["/.well-known/openid-configuration", "/keys"]);
    let answer = provider.cluster.send(&token, "GET /api/v1/namespaces", &[], b"").await;
    assert_eq!(answer.code, 403, "{}", answer.text);
}

#[tokio::test]
async fn what_the_provider_has_not_signed_names_nobody_and_does_not_make_the_server_ask_again_and_again() {
    let provider = Provider::start().await;
    let token = provider.token("first", |_| {});
    let forged = format!("{}AAAA", &token[..token.len() - 4]);
    let unknown = provider.token("second", |_| {});
    for wrong in [&forged, &unknown, &forged, &unknown] {
        let status = provider.review(wrong).await;
        assert_eq!(
            status["error"],
            "[invalid bearer token, oidc: verify token: failed to verify signature: failed to verify id token \
             signature]"
        );
        assert_eq!(provider.cluster.send(wrong, "GET /api/v1/namespaces", &[], b"").await.code, 401);
    }
    assert_eq!(provider.hook.take().len(), 2, "one question for each document");
    let other = provider.token("first", |claims| claims["aud"] = "other".into());
    let status = provider.review(&other).await;
    assert_eq!(
        status["error"],
        "[invalid bearer token, oidc: verify token: oidc: expected audience in [\"podsec\"] got [\"other\"]]"
    );
    let foreign = provider.token("first", |claims| claims["iss"] = "https://other.example.com".into());
    assert_eq!(provider.review(&foreign).await["error"], "invalid bearer token");
}
