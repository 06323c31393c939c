//! ReplicationControllers, which came before ReplicaSets and are treated as such.

use k8s_openapi::api::apps::v1::{ReplicaSetCondition, ReplicaSetStatus};
use k8s_openapi::api::core::v1::{
    PodTemplateSpec, ReplicationController, ReplicationControllerCondition, ReplicationControllerStatus,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use podsec_apimachinery::selector::label::Selector;

use super::controller;
use super::replicated::Replicated;
use crate::context::Context;
use crate::error::Result;
use crate::selectors;

/// Starts their controller.
pub(crate) fn start(context: &Context) {
    let (name, account) = ("replicationcontroller-controller", "replication-controller");
    controller::start::<ReplicationController>(context, name, account);
}

impl Replicated for ReplicationController {
    const COUNTS_TERMINATING: bool = false;

    fn replicas(&self) -> i32 {
        self.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1)
    }

    fn min_ready_seconds(&self) -> i32 {
        self.spec.as_ref().and_then(|spec| spec.min_ready_seconds).unwrap_or(0)
    }

    fn selector(&self) -> Result<Selector> {
        match self.spec.as_ref().and_then(|spec| spec.selector.clone()) {
            Some(labels) if !labels.is_empty() => {
                selectors::selector(&LabelSelector { match_labels: Some(labels), match_expressions: None })
            }
            _ => Ok(Selector::Nothing),
        }
    }

    fn template(&self) -> PodTemplateSpec {
        self.spec.as_ref().and_then(|spec| spec.template.clone()).unwrap_or_default()
    }

    fn status(&self) -> ReplicaSetStatus {
        let status = self.status.clone().unwrap_or_default();
        ReplicaSetStatus {
            replicas: status.replicas,
            fully_labeled_replicas: status.fully_labeled_replicas,
            ready_replicas: status.ready_replicas,
            available_replicas: status.available_replicas,
            terminating_replicas: None,
            observed_generation: status.observed_generation,
            conditions: status.conditions.map(|conditions| {
                let read = |condition: ReplicationControllerCondition| ReplicaSetCondition {
                    type_: Some(condition.type_),
                    status: Some(condition.status),
                    last_transition_time: condition.last_transition_time,
                    reason: condition.reason,
                    message: condition.message,
                };
                conditions.into_iter().map(read).collect()
            }),
        }
    }

    fn with_status(&self, status: ReplicaSetStatus) -> Self {
        let status = ReplicationControllerStatus {
            replicas: status.replicas,
            fully_labeled_replicas: status.fully_labeled_replicas,
            ready_replicas: status.ready_replicas,
            available_replicas: status.available_replicas,
            observed_generation: status.observed_generation,
            conditions: status.conditions.map(|conditions| {
                let written = |condition: ReplicaSetCondition| ReplicationControllerCondition {
                    type_: condition.type_.unwrap_or_default(),
                    status: condition.status.unwrap_or_default(),
                    last_transition_time: condition.last_transition_time,
                    reason: condition.reason,
                    message: condition.message,
                };
                conditions.into_iter().map(written).collect()
            }),
        };
        Self { status: Some(status), ..self.clone() }
    }
}
