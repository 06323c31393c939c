//! What one AdmissionReview costs, from its bytes to the bytes of the answer, beside what the same bytes cost to
//! decode into `serde_json::Value`: the ratio holds on any machine.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use podsec_admission::cluster::{Cluster, ClusterError, EXISTING_PODS_LIMIT};
use podsec_admission::{
    Admission, Configuration, GroupVersionKind, GroupVersionResource, Metrics, NamespaceLabels, Operation,
    Request, review,
};
use podsec_testing::recorded;
use serde_json::{Value, json};

fn main() {
    let configuration = recorded::text("pod-security/admission-full.config.yaml");
    let configuration = Configuration::from_yaml(&configuration).expect("the configuration is valid");
    let admission = Admission::new(configuration);
    let metrics = Metrics::new();
    let small = allowed_pod(1, 0);
    let usual = allowed_pod(2, 60);

    println!("{:<44}{:>8}{:>12}{:>12}{:>8}", "request", "bytes", "review", "Value", "ratio");
    for (name, body, labels) in [
        ("pod, restricted in all modes, allowed", &small, RESTRICTED),
        ("pod as clusters send it, restricted, allowed", &usual, RESTRICTED),
        ("pod as clusters send it, privileged", &usual, PRIVILEGED),
        ("pod, restricted, refused", &refused_pod(), RESTRICTED),
    ] {
        let labels: NamespaceLabels = labels.iter().copied().collect();
        let cluster = OneNamespace { labels: Arc::new(labels), pods: Vec::new() };
        let answer = || {
            let request = review::decode(black_box(body)).expect("the body is a review");
            let response = admission.review(&cluster, &request);
            metrics.record(&request, &response);
            review::encode(&request.uid, &response)
        };
        let reviewed = time(|| drop(black_box(answer())));
        let decoded = time(|| drop(black_box(serde_json::from_slice::<Value>(black_box(body)))));
        println!(
            "{name:<44}{:>8}{:>9} ns{:>9} ns{:>8.2}",
            body.len(),
            reviewed.as_nanos(),
            decoded.as_nanos(),
            reviewed.as_secs_f64() / decoded.as_secs_f64()
        );
    }
    black_box(metrics.render());
    existing_pods(&admission);
}

/// A namespace that begins to enforce the restricted level, with as many pods in it as are checked.
fn existing_pods(admission: &Admission) {
    let pod = json!({
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {"name": "app"},
        "spec": {"containers": [{"name": "app", "image": "app", "securityContext": {"runAsNonRoot": true}}]},
    });
    let pods = vec![pod.to_string().into_bytes(); EXISTING_PODS_LIMIT];
    let cluster = OneNamespace { labels: Arc::default(), pods };
    let namespace =
        |labels: Value| json!({"metadata": {"name": "team", "labels": labels}}).to_string().into_bytes();
    let old = namespace(json!({}));
    let new = namespace(json!({"pod-security.kubernetes.io/enforce": "restricted"}));
    let request = Request {
        kind: GroupVersionKind { group: "".into(), version: "v1".into(), kind: "Namespace".into() },
        resource: GroupVersionResource {
            group: "".into(),
            version: "v1".into(),
            resource: "namespaces".into(),
        },
        name: "team".into(),
        namespace: "team".into(),
        operation: Operation::Update,
        object: Some(&new),
        old_object: Some(&old),
        ..Request::default()
    };
    let begin = Instant::now();
    let response = admission.review(&cluster, black_box(&request));
    let elapsed = begin.elapsed();
    println!("{EXISTING_PODS_LIMIT} existing pods that violate a new enforce level: {elapsed:.1?}");
    assert_eq!(response.warnings().len(), 2);
}

const RESTRICTED: &[(&str, &str)] = &[
    ("pod-security.kubernetes.io/enforce", "restricted"),
    ("pod-security.kubernetes.io/audit", "restricted"),
    ("pod-security.kubernetes.io/audit-version", "latest"),
    ("pod-security.kubernetes.io/warn", "restricted"),
    ("pod-security.kubernetes.io/warn-version", "latest"),
];

const PRIVILEGED: &[(&str, &str)] = &[
    ("pod-security.kubernetes.io/enforce", "privileged"),
    ("pod-security.kubernetes.io/audit", "privileged"),
    ("pod-security.kubernetes.io/warn", "privileged"),
];

/// The fastest of many rounds: whatever else the machine does only adds to it.
fn time(mut call: impl FnMut()) -> Duration {
    const CALLS: u32 = 200;
    let round = |_| {
        let begin = Instant::now();
        (0..CALLS).for_each(|_| call());
        begin.elapsed() / CALLS
    };
    (0..500).map(round).min().unwrap_or_default()
}

/// A pod that satisfies the restricted level, with as much around it as API servers send.
fn allowed_pod(containers: usize, padding: usize) -> Vec<u8> {
    let container = json!({
        "name": "app",
        "image": "registry.example.com/team/app:1.2.3",
        "env": vec![json!({"name": "PADDING", "value": "as long as most are"}); padding / 4],
        "resources": {"limits": {"cpu": "500m", "memory": "128Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": true,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    });
    let fields: Vec<Value> = (0..padding).map(|index| json!({format!("f:field{index}"): {}})).collect();
    review(&json!({
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {"name": "app-5d4f8", "labels": {"app": "app"}, "managedFields": [{"fieldsV1": fields}]},
        "spec": {"containers": vec![container; containers], "serviceAccountName": "default"},
        "status": {},
    }))
}

fn refused_pod() -> Vec<u8> {
    let container = json!({"name": "app", "image": "app", "securityContext": {"privileged": true}});
    review(&json!({
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {"name": "app"},
        "spec": {"hostNetwork": true, "containers": [container]},
    }))
}

fn review(pod: &Value) -> Vec<u8> {
    let body = json!({
        "kind": "AdmissionReview",
        "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "resource": {"group": "", "version": "v1", "resource": "pods"},
            "requestKind": {"group": "", "version": "v1", "kind": "Pod"},
            "requestResource": {"group": "", "version": "v1", "resource": "pods"},
            "name": "app-5d4f8",
            "namespace": "team",
            "operation": "CREATE",
            "userInfo": {"username": "system:serviceaccount:kube-system:replicaset-controller", "groups": ["a", "b"]},
            "object": pod,
            "oldObject": null,
            "dryRun": false,
            "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
        },
    });
    body.to_string().into_bytes()
}

struct OneNamespace {
    labels: Arc<NamespaceLabels>,
    pods: Vec<Vec<u8>>,
}

impl Cluster for OneNamespace {
    type Pod = Vec<u8>;

    fn namespace(&self, _: &str) -> Result<Arc<NamespaceLabels>, ClusterError> {
        Ok(Arc::clone(&self.labels))
    }

    fn pods(&self, _: &str) -> Result<Vec<Vec<u8>>, ClusterError> {
        Ok(self.pods.clone())
    }

    fn expired(&self) -> bool {
        false
    }
}
