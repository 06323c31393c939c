//! What Kubernetes decodes of jobs around their pods.

use super::Type::{Boolean, Integer32, Integer64, Integers32, Object, Objects, Text, Texts, Time};
use super::metadata::OBJECT_META;
use super::spec::LABEL_SELECTOR;
use super::types::Fields;

pub(super) const JOB: &Fields = &[
    ("apiVersion", Text),
    ("kind", Text),
    ("metadata", Object(OBJECT_META)),
    ("status", Object(JOB_STATUS)),
];

pub(super) const JOB_SPEC: &Fields = &[
    ("activeDeadlineSeconds", Integer64),
    ("backoffLimit", Integer32),
    ("backoffLimitPerIndex", Integer32),
    ("completionMode", Text),
    ("completions", Integer32),
    ("managedBy", Text),
    ("manualSelector", Boolean),
    ("maxFailedIndexes", Integer32),
    ("parallelism", Integer32),
    ("podFailurePolicy", Object(POD_FAILURE_POLICY)),
    ("podReplacementPolicy", Text),
    ("scheduling", Object(JOB_SCHEDULING_CONFIGURATION)),
    ("selector", Object(LABEL_SELECTOR)),
    ("successPolicy", Object(SUCCESS_POLICY)),
    ("suspend", Boolean),
    ("ttlSecondsAfterFinished", Integer32),
];

pub(super) const CRON_JOB: &Fields = &[
    ("apiVersion", Text),
    ("kind", Text),
    ("metadata", Object(OBJECT_META)),
    ("status", Object(CRON_JOB_STATUS)),
];

pub(super) const CRON_JOB_SPEC: &Fields = &[
    ("concurrencyPolicy", Text),
    ("failedJobsHistoryLimit", Integer32),
    ("schedule", Text),
    ("startingDeadlineSeconds", Integer64),
    ("successfulJobsHistoryLimit", Integer32),
    ("suspend", Boolean),
    ("timeZone", Text),
];

pub(super) const JOB_TEMPLATE_SPEC: &Fields = &[("metadata", Object(OBJECT_META))];

const JOB_CONDITION: &Fields = &[
    ("lastProbeTime", Time),
    ("lastTransitionTime", Time),
    ("message", Text),
    ("reason", Text),
    ("status", Text),
    ("type", Text),
];

const UNCOUNTED_TERMINATED_PODS: &Fields = &[("failed", Texts), ("succeeded", Texts)];

const JOB_STATUS: &Fields = &[
    ("active", Integer32),
    ("completedIndexes", Text),
    ("completionTime", Time),
    ("conditions", Objects(JOB_CONDITION)),
    ("failed", Integer32),
    ("failedIndexes", Text),
    ("ready", Integer32),
    ("startTime", Time),
    ("succeeded", Integer32),
    ("terminating", Integer32),
    ("uncountedTerminatedPods", Object(UNCOUNTED_TERMINATED_PODS)),
];

const POD_FAILURE_POLICY_ON_EXIT_CODES_REQUIREMENT: &Fields =
    &[("containerName", Text), ("operator", Text), ("values", Integers32)];

const POD_FAILURE_POLICY_ON_POD_CONDITIONS_PATTERN: &Fields = &[("status", Text), ("type", Text)];

const POD_FAILURE_POLICY_RULE: &Fields = &[
    ("action", Text),
    ("onExitCodes", Object(POD_FAILURE_POLICY_ON_EXIT_CODES_REQUIREMENT)),
    ("onPodConditions", Objects(POD_FAILURE_POLICY_ON_POD_CONDITIONS_PATTERN)),
];

const POD_FAILURE_POLICY: &Fields = &[("rules", Objects(POD_FAILURE_POLICY_RULE))];

const WORKLOAD_POD_GROUP_ALL_DISRUPTION_MODE: &Fields = &[];

const WORKLOAD_POD_GROUP_SINGLE_DISRUPTION_MODE: &Fields = &[];

const WORKLOAD_POD_GROUP_DISRUPTION_MODE: &Fields = &[
    ("all", Object(WORKLOAD_POD_GROUP_ALL_DISRUPTION_MODE)),
    ("single", Object(WORKLOAD_POD_GROUP_SINGLE_DISRUPTION_MODE)),
];

const WORKLOAD_POD_GROUP_RESOURCE_CLAIM: &Fields =
    &[("name", Text), ("resourceClaimName", Text), ("resourceClaimTemplateName", Text)];

const TOPOLOGY_CONSTRAINT: &Fields = &[("key", Text)];

const WORKLOAD_POD_GROUP_SCHEDULING_CONSTRAINTS: &Fields = &[("topology", Objects(TOPOLOGY_CONSTRAINT))];

const WORKLOAD_POD_GROUP_BASIC_SCHEDULING_POLICY: &Fields = &[];

const WORKLOAD_POD_GROUP_GANG_SCHEDULING_POLICY: &Fields = &[("minCount", Integer32)];

const WORKLOAD_POD_GROUP_SCHEDULING_POLICY: &Fields = &[
    ("basic", Object(WORKLOAD_POD_GROUP_BASIC_SCHEDULING_POLICY)),
    ("gang", Object(WORKLOAD_POD_GROUP_GANG_SCHEDULING_POLICY)),
];

const JOB_SCHEDULING_CONFIGURATION: &Fields = &[
    ("disruptionMode", Object(WORKLOAD_POD_GROUP_DISRUPTION_MODE)),
    ("resourceClaims", Objects(WORKLOAD_POD_GROUP_RESOURCE_CLAIM)),
    ("schedulingConstraints", Object(WORKLOAD_POD_GROUP_SCHEDULING_CONSTRAINTS)),
    ("schedulingPolicy", Object(WORKLOAD_POD_GROUP_SCHEDULING_POLICY)),
];

const SUCCESS_POLICY_RULE: &Fields = &[("succeededCount", Integer32), ("succeededIndexes", Text)];

const SUCCESS_POLICY: &Fields = &[("rules", Objects(SUCCESS_POLICY_RULE))];

const OBJECT_REFERENCE: &Fields = &[
    ("apiVersion", Text),
    ("fieldPath", Text),
    ("kind", Text),
    ("name", Text),
    ("namespace", Text),
    ("resourceVersion", Text),
    ("uid", Text),
];

const CRON_JOB_STATUS: &Fields =
    &[("active", Objects(OBJECT_REFERENCE)), ("lastScheduleTime", Time), ("lastSuccessfulTime", Time)];
