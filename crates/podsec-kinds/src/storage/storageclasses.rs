//! StorageClasses: which one is the default, and when and how long their volumes live.

use std::collections::{BTreeMap, BTreeSet};

use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::name::NameRule;
use serde_json::Value;

use super::parameters::{parameters, provisioner};
use crate::generic::BASE;
use crate::object::{Fields, FieldsMut, annotation, metadata};
use crate::printing::{self, column, typed};
use crate::strategy::{ColumnType, DeletionAnswer, Strategy};
use crate::{formats, immutable, metadata as meta, node_selector};

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
    validate,
    validate_update: |class, old| {
        let mut errors = meta::validate_update(class, old);
        errors.extend(validate(class));
        let whole = |field: &str| immutable::value(class.at(field), old.at(field), &Path::new(field));
        errors.extend(parameters_changed(class, old));
        errors.extend(immutable::text(class, old, "provisioner", &Path::default()));
        errors.extend(whole("reclaimPolicy"));
        errors.extend(whole("volumeBindingMode"));
        errors
    },
    warnings_on_create: warnings,
    warnings_on_update: |class, _| warnings(class),
    columns: &[
        printing::NAME,
        column("Provisioner", "provisioner indicates the type of the provisioner."),
        column(
            "ReclaimPolicy",
            "reclaimPolicy controls the reclaimPolicy for dynamically provisioned PersistentVolumes of this storage \
             class. Defaults to Delete.",
        ),
        column(
            "VolumeBindingMode",
            "volumeBindingMode indicates how PersistentVolumeClaims should be provisioned and bound.  When unset, \
             VolumeBindingImmediate is used. This field is only honored by servers that enable the VolumeScheduling \
             feature.",
        ),
        typed(
            "AllowVolumeExpansion",
            ColumnType::String,
            "allowVolumeExpansion shows whether the storage class allow volume expand.",
        ),
        printing::AGE,
    ],
    cells: |class, now| {
        let is_default = [
            "storageclass.kubernetes.io/is-default-class",
            "storageclass.beta.kubernetes.io/is-default-class",
        ]
        .iter()
        .any(|key| annotation(class, key) == Some("true"));
        let mut name = metadata(class).text("name").to_owned();
        if is_default {
            name += " (default)";
        }
        vec![
            name.into(),
            class.text("provisioner").into(),
            class.at("reclaimPolicy").as_str().unwrap_or("Delete").into(),
            class.at("volumeBindingMode").as_str().unwrap_or("Immediate").into(),
            class.flag("allowVolumeExpansion").into(),
            printing::age(class, now),
        ]
    },
    deletion_answer: DeletionAnswer::Object,
    ..BASE
};

fn validate(class: &Value) -> Vec<Error> {
    let mut errors = meta::validate(class, false, NameRule::Dns1123Subdomain);
    errors.extend(provisioner(class, "provisioner"));
    errors.extend(parameters(class));
    let policy = class.text("reclaimPolicy");
    if !policy.is_empty() && !RECLAIM_POLICIES.contains(&policy) {
        errors.push(formats::unsupported(&Path::new("reclaimPolicy"), policy, RECLAIM_POLICIES));
    }
    let path = Path::new("volumeBindingMode");
    match class.field("volumeBindingMode").and_then(Value::as_str) {
        None => errors.push(Error::required(path, "")),
        Some(mode) if BINDING_MODES.contains(&mode) => {}
        Some(mode) => errors.push(formats::unsupported(&path, mode, BINDING_MODES)),
    }
    errors.extend(allowed_topologies(class.list("allowedTopologies"), &Path::new("allowedTopologies")));
    errors
}

fn parameters_changed(class: &Value, old: &Value) -> Option<Error> {
    let path = Path::new("parameters");
    immutable::value(class.at("parameters"), old.at("parameters"), &path)
}

fn allowed_topologies(terms: &[Value], path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let mut earlier: Vec<BTreeMap<&str, BTreeSet<&str>>> = Vec::new();
    for (index, term) in terms.iter().enumerate() {
        let path = path.index(index).child("matchLabelExpressions");
        let mut keys = BTreeMap::new();
        for (index, requirement) in term.list("matchLabelExpressions").iter().enumerate() {
            let path = path.index(index);
            let (values, wrong) = topology_values(requirement, &path);
            errors.extend(wrong);
            let key = requirement.text("key");
            if keys.insert(key, values).is_some() {
                errors.push(Error::duplicate(path.child("key"), &key.into()));
            }
        }
        // Kubernetes compares with as many empty terms as there are terms, too.
        if keys.is_empty() {
            errors.extend(terms.iter().map(|_| Error::duplicate(path.clone(), &"".into())));
        }
        errors.extend(
            earlier
                .iter()
                .filter(|other| **other == keys)
                .map(|_| Error::duplicate(path.clone(), &"".into())),
        );
        earlier.push(keys);
    }
    errors
}

fn topology_values<'a>(requirement: &'a Value, path: &Path) -> (BTreeSet<&'a str>, Vec<Error>) {
    let mut errors = Vec::new();
    let mut values = BTreeSet::new();
    if requirement.list("values").is_empty() {
        errors.push(Error::required(path.child("values"), ""));
    }
    for (index, value) in requirement.list("values").iter().enumerate() {
        let text = value.as_str().unwrap_or_default();
        if !values.insert(text) {
            errors.push(Error::duplicate(path.child("values").index(index), value));
        }
    }
    let key = requirement.text("key");
    errors.extend(formats::invalid(&path.child("key"), key, formats::qualified_name(key)));
    (values, errors)
}

fn warnings(class: &Value) -> Vec<String> {
    let mut warnings = Vec::new();
    for (index, term) in class.list("allowedTopologies").iter().enumerate() {
        let path = Path::new("allowedTopologies").index(index).child("matchLabelExpressions");
        for (index, requirement) in term.list("matchLabelExpressions").iter().enumerate() {
            if let Some(why) = node_selector::deprecated_label(requirement.text("key")) {
                warnings.push(format!("{}: {why}", path.index(index).child("key")));
            }
        }
    }
    warnings
}

const RECLAIM_POLICIES: &[&str] = &["Delete", "Retain"];
const BINDING_MODES: &[&str] = &["Immediate", "WaitForFirstConsumer"];
