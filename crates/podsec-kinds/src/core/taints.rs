//! Taints of nodes: once a field, once an annotation.

use std::collections::BTreeSet;

use podsec_apimachinery::field::{Error, Path};
use serde_json::Value;

use crate::object::{Fields, annotation as annotation_of};
use crate::{formats, internal};

/// What is wrong with a list of taints: each pair of key and effect stands there once.
pub(super) fn validate(taints: &[Value], path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let mut seen = BTreeSet::new();
    for (index, taint) in taints.iter().enumerate() {
        let path = path.index(index);
        let (key, value, effect) = (taint.text("key"), taint.text("value"), taint.text("effect"));
        errors.extend(formats::invalid(&path.child("key"), key, formats::qualified_name(key)));
        let wrong = formats::label_value(value);
        if !wrong.is_empty() {
            errors.push(Error::invalid(path.child("value"), &value.into(), &wrong.join(";")));
        }
        let effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
        errors.extend(formats::one_of(&path.child("effect"), effect, &effects));
        if !seen.insert((key, effect)) {
            let mut error = Error::duplicate_json(path, &internal::json("Taint", taint));
            error.message.push_str(": taints must be unique by key and effect pair");
            errors.push(error);
        }
    }
    errors
}

/// The same in the annotation that older clients may still set.
pub(super) fn annotation(node: &Value) -> Vec<Error> {
    const TAINTS: &str = "scheduler.alpha.kubernetes.io/taints";
    let Some(text) = annotation_of(node, TAINTS).filter(|text| !text.is_empty()) else { return Vec::new() };
    let path = Path::new("metadata").child("annotations");
    match crate::go_json::parse(text) {
        Ok(taints) => validate(taints.as_array().map(Vec::as_slice).unwrap_or_default(), &path.child(TAINTS)),
        Err(why) => formats::invalid(&path, TAINTS, [why]),
    }
}
