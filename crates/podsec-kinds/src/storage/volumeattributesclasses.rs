//! VolumeAttributesClasses: attributes of volumes that may be changed while they are used.

use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::name::NameRule;
use serde_json::Value;

use super::parameters::{parameters, provisioner};
use crate::generic::BASE;
use crate::metadata as meta;
use crate::object::{Fields, metadata_mut};
use crate::printing::{self, column};
use crate::strategy::{DeletionAnswer, Strategy};

/// VolumeAttributesClasses.
pub(crate) static STRATEGY: Strategy = Strategy {
    group: "storage.k8s.io",
    resource: "volumeattributesclasses",
    prepare_for_create: |class| {
        // What the admission plugin StorageObjectInUseProtection does.
        let finalizers = metadata_mut(class).entry("finalizers").or_insert_with(|| Value::Array(Vec::new()));
        if let Some(finalizers) = finalizers.as_array_mut().filter(|list| !list.contains(&PROTECTION.into()))
        {
            finalizers.push(PROTECTION.into());
        }
    },
    validate,
    validate_update: |class, old| {
        let mut errors = meta::validate_update(class, old);
        for field in ["driverName", "parameters"] {
            if class.at(field) != old.at(field) {
                let detail = format!("updates to {field} are forbidden.");
                errors.push(Error::forbidden(Path::new(field), &detail));
            }
        }
        errors.extend(validate(class));
        errors
    },
    columns: &[
        printing::NAME,
        column("DriverName", "Name of the CSI driver This field is immutable."),
        printing::AGE,
    ],
    cells: |class, now| {
        vec![printing::name(class), class.text("driverName").into(), printing::age(class, now)]
    },
    deletion_answer: DeletionAnswer::Object,
    ..BASE
};

const PROTECTION: &str = "kubernetes.io/vac-protection";

fn validate(class: &Value) -> Vec<Error> {
    let mut errors = meta::validate(class, false, NameRule::Dns1123Subdomain);
    errors.extend(provisioner(class, "driverName"));
    errors.extend(parameters(class));
    if class.entries("parameters").next().is_none() {
        let detail = "must contain at least one key/value pair";
        errors.push(Error::required(Path::new("parameters"), detail));
    }
    errors
}
