//! A cluster of one namespace, asked by webhook.
#![allow(dead_code, reason = "each test file includes this one and uses another part of it")]

use std::cell::Cell;
use std::sync::Arc;

use podsec_admission::cluster::{Cluster, ClusterError};
use podsec_admission::configuration::Exemptions;
use podsec_admission::{Admission, Configuration, NamespaceLabels, Policies, Request, Response, review};
use serde_json::{Value, json};

pub(crate) struct Scenario {
    admission: Admission,
    cluster: OneNamespace,
}

impl Scenario {
    /// The namespace `here` with these labels, the keys without Pod Security's prefix.
    pub(crate) fn with_labels(labels: &[(&str, &str)]) -> Self {
        let labels = labels.iter().map(|(key, value)| (format!("pod-security.kubernetes.io/{key}"), *value));
        let cluster = OneNamespace {
            labels: Arc::new(labels.collect()),
            pods: Some(Vec::new()),
            asked: Cell::new(0),
            time_for: usize::MAX,
        };
        Self { admission: Admission::default(), cluster }
    }

    pub(crate) fn exempting(self, namespaces: &[&str], runtime_classes: &[&str], usernames: &[&str]) -> Self {
        let [namespaces, runtime_classes, usernames] = [namespaces, runtime_classes, usernames]
            .map(|names| names.iter().map(|name| (*name).to_owned()).collect());
        let exemptions =
            Exemptions::new(namespaces, runtime_classes, usernames).expect("the names are valid");
        let configuration = Configuration { defaults: Policies::PRIVILEGED, exemptions };
        Self { admission: Admission::new(configuration), ..self }
    }

    /// Pods that exist in the namespace.
    pub(crate) fn with_pods(mut self, pods: impl IntoIterator<Item = Value>) -> Self {
        self.cluster.pods = Some(pods.into_iter().map(|pod| pod.to_string().into_bytes()).collect());
        self
    }

    /// The cluster does not list its pods.
    pub(crate) fn without_list(mut self) -> Self {
        self.cluster.pods = None;
        self
    }

    /// The time suffices to check this many pods.
    pub(crate) fn with_time_for(mut self, pods: usize) -> Self {
        self.cluster.time_for = pods;
        self
    }

    /// The response to a request, without its uid.
    pub(crate) fn review(&self, request: &Value) -> Value {
        let body =
            json!({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": request});
        let body = body.to_string();
        let request = review::decode(body.as_bytes()).expect("the request can be decoded");
        let response = self.response(&request);
        let answer: Value =
            serde_json::from_slice(&review::encode(&request.uid, &response)).expect("the answer is JSON");
        let mut response = answer["response"].clone();
        response.as_object_mut().and_then(|response| response.remove("uid")).expect("the response has a uid");
        response
    }

    pub(crate) fn response(&self, request: &Request<'_>) -> Response {
        self.admission.review(&self.cluster, request)
    }
}

/// The creation of an object by bob in the namespace `here`.
pub(crate) fn create(resource: &str, object: &Value) -> Value {
    json!({
        "uid": "1",
        "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": {"group": "", "version": "v1", "resource": resource},
        "name": "x",
        "namespace": "here",
        "operation": "CREATE",
        "userInfo": {"username": "bob"},
        "object": object,
    })
}

/// An update of the labels of the namespace `here`, the keys without Pod Security's prefix.
pub(crate) fn relabel(old: &[(&str, &str)], new: &[(&str, &str)]) -> Value {
    let namespace = |labels: &[(&str, &str)]| {
        let labels: serde_json::Map<String, Value> = labels
            .iter()
            .map(|(key, value)| (format!("pod-security.kubernetes.io/{key}"), Value::from(*value)))
            .collect();
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "here", "labels": labels}})
    };
    let mut request = create("namespaces", &namespace(new));
    request["kind"]["kind"] = "Namespace".into();
    request["name"] = "here".into();
    request["operation"] = "UPDATE".into();
    request["oldObject"] = namespace(old);
    request
}

/// A pod that violates the baseline level by its host network, and nothing else of it.
pub(crate) fn host_network_pod(name: &str) -> Value {
    json!({"metadata": {"name": name}, "spec": {"hostNetwork": true, "containers": [{"name": "c", "image": "i"}]}})
}

/// A pod that satisfies the baseline level.
pub(crate) fn plain_pod(name: &str) -> Value {
    json!({"metadata": {"name": name}, "spec": {"containers": [{"name": "c", "image": "i"}]}})
}

struct OneNamespace {
    labels: Arc<NamespaceLabels>,
    pods: Option<Vec<Vec<u8>>>,
    asked: Cell<usize>,
    time_for: usize,
}

impl Cluster for OneNamespace {
    type Pod = Vec<u8>;

    fn namespace(&self, name: &str) -> Result<Arc<NamespaceLabels>, ClusterError> {
        match name {
            "here" => Ok(Arc::clone(&self.labels)),
            "down" => Err(ClusterError::Unavailable("connection refused".into())),
            _ => Err(ClusterError::NotFound(name.to_owned())),
        }
    }

    fn pods(&self, _namespace: &str) -> Result<Vec<Vec<u8>>, ClusterError> {
        self.pods.clone().ok_or_else(|| ClusterError::Unavailable("connection refused".into()))
    }

    fn expired(&self) -> bool {
        self.asked.set(self.asked.get() + 1);
        self.asked.get() >= self.time_for
    }
}
