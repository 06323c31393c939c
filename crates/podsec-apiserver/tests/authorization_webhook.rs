//! A service that decides: what it is asked, what its answers do, and what happens without any.

mod cluster;
#[allow(dead_code, reason = "the service needs a part of what admission webhooks need")]
#[path = "webhooks/hook.rs"]
mod hook;

use std::sync::Arc;

use cluster::Cluster;
use hook::{Hook, Reply};
use podsec_apiserver::{AuthorizationModes, AuthorizationWebhookOptions};
use podsec_storage::Memory;
use serde_json::{Value, json};

/// A server that asks the hook after RBAC.
fn asking(hook: &Hook, authority: &str) -> Cluster {
    let kubeconfig = tempfile::NamedTempFile::new().expect("a file");
    let cluster = json!({
        "server": hook.client_config()["url"], "certificate-authority-data": authority,
    });
    let config = json!({
        "current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "w", "user": "u"}}],
        "clusters": [{"name": "w", "cluster": cluster}], "users": [{"name": "u", "user": {"token": "secret"}}],
    });
    std::fs::write(kubeconfig.path(), config.to_string()).expect("the file takes it");
    let options =
        AuthorizationWebhookOptions { version: "v1".to_owned(), ..AuthorizationWebhookOptions::default() };
    let modes = AuthorizationModes::select(&["RBAC".to_owned(), "Webhook".to_owned()]).expect("modes");
    let mut cluster = Cluster::over(Arc::new(Memory::default()), None);
    let api = Arc::into_inner(cluster.api).expect("nobody else has it").with_authorization_modes(modes);
    let api = api.with_authorization_webhook(kubeconfig.path(), &options).expect("a kubeconfig");
    cluster.api = Arc::new(api);
    cluster
}

/// Allows pods, denies secrets, and has no opinion of anything else.
fn decide(review: &Value) -> Reply {
    let status = match review["spec"]["resourceAttributes"]["resource"].as_str() {
        Some("pods") => json!({"allowed": true, "reason": "pods are for all"}),
        Some("secrets") => json!({"allowed": false, "denied": true, "reason": "never"}),
        _ => json!({"allowed": false}),
    };
    let answer = json!({"kind": "SubjectAccessReview", "apiVersion": review["apiVersion"], "status": status});
    Reply::Body(answer.to_string())
}

#[tokio::test]
async fn the_service_is_asked_once_and_its_word_holds() {
    let hook = Hook::start(decide).await;
    let cluster = asking(&hook, &hook.ca_bundle);
    let get =
        async |what: &str| cluster.send("joe", &format!("GET /api/v1/namespaces/n/{what}"), &[], b"").await;
    for _ in 0..3 {
        assert_eq!(get("pods").await.code, 200);
    }
    let asked = hook.take();
    assert_eq!(
        (asked.len(), &asked[0].headers["authorization"]),
        (1, &"Bearer secret".parse().expect("a header"))
    );
    assert_eq!(asked[0].review["apiVersion"], "authorization.k8s.io/v1");
    assert_eq!(
        asked[0].review["spec"],
        json!({
            "user": "joe", "groups": ["system:authenticated"],
            "resourceAttributes": {"namespace": "n", "verb": "list", "version": "v1", "resource": "pods"},
        })
    );
    let denied = get("secrets").await;
    assert_eq!(denied.code, 403);
    assert!(denied.text.contains("in the namespace \\\"n\\\": never"), "{}", denied.text);
    assert_eq!(get("configmaps").await.code, 403);
    // Administrators are not asked about.
    hook.take();
    assert_eq!(cluster.get("/api/v1/namespaces/n/secrets").await.code, 200);
    assert!(hook.take().is_empty());
}

#[tokio::test]
async fn a_service_that_answers_wrongly_lets_nobody_in() {
    let hook = Hook::start(|_| Reply::Raw(200, "{}")).await;
    let cluster = asking(&hook, &hook.ca_bundle);
    let answer = cluster.send("joe", "GET /api/v1/namespaces/n/pods", &[], b"").await;
    assert_eq!(answer.code, 500);
    assert!(answer.text.contains("no SubjectAccessReview"), "{}", answer.text);
    let refusing = Hook::start(|_| Reply::Raw(403, "no")).await;
    let answer =
        asking(&refusing, &refusing.ca_bundle).send("joe", "GET /api/v1/namespaces/n/pods", &[], b"").await;
    assert_eq!(answer.code, 500);
}
