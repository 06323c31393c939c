//! Spans of reviews, as a collector receives them.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use podsec_webhook::Traces;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::api_server::ApiServer;
use crate::client::post;
use crate::reviews::{baseline_pod, review_of};
use crate::running::Running;

/// Keeps what is sent to it.
async fn collector(received: Arc<Mutex<Vec<(String, Value)>>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let received = Arc::clone(&received);
            let service = service_fn(move |request: Request<hyper::body::Incoming>| {
                let received = Arc::clone(&received);
                async move {
                    let path = request.uri().path().to_owned();
                    let body = request.into_body().collect().await.unwrap().to_bytes();
                    received.lock().unwrap().push((path, serde_json::from_slice(&body).unwrap()));
                    Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"{}"))))
                }
            });
            let connection = hyper::server::conn::http1::Builder::new();
            tokio::spawn(connection.serve_connection(TokioIo::new(stream), service));
        }
    });
    format!("http://{address}/v1/traces")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_review_is_a_span_of_the_trace_that_it_belongs_to() {
    let received = Arc::default();
    let endpoint = collector(Arc::clone(&received)).await;
    let api_server = ApiServer::start().await;
    api_server.set_namespace("team", &[("pod-security.kubernetes.io/enforce", "restricted")]);
    let mut running =
        Running::start(api_server, |options| options.traces = Traces::to(&endpoint).unwrap()).await;
    let mut request =
        post("https://localhost/", "application/json", review_of("team", &baseline_pod()).into());
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    request.headers_mut().insert("traceparent", parent.parse().unwrap());
    assert!(running.client.http2().await.unwrap().send(request).await.unwrap().0.is_success());
    running.stop();
    running.stopped().await;

    let received = received.lock().unwrap();
    let [(path, body)] = received.as_slice() else { panic!("{received:?}") };
    assert_eq!(path, "/v1/traces");
    let span = &body["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
    let named = ["name", "traceId", "parentSpanId", "kind"].map(|name| span[name].clone());
    assert_eq!(
        named,
        [json!("review"), json!("0af7651916cd43dd8448eb211c80319c"), json!("b7ad6b7169203331"), json!(2)]
    );
    let attributes = span["attributes"].as_array().unwrap();
    for expected in [
        json!({"key": "k8s.namespace.name", "value": {"stringValue": "team"}}),
        json!({"key": "podsec.request.operation", "value": {"stringValue": "CREATE"}}),
        json!({"key": "podsec.response.allowed", "value": {"boolValue": false}}),
    ] {
        assert!(attributes.contains(&expected), "no {expected} in {attributes:?}");
    }
    let resource = body["resourceSpans"][0]["resource"]["attributes"].as_array().unwrap();
    let service = json!({"key": "service.name", "value": {"stringValue": "podsec-webhook"}});
    assert!(resource.contains(&service), "{resource:?}");
}

#[tokio::test]
async fn a_collector_that_cannot_be_spoken_to_is_refused_at_once() {
    for endpoint in ["https://collector:4318/v1/traces", "collector", "http://"] {
        let error = Traces::to(endpoint).unwrap_err().to_string();
        assert!(error.starts_with(&format!("traces cannot be sent to {endpoint}: ")), "{error}");
    }
}
