//! The recorded answers of Kubernetes' own Pod Security webhook, reproduced.

use std::collections::BTreeMap;
use std::sync::Arc;

use podsec_admission::cluster::{Cluster, ClusterError};
use podsec_admission::review;
use podsec_admission::{Admission, Configuration, Metrics, NamespaceLabels};
use podsec_testing::recorded;
use serde::Deserialize;
use serde_json::Value;

#[test]
fn every_recorded_request_is_answered_as_kubernetes_answered() {
    for name in ["empty", "full"] {
        answers_as_recorded(name);
    }
}

#[test]
fn the_metrics_have_the_recorded_families_labels_and_values() {
    let recorded: Vec<String> =
        serde_json::from_str(&recorded::text("pod-security/metrics-full.json")).unwrap();
    let rendered = metrics_of("full");

    let comments = |line: &&str| line.starts_with('#');
    assert_eq!(
        rendered.lines().filter(comments).collect::<Vec<_>>(),
        recorded.iter().map(String::as_str).filter(comments).collect::<Vec<_>>()
    );
    let order: Vec<&str> = recorded.iter().map(|line| series(line)).collect();
    let positions: Vec<usize> = rendered
        .lines()
        .map(|line| {
            let known = order.iter().position(|recorded| *recorded == series(line));
            known.unwrap_or_else(|| panic!("Kubernetes has no such series: {line}"))
        })
        .collect();
    assert!(positions.is_sorted(), "series stand in another order:\n{rendered}");
}

#[test]
fn the_metrics_count_the_requests_that_were_sent() {
    for name in ["empty", "full"] {
        let rendered = metrics_of(name);
        let mut counted = Expected::default();
        for case in cases(name) {
            counted.count(&case);
        }
        let total = |family: &str, label: &str| -> usize {
            let lines = rendered.lines().filter(|line| line.starts_with(family) && line.contains(label));
            lines.map(|line| line.rsplit(' ').next().unwrap().parse::<usize>().unwrap()).sum()
        };
        let rendered = Expected {
            exempt: total("pod_security_exemptions_total", ""),
            unread_labels: total("pod_security_errors_total", "fatal=\"false\""),
            enforced: total("pod_security_evaluations_total", "mode=\"enforce\""),
            denied: total("pod_security_evaluations_total", "decision=\"deny\",mode=\"enforce\""),
            audited: total("pod_security_evaluations_total", "mode=\"audit\""),
            warned: total("pod_security_evaluations_total", "mode=\"warn\""),
        };
        assert_eq!(rendered, counted, "{name}");
    }
}

/// One line of `admission-*.jsonl`.
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
    headers: Option<Value>,
}

impl Case {
    /// The body of the request; none where the recording holds only its length.
    fn body(&self) -> Option<Vec<u8>> {
        match &self.request {
            Value::String(raw) if raw.starts_with('<') => None,
            Value::String(raw) => Some(raw.clone().into_bytes()),
            review => Some(review.to_string().into_bytes()),
        }
    }
}

fn cases(name: &str) -> Vec<Case> {
    let text = recorded::text(&format!("pod-security/admission-{name}.jsonl"));
    text.lines().map(|line| serde_json::from_str(line).expect("each line is a recorded answer")).collect()
}

fn answers_as_recorded(name: &str) {
    let admission = admission(name);
    let cluster = RecordedCluster::read();
    let cases = cases(name);
    assert!(cases.len() > 100, "only {} cases in {name}", cases.len());

    let mut differences = Vec::new();
    for (index, case) in cases.iter().enumerate() {
        // Headers and sizes are what the server in front of admission looks at.
        let (Some(body), None) = (case.body(), &case.headers) else { continue };
        let place = format!("admission-{name}.jsonl:{} ({})", index + 1, case.note.as_deref().unwrap_or(""));
        let answered = match review::decode(&body) {
            Ok(request) => {
                let response = admission.review(&cluster, &request);
                if response.lacks_object() {
                    Err("the request has no object".to_owned())
                } else {
                    Ok(review::encode(&request.uid, &response))
                }
            }
            Err(error) => Err(error.to_string()),
        };
        match (answered, &case.response) {
            (Ok(answer), Some(recorded)) => {
                let answer: Value = serde_json::from_slice(&answer).expect("the answer is JSON");
                let ours = without_go(answer["response"].clone());
                let theirs = without_go(recorded.clone());
                if ours != theirs {
                    differences.push(format!("{place}\n  ours   {ours}\n  theirs {theirs}"));
                }
            }
            (Err(error), None) => {
                assert_eq!(case.http, 400, "{place}");
                if case.body.as_ref().is_some_and(|body| body.trim_end() != error) {
                    differences.push(format!("{place}\n  ours   {error:?}\n  theirs {:?}", case.body));
                }
            }
            (Ok(answer), None) => {
                let answer = String::from_utf8_lossy(&answer).into_owned();
                differences.push(format!("{place}\n  ours   {answer}\n  theirs HTTP {}", case.http));
            }
            (Err(error), Some(recorded)) => {
                differences.push(format!("{place}\n  ours   HTTP 400 {error}\n  theirs {recorded}"));
            }
        }
    }
    let shown = differences.len().min(20);
    assert!(
        differences.is_empty(),
        "{} of {} differ:\n{}",
        differences.len(),
        cases.len(),
        differences[..shown].join("\n")
    );
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

fn metrics_of(name: &str) -> String {
    let admission = admission(name);
    let cluster = RecordedCluster::read();
    let metrics = Metrics::new();
    for case in cases(name) {
        let (Some(body), None) = (case.body(), &case.headers) else { continue };
        if let Ok(request) = review::decode(&body) {
            metrics.record(&request, &admission.review(&cluster, &request));
        }
    }
    metrics.render()
}

/// A line of metrics without its value.
fn series(line: &str) -> &str {
    if line.starts_with('#') { line } else { line.rsplit_once(' ').map_or(line, |(series, _)| series) }
}

/// What the recorded answers say must have been counted.
#[derive(Debug, Default, PartialEq)]
struct Expected {
    exempt: usize,
    unread_labels: usize,
    enforced: usize,
    denied: usize,
    audited: usize,
    warned: usize,
}

impl Expected {
    fn count(&mut self, case: &Case) {
        let Some(response) = &case.response else { return };
        let annotation = |key: &str| response["auditAnnotations"][key].as_str();
        let about_namespace = case.request["request"]["resource"]["resource"] == "namespaces";
        self.exempt += usize::from(annotation("exempt").is_some());
        self.unread_labels += usize::from(annotation("error").is_some_and(|text| text.starts_with("Failed")));
        self.enforced += usize::from(annotation("enforce-policy").is_some());
        self.denied += usize::from(response["status"]["code"] == 403);
        self.audited += usize::from(annotation("audit-violations").is_some());
        self.warned += usize::from(!about_namespace && response["warnings"].is_array());
    }
}

/// The configuration under which `admission-<name>.jsonl` was recorded, which has a file unless it is empty.
fn admission(name: &str) -> Admission {
    let text = match name {
        "empty" => String::new(),
        _ => recorded::text(&format!("pod-security/admission-{name}.config.yaml")),
    };
    Admission::new(Configuration::from_yaml(&text).expect("the configuration is valid"))
}

/// The namespaces and pods of `admission-cluster.json`; other namespaces do not exist.
struct RecordedCluster {
    namespaces: BTreeMap<String, Arc<NamespaceLabels>>,
    pods: BTreeMap<String, Vec<Vec<u8>>>,
}

impl RecordedCluster {
    fn read() -> Self {
        #[derive(Deserialize)]
        struct File {
            namespaces: BTreeMap<String, BTreeMap<String, String>>,
            pods: BTreeMap<String, Vec<Value>>,
        }

        let text = recorded::text("pod-security/admission-cluster.json");
        let file: File = serde_json::from_str(&text).expect("the cluster has namespaces and pods");
        let json = |pods: Vec<Value>| pods.iter().map(|pod| pod.to_string().into_bytes()).collect();
        Self {
            namespaces: file
                .namespaces
                .into_iter()
                .map(|(name, labels)| (name, Arc::new(labels.into_iter().collect())))
                .collect(),
            pods: file.pods.into_iter().map(|(namespace, pods)| (namespace, json(pods))).collect(),
        }
    }
}

impl Cluster for RecordedCluster {
    type Pod = Vec<u8>;

    fn namespace(&self, name: &str) -> Result<Arc<NamespaceLabels>, ClusterError> {
        self.namespaces.get(name).cloned().ok_or_else(|| ClusterError::NotFound(name.to_owned()))
    }

    fn pods(&self, namespace: &str) -> Result<Vec<Vec<u8>>, ClusterError> {
        Ok(self.pods.get(namespace).cloned().unwrap_or_default())
    }

    fn expired(&self) -> bool {
        false
    }
}
