//! How webhooks are reached, and what becomes of a request when they are not.

use super::*;

#[tokio::test]
async fn a_failed_call_stops_the_request_or_not_as_the_policy_says() {
    let server = Asking::start().await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let nobody = format!("https://127.0.0.1:{}/x", listener.local_addr().expect("an address").port());
    drop(listener);
    let silent = Hook::start(|_| Reply::Silence).await;
    let garbage = Hook::start(|_| Reply::Raw(200, "{}}")).await;
    let broken = Hook::start(|_| Reply::Raw(500, "boom\n")).await;
    let empty = Hook::start(|_| Reply::Raw(200, "")).await;
    let liar = Hook::start(|_| Reply::Review(json!({"uid": "other", "allowed": true}))).await;
    let stranger = Hook::allowing().await;
    let mistrusted = json!({"url": stranger.client_config()["url"], "caBundle": liar.ca_bundle});
    let url = |hook: &Hook| hook.client_config()["url"].as_str().unwrap_or_default().to_owned();
    let cases = [
        (
            json!({"url": nobody, "caBundle": liar.ca_bundle}),
            format!("failed to call webhook: Post \"{nobody}?timeout=1s\": dial tcp {}: connect: connection refused",
                nobody.trim_start_matches("https://").trim_end_matches("/x")),
        ),
        (
            silent.client_config(),
            format!("failed to call webhook: Post \"{}?timeout=1s\": context deadline exceeded", url(&silent)),
        ),
        (
            garbage.client_config(),
            "failed to call webhook: couldn't get version/kind; json parse error: trailing characters at line 1 column 3"
                .to_owned(),
        ),
        (
            broken.client_config(),
            r#"failed to call webhook: an error on the server ("boom") has prevented the request from succeeding"#
                .to_owned(),
        ),
        (
            empty.client_config(),
            "failed to call webhook: 0-length response with status code: 200 and content type: ".to_owned(),
        ),
        (
            mistrusted,
            format!(
                "failed to call webhook: Post \"{}?timeout=1s\": tls: failed to verify certificate: x509: \
                 certificate signed by unknown authority",
                url(&stranger)
            ),
        ),
        (
            json!({"url": "https://localhost/", "caBundle": STANDARD.encode("nothing")}),
            "could not get REST client: unable to load root certificates: unable to parse bytes as PEM block"
                .to_owned(),
        ),
    ];
    for (client_config, expected) in cases {
        for policy in ["Fail", "Ignore"] {
            let own = json!({"timeoutSeconds": 1, "failurePolicy": policy});
            for resource in [MUTATING, VALIDATING] {
                server
                    .configure(resource, "c", &[webhook("w.example.com", &client_config, own.clone())])
                    .await;
                let answer = server.create_pod().await;
                let configuration = format!("DELETE /apis/admissionregistration.k8s.io/v1/{resource}/c");
                assert_eq!(server.cluster.json(&configuration, &Value::Null).await.code, 200);
                if policy == "Fail" {
                    let expected = format!("failed calling webhook \"w.example.com\": {expected}");
                    assert_eq!(
                        answer.object(),
                        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                            "code": 500, "reason": "InternalError",
                            "message": format!("Internal error occurred: {expected}"),
                            "details": {"causes": [{"message": expected}]}})
                    );
                    continue;
                }
                assert_eq!(answer.code, 201, "{}", answer.text);
                let family = if resource == MUTATING { "mutation" } else { "validating" };
                let opened = format!("failed-open.{family}.webhook.admission.k8s.io/round_0_index_0");
                let annotations = server.annotations();
                assert!(annotations.contains(&(opened, "w.example.com".to_owned())), "{annotations:?}");
                server.cluster.json(&format!("DELETE {PODS}/a"), &json!({"gracePeriodSeconds": 0})).await;
            }
        }
    }
    server.configure(VALIDATING, "c", &[webhook("w.example.com", &liar.client_config(), json!({}))]).await;
    let why = message(&server.create_pod().await);
    assert!(why.contains("received invalid webhook response: expected response.uid="), "{why}");
}

#[tokio::test]
async fn a_busy_webhook_is_asked_again_as_long_as_there_is_time() {
    let server = Asking::start().await;
    let asked = AtomicUsize::new(0);
    let busy = Hook::start(move |_| match asked.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::Busy(1),
        _ => Reply::Review(json!({"allowed": true})),
    })
    .await;
    server.configure(VALIDATING, "c", &[webhook("w.example.com", &busy.client_config(), json!({}))]).await;
    let answer = server.create_pod().await;
    assert_eq!((answer.code, busy.take().len()), (201, 2), "{}", answer.text);
    let hopeless = Hook::start(|_| Reply::Busy(u64::MAX)).await;
    server
        .configure(VALIDATING, "d", &[webhook("w.example.com", &hopeless.client_config(), json!({}))])
        .await;
    let why = message(&server.create_pod().await);
    assert!(why.ends_with("has received too many requests and has asked us to try again later"), "{why}");
    assert_eq!(hopeless.take().len(), 1);
}

#[tokio::test]
async fn a_certificate_that_is_its_own_authority_is_trusted_when_it_is_named() {
    let server = Asking::start().await;
    let hook = Hook::start_self_signed(|_| Reply::Review(json!({"allowed": true}))).await;
    server.configure(VALIDATING, "c", &[webhook("w.example.com", &hook.client_config(), json!({}))]).await;
    let answer = server.create_pod().await;
    assert_eq!(answer.code, 201, "{}", answer.text);
}

#[tokio::test]
async fn a_service_leads_to_its_endpoints_under_the_name_of_the_service() {
    let server = Asking::start().await;
    let hook = Hook::allowing().await;
    let service = json!({"service": {"name": "hook", "namespace": "hooks", "path": "/validate"},
        "caBundle": hook.ca_bundle});
    let rules = json!({"rules": [
        {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    ]});
    server.configure(VALIDATING, "c", &[webhook("w.example.com", &service, rules)]).await;
    let failure = |why: &str| {
        format!(
            "Internal error occurred: failed calling webhook \"w.example.com\": failed to call webhook: \
             Post \"https://hook.hooks.svc:443/validate?timeout=10s\": {why}"
        )
    };
    assert_eq!(message(&server.create_pod().await), failure(r#"service "hook" not found"#));
    server.cluster.namespace("hooks", json!({})).await;
    let services = "/api/v1/namespaces/hooks/services";
    let spec = json!({"ports": [{"name": "https", "port": 443}]});
    server.cluster.create(services, json!({"metadata": {"name": "hook"}, "spec": spec})).await;
    assert_eq!(message(&server.create_pod().await), failure(r#"no endpoints available for service "hook""#));
    // The hook listens on the machine itself, and that no client may name.
    let endpoints = json!({"metadata": {"name": "hook", "namespace": "hooks"}, "subsets": [{
        "addresses": [{"ip": "127.0.0.1"}], "ports": [{"name": "https", "port": hook.address.port()}]
    }]});
    server.cluster.store("/registry/services/endpoints/hooks/hook", &endpoints).await;
    let answer = server.create_pod().await;
    assert_eq!(answer.code, 201, "{}", answer.text);
    assert_eq!(hook.take()[0].path, "/validate?timeout=10s");
}
