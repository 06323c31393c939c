//! SIGTERM loses nothing, `kill -9` loses nothing that matters, and strangers are not answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::Api;
use kube::api::PostParams;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::time::sleep;

use crate::client::Client;
use crate::process::Stage;
use crate::reviews::{allowed, baseline_pod, review_of};
use crate::until_the_end::{http1, http2};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_under_load_fails_no_request() {
    let stage = Stage::set();
    let (mut webhook, client) = stage.start_ready(&["--secure-port", "0", "--shutdown-delay", "1"]).await;
    let answered = Arc::new(AtomicUsize::new(0));
    let clients: Vec<_> = (0..8)
        .map(|index| {
            let (client, answered) = (client.clone(), Arc::clone(&answered));
            tokio::spawn(async move {
                let body = review_of("default", &baseline_pod());
                if index % 2 == 0 {
                    http2(&client, &body, &answered).await;
                } else {
                    http1(&client, &body, &answered).await;
                }
            })
        })
        .collect();
    while answered.load(Ordering::Relaxed) < 200 {
        sleep(Duration::from_millis(10)).await;
    }
    webhook.terminate();
    while webhook.said("told to stop").is_none() {
        sleep(Duration::from_millis(10)).await;
    }
    let before = answered.load(Ordering::Relaxed);
    sleep(Duration::from_millis(300)).await;
    assert!(answered.load(Ordering::Relaxed) > before, "it answers on until nobody is sent here any more");
    let (status, _) = client.get("/readyz").await;
    assert_eq!(status.as_u16(), 503, "and says that nobody should be");
    assert!(webhook.ended().await.success());
    assert!(webhook.said("stopped").is_some());
    for client in clients {
        client.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_is_killed_under_load_comes_back_on_the_same_port_at_once() {
    let stage = Stage::set();
    let (mut webhook, client) = stage.start_ready(&["--secure-port", "0"]).await;
    let port = webhook.address.port().to_string();
    let body = review_of("default", &baseline_pod());
    for _ in 0..3 {
        let load = {
            let (client, body) = (client.clone(), body.clone());
            tokio::spawn(async move {
                // Until the connection breaks, which it does.
                let mut connection = client.http2().await.unwrap();
                while let Ok((_, answer)) = connection.review(body.clone()).await {
                    assert!(allowed(&answer));
                }
            })
        };
        sleep(Duration::from_millis(200)).await;
        assert!(!load.is_finished());
        webhook.kill();
        load.await.unwrap();
        webhook = stage.start_ready(&["--secure-port", &port]).await.0;
        assert!(allowed(&client.review(body.clone()).await.1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_made_its_certificate_and_is_killed_goes_on_with_the_same() {
    let stage = Stage::set();
    let cluster = stage.cluster().await;
    let namespace =
        serde_json::from_value(serde_json::json!({"metadata": {"name": "podsec-system"}})).unwrap();
    Api::<Namespace>::all(cluster.clone()).create(&PostParams::default(), &namespace).await.unwrap();

    let mut shown = Vec::new();
    for _ in 0..2 {
        let mut webhook = stage.start(&["--secure-port", "0", "--self-signed"]).await;
        let secret =
            Api::<Secret>::namespaced(cluster.clone(), "podsec-system").get("podsec-webhook-tls").await;
        let data = secret.unwrap().data.unwrap();
        let client =
            Client::trusting(webhook.address, &CertificateDer::from_pem_slice(&data["ca.crt"].0).unwrap());
        shown.push(client.shown("podsec-webhook.podsec-system.svc").await.unwrap());
        webhook.kill();
    }
    assert_eq!(shown[0], shown[1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_for_people_has_no_colours_in_a_file() {
    let stage = Stage::set();
    let arguments = ["--secure-port", "0", "--tls-secret", "default/none", "--log-format", "text"];
    let webhook = stage.spawn(&arguments);
    let deadline = Instant::now() + Duration::from_secs(30);
    while !webhook.text().contains("the Secret holds no certificate") {
        assert!(Instant::now() < deadline, "it does not wait: {}", webhook.text());
        sleep(Duration::from_millis(10)).await;
    }
    assert!(!webhook.text().contains('\u{1b}'), "{}", webhook.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_ends_a_webhook_that_waits_for_its_certificate() {
    let stage = Stage::set();
    let mut webhook = stage.spawn(&["--secure-port", "0", "--tls-secret", "default/none"]);
    let deadline = Instant::now() + Duration::from_secs(30);
    while webhook.said("the Secret holds no certificate").is_none() {
        assert!(Instant::now() < deadline, "it does not wait");
        sleep(Duration::from_millis(10)).await;
    }
    webhook.terminate();
    assert!(webhook.ended().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_client_authority_only_its_clients_are_answered() {
    let stage = Stage::set();
    let arguments =
        ["--tls-cert-file", "tls.crt", "--tls-private-key-file", "tls.key", "--client-ca-file", "ca.crt"];
    let webhook = stage.start(&[&arguments[..], &["--secure-port", "0"]].concat()).await;
    let known = Client::showing(webhook.address, &stage.authority, &stage.authority.issue_client(2100));
    crate::process::ready(&known).await;
    assert!(allowed(&known.review(review_of("default", &baseline_pod())).await.1));
    let stranger = Client::new(webhook.address, &stage.authority);
    assert_eq!(stranger.review(review_of("default", &baseline_pod())).await.0.as_u16(), 401);
}
