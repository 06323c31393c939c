//! What Kubernetes decodes of a pod's status, of which no check reads anything.

use super::Type::{
    Boolean, Integer32, Integer64, Integers64, Object, Objects, Quantity, QuantityMap, Text, Texts, Time,
};
use super::types::Fields;

use super::containers::RESOURCE_REQUIREMENTS;

const POD_CONDITION: &Fields = &[
    ("lastProbeTime", Time),
    ("lastTransitionTime", Time),
    ("message", Text),
    ("observedGeneration", Integer64),
    ("reason", Text),
    ("status", Text),
    ("type", Text),
];

const RESOURCE_HEALTH: &Fields = &[("health", Text), ("message", Text), ("resourceID", Text)];

const RESOURCE_STATUS: &Fields = &[("name", Text), ("resources", Objects(RESOURCE_HEALTH))];

const CONTAINER_STATE_RUNNING: &Fields = &[("startedAt", Time)];

const CONTAINER_STATE_TERMINATED: &Fields = &[
    ("containerID", Text),
    ("exitCode", Integer32),
    ("finishedAt", Time),
    ("message", Text),
    ("reason", Text),
    ("signal", Integer32),
    ("startedAt", Time),
];

const CONTAINER_STATE_WAITING: &Fields = &[("message", Text), ("reason", Text)];

const CONTAINER_STATE: &Fields = &[
    ("running", Object(CONTAINER_STATE_RUNNING)),
    ("terminated", Object(CONTAINER_STATE_TERMINATED)),
    ("waiting", Object(CONTAINER_STATE_WAITING)),
];

const LINUX_CONTAINER_USER: &Fields =
    &[("gid", Integer64), ("supplementalGroups", Integers64), ("uid", Integer64)];

const CONTAINER_USER: &Fields = &[("linux", Object(LINUX_CONTAINER_USER))];

const IMAGE_VOLUME_STATUS: &Fields = &[("imageRef", Text)];

const VOLUME_STATUS: &Fields = &[("image", Object(IMAGE_VOLUME_STATUS))];

const VOLUME_MOUNT_STATUS: &Fields = &[
    ("mountPath", Text),
    ("name", Text),
    ("readOnly", Boolean),
    ("recursiveReadOnly", Text),
    ("volumeStatus", Object(VOLUME_STATUS)),
];

const CONTAINER_STATUS: &Fields = &[
    ("allocatedResources", QuantityMap),
    ("allocatedResourcesStatus", Objects(RESOURCE_STATUS)),
    ("containerID", Text),
    ("image", Text),
    ("imageID", Text),
    ("lastState", Object(CONTAINER_STATE)),
    ("name", Text),
    ("ready", Boolean),
    ("resources", Object(RESOURCE_REQUIREMENTS)),
    ("restartCount", Integer32),
    ("started", Boolean),
    ("state", Object(CONTAINER_STATE)),
    ("stopSignal", Text),
    ("user", Object(CONTAINER_USER)),
    ("volumeMounts", Objects(VOLUME_MOUNT_STATUS)),
];

const CONTAINER_EXTENDED_RESOURCE_REQUEST: &Fields =
    &[("containerName", Text), ("requestName", Text), ("resourceName", Text)];

const POD_EXTENDED_RESOURCE_CLAIM_STATUS: &Fields =
    &[("requestMappings", Objects(CONTAINER_EXTENDED_RESOURCE_REQUEST)), ("resourceClaimName", Text)];

const HOST_IP: &Fields = &[("ip", Text)];

const NODE_ALLOCATABLE_MAPPED_RESOURCES: &Fields = &[("name", Text), ("quantity", Quantity)];

const NODE_ALLOCATABLE_OVERHEAD_RESOURCES: &Fields =
    &[("name", Text), ("perContainer", Quantity), ("perPod", Quantity)];

const NODE_ALLOCATABLE_RESOURCE_CLAIM_STATUS: &Fields = &[
    ("containers", Texts),
    ("mapping", Objects(NODE_ALLOCATABLE_MAPPED_RESOURCES)),
    ("overhead", Objects(NODE_ALLOCATABLE_OVERHEAD_RESOURCES)),
    ("resourceClaimName", Text),
];

const POD_IP: &Fields = &[("ip", Text)];

const POD_RESOURCE_CLAIM_STATUS: &Fields = &[("name", Text), ("resourceClaimName", Text)];

pub(super) const VOLUME_HEALTH_CONDITION: &Fields = &[("message", Text), ("reason", Text), ("status", Text)];

const POD_VOLUME_HEALTH: &Fields =
    &[("healthConditions", Objects(VOLUME_HEALTH_CONDITION)), ("lastTransitionTime", Time), ("name", Text)];

pub(super) const POD_STATUS: &Fields = &[
    ("allocatedResources", QuantityMap),
    ("conditions", Objects(POD_CONDITION)),
    ("containerStatuses", Objects(CONTAINER_STATUS)),
    ("ephemeralContainerStatuses", Objects(CONTAINER_STATUS)),
    ("extendedResourceClaimStatus", Object(POD_EXTENDED_RESOURCE_CLAIM_STATUS)),
    ("hostIP", Text),
    ("hostIPs", Objects(HOST_IP)),
    ("initContainerStatuses", Objects(CONTAINER_STATUS)),
    ("message", Text),
    ("nodeAllocatableResourceClaimStatuses", Objects(NODE_ALLOCATABLE_RESOURCE_CLAIM_STATUS)),
    ("nominatedNodeName", Text),
    ("observedGeneration", Integer64),
    ("phase", Text),
    ("podIP", Text),
    ("podIPs", Objects(POD_IP)),
    ("qosClass", Text),
    ("reason", Text),
    ("resize", Text),
    ("resourceClaimStatuses", Objects(POD_RESOURCE_CLAIM_STATUS)),
    ("resources", Object(RESOURCE_REQUIREMENTS)),
    ("startTime", Time),
    ("volumeHealth", Objects(POD_VOLUME_HEALTH)),
];
