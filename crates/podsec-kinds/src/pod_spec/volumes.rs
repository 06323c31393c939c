//! The rules of volumes, of their mounts and of block devices.

use std::collections::{BTreeMap, BTreeSet};

use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::quote::quoted;
use serde_json::Value;

use super::environment;
use super::surroundings::Surroundings;
use crate::core::claim_spec;
use crate::object::{Fields, metadata};
use crate::quantity::Quantity;
use crate::volume_sources::{self, Owner};
use crate::{formats, metadata as meta};

/// `volumes`, and the metadata of the pod if it is one. Also returns the valid ones by name: to mounts, the
/// others do not exist.
pub(super) fn validate<'a>(
    volumes: &'a [Value],
    pod: Option<&Value>,
    path: &Path,
) -> (BTreeMap<&'a str, &'a Value>, Vec<Error>) {
    let mut errors = Vec::new();
    let mut valid = BTreeMap::new();
    let pod_name = pod.map_or("", |pod| pod.text("name"));
    let made_here = |claim: &str| {
        let made = |volume: &Value| {
            volume.has("ephemeral")
                && claim.strip_prefix(pod_name) == Some(&format!("-{}", volume.text("name")))
        };
        !pod_name.is_empty() && volumes.iter().any(made)
    };
    for (index, volume) in volumes.iter().enumerate() {
        let path = path.index(index);
        let name = volume.text("name");
        let mut wrong = source(volume, pod, &path);
        if name.is_empty() {
            wrong.push(Error::required(path.child("name"), ""));
        } else {
            wrong.extend(formats::invalid(&path.child("name"), name, formats::label(name)));
        }
        if valid.contains_key(name) {
            wrong.push(Error::duplicate(path.child("name"), &name.into()));
        }
        if wrong.is_empty() {
            valid.insert(name, volume);
        }
        errors.extend(wrong);
        let claim = volume.at("persistentVolumeClaim").text("claimName");
        if volume.has("persistentVolumeClaim") && made_here(claim) {
            let path = path.child("persistentVolumeClaim").child("claimName");
            let detail = "must not reference a PVC that gets created for an ephemeral volume";
            errors.push(Error::invalid(path, &claim.into(), detail));
        }
    }
    (valid, errors)
}

/// Tokens in the volumes of a pod that names no service account.
pub(super) fn tokens_without_service_account(spec: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    for (index, volume) in spec.list("volumes").iter().enumerate() {
        for (source_index, source) in volume.at("projected").list("sources").iter().enumerate() {
            if source.has("serviceAccountToken") {
                let path = path.index(index).child("projected").child("sources").index(source_index);
                let detail = "must not be specified when serviceAccountName is not set";
                errors.push(Error::forbidden(path.child("serviceAccountToken"), detail));
            }
        }
    }
    errors
}

/// `volumeMounts` of a container.
pub(super) fn validate_mounts(container: &Value, surroundings: &Surroundings<'_>, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let mut taken = BTreeSet::new();
    let devices = container.list("volumeDevices");
    for (index, mount) in container.list("volumeMounts").iter().enumerate() {
        let item = path.index(index);
        let (name, mount_path) = (mount.text("name"), mount.text("mountPath"));
        let volume = surroundings.volumes.get(name);
        if name.is_empty() {
            errors.push(Error::required(item.child("name"), ""));
        }
        if volume.is_none() {
            errors.push(Error::not_found(item.child("name"), &name.into()));
        }
        if mount_path.is_empty() {
            errors.push(Error::required(item.child("mountPath"), ""));
        }
        if !taken.insert(mount_path) {
            errors.push(Error::invalid(item.child("mountPath"), &mount_path.into(), "must be unique"));
        }
        if devices.iter().any(|device| device.text("name") == name) {
            let detail = "must not already exist in volumeDevices";
            errors.push(Error::invalid(item.child("name"), &name.into(), detail));
        }
        if devices.iter().any(|device| device.text("devicePath") == mount_path) {
            let detail = "must not already exist as a path in volumeDevices";
            errors.push(Error::invalid(item.child("mountPath"), &mount_path.into(), detail));
        }
        let (sub_path, expression) = (mount.text("subPath"), mount.text("subPathExpr"));
        if !sub_path.is_empty() {
            // Kubernetes' paths of these leave the index out.
            errors.extend(formats::local_descending_path(sub_path, &path.child("subPath")));
        }
        if !expression.is_empty() {
            if !sub_path.is_empty() {
                let detail = "subPathExpr and subPath are mutually exclusive";
                errors.push(Error::invalid(item.child("subPathExpr"), &expression.into(), detail));
            }
            errors.extend(formats::local_descending_path(expression, &path.child("subPathExpr")));
        }
        errors.extend(propagation(mount, container, &path.child("mountPropagation")));
        errors.extend(recursive_read_only(mount, &path.child("recursiveReadOnly")));
    }
    errors
}

/// `volumeDevices` of a container.
pub(super) fn validate_devices(
    container: &Value,
    surroundings: &Surroundings<'_>,
    path: &Path,
) -> Vec<Error> {
    let mut errors = Vec::new();
    let (mut names, mut paths) = (BTreeSet::new(), BTreeSet::new());
    for (index, device) in container.list("volumeDevices").iter().enumerate() {
        let path = path.index(index);
        let (name, device_path) = (device.text("name"), device.text("devicePath"));
        let mut wrong_name = |detail| errors.push(Error::invalid(path.child("name"), &name.into(), detail));
        if !name.is_empty() && !names.insert(name) {
            wrong_name("must be unique");
        }
        match surroundings.volumes.get(name) {
            Some(volume) if !volume.has("persistentVolumeClaim") && !volume.has("ephemeral") => {
                wrong_name(
                    "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode",
                );
            }
            Some(_) => {}
            None => errors.push(Error::not_found(path.child("name"), &name.into())),
        }
        if name.is_empty() {
            errors.push(Error::required(path.child("name"), ""));
        }
        if device_path.is_empty() {
            errors.push(Error::required(path.child("devicePath"), ""));
        }
        let mut wrong_path =
            |detail| errors.push(Error::invalid(path.child("devicePath"), &device_path.into(), detail));
        if !paths.insert(device_path) {
            wrong_path("must be unique");
        }
        if formats::path_no_backsteps(device_path, &path).is_some() {
            wrong_path("can not contain backsteps ('..')");
        }
    }
    errors
}

fn propagation(mount: &Value, container: &Value, path: &Path) -> Vec<Error> {
    let Some(mode) = mount.at("mountPropagation").as_str() else { return Vec::new() };
    let supported = ["Bidirectional", "HostToContainer", "None"];
    let mut errors = Vec::new();
    if !supported.contains(&mode) {
        errors.push(formats::unsupported(path, mode, &supported));
    }
    if mode == "Bidirectional" && !container.at("securityContext").flag("privileged") {
        let detail = "Bidirectional mount propagation is available only to privileged containers";
        errors.push(Error::forbidden(path.clone(), detail));
    }
    errors
}

fn recursive_read_only(mount: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    match mount.at("recursiveReadOnly").as_str() {
        None | Some("Disabled") => {}
        Some("Enabled" | "IfPossible") => {
            if !mount.flag("readOnly") {
                errors.push(Error::forbidden(path.clone(), "may only be specified when readOnly is true"));
            }
            if !matches!(mount.text("mountPropagation"), "" | "None") {
                let detail = "may only be specified when mountPropagation is None or not specified";
                errors.push(Error::forbidden(path.clone(), detail));
            }
        }
        Some(other) => {
            errors.push(formats::unsupported(path, other, &["Disabled", "Enabled", "IfPossible"]));
        }
    }
    errors
}

fn source(volume: &Value, pod: Option<&Value>, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let mut found = false;
    for Source { field, shown } in SOURCES {
        let Some(source) = volume.field(field) else { continue };
        if std::mem::replace(&mut found, true) {
            errors.push(Error::forbidden(path.child(shown), "may not specify more than 1 volume type"));
            continue;
        }
        let own = path.child(field);
        errors.extend(match *field {
            "emptyDir" => empty_dir(source, &own).into_iter().collect(),
            "gitRepo" => {
                let mut errors = volume_sources::required(source, &["repository"], &own);
                errors.extend(formats::local_descending_path(
                    source.text("directory"),
                    &own.child("directory"),
                ));
                errors
            }
            "secret" => {
                let mut errors = volume_sources::required(source, &["secretName"], &own);
                errors.extend(keys(source, &own));
                errors
            }
            "configMap" => {
                let mut errors = volume_sources::required(source, &["name"], &own);
                errors.extend(keys(source, &own));
                errors
            }
            "persistentVolumeClaim" => volume_sources::required(source, &["claimName"], &own),
            "downwardAPI" => {
                let mut errors: Vec<Error> = mode(source, "defaultMode", &own).into_iter().collect();
                errors.extend(source.list("items").iter().flat_map(|file| downward_file(file, &own)));
                errors
            }
            "projected" => projected(source, &own),
            "csi" => csi(source, &own),
            "ephemeral" => ephemeral(volume, source, pod, &own),
            "image" => image(source, &own),
            field => volume_sources::validate(field, source, Owner::Pod(volume.text("name")), path),
        });
    }
    if !found {
        errors.push(Error::required(path.clone(), "must specify a volume type"));
    }
    errors
}

fn csi(source: &Value, path: &Path) -> Vec<Error> {
    let mut errors = volume_sources::csi_driver_name(source.text("driver"), &path.child("driver"));
    if let Some(secret) = source.field("nodePublishSecretRef") {
        match secret.text("name") {
            "" => errors.push(Error::required(path.child("nodePublishSecretRef").child("name"), "")),
            // Kubernetes leaves the reference out of this path.
            name => errors.extend(formats::invalid(&path.child("name"), name, formats::subdomain(name))),
        }
    }
    errors
}

fn image(source: &Value, path: &Path) -> Vec<Error> {
    let mut errors = volume_sources::required(source, &["reference"], path);
    let supported = ["Always", "IfNotPresent", "Never"];
    errors.extend(formats::one_of(&path.child("pullPolicy"), source.text("pullPolicy"), &supported));
    errors
}

fn empty_dir(source: &Value, path: &Path) -> Option<Error> {
    let limit = Quantity::parse(source.text("sizeLimit"))?;
    limit.is_negative().then(|| {
        Error::forbidden(path.child("sizeLimit"), "SizeLimit field must be a valid resource quantity")
    })
}

/// The modes and items of a secret or config map.
fn keys(source: &Value, path: &Path) -> Vec<Error> {
    let mut errors: Vec<Error> = mode(source, "defaultMode", path).into_iter().collect();
    for (index, item) in source.list("items").iter().enumerate() {
        errors.extend(key_to_path(item, &path.child("items").index(index)));
    }
    errors
}

fn key_to_path(item: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    for field in ["key", "path"] {
        if item.text(field).is_empty() {
            errors.push(Error::required(path.child(field), ""));
        }
    }
    errors.extend(file_path(item.text("path"), &path.child("path")));
    errors.extend(mode(item, "mode", path));
    errors
}

fn downward_file(file: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    if file.text("path").is_empty() {
        errors.push(Error::required(path.child("path"), ""));
    }
    errors.extend(file_path(file.text("path"), &path.child("path")));
    match (file.field("fieldRef"), file.field("resourceFieldRef")) {
        (Some(reference), other) => {
            errors.extend(environment::field_reference(reference, FILE_FIELDS, &path.child("fieldRef")));
            if other.is_some() {
                let detail = "fieldRef and resourceFieldRef can not be specified simultaneously";
                errors.push(Error::invalid(path.clone(), &"resource".into(), detail));
            }
        }
        (None, Some(reference)) => {
            let path = path.child("resourceFieldRef");
            errors.extend(environment::resource_reference(reference, true, &path));
        }
        (None, None) => {
            let detail = "one of fieldRef and resourceFieldRef is required";
            errors.push(Error::required(path.clone(), detail));
        }
    }
    errors.extend(mode(file, "mode", path));
    errors
}

fn projected(source: &Value, path: &Path) -> Vec<Error> {
    let mut errors: Vec<Error> = mode(source, "defaultMode", path).into_iter().collect();
    let mut taken = BTreeSet::new();
    let mut conflicts = |errors: &mut Vec<Error>, file: &Value, value: &str| {
        let file_path = file.text("path");
        if !file_path.is_empty() && !taken.insert(file_path.to_owned()) {
            errors.push(Error::invalid(path.clone(), &value.into(), "conflicting duplicate paths"));
        }
    };
    for (index, projection) in source.list("sources").iter().enumerate() {
        let item = path.child("sources").index(index);
        let mut kinds = 0;
        for kind in ["secret", "configMap"] {
            let Some(named) = projection.field(kind) else { continue };
            kinds += 1;
            let path = item.child(kind);
            if named.text("name").is_empty() {
                errors.push(Error::required(path.child("name"), ""));
            }
            for (index, key) in named.list("items").iter().enumerate() {
                errors.extend(key_to_path(key, &path.child("items").index(index)));
                conflicts(&mut errors, key, named.text("name"));
            }
        }
        if let Some(downward) = projection.field("downwardAPI") {
            kinds += 1;
            for file in downward.list("items") {
                errors.extend(downward_file(file, &item.child("downwardAPI")));
                conflicts(&mut errors, file, file.text("path"));
            }
        }
        if let Some(token) = projection.field("serviceAccountToken") {
            kinds += 1;
            errors.extend(service_account_token(token, &item.child("serviceAccountToken"), path));
        }
        if let Some(bundle) = projection.field("clusterTrustBundle") {
            kinds += 1;
            let path = item.child("clusterTrustBundle");
            match (bundle.has("name"), bundle.has("signerName")) {
                (true, true) => {
                    let detail = "only one of name and signerName may be used";
                    errors.push(Error::invalid(path.clone(), bundle, detail));
                }
                (false, false) => {
                    let detail = "either name or signerName must be specified";
                    errors.push(Error::required(path.clone(), detail));
                }
                _ => {}
            }
            if bundle.text("path").is_empty() {
                errors.push(Error::required(path.child("path"), ""));
            }
            errors.extend(file_path(bundle.text("path"), &path.child("path")));
            conflicts(&mut errors, bundle, bundle.text("path"));
        }
        if kinds > 1 {
            errors.push(Error::forbidden(item, "may not specify more than 1 volume type per source"));
        }
    }
    errors
}

fn service_account_token(token: &Value, path: &Path, volume_path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let expiration = token.number("expirationSeconds");
    let wrong = if expiration < 600 {
        Some("may not specify a duration less than 10 minutes")
    } else if expiration > 1 << 32 {
        Some("may not specify a duration larger than 2^32 seconds")
    } else {
        None
    };
    if let Some(wrong) = wrong {
        errors.push(Error::invalid(path.child("expirationSeconds"), &expiration.into(), wrong));
    }
    // Kubernetes names the volume's path here.
    let path = volume_path.child("path");
    if token.text("path").is_empty() {
        errors.push(Error::required(path, ""));
    } else {
        errors.extend(file_path(token.text("path"), &path));
    }
    errors
}

fn ephemeral(volume: &Value, source: &Value, pod: Option<&Value>, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let template_path = path.child("volumeClaimTemplate");
    match source.field("volumeClaimTemplate") {
        None => errors.push(Error::required(template_path, "")),
        Some(template) => errors.extend(claim_template(template, &template_path)),
    }
    let (pod, name) = (pod.map_or("", |pod| pod.text("name")), volume.text("name"));
    if !pod.is_empty() && !name.is_empty() {
        let claim = format!("{pod}-{name}");
        for wrong in formats::subdomain(&claim) {
            let detail = format!("PVC name {}: {wrong}", quoted(&claim));
            errors.push(Error::invalid(path.child("name"), &name.into(), &detail));
        }
    }
    errors
}

fn claim_template(template: &Value, path: &Path) -> Vec<Error> {
    let mut errors = meta::template(metadata(template), &path.child("metadata"));
    errors.extend(claim_spec::validate(template.at("spec"), false, &path.child("spec")));
    errors
}

fn mode(owner: &Value, field: &str, path: &Path) -> Option<Error> {
    let mode = owner.integer(field)?;
    (!(0..=0o777).contains(&mode)).then(|| {
        let detail = "must be a number between 0 and 0777 (octal), both inclusive";
        Error::invalid(path.child(field), &mode.into(), detail)
    })
}

/// A file in a volume: below its root, and not one of those that the kubelet keeps there.
fn file_path(file: &str, path: &Path) -> Vec<Error> {
    let mut errors = formats::local_descending_path(file, path);
    if file.starts_with("..") && !file.starts_with("../") && file != ".." {
        errors.push(Error::invalid(path.clone(), &file.into(), "must not start with '..'"));
    }
    errors
}

struct Source {
    field: &'static str,
    /// The field as one error spells it, in two cases differently.
    shown: &'static str,
}

const fn volume_source(field: &'static str) -> Source {
    Source { field, shown: field }
}

/// Every kind of volume, in the order in which Kubernetes looks at them.
const SOURCES: &[Source] = &[
    volume_source("emptyDir"),
    volume_source("hostPath"),
    volume_source("gitRepo"),
    volume_source("gcePersistentDisk"),
    volume_source("awsElasticBlockStore"),
    volume_source("secret"),
    volume_source("nfs"),
    volume_source("iscsi"),
    volume_source("glusterfs"),
    volume_source("flocker"),
    volume_source("persistentVolumeClaim"),
    volume_source("rbd"),
    volume_source("cinder"),
    Source { field: "cephfs", shown: "cephFS" },
    volume_source("quobyte"),
    Source { field: "downwardAPI", shown: "downwarAPI" },
    volume_source("fc"),
    volume_source("flexVolume"),
    volume_source("configMap"),
    volume_source("azureFile"),
    volume_source("vsphereVolume"),
    volume_source("photonPersistentDisk"),
    volume_source("portworxVolume"),
    volume_source("azureDisk"),
    volume_source("storageos"),
    volume_source("projected"),
    volume_source("scaleIO"),
    volume_source("csi"),
    volume_source("ephemeral"),
    volume_source("image"),
];

const FILE_FIELDS: &[&str] =
    &["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"];
