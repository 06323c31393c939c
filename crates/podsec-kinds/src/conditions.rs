//! The rules of `metav1.Condition`, which some kinds list in their status.

use std::collections::BTreeSet;

use podsec_apimachinery::field::{Error, Path};
use serde_json::Value;

use crate::formats;
use crate::object::Fields;

/// What is wrong with a list of conditions.
pub(crate) fn validate(conditions: &[Value], path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let mut seen = BTreeSet::new();
    for (index, condition) in conditions.iter().enumerate() {
        let path = path.index(index);
        if !seen.insert(condition.text("type")) {
            errors.push(Error::duplicate(path.child("type"), &condition.text("type").into()));
        }
        errors.extend(validate_one(condition, &path));
    }
    errors
}

/// What is wrong with one condition.
pub(crate) fn validate_one(condition: &Value, path: &Path) -> Vec<Error> {
    let kind = condition.text("type");
    let mut errors = formats::invalid(&path.child("type"), kind, formats::qualified_name(kind));
    let status = condition.text("status");
    if !STATUSES.contains(&status) {
        errors.push(formats::unsupported(&path.child("status"), status, STATUSES));
    }
    let generation = condition.number("observedGeneration");
    if generation < 0 {
        let detail = "must be greater than or equal to zero";
        errors.push(Error::invalid(path.child("observedGeneration"), &generation.into(), detail));
    }
    if !condition.has("lastTransitionTime") {
        errors.push(Error::required(path.child("lastTransitionTime"), ""));
    }
    let (reason, reason_path) = (condition.text("reason"), path.child("reason"));
    if reason.is_empty() {
        errors.push(Error::required(reason_path, ""));
    } else {
        if !is_reason(reason) {
            errors.push(Error::invalid(reason_path.clone(), &reason.into(), REASON));
        }
        if reason.len() > LONGEST_REASON {
            errors.push(Error::too_long(reason_path, LONGEST_REASON));
        }
    }
    if condition.text("message").len() > LONGEST_MESSAGE {
        errors.push(Error::too_long(path.child("message"), LONGEST_MESSAGE));
    }
    errors
}

fn is_reason(reason: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let bytes = reason.as_bytes();
    bytes.first().is_some_and(u8::is_ascii_alphabetic)
        && bytes.last().is_some_and(|last| word(*last))
        && bytes.iter().all(|byte| word(*byte) || b",:".contains(byte))
}

const STATUSES: &[&str] = &["False", "True", "Unknown"];
const LONGEST_REASON: usize = 1024;
const LONGEST_MESSAGE: usize = 32 * 1024;
const REASON: &str = "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?')";
