//! PersistentVolumes: kept when their claim goes, pending until something binds them.

use serde_json::{Value, json};

use crate::generic::{BASE, WITH_STATUS};
use crate::object::{Fields, FieldsMut, metadata};
use crate::printing::{self, column, wide};
use crate::strategy::{DeletionAnswer, Strategy};
use crate::table_only::access_mode;
use crate::workload;

/// PersistentVolumes.
pub(crate) static STRATEGY: Strategy = Strategy {
    resource: "persistentvolumes",
    default,
    prepare_for_create: |volume| workload::reset_status(volume, json!({ "phase": "Pending" })),
    prepare_for_update: workload::keep_status,
    subresources: WITH_STATUS.subresources,
    columns: &[
        printing::NAME,
        column("Capacity", "How much it holds."),
        column("Access Modes", "Who may mount it and how."),
        column("Reclaim Policy", "What becomes of it when its claim goes."),
        column("Status", "Whether it is bound."),
        column("Claim", "The claim it is bound to."),
        column("StorageClass", "The class of storage it belongs to."),
        column("VolumeAttributesClass", "The class of attributes it has."),
        column("Reason", "Why it is in this state."),
        printing::AGE,
        wide("VolumeMode", "Files or blocks."),
    ],
    cells: |volume, now| {
        let (spec, status) = (volume.at("spec"), volume.at("status"));
        let phase =
            if metadata(volume).has("deletionTimestamp") { "Terminating" } else { status.text("phase") };
        let claim = match spec.field("claimRef") {
            Some(claim) => format!("{}/{}", claim.text("namespace"), claim.text("name")),
            None => String::new(),
        };
        let modes: Vec<&str> = spec.list("accessModes").iter().filter_map(access_mode).collect();
        vec![
            printing::name(volume),
            spec.at("capacity").text("storage").into(),
            modes.join(",").into(),
            spec.text("persistentVolumeReclaimPolicy").into(),
            phase.into(),
            claim.into(),
            spec.text("storageClassName").into(),
            or_unset(spec.text("volumeAttributesClassName")),
            status.text("reason").into(),
            printing::age(volume, now),
            or_unset(spec.text("volumeMode")),
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
        if let Some(host_path) = spec.object_mut("hostPath") {
            host_path.fill("type", "");
        }
    }
    if let Some(status) = volume.ensure("status") {
        status.fill_zero("phase", "Pending");
    }
}

fn or_unset(text: &str) -> Value {
    if text.is_empty() { "<unset>".into() } else { text.into() }
}
