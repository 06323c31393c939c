//! ValidatingAdmissionPolicies and MutatingAdmissionPolicies: who is asked, and what becomes of the request.

#[path = "../cluster/mod.rs"]
mod cluster;
mod mutation;
mod recorded;
mod validation;

use std::sync::Arc;

use cluster::{Answer, Cluster};
use podsec_audit::sink::Memory;
use podsec_audit::{Auditor, Policy};
use serde_json::{Value, json};

const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";

/// A cluster with the namespace `default`, whose requests are recorded.
struct Asked {
    cluster: Cluster,
    log: Memory,
}

impl Asked {
    async fn start() -> Self {
        let policy = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]";
        let policy = Policy::parse(policy.as_bytes(), "policy.yaml".as_ref()).expect("a policy").policy;
        let log = Memory::default();
        let auditor = Auditor::new(policy, log.clone());
        let store = Arc::new(podsec_storage::Memory::default());
        let cluster = Cluster::over(store, Some(auditor));
        cluster.namespace("default", json!({"team": "a"})).await;
        Self { cluster, log }
    }

    /// Makes a policy about creations and updates of ConfigMaps, but for what `spec` says.
    async fn policy(&self, kind: &str, name: &str, spec: &Value) {
        let mut whole = json!({"matchConstraints": {"resourceRules": [rule("configmaps")]}});
        merge(&mut whole, spec);
        let policy = json!({"metadata": {"name": name}, "spec": whole});
        self.cluster.create(&url(kind), policy).await;
    }

    /// Binds a policy under its own name.
    async fn bind(&self, kind: &str, name: &str, spec: &Value) {
        let mut whole = json!({"policyName": name});
        merge(&mut whole, spec);
        let binding = json!({"metadata": {"name": name}, "spec": whole});
        self.cluster.create(&url(&format!("{kind}binding")), binding).await;
    }

    /// A policy with a binding that denies.
    async fn denying(&self, name: &str, spec: &Value) {
        self.policy("validatingadmissionpolicy", name, spec).await;
        self.bind("validatingadmissionpolicy", name, &json!({"validationActions": ["Deny"]})).await;
    }

    async fn config_map(&self, name: &str, data: Value) -> Answer {
        let object = json!({"metadata": {"name": name}, "data": data});
        self.cluster.json(&format!("POST {CONFIG_MAPS}"), &object).await
    }

    /// The annotations of policies of the last request.
    fn annotations(&self) -> Vec<(String, String)> {
        let events = self.log.events();
        let last = events.last().expect("an event");
        let own = |key: &str| !key.starts_with("authorization.");
        let annotations = last.annotations.iter().filter(|(key, _)| own(key));
        annotations.map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}

fn url(kind: &str) -> String {
    let plural = kind.strip_suffix('y').map_or_else(|| format!("{kind}s"), |stem| format!("{stem}ies"));
    format!("/apis/admissionregistration.k8s.io/v1/{plural}")
}

fn rule(resource: &str) -> Value {
    json!({"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE"], "resources": [resource]})
}

fn merge(into: &mut Value, from: &Value) {
    for (field, value) in from.as_object().expect("an object") {
        into[field] = value.clone();
    }
}

fn message(answer: &Answer) -> String {
    answer.object()["message"].as_str().unwrap_or_default().to_owned()
}
