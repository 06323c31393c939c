//! Who is answered, once the webhook is told whom to know.

use bytes::Bytes;
use hyper::StatusCode;
use podsec_transport::ClientAuthorities;
use podsec_webhook::Options;

use crate::api_server::ApiServer;
use crate::authority::{Authority, Pair};
use crate::client::{Client, post};
use crate::reviews::{allowed, baseline_pod, review_of};
use crate::running::Running;

async fn with_a_team(change: impl FnOnce(&mut Options)) -> Running {
    let api_server = ApiServer::start().await;
    api_server.set_namespace("team", &[]);
    Running::start(api_server, change).await
}

async fn review(client: &Client) -> (StatusCode, Bytes) {
    client.review(review_of("team", &baseline_pod())).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_client_with_a_certificate_of_the_given_authority_is_answered() {
    let trusted = Authority::new();
    let running = with_a_team(|options| {
        options.authentication.authorities =
            Some(ClientAuthorities::from_pem(trusted.pem().as_bytes()).unwrap());
    })
    .await;
    let address = running.client.address();
    let with = |pair: &Pair| Client::showing(address, &running.authority, pair);
    let known = with(&trusted.issue_client(2100));
    assert!(allowed(&review(&known).await.1));
    for (stranger, why) in [
        (running.client.clone(), "it shows none"),
        (with(&Authority::new().issue_client(2100)), "another authority signed it"),
        (with(&trusted.issue_client(2020)), "it has expired"),
    ] {
        assert_eq!(review(&stranger).await.0, StatusCode::UNAUTHORIZED, "{why}");
        assert_eq!(stranger.get("/metrics").await.0, StatusCode::UNAUTHORIZED, "{why}");
        assert_eq!(stranger.get("/readyz").await.0, StatusCode::OK, "the kubelet shows none");
    }
    assert!(allowed(&review(&known).await.1), "strangers harm nobody");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_must_have_an_allowed_name_if_any_are_given() {
    for (allowed_name, status) in [("kube-apiserver", StatusCode::OK), ("other", StatusCode::UNAUTHORIZED)] {
        let trusted = Authority::new();
        let running = with_a_team(|options| {
            options.authentication.authorities =
                Some(ClientAuthorities::from_pem(trusted.pem().as_bytes()).unwrap());
            options.authentication.allowed_names = vec![allowed_name.to_owned()];
        })
        .await;
        let client =
            Client::showing(running.client.address(), &running.authority, &trusted.issue_client(2100));
        assert_eq!(review(&client).await.0, status, "{allowed_name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bearer_token_of_the_file_is_enough_and_the_file_may_change() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens");
    std::fs::write(&path, "old-token\n").unwrap();
    let running = with_a_team(|options| options.authentication.token_file = Some(path.clone())).await;
    let with = async |token: &str| {
        let mut request =
            post("https://localhost/", "application/json", review_of("team", &baseline_pod()).into());
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        running.client.http2().await.unwrap().send(request).await.unwrap().0
    };
    assert_eq!(with("old-token").await, StatusCode::OK);
    assert_eq!(with("new-token").await, StatusCode::UNAUTHORIZED);
    assert_eq!(review(&running.client).await.0, StatusCode::UNAUTHORIZED);
    std::fs::write(&path, "new-token\n").unwrap();
    running.eventually("read again", async || with("new-token").await == StatusCode::OK).await;
    assert_eq!(with("old-token").await, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_lock_out_nobody_who_is_known() {
    let trusted = Authority::new();
    let running = with_a_team(|options| {
        options.authentication.authorities =
            Some(ClientAuthorities::from_pem(trusted.pem().as_bytes()).unwrap());
        options.limits.unauthenticated = 4;
    })
    .await;
    let known = Client::showing(running.client.address(), &running.authority, &trusted.issue_client(2100));
    let mut connection = known.http2().await.unwrap();
    connection.review(review_of("team", &baseline_pod())).await.unwrap();
    let mut strangers = Vec::new();
    for _ in 0..20 {
        strangers.push(running.client.socket().await.unwrap());
    }
    let (status, _) = connection.review(review_of("team", &baseline_pod())).await.unwrap();
    assert_eq!(status, StatusCode::OK, "its connection is kept");
    assert_eq!(review(&known).await.0, StatusCode::OK, "and it gets another");
}
