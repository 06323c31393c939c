//! What Kubernetes decodes of workloads and namespaces around and beside what is read of them.

use super::Type::{
    Boolean, Integer32, Integer64, IntegerOrText, Object, Objects, QuantityMap, Text, TextMap, Texts, Time,
};
use super::types::Fields;

use super::jobs::{CRON_JOB, CRON_JOB_SPEC, JOB, JOB_SPEC, JOB_TEMPLATE_SPEC};
use super::metadata::OBJECT_META;
use super::spec::LABEL_SELECTOR;
use super::status::VOLUME_HEALTH_CONDITION;
use super::volumes::PERSISTENT_VOLUME_CLAIM_SPEC;
use crate::Workload;

/// The other fields of the objects that lead to the pod of a workload, from the outermost.
pub(crate) const fn around_pod(workload: Workload) -> &'static [&'static Fields] {
    match workload {
        Workload::Pod => &[],
        Workload::PodTemplate => &[POD_TEMPLATE],
        Workload::ReplicationController => &[REPLICATION_CONTROLLER, REPLICATION_CONTROLLER_SPEC],
        Workload::ReplicaSet => &[REPLICA_SET, REPLICA_SET_SPEC],
        Workload::Deployment => &[DEPLOYMENT, DEPLOYMENT_SPEC],
        Workload::StatefulSet => &[STATEFUL_SET, STATEFUL_SET_SPEC],
        Workload::DaemonSet => &[DAEMON_SET, DAEMON_SET_SPEC],
        Workload::Job => &[JOB, JOB_SPEC],
        Workload::CronJob => &[CRON_JOB, CRON_JOB_SPEC, JOB_TEMPLATE_SPEC, JOB_SPEC],
    }
}

const POD_TEMPLATE: &Fields = &[("apiVersion", Text), ("kind", Text), ("metadata", Object(OBJECT_META))];

const REPLICATION_CONTROLLER: &Fields = &[
    ("apiVersion", Text),
    ("kind", Text),
    ("metadata", Object(OBJECT_META)),
    ("status", Object(REPLICATION_CONTROLLER_STATUS)),
];

const REPLICATION_CONTROLLER_SPEC: &Fields =
    &[("minReadySeconds", Integer32), ("replicas", Integer32), ("selector", TextMap)];

const REPLICA_SET: &Fields = &[
    ("apiVersion", Text),
    ("kind", Text),
    ("metadata", Object(OBJECT_META)),
    ("status", Object(REPLICA_SET_STATUS)),
];

const REPLICA_SET_SPEC: &Fields =
    &[("minReadySeconds", Integer32), ("replicas", Integer32), ("selector", Object(LABEL_SELECTOR))];

const DEPLOYMENT: &Fields = &[
    ("apiVersion", Text),
    ("kind", Text),
    ("metadata", Object(OBJECT_META)),
    ("status", Object(DEPLOYMENT_STATUS)),
];

const DEPLOYMENT_SPEC: &Fields = &[
    ("minReadySeconds", Integer32),
    ("paused", Boolean),
    ("progressDeadlineSeconds", Integer32),
    ("replicas", Integer32),
    ("revisionHistoryLimit", Integer32),
    ("selector", Object(LABEL_SELECTOR)),
    ("strategy", Object(DEPLOYMENT_STRATEGY)),
];

const STATEFUL_SET: &Fields = &[
    ("apiVersion", Text),
    ("kind", Text),
    ("metadata", Object(OBJECT_META)),
    ("status", Object(STATEFUL_SET_STATUS)),
];

const STATEFUL_SET_SPEC: &Fields = &[
    ("minReadySeconds", Integer32),
    ("ordinals", Object(STATEFUL_SET_ORDINALS)),
    ("persistentVolumeClaimRetentionPolicy", Object(STATEFUL_SET_PERSISTENT_VOLUME_CLAIM_RETENTION_POLICY)),
    ("podManagementPolicy", Text),
    ("replicas", Integer32),
    ("revisionHistoryLimit", Integer32),
    ("selector", Object(LABEL_SELECTOR)),
    ("serviceName", Text),
    ("updateStrategy", Object(STATEFUL_SET_UPDATE_STRATEGY)),
    ("volumeClaimTemplates", Objects(PERSISTENT_VOLUME_CLAIM)),
];

const DAEMON_SET: &Fields = &[
    ("apiVersion", Text),
    ("kind", Text),
    ("metadata", Object(OBJECT_META)),
    ("status", Object(DAEMON_SET_STATUS)),
];

const DAEMON_SET_SPEC: &Fields = &[
    ("minReadySeconds", Integer32),
    ("revisionHistoryLimit", Integer32),
    ("selector", Object(LABEL_SELECTOR)),
    ("updateStrategy", Object(DAEMON_SET_UPDATE_STRATEGY)),
];

const REPLICATION_CONTROLLER_CONDITION: &Fields =
    &[("lastTransitionTime", Time), ("message", Text), ("reason", Text), ("status", Text), ("type", Text)];

const REPLICATION_CONTROLLER_STATUS: &Fields = &[
    ("availableReplicas", Integer32),
    ("conditions", Objects(REPLICATION_CONTROLLER_CONDITION)),
    ("fullyLabeledReplicas", Integer32),
    ("observedGeneration", Integer64),
    ("readyReplicas", Integer32),
    ("replicas", Integer32),
];

const REPLICA_SET_CONDITION: &Fields =
    &[("lastTransitionTime", Time), ("message", Text), ("reason", Text), ("status", Text), ("type", Text)];

const REPLICA_SET_STATUS: &Fields = &[
    ("availableReplicas", Integer32),
    ("conditions", Objects(REPLICA_SET_CONDITION)),
    ("fullyLabeledReplicas", Integer32),
    ("observedGeneration", Integer64),
    ("readyReplicas", Integer32),
    ("replicas", Integer32),
    ("terminatingReplicas", Integer32),
];

const DEPLOYMENT_CONDITION: &Fields = &[
    ("lastTransitionTime", Time),
    ("lastUpdateTime", Time),
    ("message", Text),
    ("reason", Text),
    ("status", Text),
    ("type", Text),
];

const DEPLOYMENT_STATUS: &Fields = &[
    ("availableReplicas", Integer32),
    ("collisionCount", Integer32),
    ("conditions", Objects(DEPLOYMENT_CONDITION)),
    ("observedGeneration", Integer64),
    ("readyReplicas", Integer32),
    ("replicas", Integer32),
    ("terminatingReplicas", Integer32),
    ("unavailableReplicas", Integer32),
    ("updatedReplicas", Integer32),
];

const ROLLING_UPDATE_DEPLOYMENT: &Fields = &[("maxSurge", IntegerOrText), ("maxUnavailable", IntegerOrText)];

const DEPLOYMENT_STRATEGY: &Fields = &[("rollingUpdate", Object(ROLLING_UPDATE_DEPLOYMENT)), ("type", Text)];

const STATEFUL_SET_CONDITION: &Fields =
    &[("lastTransitionTime", Time), ("message", Text), ("reason", Text), ("status", Text), ("type", Text)];

const STATEFUL_SET_STATUS: &Fields = &[
    ("availableReplicas", Integer32),
    ("collisionCount", Integer32),
    ("conditions", Objects(STATEFUL_SET_CONDITION)),
    ("currentReplicas", Integer32),
    ("currentRevision", Text),
    ("observedGeneration", Integer64),
    ("readyReplicas", Integer32),
    ("replicas", Integer32),
    ("updateRevision", Text),
    ("updatedReplicas", Integer32),
];

const STATEFUL_SET_ORDINALS: &Fields = &[("start", Integer32)];

const STATEFUL_SET_PERSISTENT_VOLUME_CLAIM_RETENTION_POLICY: &Fields =
    &[("whenDeleted", Text), ("whenScaled", Text)];

const ROLLING_UPDATE_STATEFUL_SET_STRATEGY: &Fields =
    &[("maxUnavailable", IntegerOrText), ("partition", Integer32)];

const STATEFUL_SET_UPDATE_STRATEGY: &Fields =
    &[("rollingUpdate", Object(ROLLING_UPDATE_STATEFUL_SET_STRATEGY)), ("type", Text)];

const PERSISTENT_VOLUME_CLAIM_CONDITION: &Fields = &[
    ("lastProbeTime", Time),
    ("lastTransitionTime", Time),
    ("message", Text),
    ("reason", Text),
    ("status", Text),
    ("type", Text),
];

const VOLUME_HEALTH_STATUS: &Fields =
    &[("healthConditions", Objects(VOLUME_HEALTH_CONDITION)), ("lastTransitionTime", Time)];

const MODIFY_VOLUME_STATUS: &Fields = &[("status", Text), ("targetVolumeAttributesClassName", Text)];

const PERSISTENT_VOLUME_CLAIM_STATUS: &Fields = &[
    ("accessModes", Texts),
    ("allocatedResourceStatuses", TextMap),
    ("allocatedResources", QuantityMap),
    ("capacity", QuantityMap),
    ("conditions", Objects(PERSISTENT_VOLUME_CLAIM_CONDITION)),
    ("currentVolumeAttributesClassName", Text),
    ("healthStatus", Object(VOLUME_HEALTH_STATUS)),
    ("modifyVolumeStatus", Object(MODIFY_VOLUME_STATUS)),
    ("phase", Text),
];

const PERSISTENT_VOLUME_CLAIM: &Fields = &[
    ("apiVersion", Text),
    ("kind", Text),
    ("metadata", Object(OBJECT_META)),
    ("spec", Object(PERSISTENT_VOLUME_CLAIM_SPEC)),
    ("status", Object(PERSISTENT_VOLUME_CLAIM_STATUS)),
];

const DAEMON_SET_CONDITION: &Fields =
    &[("lastTransitionTime", Time), ("message", Text), ("reason", Text), ("status", Text), ("type", Text)];

const DAEMON_SET_STATUS: &Fields = &[
    ("collisionCount", Integer32),
    ("conditions", Objects(DAEMON_SET_CONDITION)),
    ("currentNumberScheduled", Integer32),
    ("desiredNumberScheduled", Integer32),
    ("numberAvailable", Integer32),
    ("numberMisscheduled", Integer32),
    ("numberReady", Integer32),
    ("numberUnavailable", Integer32),
    ("observedGeneration", Integer64),
    ("updatedNumberScheduled", Integer32),
];

const ROLLING_UPDATE_DAEMON_SET: &Fields = &[("maxSurge", IntegerOrText), ("maxUnavailable", IntegerOrText)];

const DAEMON_SET_UPDATE_STRATEGY: &Fields =
    &[("rollingUpdate", Object(ROLLING_UPDATE_DAEMON_SET)), ("type", Text)];

pub(crate) const NAMESPACE_SPEC: &Fields = &[("finalizers", Texts)];

const NAMESPACE_CONDITION: &Fields =
    &[("lastTransitionTime", Time), ("message", Text), ("reason", Text), ("status", Text), ("type", Text)];

pub(crate) const NAMESPACE_STATUS: &Fields = &[("conditions", Objects(NAMESPACE_CONDITION)), ("phase", Text)];
