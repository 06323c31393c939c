//! `PodSecurity`: asks podsec-admission about the object that would be stored.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use podsec_admission::cluster::EXISTING_PODS_TIMEOUT;
use podsec_admission::{
    Admission, Cluster, ClusterError, GroupVersionKind, GroupVersionResource, Metrics, NamespaceLabels,
    Operation, Request, labels,
};
use podsec_apimachinery::Status;
use podsec_apimachinery::meta::Meta;
use podsec_storage::Range;
use serde_json::Value;
use tokio::time::Instant;

use crate::admission::attributes::{Action, Attributes};
use crate::admission::plugin::Plugin;
use crate::registry::{Resources, status};

/// Judges pods, workloads and namespaces.
pub(crate) struct PodSecurity {
    pub(crate) resources: Resources,
    pub(crate) admission: Admission,
    pub(crate) metrics: Arc<Metrics>,
}

#[async_trait]
impl Plugin for PodSecurity {
    /// Refuses what violates the policy of its namespace; notes warnings and audit annotations either way.
    async fn validate(&self, attributes: &Attributes<'_>, object: &Value) -> Result<(), Status> {
        let old = attributes.old;
        let resource = attributes.resource();
        let namespace = if resource.namespaced { attributes.namespace() } else { Meta::of(object).name() };
        let mut request = Request {
            kind: GroupVersionKind {
                group: resource.group.as_str().into(),
                version: resource.version.as_str().into(),
                kind: resource.kind.as_str().into(),
            },
            resource: GroupVersionResource {
                group: resource.group.as_str().into(),
                version: resource.version.as_str().into(),
                resource: resource.resource.as_str().into(),
            },
            subresource: attributes.subresource().into(),
            name: Meta::of(object).name().into(),
            namespace: namespace.into(),
            operation: match attributes.action {
                Action::Create => Operation::Create,
                Action::Update => Operation::Update,
                Action::Delete | Action::Connect => return Ok(()),
            },
            username: attributes.user().name.as_str().into(),
            ..Request::default()
        };
        if !Admission::applies_to(&request) {
            return Ok(());
        }
        let snapshot = self.snapshot(attributes, object).await?;
        let (Some(object_bytes), old_bytes) = (to_bytes(object), old.and_then(to_bytes)) else {
            return Err(Status::internal("the object cannot be written as JSON"));
        };
        request.object = Some(&object_bytes);
        request.old_object = old_bytes.as_deref();
        let response = self.admission.review(&snapshot, &request);
        self.metrics.record(&request, &response);
        for warning in response.warnings() {
            attributes.sinks.warnings.add(warning);
        }
        for (key, value) in response.audit_annotations().iter() {
            attributes.sinks.recording.annotate(&format!("{}{key}", labels::PREFIX), &value);
        }
        response.status().map_or(Ok(()), |status| Err(status.clone()))
    }
}

impl PodSecurity {
    async fn snapshot(&self, attributes: &Attributes<'_>, object: &Value) -> Result<Snapshot, Status> {
        let deadline = existing_pods_deadline(Instant::now(), attributes.request.deadline);
        let mut snapshot = Snapshot { namespace: None, pods: Vec::new(), deadline };
        let resource = attributes.resource();
        if resource.namespaced {
            let found = self.resources.v1("", "namespaces")?.find("", attributes.namespace()).await?;
            snapshot.namespace = found.map(|found| Arc::new(labels_of(&found.object)));
        } else if let Some(old) = attributes.old
            && resource.resource == "namespaces"
            && policy_labels(object) != policy_labels(old)
        {
            snapshot.pods = self.pods_in(Meta::of(object).name()).await?;
        }
        Ok(snapshot)
    }

    /// All of them, although admission looks at the first few thousand only: it tells how many there are.
    async fn pods_in(&self, namespace: &str) -> Result<Vec<Bytes>, Status> {
        let prefix = self.resources.v1("", "pods")?.prefix(namespace);
        let page = self.resources.store().range(Range::prefix(&prefix)).await;
        Ok(page.map_err(|error| status(&error))?.entries.into_iter().map(|entry| entry.value).collect())
    }
}

fn to_bytes(object: &Value) -> Option<Vec<u8>> {
    serde_json::to_vec(object).ok()
}

/// What admission may ask about the cluster, read before it asks: it does no I/O.
struct Snapshot {
    namespace: Option<Arc<NamespaceLabels>>,
    pods: Vec<Bytes>,
    deadline: Instant,
}

/// When to stop checking existing pods: by half of the time that the request has left, if it has a deadline.
fn existing_pods_deadline(now: Instant, request: Option<Instant>) -> Instant {
    let left = request.map_or(EXISTING_PODS_TIMEOUT, |deadline| deadline.saturating_duration_since(now) / 2);
    now + left.min(EXISTING_PODS_TIMEOUT)
}

fn labels_of(namespace: &Value) -> NamespaceLabels {
    NamespaceLabels::from_iter(policy_labels(namespace))
}

fn policy_labels(namespace: &Value) -> BTreeMap<&str, &str> {
    let labels = namespace.pointer("/metadata/labels").and_then(Value::as_object);
    let texts = labels.into_iter().flatten().filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)));
    texts.filter(|(key, _)| key.starts_with(labels::PREFIX)).collect()
}

impl Cluster for Snapshot {
    type Pod = Bytes;

    fn namespace(&self, name: &str) -> Result<Arc<NamespaceLabels>, ClusterError> {
        self.namespace.clone().ok_or_else(|| ClusterError::NotFound(name.to_owned()))
    }

    fn pods(&self, _namespace: &str) -> Result<Vec<Self::Pod>, ClusterError> {
        Ok(self.pods.clone())
    }

    fn expired(&self) -> bool {
        Instant::now() >= self.deadline
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn existing_pods_take_half_of_the_time_at_most() {
        let now = Instant::now();
        let allowed = |left: Option<u64>| {
            existing_pods_deadline(now, left.map(|left| now + Duration::from_millis(left))) - now
        };
        assert_eq!(allowed(None), EXISTING_PODS_TIMEOUT);
        assert_eq!(allowed(Some(60_000)), EXISTING_PODS_TIMEOUT);
        assert_eq!(allowed(Some(1000)), Duration::from_millis(500));
        assert_eq!(allowed(Some(0)), Duration::ZERO);
        assert_eq!(
            existing_pods_deadline(now + Duration::from_secs(1), Some(now)) - now,
            Duration::from_secs(1)
        );
    }
}
