//! CSINodes: the drivers of volumes on one node.

use std::collections::BTreeSet;

use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::name::NameRule;
use serde_json::Value;

use crate::generic::BASE;
use crate::object::{Fields, FieldsMut, null_if_empty, same};
use crate::printing::{self, integer};
use crate::strategy::{DeletionAnswer, Strategy};
use crate::{formats, internal, metadata as meta};

/// CSINodes.
pub(crate) static STRATEGY: Strategy = Strategy {
    group: "storage.k8s.io",
    resource: "csinodes",
    default: |node| {
        let Some(spec) = node.as_object_mut().and_then(|node| node.ensure("spec")) else { return };
        // Go writes both lists also when there is none.
        for driver in spec.objects_mut("drivers") {
            null_if_empty(driver, "topologyKeys");
        }
        null_if_empty(spec, "drivers");
    },
    validate,
    validate_update: |node, old| {
        let mut errors = meta::common_update(node, old);
        errors.extend(validate(node));
        errors.extend(changed_drivers(node, old));
        errors
    },
    columns: &[
        printing::NAME,
        integer("Drivers", "Drivers indicates the number of CSI drivers registered on the node"),
        printing::AGE,
    ],
    cells: |node, now| {
        let drivers = node.at("spec").list("drivers").len();
        vec![printing::name(node), drivers.into(), printing::age(node, now)]
    },
    deletion_answer: DeletionAnswer::Object,
    allow_unconditional_update: false,
    ..BASE
};

fn validate(node: &Value) -> Vec<Error> {
    let mut errors = meta::validate(node, false, NameRule::Dns1123Subdomain);
    let mut names = BTreeSet::new();
    for (index, driver) in node.at("spec").list("drivers").iter().enumerate() {
        errors.extend(self::driver(driver, &mut names, &Path::new("spec").child("drivers").index(index)));
    }
    errors
}

fn driver<'a>(driver: &'a Value, names: &mut BTreeSet<&'a str>, path: &Path) -> Vec<Error> {
    let name = driver.text("name");
    let mut errors = driver_name(name, &path.child("name"));
    let id = driver.text("nodeID");
    if id.is_empty() {
        errors.push(Error::required(path.child("nodeID"), ""));
    }
    if id.len() > 256 {
        errors.push(Error::invalid(path.child("nodeID"), &id.into(), "must be 256 characters or less"));
    }
    if let Some(count) = driver.at("allocatable").integer("count") {
        errors.extend(formats::nonnegative(&path.child("allocatable").child("count"), count));
    }
    if !names.insert(name) {
        errors.push(Error::duplicate(path.child("name"), &name.into()));
    }
    let mut keys = BTreeSet::new();
    for key in driver.list("topologyKeys").iter().map(|key| key.as_str().unwrap_or_default()) {
        if key.is_empty() {
            errors.push(Error::required(path.clone(), ""));
        }
        if !keys.insert(key) {
            errors.push(Error::duplicate(path.clone(), &key.into()));
        }
        errors.extend(formats::invalid(path, key, formats::qualified_name(key)));
    }
    errors
}

/// What is wrong with the name of a driver of volumes: a subdomain of at most 63 characters in any case.
pub(crate) fn driver_name(name: &str, path: &Path) -> Vec<Error> {
    if name.is_empty() {
        return vec![Error::required(path.clone(), "")];
    }
    let mut errors = Vec::new();
    if name.len() > 63 {
        errors.push(Error::too_long(path.clone(), 63));
    }
    errors.extend(formats::invalid(path, name, formats::subdomain(&name.to_lowercase())));
    errors
}

/// All of a driver but how many volumes it takes stays as it is.
fn changed_drivers(node: &Value, old: &Value) -> Vec<Error> {
    let fixed = |driver: &Value| {
        let mut fields = driver.as_object().cloned().unwrap_or_default();
        fields.remove("allocatable");
        Value::Object(fields)
    };
    let mut errors = Vec::new();
    for before in old.at("spec").list("drivers") {
        for driver in node.at("spec").list("drivers") {
            let driver = fixed(driver);
            if before.text("name") == driver.text("name") && !same(&driver, &fixed(before)) {
                let path = Path::new("spec").child("drivers");
                errors.push(internal::invalid(path, "storage.CSINodeDriver", &driver, formats::IMMUTABLE));
            }
        }
    }
    errors
}
