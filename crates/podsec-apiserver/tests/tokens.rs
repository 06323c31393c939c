//! Tokens of service accounts: what they say, for whom, and how long they hold.

mod cluster;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cluster::{Cluster, pod};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation, decode_header};
use podsec_storage::Memory;
use serde_json::{Value, json};

const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";
const ACCOUNT: &str = "/api/v1/namespaces/n/serviceaccounts/bot";

async fn cluster() -> Cluster {
    let cluster = Cluster::over(Arc::new(Memory::default()), None);
    cluster.namespace("n", Value::Null).await;
    cluster.create("/api/v1/namespaces/n/serviceaccounts", json!({"metadata": {"name": "bot"}})).await;
    cluster
}

async fn requested(cluster: &Cluster, spec: Value) -> Value {
    cluster.create(&format!("{ACCOUNT}/token"), json!({"spec": spec})).await
}

async fn token(cluster: &Cluster, spec: Value) -> String {
    requested(cluster, spec).await["status"]["token"].as_str().expect("a token").to_owned()
}

async fn review(cluster: &Cluster, token: &str, audiences: &[&str]) -> Value {
    let spec = json!({"token": token, "audiences": audiences});
    cluster.create("/apis/authentication.k8s.io/v1/tokenreviews", json!({"spec": spec})).await["status"]
        .clone()
}

#[tokio::test]
async fn a_token_is_a_jwt_that_anybody_verifies_by_the_discovery_document() {
    let cluster = cluster().await;
    let token = token(&cluster, json!({"expirationSeconds": 1200})).await;
    let configuration = cluster.get("/.well-known/openid-configuration").await.object();
    assert_eq!(configuration["issuer"], ISSUER);
    assert_eq!(configuration["id_token_signing_alg_values_supported"], json!(["RS256"]));
    let keys = cluster.send("admin", "GET /openid/v1/jwks", &[("accept", "*/*")], b"").await;
    assert_eq!(keys.headers["content-type"], "application/jwk-set+json");
    assert_eq!(keys.headers["cache-control"], "public, max-age=3600");
    let keys: JwkSet = serde_json::from_str(&keys.text).unwrap();
    let header = decode_header(&token).unwrap();
    let key = keys.find(header.kid.as_deref().unwrap()).unwrap();
    let mut validation = Validation::new(header.alg);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[ISSUER]);
    let key = DecodingKey::from_jwk(key).unwrap();
    let claims = jsonwebtoken::decode::<Value>(&token, &key, &validation).unwrap().claims;
    assert_eq!(claims["sub"], "system:serviceaccount:n:bot");
    assert_eq!(claims["kubernetes.io"]["serviceaccount"]["name"], "bot");
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 1200);
}

#[tokio::test]
async fn a_token_names_its_account_and_its_credential() {
    let cluster = cluster().await;
    let token = token(&cluster, json!({})).await;
    let status = review(&cluster, &token, &[]).await;
    assert_eq!(status["authenticated"], true);
    assert_eq!(status["audiences"], json!([ISSUER]));
    assert_eq!(status["user"]["username"], "system:serviceaccount:n:bot");
    let groups = ["system:serviceaccounts", "system:serviceaccounts:n", "system:authenticated"];
    assert_eq!(status["user"]["groups"], json!(groups));
    let credential = &status["user"]["extra"]["authentication.kubernetes.io/credential-id"][0];
    assert!(credential.as_str().unwrap().starts_with("JTI="), "{status}");
    let answer = cluster.send(&token, "GET /api/v1/namespaces/n/pods", &[], b"").await;
    assert_eq!(answer.code, 403, "{}", answer.text);
}

#[tokio::test]
async fn a_token_holds_for_the_audiences_it_was_made_for() {
    let cluster = cluster().await;
    let token = token(&cluster, json!({"audiences": ["x", "y"]})).await;
    assert_eq!(review(&cluster, &token, &["y", "z"]).await["audiences"], json!(["y"]));
    let refused = review(&cluster, &token, &[]).await;
    assert_eq!(
        refused["error"],
        format!(
            "[invalid bearer token, token audiences [\"x\" \"y\"] is invalid for the target audiences [\"{ISSUER}\"]]"
        )
    );
    assert_eq!(cluster.send(&token, "GET /api/v1/namespaces", &[], b"").await.code, 401);
    let fixed = review(&cluster, "admin", &["x"]).await;
    assert_eq!(fixed, json!({"user": {}, "error": "invalid bearer token"}));
    let forged = format!("{}AAAAA", &token[..token.len() - 5]);
    let refused = review(&cluster, &forged, &["x"]).await;
    assert_eq!(refused["error"], "[invalid bearer token, go-jose/go-jose: error in cryptographic primitive]");
    assert_eq!(review(&cluster, "nonsense", &[]).await["error"], "invalid bearer token");
}

#[tokio::test]
async fn a_token_ends_with_its_account() {
    let cluster = cluster().await;
    let token = token(&cluster, json!({})).await;
    assert_eq!(cluster.json(&format!("DELETE {ACCOUNT}"), &Value::Null).await.code, 200);
    let gone = review(&cluster, &token, &[]).await;
    assert_eq!(gone["error"], "[invalid bearer token, serviceaccounts \"bot\" not found]");
    cluster.create("/api/v1/namespaces/n/serviceaccounts", json!({"metadata": {"name": "bot"}})).await;
    let other = review(&cluster, &token, &[]).await["error"].to_string();
    assert!(other.contains("does not match claim ("), "{other}");
    assert_eq!(cluster.send(&token, "GET /api/v1/namespaces", &[], b"").await.code, 401);
}

#[tokio::test]
async fn a_bound_token_ends_with_its_object() {
    let cluster = cluster().await;
    let mut bound = pod("p");
    bound["spec"]["serviceAccountName"] = "bot".into();
    cluster.create("/api/v1/namespaces/n/pods", bound).await;
    let reference = json!({"kind": "Pod", "apiVersion": "v1", "name": "p"});
    let token = token(&cluster, json!({"boundObjectRef": reference})).await;
    let status = review(&cluster, &token, &[]).await;
    assert_eq!(status["user"]["extra"]["authentication.kubernetes.io/pod-name"], json!(["p"]));
    let deleted = cluster.json("DELETE /api/v1/namespaces/n/pods/p", &Value::Null).await;
    assert_eq!(deleted.code, 200);
    let status = review(&cluster, &token, &[]).await;
    assert_eq!(status["error"], "[invalid bearer token, service account token has been invalidated]");
}

#[tokio::test]
async fn wrong_requests_are_refused_in_kubernetes_words() {
    let cluster = cluster().await;
    cluster.create("/api/v1/namespaces/n/pods", pod("other")).await;
    let bound = |kind: &str, name: &str, uid: &str| {
        let reference = json!({"kind": kind, "apiVersion": "v1", "name": name, "uid": uid});
        json!({"spec": {"boundObjectRef": reference}})
    };
    for (request, code, message) in [
        (
            json!({"spec": {"expirationSeconds": 5}}),
            422,
            "TokenRequest.authentication.k8s.io \"\" is invalid: spec.expirationSeconds: Invalid value: 5: may not \
             specify a duration less than 10 minutes",
        ),
        (
            json!({"spec": {"expirationSeconds": 1_000_000_000_000_i64}}),
            422,
            "TokenRequest.authentication.k8s.io \"\" is invalid: spec.expirationSeconds: Invalid value: \
             1000000000000: may not specify a duration larger than 2^32 seconds",
        ),
        (
            json!({"spec": {}, "metadata": {"name": "other"}}),
            422,
            "TokenRequest.authentication.k8s.io \"bot\" is invalid: metadata.name: Invalid value: \"other\": must \
             match the service account name if specified",
        ),
        (bound("Pod", "none", ""), 404, "pods \"none\" not found"),
        (bound("Secret", "none", ""), 404, "secrets \"none\" not found"),
        (bound("ConfigMap", "x", ""), 400, "cannot bind token to object of type /v1, Kind=ConfigMap"),
        (
            bound("Pod", "other", ""),
            400,
            "cannot bind token for serviceaccount \"bot\" to pod running with different serviceaccount name.",
        ),
    ] {
        let answer = cluster.json(&format!("POST {ACCOUNT}/token"), &request).await;
        assert_eq!((answer.code, answer.object()["message"].as_str()), (code, Some(message)));
    }
    let empty = json!({"spec": {"token": ""}});
    let answer = cluster.json("POST /apis/authentication.k8s.io/v1/tokenreviews", &empty).await;
    assert_eq!(
        (answer.code, answer.object()["message"].as_str()),
        (400, Some("token is required for TokenReview in authentication"))
    );
}

#[tokio::test]
async fn the_answer_tells_whose_token_it_is_and_for_whom() {
    let answer = requested(&cluster().await, json!({})).await;
    assert_eq!(answer["metadata"]["name"], "bot");
    assert_eq!(
        answer["spec"],
        json!({"audiences": [ISSUER], "boundObjectRef": null, "expirationSeconds": 3600})
    );
    let entry = &answer["metadata"]["managedFields"][0];
    assert_eq!(entry["subresource"], "token");
    assert_eq!(entry["fieldsV1"], json!({"f:spec": {"f:expirationSeconds": {}}}));
}

#[tokio::test]
async fn a_secret_is_filled_with_a_token_that_holds_as_long_as_secret_and_account() {
    let cluster = Cluster::start().await;
    cluster.namespace("n", Value::Null).await;
    let account =
        cluster.create("/api/v1/namespaces/n/serviceaccounts", json!({"metadata": {"name": "bot"}})).await;
    let secret = |name: &str, account: &str| {
        let annotations = json!({"kubernetes.io/service-account.name": account});
        json!({
            "metadata": {"name": name, "annotations": annotations}, "type": "kubernetes.io/service-account-token",
        })
    };
    let secrets = "/api/v1/namespaces/n/secrets";
    cluster.create(secrets, secret("a", "bot")).await;
    cluster.create(secrets, secret("of-nobody", "ghost")).await;
    let (mut token, mut found) = (String::new(), Value::Null);
    for _ in 0..500 {
        found = cluster.get(&format!("{secrets}/a")).await.object();
        if let Some(filled) = found["data"]["token"].as_str() {
            token = String::from_utf8(STANDARD.decode(filled).unwrap()).unwrap();
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(found["data"]["namespace"], "bg==");
    let annotations = &found["metadata"]["annotations"];
    assert_eq!(annotations["kubernetes.io/service-account.uid"], account["metadata"]["uid"]);
    cluster.eventually(&format!("{secrets}/of-nobody"), 404).await;
    let status = review(&cluster, &token, &[]).await;
    assert_eq!(
        (&status["user"]["username"], &status["audiences"]),
        (&json!("system:serviceaccount:n:bot"), &json!([ISSUER]))
    );
    assert_eq!(cluster.send(&token, "GET /api/v1/namespaces/n/pods", &[], b"").await.code, 403);
    let used = cluster.get(&format!("{secrets}/a")).await.object();
    let day = used["metadata"]["labels"]["kubernetes.io/legacy-token-last-used"].as_str().expect("a day");
    assert_eq!(day.len(), "2026-01-01".len());

    let marked = json!({"metadata": {"labels": {"kubernetes.io/legacy-token-invalid-since": "2026-01-01"}}});
    assert_eq!(cluster.json(&format!("PATCH {secrets}/a"), &marked).await.code, 200);
    let refused = review(&cluster, &token, &[]).await["error"].to_string();
    assert!(
        refused.contains("the token in secret n/a for service account n/bot has been marked invalid"),
        "{refused}"
    );
    // Another token in its place: the first is not the server's any more.
    let emptied = json!({"data": {"token": "eA=="}});
    assert_eq!(cluster.json(&format!("PATCH {secrets}/a"), &emptied).await.code, 200);
    let refused = review(&cluster, &token, &[]).await;
    assert_eq!(refused["error"], "[invalid bearer token, Token does not match server's copy]");
    assert_eq!(cluster.json(&format!("DELETE {ACCOUNT}"), &Value::Null).await.code, 200);
    cluster.eventually(&format!("{secrets}/a"), 404).await;
    let refused = review(&cluster, &token, &[]).await;
    assert_eq!(refused["error"], "[invalid bearer token, Token has been invalidated]");
}
