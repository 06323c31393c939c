//! Reviews, and what is answered to them.

use serde_json::{Value, json};

/// A review of a new pod.
pub fn review_of(namespace: &str, pod: &Value) -> Vec<u8> {
    let review = json!({
        "kind": "AdmissionReview",
        "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "resource": {"group": "", "version": "v1", "resource": "pods"},
            "name": "app",
            "namespace": namespace,
            "operation": "CREATE",
            "userInfo": {"username": "system:serviceaccount:kube-system:replicaset-controller"},
            "object": pod,
        },
    });
    review.to_string().into_bytes()
}

/// A pod that satisfies the baseline level and not the restricted one.
pub fn baseline_pod() -> Value {
    json!({
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {"name": "app"},
        "spec": {"containers": [{"name": "app", "image": "app"}]},
    })
}

/// What an answer to a review says.
pub fn allowed(answer: &[u8]) -> bool {
    let answer: Value = serde_json::from_slice(answer).unwrap();
    answer["response"]["allowed"].as_bool().unwrap()
}
