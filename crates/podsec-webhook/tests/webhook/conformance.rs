//! Every recorded request of Kubernetes' own webhook, through real HTTPS.

use std::collections::BTreeMap;

use bytes::Bytes;
use hyper::StatusCode;
use podsec_testing::recorded;
use serde::Deserialize;
use serde_json::Value;

use crate::api_server::ApiServer;
use crate::client::post;
use crate::running::Running;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_is_answered_as_recorded_under_an_empty_configuration() {
    answers_as_recorded("empty").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_is_answered_as_recorded_under_a_full_configuration() {
    answers_as_recorded("full").await;
}

/// A line of `admission-*.jsonl`.
#[derive(Deserialize)]
struct Case {
    /// An AdmissionReview, or as a string a raw body.
    request: Value,
    http: u16,
    response: Option<Value>,
    /// The text of an HTTP error.
    body: Option<String>,
    note: Option<String>,
    /// Request headers, where they differ from the usual ones.
    headers: Option<BTreeMap<String, String>>,
}

impl Case {
    fn request(&self) -> Bytes {
        let long = |raw: &str| raw.strip_prefix('<')?.strip_suffix(" bytes>")?.parse::<usize>().ok();
        match &self.request {
            Value::String(raw) => match long(raw) {
                Some(bytes) => vec![b' '; bytes].into(),
                None => raw.clone().into(),
            },
            review => review.to_string().into(),
        }
    }

    fn content_type(&self) -> &str {
        let headers = self.headers.as_ref();
        headers.and_then(|headers| headers.get("Content-Type")).map_or("application/json", String::as_str)
    }

    /// What is to be answered: the status, and the `response` member or the text of the error.
    fn expected(&self) -> (u16, Value) {
        match &self.response {
            Some(response) => (self.http, without_go(response.clone())),
            None => (self.http, self.body.clone().into()),
        }
    }

    /// What was answered, in the same form. The text of an error is left out where none was recorded.
    fn answered(&self, status: StatusCode, body: &[u8]) -> (u16, Value) {
        let answer = if status.is_success() {
            let mut answer: Value = serde_json::from_slice(body).unwrap();
            assert_eq!(answer["kind"], "AdmissionReview");
            assert_eq!(answer["apiVersion"], "admission.k8s.io/v1");
            without_go(answer["response"].take())
        } else {
            self.body.as_ref().map(|_| String::from_utf8_lossy(body).into_owned()).into()
        };
        (status.as_u16(), answer)
    }
}

async fn answers_as_recorded(name: &str) {
    let running = Running::start(cluster().await, |options| {
        if name != "empty" {
            options.configuration =
                Some(recorded::path(&format!("pod-security/admission-{name}.config.yaml")));
        }
        // Many cases make the webhook ask, and the limit would have it wait.
        options.client_qps_limit = 0.0;
    })
    .await;
    let text = recorded::text(&format!("pod-security/admission-{name}.jsonl"));
    let mut http1 = running.client.http1().await.unwrap();
    let mut http2 = running.client.http2().await.unwrap();
    let mut differences = Vec::new();
    let mut refused = 0;
    for (index, line) in text.lines().enumerate() {
        let case: Case = serde_json::from_str(line).unwrap();
        let uri = "https://localhost/?timeout=10s";
        let (status, body) =
            http2.send(post(uri, case.content_type(), case.request())).await.expect("an answer over HTTP/2");
        let mut answers = vec![case.answered(status, &body)];
        if !status.is_success() {
            refused += 1;
            if http1.is_closed() {
                http1 = running.client.http1().await.unwrap();
            }
            let (status, body) = http1
                .send(post("/?timeout=10s", case.content_type(), case.request()))
                .await
                .expect("an answer over HTTP/1.1");
            answers.push(case.answered(status, &body));
        }
        for answer in answers {
            if answer != case.expected() {
                differences.push(format!(
                    "admission-{name}.jsonl:{} ({})\n  ours   {answer:?}\n  theirs {:?}",
                    index + 1,
                    case.note.as_deref().unwrap_or_default(),
                    case.expected()
                ));
            }
        }
    }
    assert!(text.lines().count() > 100 && refused > 5, "too few cases in {name}");
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n"));
    let uncounted = running.client.metric("podsec_webhook_reviews_in_flight").await;
    assert!(uncounted.abs() < 0.5, "{uncounted} reviews never end");
}

/// The namespaces and pods of `admission-cluster.json`; other namespaces do not exist.
async fn cluster() -> ApiServer {
    #[derive(Deserialize)]
    struct File {
        namespaces: BTreeMap<String, BTreeMap<String, String>>,
        pods: BTreeMap<String, Vec<Value>>,
    }

    let text = recorded::text("pod-security/admission-cluster.json");
    let file: File = serde_json::from_str(&text).unwrap();
    let api_server = ApiServer::start().await;
    for (name, labels) in file.namespaces {
        api_server.replace_namespace(&name, labels);
    }
    for (namespace, pods) in file.pods {
        api_server.set_pods(&namespace, pods);
    }
    api_server
}

/// Cuts off what quotes Go's decoder, whose words need not be ours.
fn without_go(mut response: Value) -> Value {
    if let Some(Value::String(error)) = response.pointer_mut("/auditAnnotations/error")
        && error.starts_with("failed to decode object: ")
    {
        error.truncate("failed to decode object: ".len());
    }
    response
}
