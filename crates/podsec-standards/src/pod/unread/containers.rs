//! What Kubernetes decodes of a container beyond what the checks read.

use super::Type::{
    Boolean, Integer32, Integer64, IntegerOrText, Integers32, Object, Objects, Quantity, QuantityMap, Text,
    Texts,
};
use super::types::Fields;

/// An ephemeral container, too.
pub(crate) const CONTAINER: &Fields = &[
    ("args", Texts),
    ("command", Texts),
    ("env", Objects(ENV_VAR)),
    ("envFrom", Objects(ENV_FROM_SOURCE)),
    ("imagePullPolicy", Text),
    ("resizePolicy", Objects(CONTAINER_RESIZE_POLICY)),
    ("resources", Object(RESOURCE_REQUIREMENTS)),
    ("restartPolicy", Text),
    ("restartPolicyRules", Objects(CONTAINER_RESTART_RULE)),
    ("stdin", Boolean),
    ("stdinOnce", Boolean),
    ("targetContainerName", Text),
    ("terminationMessagePath", Text),
    ("terminationMessagePolicy", Text),
    ("tty", Boolean),
    ("volumeDevices", Objects(VOLUME_DEVICE)),
    ("volumeMounts", Objects(VOLUME_MOUNT)),
    ("workingDir", Text),
];

pub(crate) const SECURITY_CONTEXT: &Fields =
    &[("readOnlyRootFilesystem", Boolean), ("runAsGroup", Integer64)];

pub(crate) const PORT: &Fields =
    &[("containerPort", Integer32), ("hostIP", Text), ("name", Text), ("protocol", Text)];

/// Both a probe and a lifecycle hook.
pub(crate) const HANDLER: &Fields = &[
    ("exec", Object(EXEC_ACTION)),
    ("failureThreshold", Integer32),
    ("grpc", Object(GRPC_ACTION)),
    ("initialDelaySeconds", Integer32),
    ("periodSeconds", Integer32),
    ("sleep", Object(SLEEP_ACTION)),
    ("successThreshold", Integer32),
    ("terminationGracePeriodSeconds", Integer64),
    ("timeoutSeconds", Integer32),
];

/// Both what is asked by HTTP and what is only connected to.
pub(crate) const TARGET: &Fields = &[
    ("httpHeaders", Objects(HTTP_HEADER)),
    ("path", Text),
    ("port", IntegerOrText),
    ("protocol", Text),
    ("scheme", Text),
];

pub(crate) const LIFECYCLE: &Fields = &[("stopSignal", Text)];

/// Both a seccomp and an AppArmor profile.
pub(crate) const PROFILE: &Fields = &[("localhostProfile", Text)];

pub(crate) const SE_LINUX_OPTIONS: &Fields = &[("level", Text)];

pub(crate) const WINDOWS_OPTIONS: &Fields =
    &[("gmsaCredentialSpec", Text), ("gmsaCredentialSpecName", Text), ("runAsUserName", Text)];

const RESOURCE_CLAIM: &Fields = &[("name", Text), ("request", Text)];

pub(super) const RESOURCE_REQUIREMENTS: &Fields =
    &[("claims", Objects(RESOURCE_CLAIM)), ("limits", QuantityMap), ("requests", QuantityMap)];

const CONFIG_MAP_KEY_SELECTOR: &Fields = &[("key", Text), ("name", Text), ("optional", Boolean)];

pub(super) const OBJECT_FIELD_SELECTOR: &Fields = &[("apiVersion", Text), ("fieldPath", Text)];

const FILE_KEY_SELECTOR: &Fields =
    &[("key", Text), ("optional", Boolean), ("path", Text), ("volumeName", Text)];

pub(super) const RESOURCE_FIELD_SELECTOR: &Fields =
    &[("containerName", Text), ("divisor", Quantity), ("resource", Text)];

const SECRET_KEY_SELECTOR: &Fields = &[("key", Text), ("name", Text), ("optional", Boolean)];

const ENV_VAR_SOURCE: &Fields = &[
    ("configMapKeyRef", Object(CONFIG_MAP_KEY_SELECTOR)),
    ("fieldRef", Object(OBJECT_FIELD_SELECTOR)),
    ("fileKeyRef", Object(FILE_KEY_SELECTOR)),
    ("resourceFieldRef", Object(RESOURCE_FIELD_SELECTOR)),
    ("secretKeyRef", Object(SECRET_KEY_SELECTOR)),
];

const ENV_VAR: &Fields = &[("name", Text), ("value", Text), ("valueFrom", Object(ENV_VAR_SOURCE))];

const CONFIG_MAP_ENV_SOURCE: &Fields = &[("name", Text), ("optional", Boolean)];

const SECRET_ENV_SOURCE: &Fields = &[("name", Text), ("optional", Boolean)];

const ENV_FROM_SOURCE: &Fields = &[
    ("configMapRef", Object(CONFIG_MAP_ENV_SOURCE)),
    ("prefix", Text),
    ("secretRef", Object(SECRET_ENV_SOURCE)),
];

const CONTAINER_RESIZE_POLICY: &Fields = &[("resourceName", Text), ("restartPolicy", Text)];

const CONTAINER_RESTART_RULE_ON_EXIT_CODES: &Fields = &[("operator", Text), ("values", Integers32)];

const CONTAINER_RESTART_RULE: &Fields =
    &[("action", Text), ("exitCodes", Object(CONTAINER_RESTART_RULE_ON_EXIT_CODES))];

const VOLUME_DEVICE: &Fields = &[("devicePath", Text), ("name", Text)];

const VOLUME_MOUNT: &Fields = &[
    ("bindMountOptions", Texts),
    ("mountPath", Text),
    ("mountPropagation", Text),
    ("name", Text),
    ("readOnly", Boolean),
    ("recursiveReadOnly", Text),
    ("subPath", Text),
    ("subPathExpr", Text),
];

const EXEC_ACTION: &Fields = &[("command", Texts)];

const GRPC_ACTION: &Fields = &[("mode", Text), ("port", Integer32), ("service", Text)];

const SLEEP_ACTION: &Fields = &[("seconds", Integer64)];

const HTTP_HEADER: &Fields = &[("name", Text), ("value", Text)];
