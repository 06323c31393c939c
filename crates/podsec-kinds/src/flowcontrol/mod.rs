//! The kinds of `flowcontrol.apiserver.k8s.io`, one file a kind.

pub(crate) mod flowschemas;
pub(crate) mod prioritylevelconfigurations;

use podsec_apimachinery::field::{Error, Path};
use serde_json::Value;

use crate::generic::metadata_of_stored;
use crate::object::{Fields, FieldsMut, as_map, metadata};

/// The API group.
const GROUP: &str = "flowcontrol.apiserver.k8s.io";

/// What is wrong with the conditions of a status: each has a type, and no two the same.
fn conditions(object: &Value) -> Vec<Error> {
    let path = Path::new("status").child("conditions");
    let mut errors = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for (index, condition) in object.at("status").list("conditions").iter().enumerate() {
        let path = path.index(index).child("type");
        let condition = condition.text("type");
        if !seen.insert(condition) {
            errors.push(Error::duplicate(path.clone(), &condition.into()));
        }
        if condition.is_empty() {
            errors.push(Error::required(path, ""));
        }
    }
    errors
}

/// The status alone is written: metadata and spec stay.
fn keep_all_but_status(object: &mut Value, old: &Value) {
    metadata_of_stored(object, old, &["spec"]);
    let Some(kept) = as_map(object).ensure("metadata") else { return };
    for field in ["name", "uid", "resourceVersion", "creationTimestamp", "generateName"] {
        kept.copy(field, metadata(old));
    }
}
