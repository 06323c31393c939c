//! PersistentVolumes: kept when their claim goes, pending until something binds them, and of one source for ever.

use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::name::NameRule;
use serde_json::{Value, json};

use crate::core::access_modes;
use crate::generic::BASE;
use crate::object::{Fields, FieldsMut, metadata, same};
use crate::pod_spec::defaults;
use crate::printing::{self, column, wide};
use crate::quantity::Quantity;
use crate::strategy::{DeletionAnswer, Strategy, Subresource};
use crate::volume_sources::{self, Owner};
use crate::{formats, internal, metadata as meta, node_selector, workload};

/// PersistentVolumes.
pub(crate) static STRATEGY: Strategy = Strategy {
    resource: "persistentvolumes",
    default,
    prepare_for_create: |volume| {
        let created = metadata(volume).at("creationTimestamp").clone();
        workload::reset_status(volume, json!({ "phase": "Pending", "lastPhaseTransitionTime": created }));
    },
    prepare_for_update: workload::keep_status,
    validate: |volume| {
        let mut errors = validate(volume);
        errors.extend(mount_options(volume));
        errors
    },
    validate_update,
    warnings_on_create: warnings,
    warnings_on_update: |volume, _| warnings(volume),
    subresources: &[Subresource {
        name: "status",
        prepare_for_update: prepare_for_status_update,
        validate_update: meta::validate_update,
    }],
    columns: &[
        printing::NAME,
        column(
            "Capacity",
            "capacity is the description of the persistent volume's resources and capacity. More info: \
         https://kubernetes.io/docs/concepts/storage/persistent-volumes#capacity",
        ),
        column(
            "Access Modes",
            "accessModes contains all ways the volume can be mounted. More info: \
         https://kubernetes.io/docs/concepts/storage/persistent-volumes#access-modes",
        ),
        column(
            "Reclaim Policy",
            "persistentVolumeReclaimPolicy defines what happens to a persistent volume when released from its \
         claim. Valid options are Retain (default for manually created PersistentVolumes), Delete (default \
         for dynamically provisioned PersistentVolumes), and Recycle (deprecated). Recycle must be supported \
         by the volume plugin underlying this PersistentVolume. More info: \
         https://kubernetes.io/docs/concepts/storage/persistent-volumes#reclaiming",
        ),
        column(
            "Status",
            "phase indicates if a volume is available, bound to a claim, or released by a claim. More info: \
         https://kubernetes.io/docs/concepts/storage/persistent-volumes#phase",
        ),
        column(
            "Claim",
            "claimRef is part of a bi-directional binding between PersistentVolume and PersistentVolumeClaim. \
         Expected to be non-nil when bound. claim.VolumeName is the authoritative bind between PV and PVC. \
         More info: https://kubernetes.io/docs/concepts/storage/persistent-volumes#binding",
        ),
        column("StorageClass", "StorageClass of the pv"),
        column("VolumeAttributesClass", "VolumeAttributesClass of the pv"),
        column(
            "Reason",
            "reason is a brief CamelCase string that describes any failure and is meant for machine parsing and \
         tidy display in the CLI.",
        ),
        printing::AGE,
        wide(
            "VolumeMode",
            "volumeMode defines if a volume is intended to be used with a formatted filesystem or to remain in \
         raw block state. Value of Filesystem is implied when not included in spec.",
        ),
    ],
    cells: |volume, now| {
        let (spec, status) = (volume.at("spec"), volume.at("status"));
        let phase =
            if metadata(volume).has("deletionTimestamp") { "Terminating" } else { status.text("phase") };
        let claim = match spec.field("claimRef") {
            Some(claim) => format!("{}/{}", claim.text("namespace"), claim.text("name")),
            None => String::new(),
        };
        vec![
            printing::name(volume),
            spec.at("capacity").text("storage").into(),
            access_modes::shown(spec.list("accessModes")).into(),
            spec.text("persistentVolumeReclaimPolicy").into(),
            phase.into(),
            claim.into(),
            spec.text("storageClassName").into(),
            printing::or_unset(spec.text("volumeAttributesClassName")),
            status.text("reason").into(),
            printing::age(volume, now),
            printing::or_unset(spec.text("volumeMode")),
        ]
    },
    deletion_answer: DeletionAnswer::Object,
    ..BASE
};

fn default(volume: &mut Value) {
    let Some(volume) = volume.as_object_mut() else { return };
    if let Some(spec) = volume.ensure("spec") {
        spec.fill_zero("persistentVolumeReclaimPolicy", "Retain");
        spec.fill("volumeMode", "Filesystem");
        defaults::canonical_quantities(spec, "capacity");
        defaults::default_source(spec);
    }
    if let Some(status) = volume.ensure("status") {
        status.fill_zero("phase", "Pending");
    }
}

/// The time at which the phase changed is the server's, unless the client says another one.
fn prepare_for_status_update(volume: &mut Value, old: &Value) {
    const TIME: &str = "lastPhaseTransitionTime";
    workload::keep_all_but_status(volume, old);
    let now = meta::last_written(volume);
    let old = old.at("status");
    let Some(status) = volume.as_object_mut().and_then(|volume| volume.ensure("status")) else { return };
    if status.text("phase") == old.text("phase") {
        if !status.has(TIME) {
            status.copy(TIME, old);
        }
    } else if !status.has(TIME) || status.at(TIME) == old.at(TIME) {
        status.insert(TIME.to_owned(), now);
    }
}

fn validate(volume: &Value) -> Vec<Error> {
    let mut errors = meta::validate(volume, false, NameRule::Dns1123Subdomain);
    errors.extend(validate_spec(volume.at("spec"), metadata(volume).text("name"), &Path::new("spec")));
    errors
}

fn validate_spec(spec: &Value, name: &str, path: &Path) -> Vec<Error> {
    let mut errors = modes(spec, path);
    errors.extend(capacity(spec, &path.child("capacity")));
    let policy = spec.text("persistentVolumeReclaimPolicy");
    let policy_path = path.child("persistentVolumeReclaimPolicy");
    if !policy.is_empty() {
        errors.extend(formats::one_of(&policy_path, policy, &["Delete", "Recycle", "Retain"]));
    }
    if let Some(affinity) = spec.field("nodeAffinity") {
        let path = path.child("nodeAffinity").child("required");
        match affinity.field("required") {
            Some(selector) => errors.extend(node_selector::validate(selector, &path)),
            None => errors.push(Error::required(path, "must specify required node constraints")),
        }
    }
    errors.extend(source(spec, name, path));
    if clean(spec.at("hostPath").text("path")) == "/" && spec.has("hostPath") && policy == "Recycle" {
        errors.push(Error::forbidden(policy_path, "may not be 'recycle' for a hostPath mount of '/'"));
    }
    let class = spec.text("storageClassName");
    if !class.is_empty() {
        errors.extend(formats::invalid(&path.child("storageClassName"), class, formats::subdomain(class)));
    }
    if let Some(mode) =
        spec.at("volumeMode").as_str().filter(|mode| !access_modes::VOLUME_MODES.contains(mode))
    {
        errors.push(formats::unsupported(&path.child("volumeMode"), mode, access_modes::VOLUME_MODES));
    }
    errors.extend(attributes_class(spec, path));
    errors
}

fn modes(spec: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    if spec.list("accessModes").is_empty() {
        errors.push(Error::required(path.child("accessModes"), ""));
    }
    errors.extend(access_modes::validate(spec.list("accessModes"), &path.child("accessModes")));
    errors
}

fn attributes_class(spec: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    if let Some(class) = spec.at("volumeAttributesClassName").as_str() {
        let class_path = path.child("volumeAttributesClassName");
        if class.is_empty() {
            errors.push(Error::required(class_path, "an empty string is disallowed"));
        } else {
            errors.extend(formats::invalid(&class_path, class, formats::subdomain(class)));
        }
        if !spec.has("csi") {
            let detail = "has to be specified when using volumeAttributesClassName";
            errors.push(Error::required(path.child("csi"), detail));
        }
    }
    errors
}

/// The rules of a volume that is written where it is attached.
pub(crate) fn validate_inline(spec: &Value, path: &Path) -> Vec<Error> {
    let forbidden = |field: &str| {
        let set = spec.field(field).is_some_and(|value| !same(value, &Value::Null) && value != "");
        set.then(|| {
            Error::forbidden(path.child(field), "may not be specified in the context of inline volumes")
        })
    };
    let mut errors = Vec::new();
    errors.extend(forbidden("claimRef"));
    errors.extend(forbidden("capacity"));
    if !spec.has("csi") {
        let why = "has to be specified in the context of inline volumes";
        errors.push(Error::required(path.child("csi"), why));
    }
    errors.extend(modes(spec, path));
    let only = |field: &str, value: &str, why: &str| {
        let text = spec.text(field);
        (!text.is_empty() && text != value).then(|| Error::forbidden(path.child(field), why))
    };
    let why = "may only be Retain in the context of inline volumes";
    errors.extend(only("persistentVolumeReclaimPolicy", "Retain", why));
    errors.extend(forbidden("nodeAffinity"));
    errors.extend(source(spec, "", path));
    errors.extend(forbidden("storageClassName"));
    let why = "may not specify volumeMode other than Filesystem in the context of inline volumes";
    errors.extend(only("volumeMode", "Filesystem", why));
    errors.extend(attributes_class(spec, path));
    errors
}

/// A volume holds storage and nothing else.
fn capacity(spec: &Value, path: &Path) -> Vec<Error> {
    let capacity = spec.at("capacity");
    let mut errors = Vec::new();
    let count = spec.entries("capacity").count();
    if count == 0 {
        errors.push(Error::required(path.clone(), ""));
    }
    if !capacity.has("storage") || count > 1 {
        errors.push(Error::not_supported(path.clone(), capacity, &["storage"]));
    }
    for (name, amount) in spec.texts("capacity") {
        let Some(amount) = Quantity::parse(amount) else { continue };
        errors.extend(amount.not_below_zero_units(&path.key(name)));
        errors.extend(amount.not_positive(&path.key(name)));
    }
    errors
}

fn source(spec: &Value, name: &str, path: &Path) -> Vec<Error> {
    const MORE: &str = "may not specify more than 1 volume type";
    let mut errors = Vec::new();
    let mut found = false;
    for kind in SOURCES {
        let Some(source) = spec.field(kind) else { continue };
        let first = !std::mem::replace(&mut found, true);
        // Kubernetes forgets to refuse a second source of this kind.
        if !first && *kind != "flexVolume" {
            let shown = if *kind == "cephfs" { "cephFS" } else { kind };
            errors.push(Error::forbidden(path.child(shown), MORE));
            continue;
        }
        errors.extend(match *kind {
            "local" => local(spec, source, path),
            "csi" => csi(source, &path.child("csi")),
            kind => volume_sources::validate(kind, source, Owner::PersistentVolume(name), path),
        });
    }
    if !found {
        errors.push(Error::required(path.clone(), "must specify a volume type"));
    }
    errors
}

fn local(spec: &Value, source: &Value, path: &Path) -> Vec<Error> {
    let own = path.child("local").child("path");
    let mut errors: Vec<Error> = match source.text("path") {
        "" => vec![Error::required(own, "")],
        local => formats::path_no_backsteps(local, &own).into_iter().collect(),
    };
    if !spec.has("nodeAffinity") {
        errors.push(Error::required(path.child("nodeAffinity"), "Local volume requires node affinity"));
    }
    errors
}

fn csi(source: &Value, path: &Path) -> Vec<Error> {
    let mut errors = volume_sources::csi_driver_name(source.text("driver"), &path.child("driver"));
    errors.extend(volume_sources::required(source, &["volumeHandle"], path));
    // Kubernetes looks at all of them but that of staging.
    for field in [
        "controllerPublishSecretRef",
        "controllerExpandSecretRef",
        "nodePublishSecretRef",
        "nodeExpandSecretRef",
    ] {
        let Some(secret) = source.field(field) else { continue };
        for part in ["name", "namespace"] {
            let (path, value) = (path.child(field).child(part), secret.text(part));
            let wrong = if part == "name" { formats::subdomain(value) } else { formats::label(value) };
            if value.is_empty() {
                errors.push(Error::required(path, ""));
            } else {
                errors.extend(formats::invalid(&path, value, wrong));
            }
        }
    }
    errors
}

/// Only some plugins know mount options in an annotation.
fn mount_options(volume: &Value) -> Option<Error> {
    let annotated = metadata(volume).at("annotations").has(MOUNT_OPTIONS);
    let known = WITH_MOUNT_OPTIONS.iter().any(|kind| volume.at("spec").has(kind));
    (annotated && !known).then(|| {
        let path = Path::new("metadata").child("annotations").child(MOUNT_OPTIONS);
        Error::forbidden(path, "may not specify mount options for this volume type")
    })
}

fn validate_update(volume: &Value, old: &Value) -> Vec<Error> {
    let mut errors = meta::common_update(volume, old);
    errors.extend(validate(volume));
    errors.extend(mount_options(volume));
    // Kubernetes asks twice.
    errors.extend(validate(volume));
    let (now, then) = (volume.at("spec"), old.at("spec"));
    let (source, old_source) = (source_of(now, Some(then)), source_of(then, None));
    let kinds = |source: &Value| -> Vec<String> {
        source.as_object().into_iter().flatten().map(|(kind, _)| kind.clone()).collect()
    };
    if kinds(&source) != kinds(&old_source) || !same(&source, &old_source) {
        let detail = format!(
            "spec.persistentvolumesource is immutable after creation\n{}",
            internal::diff("PersistentVolumeSource", &old_source, &source)
        );
        errors.push(Error::forbidden(Path::new("spec").child("persistentvolumesource"), &detail));
    }
    if now.at("volumeMode") != then.at("volumeMode") {
        errors.push(Error::invalid(Path::new("volumeMode"), now.at("volumeMode"), formats::IMMUTABLE));
    }
    if then.has("nodeAffinity") && !same_but_for_newer_labels(now.at("nodeAffinity"), then.at("nodeAffinity"))
    {
        let detail = "field is immutable, except for updating from beta label to GA";
        let path = Path::new("nodeAffinity");
        errors.push(internal::invalid(path, "*VolumeNodeAffinity", now.at("nodeAffinity"), detail));
    }
    if then.has("volumeAttributesClassName") && !now.has("volumeAttributesClassName") {
        let path = Path::new("spec").child("volumeAttributesClassName");
        errors.push(Error::forbidden(path, "update from non-nil value to nil is forbidden"));
    }
    errors
}

/// The source alone. The secret with which a CSI volume grows may be added once, if `old` has none.
fn source_of(spec: &Value, old: Option<&Value>) -> Value {
    let mut source: Value =
        SOURCES.iter().filter_map(|kind| Some(((*kind).to_owned(), spec.field(kind)?.clone()))).collect();
    if let Some(old) = old
        && old.has("csi")
        && !old.at("csi").has("controllerExpandSecretRef")
        && let Some(csi) = source.as_object_mut().and_then(|source| source.object_mut("csi"))
    {
        csi.remove("controllerExpandSecretRef");
    }
    source
}

/// Whether an affinity has changed in nothing but labels of nodes that got a newer name.
fn same_but_for_newer_labels(now: &Value, then: &Value) -> bool {
    let mut renamed = then.clone();
    let terms = |affinity: &Value| affinity.at("required").list("nodeSelectorTerms").to_vec();
    let now_terms = terms(now);
    if let Some(old_terms) = renamed.pointer_mut("/required/nodeSelectorTerms").and_then(Value::as_array_mut)
    {
        for (old, new) in old_terms.iter_mut().zip(&now_terms) {
            let Some(old) = old.as_object_mut() else { continue };
            for (old, new) in old.objects_mut("matchExpressions").zip(new.list("matchExpressions")) {
                let newer = NEWER_LABELS.iter().find(|(beta, _)| *beta == old.text("key"));
                if newer.is_some_and(|(_, newer)| *newer == new.text("key")) {
                    old.copy("key", new);
                }
            }
        }
    }
    same(now, &renamed)
}

fn warnings(volume: &Value) -> Vec<String> {
    let spec = volume.at("spec");
    let path = Path::new("spec");
    let annotations = Path::new("metadata").child("annotations");
    let mut warnings = Vec::new();
    for (annotation, message) in [
        (access_modes::CLASS_ANNOTATION, access_modes::CLASS_ANNOTATION_DEPRECATED),
        (MOUNT_OPTIONS, "deprecated since v1.31; use \"mountOptions\" attribute instead"),
    ] {
        if metadata(volume).at("annotations").has(annotation) {
            warnings.push(format!("{}: {message}", annotations.key(annotation)));
        }
    }
    if spec.text("persistentVolumeReclaimPolicy") == "Recycle" {
        warnings.push(
            "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended \
             approach is to use dynamic provisioning."
                .to_owned(),
        );
    }
    let terms = path.child("nodeAffinity").child("required").child("nodeSelectorTerms");
    for (index, term) in spec.at("nodeAffinity").at("required").list("nodeSelectorTerms").iter().enumerate() {
        warnings.extend(node_selector::term_warnings(term, false, &terms.index(index)));
    }
    for (kind, shown, message) in volume_sources::DEPRECATED {
        if spec.has(kind) {
            warnings.push(format!("{}: {message}", path.child(shown)));
        }
    }
    warnings
}

/// A path without empty and `.` elements, of which `..` takes the one before it, as Go's `path.Clean` has it.
fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    if path.starts_with('/') { format!("/{}", parts.join("/")) } else { parts.join("/") }
}

const MOUNT_OPTIONS: &str = "volume.beta.kubernetes.io/mount-options";

/// Every kind of source in the order in which Kubernetes looks at them.
const SOURCES: &[&str] = &[
    "hostPath",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "glusterfs",
    "flocker",
    "nfs",
    "rbd",
    "quobyte",
    "cephfs",
    "iscsi",
    "cinder",
    "fc",
    "flexVolume",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "scaleIO",
    "local",
    "storageos",
    "csi",
];

const WITH_MOUNT_OPTIONS: &[&str] = &[
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "glusterfs",
    "nfs",
    "rbd",
    "quobyte",
    "iscsi",
    "cinder",
    "cephfs",
    "azureFile",
    "vsphereVolume",
    "azureDisk",
    "photonPersistentDisk",
];

const NEWER_LABELS: &[(&str, &str)] = &[
    ("failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone"),
    ("failure-domain.beta.kubernetes.io/region", "topology.kubernetes.io/region"),
    ("beta.kubernetes.io/os", "kubernetes.io/os"),
    ("beta.kubernetes.io/arch", "kubernetes.io/arch"),
    ("beta.kubernetes.io/instance-type", "node.kubernetes.io/instance-type"),
];
