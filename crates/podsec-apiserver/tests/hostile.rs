//! Whatever a client sends, the server answers; it never panics and never blames itself.

mod cluster;

use std::sync::OnceLock;

use cluster::{Cluster, pod};
use proptest::prelude::*;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

/// One server for all cases: what one leaves behind must not harm the next.
fn server() -> &'static (Runtime, Cluster) {
    static SERVER: OnceLock<(Runtime, Cluster)> = OnceLock::new();
    SERVER.get_or_init(|| {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let cluster = runtime.block_on(async {
            let cluster = Cluster::start().await;
            cluster.create("/api/v1/namespaces/default/pods", pod("a")).await;
            cluster
        });
        (runtime, cluster)
    })
}

/// The status code of an answer, which always comes and is never a 500 that names a defect.
fn code(request: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<u16, TestCaseError> {
    let (runtime, cluster) = server();
    let answer = runtime.block_on(cluster.send("admin", request, headers, body));
    prop_assert!(!answer.text.contains("panic"), "{request}: {}", answer.text);
    prop_assert_ne!(answer.code, 503, "{}: {}", request, answer.text);
    Ok(answer.code)
}

fn segment() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("api".to_owned()),
        Just("apis".to_owned()),
        Just("v1".to_owned()),
        Just("apps".to_owned()),
        Just("watch".to_owned()),
        Just("namespaces".to_owned()),
        Just("default".to_owned()),
        Just("pods".to_owned()),
        Just("deployments".to_owned()),
        Just("a".to_owned()),
        Just("status".to_owned()),
        Just("scale".to_owned()),
        Just("log".to_owned()),
        Just("finalize".to_owned()),
        Just("openapi".to_owned()),
        Just("v3".to_owned()),
        Just("%2e%2e".to_owned()),
        Just("%2F".to_owned()),
        Just("%ff%00".to_owned()),
        "[a-z0-9.%-]{0,8}".prop_filter("a legal URL", |text| !text.contains('%')),
    ]
}

fn parameter() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "watch",
        "limit",
        "continue",
        "resourceVersion",
        "resourceVersionMatch",
        "sendInitialEvents",
        "labelSelector",
        "fieldSelector",
        "dryRun",
        "fieldManager",
        "fieldValidation",
        "force",
        "timeout",
        "gracePeriodSeconds",
        "propagationPolicy",
        "includeObject",
        "container",
        "hash",
    ]);
    let value = prop_oneof![
        Just("true".to_owned()),
        Just("0".to_owned()),
        Just("1".to_owned()),
        Just("-1".to_owned()),
        Just("99999999999999999999".to_owned()),
        Just("eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJhIn0".to_owned()),
        Just("a%3Db".to_owned()),
        Just("metadata.name%3Da".to_owned()),
        Just("All".to_owned()),
        "[a-zA-Z0-9=!,()._-]{0,10}",
    ];
    (name, value).prop_map(|(name, value)| format!("{name}={value}"))
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z/:.\u{e9}\n-]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        let field = prop::sample::select(vec![
            "metadata",
            "name",
            "namespace",
            "labels",
            "annotations",
            "finalizers",
            "ownerReferences",
            "uid",
            "resourceVersion",
            "spec",
            "containers",
            "initContainers",
            "image",
            "securityContext",
            "ports",
            "hostPort",
            "volumes",
            "template",
            "selector",
            "matchLabels",
            "replicas",
            "status",
            "phase",
            "conditions",
            "data",
            "$patch",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(field.prop_map(str::to_owned), inner, 0..6)
                .prop_map(|fields| fields.into_iter().collect()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_url_is_answered(
        method in prop::sample::select(vec!["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "FOO"]),
        segments in prop::collection::vec(segment(), 0..8),
        parameters in prop::collection::vec(parameter(), 0..4),
    ) {
        // A namespace that goes takes the next case's pods with it, and an endless watch has no end to wait for.
        let url = format!("/{}?timeoutSeconds=1&{}", segments.join("/"), parameters.join("&"));
        prop_assume!(!(url.contains("watch") && method != "POST"));
        let method = if method == "DELETE" { "GET" } else { method };
        code(&format!("{method} {url}"), &[], b"")?;
    }

    #[test]
    fn any_object_is_stored_or_refused(
        object in value(),
        resource in prop::sample::select(vec![
            "api/v1/namespaces/default/pods",
            "api/v1/namespaces/default/configmaps",
            "api/v1/namespaces/default/services",
            "api/v1/namespaces/default/secrets",
            "api/v1/namespaces/default/events",
            "api/v1/namespaces/default/replicationcontrollers",
            "api/v1/namespaces",
            "apis/apps/v1/namespaces/default/deployments",
            "apis/apps/v1/namespaces/default/statefulsets",
            "apis/apps/v1/namespaces/default/daemonsets",
            "apis/batch/v1/namespaces/default/jobs",
            "apis/batch/v1/namespaces/default/cronjobs",
            "apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        ]),
    ) {
        let body = serde_json::to_vec(&object).expect("JSON");
        let code = code(&format!("POST /{resource}?dryRun=All"), &[("content-type", "application/json")], &body)?;
        prop_assert!(matches!(code, 201 | 400 | 403 | 404 | 409 | 422 | 500), "{code}");
    }

    #[test]
    fn any_patch_is_applied_or_refused(
        patch in value(),
        form in prop::sample::select(vec![
            "application/json-patch+json",
            "application/merge-patch+json",
            "application/strategic-merge-patch+json",
            "application/apply-patch+yaml",
        ]),
        door in prop::sample::select(vec!["", "/status", "/ephemeralcontainers"]),
    ) {
        let body = serde_json::to_vec(&patch).expect("JSON");
        let request = format!("PATCH /api/v1/namespaces/default/pods/a{door}?dryRun=All&fieldManager=m");
        code(&request, &[("content-type", form)], &body)?;
    }

    #[test]
    fn any_bytes_are_decoded_or_refused(
        body in prop::collection::vec(any::<u8>(), 0..200),
        envelope in any::<bool>(),
        form in prop::sample::select(vec![
            "application/json",
            "application/yaml",
            "application/vnd.kubernetes.protobuf",
            "",
        ]),
    ) {
        let body = if envelope { [b"k8s\0".as_slice(), &body].concat() } else { body };
        let request = "POST /api/v1/namespaces/default/pods?dryRun=All";
        let code = code(request, &[("content-type", form)], &body)?;
        prop_assert!(matches!(code, 400 | 422), "{code}");
    }

    #[test]
    fn any_header_is_taken(accept in "[ -~]{0,60}", agent in "[ -~]{0,60}", impersonated in "[ -~]{0,30}") {
        let headers = [
            ("accept", accept.as_str()),
            ("user-agent", agent.as_str()),
            ("impersonate-user", impersonated.as_str()),
            ("x-forwarded-for", accept.as_str()),
        ];
        code("GET /api/v1/namespaces/default/pods", &headers, b"")?;
    }
}

#[test]
fn a_document_deeper_than_any_kind_is_refused() {
    let unknown = [b"{\"metadata\":".repeat(110), b"{}".to_vec(), b"}".repeat(110)].concat();
    let endless = [b"[".repeat(100_000), b"]".repeat(100_000)].concat();
    for (body, expected) in [(unknown, 422), (endless, 400)] {
        let code = code("POST /api/v1/namespaces/default/pods", &[], &body).expect("an answer");
        assert_eq!(code, expected);
    }
}
