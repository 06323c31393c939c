//! CSIDrivers: what a driver of volumes can do and wants to be told.

use std::collections::BTreeSet;

use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::name::NameRule;
use serde_json::{Value, json};

use crate::generic::{BASE, count_spec};
use crate::object::{Fields, FieldsMut, same};
use crate::printing::{self, column, typed};
use crate::strategy::{ColumnType, DeletionAnswer, Strategy};
use crate::{formats, immutable, metadata as meta};

/// CSIDrivers.
pub(crate) static STRATEGY: Strategy = Strategy {
    group: "storage.k8s.io",
    resource: "csidrivers",
    default,
    prepare_for_create: |driver| without_volume_limits(driver, &Value::Null),
    prepare_for_update: |driver, old| {
        without_volume_limits(driver, old);
        count_spec(driver, old);
    },
    validate: |driver| {
        let mut errors = meta::validate(driver, false, NameRule::Dns1123Subdomain);
        errors.extend(spec(driver.at("spec"), &Path::new("spec")));
        errors
    },
    validate_update: |driver, old| {
        let path = Path::new("spec");
        let mut errors = meta::validate_update(driver, old);
        errors.extend(spec(driver.at("spec"), &path));
        let unchanged = |field: &str, shown: &str| {
            let (new, old) = (driver.at("spec").at(field), old.at("spec").at(field));
            immutable::value(new, old, &path.child(shown))
        };
        errors.extend(unchanged("attachRequired", "attachedRequired"));
        errors.extend(unchanged("volumeLifecycleModes", "volumeLifecycleModes"));
        errors
    },
    warnings_on_create: |driver| {
        let recommended = !driver.at("spec").list("tokenRequests").is_empty() && has_no_place(driver);
        recommended.then(|| TOKENS_IN_SECRETS.to_owned()).into_iter().collect()
    },
    warnings_on_update: |driver, old| {
        let requests = driver.at("spec").at("tokenRequests");
        let recommended = !driver.at("spec").list("tokenRequests").is_empty()
            && !same(requests, old.at("spec").at("tokenRequests"))
            && has_no_place(driver);
        recommended.then(|| TOKENS_IN_SECRETS.to_owned()).into_iter().collect()
    },
    columns: &[
        printing::NAME,
        typed(
            "AttachRequired",
            ColumnType::Boolean,
            "attachRequired indicates this CSI volume driver requires an attach operation (because it implements the \
             CSI ControllerPublishVolume() method), and that the Kubernetes attach detach controller should call the \
             attach volume interface which checks the volumeattachment status and waits until the volume is attached \
             before proceeding to mounting. The CSI external-attacher coordinates with CSI volume driver and updates \
             the volumeattachment status when the attach operation is complete. If the value is specified to false, \
             the attach operation will be skipped. Otherwise the attach operation will be called.\n\nThis field is \
             immutable.",
        ),
        typed(
            "PodInfoOnMount",
            ColumnType::Boolean,
            "podInfoOnMount indicates this CSI volume driver requires additional pod information (like podName, \
             podUID, etc.) during mount operations, if set to true. If set to false, pod information will not be \
             passed on mount. Default is false.\n\nThe CSI driver specifies podInfoOnMount as part of driver \
             deployment. If true, Kubelet will pass pod information as VolumeContext in the CSI NodePublishVolume() \
             calls. The CSI driver is responsible for parsing and validating the information passed in as \
             VolumeContext.\n\nThe following VolumeContext will be passed if podInfoOnMount is set to true. This list \
             might grow, but the prefix will be used. \"csi.storage.k8s.io/pod.name\": pod.Name \
             \"csi.storage.k8s.io/pod.namespace\": pod.Namespace \"csi.storage.k8s.io/pod.uid\": string(pod.UID) \
             \"csi.storage.k8s.io/ephemeral\": \"true\" if the volume is an ephemeral inline volume\n\
             \x20                               defined by a CSIVolumeSource, otherwise \"false\"\n\n\"csi.storage.k8s.io/ephemeral\" is a new feature \
             in Kubernetes 1.16. It is only required for drivers which support both the \"Persistent\" and \
             \"Ephemeral\" VolumeLifecycleMode. Other drivers can leave pod info disabled and/or ignore this field. \
             As Kubernetes 1.15 doesn't support this field, drivers can only support one mode when deployed on such a \
             cluster and the deployment determines which mode that is, for example via a command line parameter of \
             the driver.\n\nThis field was immutable in Kubernetes < 1.29 and now is mutable.",
        ),
        typed(
            "StorageCapacity",
            ColumnType::Boolean,
            "storageCapacity indicates that the CSI volume driver wants pod scheduling to consider the storage \
             capacity that the driver deployment will report by creating CSIStorageCapacity objects with capacity \
             information, if set to true.\n\nThe check can be enabled immediately when deploying a driver. In that \
             case, provisioning new volumes with late binding will pause until the driver deployment has published \
             some suitable CSIStorageCapacity object.\n\nAlternatively, the driver can be deployed with the field \
             unset or false and it can be flipped later when storage capacity information has been published.\n\nThis \
             field was immutable in Kubernetes <= 1.22 and now is mutable.",
        ),
        column(
            "TokenRequests",
            "tokenRequests indicates the CSI driver needs pods' service account tokens it is mounting volume for to \
             do necessary authentication. Kubelet will pass the tokens in VolumeContext in the CSI NodePublishVolume \
             calls. The CSI driver should parse and validate the following VolumeContext: \
             \"csi.storage.k8s.io/serviceAccount.tokens\": {\n  \"<audience>\": {\n    \"token\": <token>,\n    \
             \"expirationTimestamp\": <expiration timestamp in RFC3339>,\n  },\n  ...\n}\n\nNote: Audience in each \
             TokenRequest should be different and at most one token is empty string. To receive a new token after \
             expiry, RequiresRepublish can be used to trigger NodePublishVolume periodically.",
        ),
        typed(
            "RequiresRepublish",
            ColumnType::Boolean,
            "requiresRepublish indicates the CSI driver wants `NodePublishVolume` being periodically called to \
             reflect any possible change in the mounted volume. This field defaults to false.\n\nNote: After a \
             successful initial NodePublishVolume call, subsequent calls to NodePublishVolume should only update the \
             contents of the volume. New mount points will not be seen by a running container.",
        ),
        column(
            "Modes",
            "volumeLifecycleModes defines what kind of volumes this CSI volume driver supports. The default if the \
             list is empty is \"Persistent\", which is the usage defined by the CSI specification and implemented in \
             Kubernetes via the usual PV/PVC mechanism.\n\nThe other mode is \"Ephemeral\". In this mode, volumes are \
             defined inline inside the pod spec with CSIVolumeSource and their lifecycle is tied to the lifecycle of \
             that pod. A driver has to be aware of this because it is only going to get a NodePublishVolume call for \
             such a volume.\n\nFor more information about implementing this mode, see \
             https://kubernetes-csi.github.io/docs/ephemeral-local-volumes.html A driver can support one or more of \
             these modes and more modes may be added in the future.\n\nThis field is beta. This field is immutable.",
        ),
        printing::AGE,
    ],
    cells: |driver, now| {
        let spec = driver.at("spec");
        let texts = |list: &str, text: fn(&Value) -> &str| {
            spec.list(list).iter().map(text).collect::<Vec<_>>().join(",")
        };
        let modes = texts("volumeLifecycleModes", |mode| mode.as_str().unwrap_or_default());
        let audiences = texts("tokenRequests", |request| request.text("audience"));
        vec![
            printing::name(driver),
            spec.at("attachRequired").as_bool().unwrap_or(true).into(),
            spec.flag("podInfoOnMount").into(),
            spec.flag("storageCapacity").into(),
            if spec.has("tokenRequests") { audiences.into() } else { "<unset>".into() },
            spec.flag("requiresRepublish").into(),
            printing::or_none(&modes),
            printing::age(driver, now),
        ]
    },
    deletion_answer: DeletionAnswer::Object,
    allow_unconditional_update: false,
    ..BASE
};

fn default(driver: &mut Value) {
    let Some(spec) = driver.as_object_mut().and_then(|driver| driver.ensure("spec")) else { return };
    spec.fill("attachRequired", true);
    for field in ["podInfoOnMount", "storageCapacity", "requiresRepublish", "seLinuxMount"] {
        spec.fill(field, false);
    }
    spec.fill("fsGroupPolicy", "ReadWriteOnceWithFSType");
    if spec.list("volumeLifecycleModes").is_empty() {
        spec.insert("volumeLifecycleModes".to_owned(), json!(["Persistent"]));
    }
    for request in spec.objects_mut("tokenRequests") {
        request.fill("audience", "");
    }
}

/// Scaling by volume limits is off, as it is by default.
fn without_volume_limits(driver: &mut Value, old: &Value) {
    let field = "preventPodSchedulingIfMissing";
    let spec = driver.as_object_mut().and_then(|driver| driver.object_mut("spec"));
    if let Some(spec) = spec.filter(|_| !old.at("spec").has(field)) {
        spec.remove(field);
    }
}

fn spec(spec: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let required =
        |field: &str, shown: &str| (!spec.has(field)).then(|| Error::required(path.child(shown), ""));
    errors.extend(required("attachRequired", "attachedRequired"));
    errors.extend(required("podInfoOnMount", "podInfoOnMount"));
    errors.extend(required("storageCapacity", "storageCapacity"));
    if let Some(policy) =
        spec.at("fsGroupPolicy").as_str().filter(|policy| !FS_GROUP_POLICIES.contains(policy))
    {
        errors.push(formats::unsupported(&path.child("fsGroupPolicy"), policy, FS_GROUP_POLICIES));
    }
    errors.extend(token_requests(spec.list("tokenRequests"), &path.child("tokenRequests")));
    for mode in spec.list("volumeLifecycleModes").iter().filter_map(Value::as_str) {
        if !LIFECYCLE_MODES.contains(&mode) {
            errors.push(formats::unsupported(&path.child("volumeLifecycleModes"), mode, LIFECYCLE_MODES));
        }
    }
    errors.extend(required("seLinuxMount", "seLinuxMount"));
    if let Some(period) = spec.integer("nodeAllocatableUpdatePeriodSeconds").filter(|period| *period < 10) {
        let path = path.child("nodeAllocatableUpdatePeriodSeconds");
        errors.push(Error::invalid(path, &period.into(), "must be greater than or equal to 10 seconds"));
    }
    if spec.has("serviceAccountTokenInSecrets") && spec.list("tokenRequests").is_empty() {
        let detail = "serviceAccountTokenInSecrets is set but no tokenRequests are specified";
        let path = path.child("serviceAccountTokenInSecrets");
        errors.push(Error::invalid(path, spec.at("serviceAccountTokenInSecrets"), detail));
    }
    errors
}

fn token_requests(requests: &[Value], path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let mut audiences = BTreeSet::new();
    for (index, request) in requests.iter().enumerate() {
        let path = path.index(index);
        let audience = request.text("audience");
        if !audiences.insert(audience) {
            errors.push(Error::duplicate(path.child("audience"), &audience.into()));
            continue;
        }
        let Some(seconds) = request.integer("expirationSeconds") else { continue };
        let mut wrong = |detail: &str| {
            errors.push(Error::invalid(path.child("expirationSeconds"), &seconds.into(), detail));
        };
        if seconds < 600 {
            wrong("may not specify a duration less than 10 minutes");
        }
        if seconds > 1 << 32 {
            wrong("may not specify a duration larger than 2^32 seconds");
        }
    }
    errors
}

/// Whether the driver does not say where it wants to find its tokens.
fn has_no_place(driver: &Value) -> bool {
    !driver.at("spec").has("serviceAccountTokenInSecrets")
}

const TOKENS_IN_SECRETS: &str = "spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes";
const FS_GROUP_POLICIES: &[&str] = &["File", "None", "ReadWriteOnceWithFSType"];
const LIFECYCLE_MODES: &[&str] = &["Persistent", "Ephemeral"];
