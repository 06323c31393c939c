//! What Kubernetes decodes of a pod's spec beyond what the checks read.

use super::Type::{
    Boolean, Integer32, Integer64, Integers64, Object, Objects, QuantityMap, Text, TextMap, Texts,
};
use super::types::Fields;

use super::containers::RESOURCE_REQUIREMENTS;
use super::status::POD_STATUS;

pub(crate) const POD: &Fields = &[("apiVersion", Text), ("kind", Text), ("status", Object(POD_STATUS))];

pub(crate) const POD_SPEC: &Fields = &[
    ("activeDeadlineSeconds", Integer64),
    ("affinity", Object(AFFINITY)),
    ("automountServiceAccountToken", Boolean),
    ("dnsConfig", Object(POD_DNS_CONFIG)),
    ("dnsPolicy", Text),
    ("enableServiceLinks", Boolean),
    ("evictionResponders", Objects(EVICTION_RESPONDER)),
    ("hostAliases", Objects(HOST_ALIAS)),
    ("hostname", Text),
    ("hostnameOverride", Text),
    ("imagePullSecrets", Objects(LOCAL_OBJECT_REFERENCE)),
    ("nodeName", Text),
    ("nodeSelector", TextMap),
    ("overhead", QuantityMap),
    ("preemptionPolicy", Text),
    ("priority", Integer32),
    ("priorityClassName", Text),
    ("readinessGates", Objects(POD_READINESS_GATE)),
    ("resourceClaims", Objects(POD_RESOURCE_CLAIM)),
    ("resources", Object(RESOURCE_REQUIREMENTS)),
    ("restartPolicy", Text),
    ("schedulerName", Text),
    ("schedulingGates", Objects(POD_SCHEDULING_GATE)),
    ("schedulingGroup", Object(POD_SCHEDULING_GROUP)),
    ("serviceAccount", Text),
    ("serviceAccountName", Text),
    ("setHostnameAsFQDN", Boolean),
    ("shareProcessNamespace", Boolean),
    ("subdomain", Text),
    ("terminationGracePeriodSeconds", Integer64),
    ("tolerations", Objects(TOLERATION)),
    ("topologySpreadConstraints", Objects(TOPOLOGY_SPREAD_CONSTRAINT)),
];

pub(crate) const SYSCTL: &Fields = &[("value", Text)];

pub(crate) const POD_SECURITY_CONTEXT: &Fields = &[
    ("fsGroup", Integer64),
    ("fsGroupChangePolicy", Text),
    ("runAsGroup", Integer64),
    ("seLinuxChangePolicy", Text),
    ("supplementalGroups", Integers64),
    ("supplementalGroupsPolicy", Text),
];

const NODE_SELECTOR_REQUIREMENT: &Fields = &[("key", Text), ("operator", Text), ("values", Texts)];

const NODE_SELECTOR_TERM: &Fields = &[
    ("matchExpressions", Objects(NODE_SELECTOR_REQUIREMENT)),
    ("matchFields", Objects(NODE_SELECTOR_REQUIREMENT)),
];

const PREFERRED_SCHEDULING_TERM: &Fields =
    &[("preference", Object(NODE_SELECTOR_TERM)), ("weight", Integer32)];

const NODE_SELECTOR: &Fields = &[("nodeSelectorTerms", Objects(NODE_SELECTOR_TERM))];

const NODE_AFFINITY: &Fields = &[
    ("preferredDuringSchedulingIgnoredDuringExecution", Objects(PREFERRED_SCHEDULING_TERM)),
    ("requiredDuringSchedulingIgnoredDuringExecution", Object(NODE_SELECTOR)),
];

const LABEL_SELECTOR_REQUIREMENT: &Fields = &[("key", Text), ("operator", Text), ("values", Texts)];

pub(super) const LABEL_SELECTOR: &Fields =
    &[("matchExpressions", Objects(LABEL_SELECTOR_REQUIREMENT)), ("matchLabels", TextMap)];

const POD_AFFINITY_TERM: &Fields = &[
    ("labelSelector", Object(LABEL_SELECTOR)),
    ("matchLabelKeys", Texts),
    ("mismatchLabelKeys", Texts),
    ("namespaceSelector", Object(LABEL_SELECTOR)),
    ("namespaces", Texts),
    ("topologyKey", Text),
];

const WEIGHTED_POD_AFFINITY_TERM: &Fields =
    &[("podAffinityTerm", Object(POD_AFFINITY_TERM)), ("weight", Integer32)];

const POD_AFFINITY: &Fields = &[
    ("preferredDuringSchedulingIgnoredDuringExecution", Objects(WEIGHTED_POD_AFFINITY_TERM)),
    ("requiredDuringSchedulingIgnoredDuringExecution", Objects(POD_AFFINITY_TERM)),
];

const POD_ANTI_AFFINITY: &Fields = &[
    ("preferredDuringSchedulingIgnoredDuringExecution", Objects(WEIGHTED_POD_AFFINITY_TERM)),
    ("requiredDuringSchedulingIgnoredDuringExecution", Objects(POD_AFFINITY_TERM)),
];

const AFFINITY: &Fields = &[
    ("nodeAffinity", Object(NODE_AFFINITY)),
    ("podAffinity", Object(POD_AFFINITY)),
    ("podAntiAffinity", Object(POD_ANTI_AFFINITY)),
];

const POD_DNS_CONFIG_OPTION: &Fields = &[("name", Text), ("value", Text)];

const POD_DNS_CONFIG: &Fields =
    &[("nameservers", Texts), ("options", Objects(POD_DNS_CONFIG_OPTION)), ("searches", Texts)];

const EVICTION_RESPONDER: &Fields = &[("name", Text), ("priority", Integer32)];

const HOST_ALIAS: &Fields = &[("hostnames", Texts), ("ip", Text)];

pub(super) const LOCAL_OBJECT_REFERENCE: &Fields = &[("name", Text)];

const POD_READINESS_GATE: &Fields = &[("conditionType", Text)];

const POD_RESOURCE_CLAIM: &Fields =
    &[("name", Text), ("resourceClaimName", Text), ("resourceClaimTemplateName", Text)];

const POD_SCHEDULING_GATE: &Fields = &[("name", Text)];

const POD_SCHEDULING_GROUP: &Fields = &[("podGroupName", Text)];

const TOLERATION: &Fields =
    &[("effect", Text), ("key", Text), ("operator", Text), ("tolerationSeconds", Integer64), ("value", Text)];

const TOPOLOGY_SPREAD_CONSTRAINT: &Fields = &[
    ("labelSelector", Object(LABEL_SELECTOR)),
    ("matchLabelKeys", Texts),
    ("maxSkew", Integer32),
    ("minDomains", Integer32),
    ("nodeAffinityPolicy", Text),
    ("nodeTaintsPolicy", Text),
    ("topologyKey", Text),
    ("whenUnsatisfiable", Text),
];
