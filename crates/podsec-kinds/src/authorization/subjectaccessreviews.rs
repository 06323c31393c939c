//! SubjectAccessReviews, of anybody, of oneself, and in one namespace: whether a user may do something.

use podsec_apimachinery::field::{Error, Path};
use serde_json::Value;

use super::selectors;
use crate::generic::BASE;
use crate::internal;
use crate::object::{Fields, metadata};
use crate::strategy::Strategy;

/// SubjectAccessReviews.
pub(crate) static ANYBODY: Strategy = Strategy {
    resource: "subjectaccessreviews",
    validate: |review| {
        let mut errors = spec(review.at("spec"), true);
        errors.extend(without_metadata(review, &[], "must be empty"));
        errors
    },
    ..REVIEW
};

/// SelfSubjectAccessReviews.
pub(crate) static ONESELF: Strategy = Strategy {
    resource: "selfsubjectaccessreviews",
    validate: |review| {
        let mut errors = spec(review.at("spec"), false);
        errors.extend(without_metadata(review, &[], "must be empty"));
        errors
    },
    ..REVIEW
};

/// LocalSubjectAccessReviews.
pub(crate) static LOCAL: Strategy = Strategy {
    resource: "localsubjectaccessreviews",
    validate: |review| {
        let asked = review.at("spec");
        let mut errors = spec(asked, true);
        errors.extend(without_metadata(review, &["namespace"], "must be empty except for namespace"));
        if let Some(attributes) = asked.field("resourceAttributes") {
            let namespace = attributes.text("namespace");
            if namespace != metadata(review).text("namespace") {
                let path = Path::new("spec").child("resourceAttributes").child("namespace");
                errors.push(Error::invalid(path, &namespace.into(), "must match metadata.namespace"));
            }
        }
        if let Some(attributes) = asked.field("nonResourceAttributes") {
            errors.push(non_resource(attributes, "disallowed on this kind of request"));
        }
        errors
    },
    ..REVIEW
};

const REVIEW: Strategy = Strategy { group: "authorization.k8s.io", ..BASE };

fn spec(spec: &Value, names_subject: bool) -> Vec<Error> {
    let path = Path::new("spec");
    let mut errors = Vec::new();
    match (spec.field("resourceAttributes"), spec.field("nonResourceAttributes")) {
        (Some(_), Some(attributes)) => {
            let detail = "cannot be specified in combination with resourceAttributes";
            errors.push(non_resource(attributes, detail));
        }
        (None, None) => {
            let detail = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
            errors.push(Error::invalid_json(path.child("resourceAttributes"), "null", detail));
        }
        _ => {}
    }
    if names_subject && spec.text("user").is_empty() && spec.list("groups").is_empty() {
        let detail = "at least one of user or group must be specified";
        errors.push(Error::invalid(path.child("user"), &"".into(), detail));
    }
    if let Some(attributes) = spec.field("resourceAttributes") {
        errors.extend(selectors::validate(attributes, &path.child("resourceAttributes")));
    }
    errors
}

fn non_resource(attributes: &Value, detail: &str) -> Error {
    let path = Path::new("spec").child("nonResourceAttributes");
    internal::invalid(path, "authorization.NonResourceAttributes", attributes, detail)
}

/// A review has no metadata but who manages its fields.
fn without_metadata(review: &Value, but: &[&str], detail: &str) -> Option<Error> {
    let fields = metadata(review).as_object()?;
    let some = fields.iter().any(|(name, value)| {
        let empty = match value {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Object(members) => members.is_empty(),
            Value::Number(number) => number.as_i64() == Some(0),
            Value::Bool(_) => false,
        };
        name != "managedFields" && !but.contains(&name.as_str()) && !empty
    });
    let path = Path::new("metadata");
    some.then(|| internal::invalid(path, "metav1.ObjectMeta", metadata(review), detail))
}
