//! References to the objects that an autoscaler scales, or whose metrics it reads.

use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::name;
use serde_json::Value;

use crate::formats;
use crate::object::Fields;

/// What an `apiVersion` must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum VersionRule {
    /// A group and a version.
    WithGroup,
    /// A version, with a group or without.
    Valid,
    /// Anything: it was there before.
    Any,
}

/// What is wrong with a reference to an object of any kind.
pub(super) fn reference(reference: &Value, rule: VersionRule, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    for field in ["kind", "name"] {
        let (path, value) = (path.child(field), reference.text(field));
        if value.is_empty() {
            errors.push(Error::required(path, ""));
        } else {
            errors.extend(formats::invalid(&path, value, name::path_segment(value)));
        }
    }
    let version = reference.text("apiVersion");
    errors.extend(
        wrong_version(version, rule)
            .map(|wrong| Error::invalid(path.child("apiVersion"), &version.into(), &wrong)),
    );
    errors
}

/// Why an `apiVersion` breaks the rule.
pub(super) fn wrong_version(version: &str, rule: VersionRule) -> Option<String> {
    match (rule, version.matches('/').count()) {
        (VersionRule::Any, _) => None,
        (_, 2..) => Some(format!("unexpected GroupVersion string: {version}")),
        (VersionRule::WithGroup, _) if version.split_once('/').is_none_or(|(group, _)| group.is_empty()) => {
            Some("apiVersion must specify API group".to_owned())
        }
        _ => None,
    }
}
