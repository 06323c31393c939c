//! VolumeAttachments: a volume that is attached to a node, or shall be.

use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::name::NameRule;
use serde_json::{Value, json};

use super::csinodes::driver_name;
use crate::core::persistentvolumes;
use crate::generic::{BASE, metadata_of_stored};
use crate::object::{Fields, FieldsMut, same};
use crate::printing::{self, column, typed};
use crate::strategy::{ColumnType, DeletionAnswer, Strategy, Subresource};
use crate::{formats, internal, metadata as meta, workload};

/// VolumeAttachments.
pub(crate) static STRATEGY: Strategy = Strategy {
    group: "storage.k8s.io",
    resource: "volumeattachments",
    default: |attachment| {
        let Some(attachment) = attachment.as_object_mut() else { return };
        if let Some(spec) = attachment.ensure("spec") {
            spec.ensure("source");
        }
        if let Some(status) = attachment.ensure("status") {
            status.fill("attached", false);
        }
    },
    prepare_for_create: |attachment| workload::reset_status(attachment, json!({ "attached": false })),
    prepare_for_update: |attachment, old| {
        workload::keep_status(attachment, old);
        workload::keep_generation(attachment, old);
    },
    validate,
    validate_update,
    subresources: &[Subresource {
        name: "status",
        prepare_for_update: |attachment, old| metadata_of_stored(attachment, old, &["spec"]),
        validate_update,
    }],
    columns: &[
        printing::NAME,
        typed(
            "Attacher",
            ColumnType::Name,
            "attacher indicates the name of the volume driver that MUST handle this request. This is the name \
             returned by GetPluginName().",
        ),
        column("PV", "persistentVolumeName represents the name of the persistent volume to attach."),
        column("Node", "nodeName represents the node that the volume should be attached to."),
        typed(
            "Attached",
            ColumnType::Boolean,
            "attached indicates the volume is successfully attached. This field must only be set by the entity \
             completing the attach operation, i.e. the external-attacher.",
        ),
        printing::AGE,
    ],
    cells: |attachment, now| {
        let spec = attachment.at("spec");
        vec![
            printing::name(attachment),
            spec.text("attacher").into(),
            spec.at("source").text("persistentVolumeName").into(),
            spec.text("nodeName").into(),
            attachment.at("status").flag("attached").into(),
            printing::age(attachment, now),
        ]
    },
    deletion_answer: DeletionAnswer::Object,
    allow_unconditional_update: false,
    ..BASE
};

fn validate_update(attachment: &Value, old: &Value) -> Vec<Error> {
    let mut errors = meta::common_update(attachment, old);
    errors.extend(validate(attachment));
    let spec = attachment.at("spec");
    if !same(spec, old.at("spec")) {
        let path = Path::new("spec");
        errors.push(internal::invalid(path, "storage.VolumeAttachmentSpec", spec, formats::IMMUTABLE));
    }
    errors
}

fn validate(attachment: &Value) -> Vec<Error> {
    let mut errors = meta::validate(attachment, false, NameRule::Dns1123Subdomain);
    let (path, spec) = (Path::new("spec"), attachment.at("spec"));
    errors.extend(driver_name(spec.text("attacher"), &path.child("attacher")));
    errors.extend(source(spec.at("source"), &path.child("source")));
    let node = spec.text("nodeName");
    errors.extend(formats::invalid(&path.child("nodeName"), node, formats::subdomain(node)));
    errors.extend(status(attachment.at("status"), &Path::new("status")));
    if let Some(volume) = spec.at("source").at("persistentVolumeName").as_str() {
        let path = path.child("source").child("persistentVolumeName");
        errors.extend(formats::invalid(&path, volume, formats::subdomain(volume)));
    }
    errors
}

fn source(source: &Value, path: &Path) -> Vec<Error> {
    let exactly_one = "must specify exactly one of inlineVolumeSpec and persistentVolumeName";
    match (source.field("persistentVolumeName"), source.field("inlineVolumeSpec")) {
        (None, None) => vec![Error::required(path.clone(), exactly_one)],
        (Some(_), Some(_)) => vec![Error::forbidden(path.clone(), exactly_one)],
        (Some(name), None) if name == "" => {
            let detail = "must specify non empty persistentVolumeName";
            vec![Error::required(path.child("persistentVolumeName"), detail)]
        }
        (Some(_), None) => Vec::new(),
        (None, Some(spec)) => persistentvolumes::validate_inline(spec, &path.child("inlineVolumeSpec")),
    }
}

fn status(status: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let size: usize = status.texts("attachmentMetadata").map(|(key, value)| key.len() + value.len()).sum();
    if size > METADATA_SIZE {
        errors.push(Error::too_long(path.child("attachmentMetadata"), METADATA_SIZE));
    }
    for field in ["attachError", "detachError"] {
        let (error, path) = (status.at(field), path.child(field));
        if error.text("message").len() > MESSAGE_SIZE {
            // Kubernetes names the size of the metadata here.
            errors.push(Error::too_long(path.child("message"), METADATA_SIZE));
        }
        if let Some(code) = error.integer("errorCode").filter(|code| *code < 0) {
            let detail = "must be between 0 and 2147483647, inclusive";
            errors.push(Error::invalid(path.child("errorCode"), &code.into(), detail));
        }
    }
    errors
}

const METADATA_SIZE: usize = 256 * 1024;
const MESSAGE_SIZE: usize = 1024;
