//! The reviews: pods as API servers send them when a ReplicaSet makes one, about 10 KB of JSON in Go's order.

use bytes::Bytes;
use serde_json::{Value, json};

pub(crate) const RESTRICTED: &[(&str, &str)] = &[
    ("kubernetes.io/metadata.name", "strict"),
    ("pod-security.kubernetes.io/enforce", "restricted"),
    ("pod-security.kubernetes.io/audit", "restricted"),
    ("pod-security.kubernetes.io/warn", "restricted"),
];

/// A pod that satisfies the restricted level.
pub(crate) fn allowed() -> Bytes {
    review(&json!({
        "allowPrivilegeEscalation": false,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": true,
        "runAsNonRoot": true,
        "seccompProfile": {"type": "RuntimeDefault"},
    }))
}

/// The same pod with containers that violate the restricted level in four ways.
pub(crate) fn forbidden() -> Bytes {
    review(&json!({"readOnlyRootFilesystem": true}))
}

fn review(security_context: &Value) -> Bytes {
    let probe = json!({
        "httpGet": {"path": "/healthz", "port": "http", "scheme": "HTTP"},
        "initialDelaySeconds": 5, "timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3,
    });
    let variable = |index: usize| json!({"name": format!("SETTING_{index}"), "valueFrom": {"configMapKeyRef": {"name": "app-settings", "key": format!("setting-{index}")}}});
    let container = |name: &str| {
        json!({
            "name": name,
            "image": format!("registry.example.com/team/{name}@sha256:6e5a02c21641597998b4be7cb5eb1e7b02c0d8d23cce4dd09f4682d463798890"),
            "args": ["--listen=:8080", "--log-format=json", "--leader-election-namespace=$(POD_NAMESPACE)"],
            "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}, {"name": "metrics", "containerPort": 9090, "protocol": "TCP"}],
            "env": (0..12).map(variable).collect::<Vec<_>>(),
            "resources": {"limits": {"cpu": "500m", "memory": "256Mi"}, "requests": {"cpu": "100m", "memory": "128Mi"}},
            "volumeMounts": [
                {"name": "settings", "readOnly": true, "mountPath": "/etc/app"},
                {"name": "scratch", "mountPath": "/tmp"},
                {"name": "kube-api-access-x2x7v", "readOnly": true, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"},
            ],
            "livenessProbe": probe,
            "readinessProbe": probe,
            "terminationMessagePath": "/dev/termination-log",
            "terminationMessagePolicy": "File",
            "imagePullPolicy": "IfNotPresent",
            "securityContext": security_context,
        })
    };
    let fields: serde_json::Map<String, Value> = (0..24)
        .map(|index| {
            (
                format!("k:{{\"name\":\"SETTING_{index}\"}}"),
                json!({".": {}, "f:name": {}, "f:valueFrom": {".": {}, "f:configMapKeyRef": {}}}),
            )
        })
        .collect();
    let metadata = json!({
        "name": "app-7d4b9c6f5d-x8k2p",
        "generateName": "app-7d4b9c6f5d-",
        "namespace": "strict",
        "uid": "0f1d2c3b-4a59-4687-9798-a9bacbdcedfe",
        "creationTimestamp": "2026-11-21T10:00:00Z",
        "labels": {"app.kubernetes.io/name": "app", "app.kubernetes.io/instance": "production", "pod-template-hash": "7d4b9c6f5d"},
        "annotations": {"prometheus.io/scrape": "true", "prometheus.io/port": "9090"},
        "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "app-7d4b9c6f5d",
            "uid": "1a2b3c4d-5e6f-4708-8192-a3b4c5d6e7f8", "controller": true, "blockOwnerDeletion": true}],
        "managedFields": [{"manager": "kube-controller-manager", "operation": "Update", "apiVersion": "v1",
            "time": "2026-11-21T10:00:00Z", "fieldsType": "FieldsV1",
            "fieldsV1": {"f:metadata": {"f:generateName": {}, "f:labels": {".": {}, "f:app.kubernetes.io/name": {}}},
                "f:spec": {"f:containers": {"k:{\"name\":\"app\"}": {".": {}, "f:env": fields}}}}}],
    });
    let spec = json!({
        "volumes": [
            {"name": "settings", "configMap": {"name": "app-settings", "defaultMode": 420}},
            {"name": "scratch", "emptyDir": {}},
            {"name": "kube-api-access-x2x7v", "projected": {"sources": [
                {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
                {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            ], "defaultMode": 420}},
        ],
        "containers": [container("app"), container("proxy")],
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 30,
        "dnsPolicy": "ClusterFirst",
        "serviceAccountName": "app",
        "serviceAccount": "app",
        "securityContext": {"fsGroup": 2000},
        "schedulerName": "default-scheduler",
        "tolerations": [
            {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300},
            {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300},
        ],
        "priority": 0,
        "enableServiceLinks": true,
        "preemptionPolicy": "PreemptLowerPriority",
    });
    // In the order in which Kubernetes' own encoder writes the fields.
    Bytes::from(format!(
        concat!(
            r#"{{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{{"uid":"705ab4f5-6393-11e8-b7cc-42010a800002","#,
            r#""kind":{{"group":"","version":"v1","kind":"Pod"}},"resource":{{"group":"","version":"v1","resource":"pods"}},"#,
            r#""requestKind":{{"group":"","version":"v1","kind":"Pod"}},"requestResource":{{"group":"","version":"v1","resource":"pods"}},"#,
            r#""namespace":"strict","operation":"CREATE","userInfo":{{"username":"system:serviceaccount:kube-system:replicaset-controller","#,
            r#""uid":"b1f0c8f2-0d5e-4f7c-8b1a-2f3d4c5b6a79","groups":["system:serviceaccounts","system:serviceaccounts:kube-system","system:authenticated"]}},"#,
            r#""object":{{"kind":"Pod","apiVersion":"v1","metadata":{metadata},"spec":{spec},"status":{{"phase":"Pending","qosClass":"Burstable"}}}},"#,
            r#""oldObject":null,"dryRun":false,"options":{{"kind":"CreateOptions","apiVersion":"meta.k8s.io/v1"}}}}}}"#
        ),
        metadata = metadata,
        spec = spec,
    ))
}
