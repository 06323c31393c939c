//! StorageClasses: which one is the default, and when and how long their volumes live.

use crate::generic::BASE;
use crate::object::{Fields, FieldsMut, annotation, metadata};
use crate::printing::{self, column, typed};
use crate::strategy::{ColumnType, DeletionAnswer, Strategy};

/// StorageClasses.
pub(crate) static STRATEGY: Strategy = Strategy {
    group: "storage.k8s.io",
    resource: "storageclasses",
    default: |class| {
        if let Some(class) = class.as_object_mut() {
            class.fill("reclaimPolicy", "Delete");
            class.fill("volumeBindingMode", "Immediate");
        }
    },
    columns: &[
        printing::NAME,
        column("Provisioner", "What makes its volumes."),
        column("ReclaimPolicy", "What becomes of a volume when its claim goes."),
        column("VolumeBindingMode", "When a volume is made and bound."),
        typed("AllowVolumeExpansion", ColumnType::String, "Whether volumes may grow."),
        printing::AGE,
    ],
    cells: |class, now| {
        let is_default = annotation(class, "storageclass.kubernetes.io/is-default-class") == Some("true");
        let mut name = metadata(class).text("name").to_owned();
        if is_default {
            name += " (default)";
        }
        vec![
            name.into(),
            class.text("provisioner").into(),
            class.text("reclaimPolicy").into(),
            class.text("volumeBindingMode").into(),
            class.flag("allowVolumeExpansion").into(),
            printing::age(class, now),
        ]
    },
    deletion_answer: DeletionAnswer::Object,
    ..BASE
};
