//! What ReplicaSets and ReplicationControllers have in common.

use k8s_openapi::api::apps::v1::ReplicaSetStatus;
use k8s_openapi::api::core::v1::PodTemplateSpec;
use kube::Resource;
use kube::core::NamespaceResourceScope;
use podsec_apimachinery::selector::label::Selector;

use crate::error::Result;
use crate::informer::Object;

/// An object that asks for so many pods of one template.
pub(crate) trait Replicated: Object + Resource<Scope = NamespaceResourceScope> {
    /// Whether the status tells how many pods are ending.
    const COUNTS_TERMINATING: bool;

    /// The pods that are wanted.
    fn replicas(&self) -> i32;
    /// How long a pod must be ready to count as available.
    fn min_ready_seconds(&self) -> i32;
    /// Which pods may belong to it.
    fn selector(&self) -> Result<Selector>;
    /// What its pods look like.
    fn template(&self) -> PodTemplateSpec;
    /// How it was last seen.
    fn status(&self) -> ReplicaSetStatus;
    /// The same object with another status.
    fn with_status(&self, status: ReplicaSetStatus) -> Self;
}
