//! ValidatingAdmissionPolicies: rules in CEL that requests must satisfy.

use std::collections::BTreeSet;

use podsec_apimachinery::field::{Error, Path, json};
use serde_json::{Value, json};

use super::policies::{self, POLICY};
use crate::expressions::{self, Environment, Purpose};
use crate::generic::metadata_of_stored;
use crate::object::{Fields, FieldsMut, metadata};
use crate::printing::{self, column, integer};
use crate::strategy::{Strategy, Subresource};
use crate::{conditions, formats, metadata as meta, workload};

/// ValidatingAdmissionPolicies.
pub(crate) static STRATEGY: Strategy = Strategy {
    resource: "validatingadmissionpolicies",
    default: |policy| {
        policies::default(policy);
        if let Some(policy) = policy.as_object_mut() {
            policy.ensure("status");
        }
    },
    prepare_for_create: |policy| {
        workload::reset_status(policy, json!({}));
        workload::start_generation(policy);
    },
    prepare_for_update: crate::generic::keep_status_count_generation,
    validate: |policy| validate(policy, &Value::Null),
    validate_update: |policy, old| {
        let mut errors = meta::common_update(policy, old);
        errors.extend(validate(policy, old));
        errors
    },
    subresources: &[Subresource {
        name: "status",
        prepare_for_update: |policy, old| metadata_of_stored(policy, old, &["spec"]),
        validate_update: |policy, old| {
            let mut errors = meta::common_update(policy, old);
            errors.extend(status(policy.at("status"), &Path::new("status")));
            errors
        },
    }],
    columns: &[
        printing::NAME,
        integer(
            "Validations",
            "Validations indicates the number of validation rules defined in this configuration",
        ),
        column("ParamKind", "ParamKind specifies the kind of resources used to parameterize this policy"),
        printing::AGE,
    ],
    cells: |policy, now| {
        vec![
            printing::name(policy),
            policy.at("spec").list("validations").len().into(),
            policies::shown_param_kind(policy),
            printing::age(policy, now),
        ]
    },
    ..POLICY
};

fn validate(policy: &Value, old: &Value) -> Vec<Error> {
    let mut errors = policies::validate_start(policy, old, false);
    let (path, spec) = (Path::new("spec"), policy.at("spec"));
    let (environment, wrong) = policies::environment(spec, false);
    errors.extend(wrong);
    let (validations, annotations) = (spec.list("validations"), spec.list("auditAnnotations"));
    if validations.is_empty() && annotations.is_empty() {
        let detail = "validations or auditAnnotations must contain at least one item";
        errors.push(Error::required(path.child("validations"), detail));
        errors.push(Error::required(path.child("auditAnnotations"), detail));
        return errors;
    }
    for (index, each) in validations.iter().enumerate() {
        errors.extend(validation(each, &environment, &path.child("validations").index(index)));
    }
    let path = path.child("auditAnnotations");
    if annotations.len() > MOST_ANNOTATIONS {
        let detail = format!("must not have more than {MOST_ANNOTATIONS} auditAnnotations");
        errors.push(Error::invalid_json(path.clone(), &json(spec.at("auditAnnotations")), &detail));
    }
    let name = metadata(policy).text("name");
    let mut keys = BTreeSet::new();
    for (index, each) in annotations.iter().enumerate() {
        let path = path.index(index);
        errors.extend(annotation(each, name, &environment, &path));
        if !keys.insert(each.text("key")) {
            errors.push(Error::duplicate(path.child("key"), each.at("key")));
        }
    }
    errors
}

fn validation(validation: &Value, environment: &Environment, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let expression = validation.text("expression");
    if expression.trim().is_empty() {
        errors.push(Error::required(path.child("expression"), "expression is not specified"));
    } else {
        let environment = Environment { purpose: Purpose::Validation, ..environment.clone() };
        errors.extend(expressions::compile(expression, expression, &environment, &path.child("expression")));
    }
    let text = validation.text("messageExpression");
    let message_path = path.child("messageExpression");
    if !text.is_empty() && text.trim().is_empty() {
        errors.push(Error::invalid(message_path, &text.into(), NOT_EMPTY));
    } else if !text.is_empty() {
        let environment = Environment { purpose: Purpose::Message, ..environment.clone() };
        errors.extend(expressions::compile(text, text, &environment, &message_path));
    }
    let message = validation.text("message");
    let message_path = path.child("message");
    if !message.is_empty() && message.trim().is_empty() {
        errors.push(Error::invalid(message_path, &message.into(), NOT_EMPTY));
    } else if message.trim().contains(['\n', '\r']) {
        errors.push(Error::invalid(message_path, &message.into(), "must not contain line breaks"));
    }
    if let Some(reason) = validation.at("reason").as_str().filter(|reason| !REASONS.contains(reason)) {
        errors.push(formats::unsupported(&path.child("reason"), reason, REASONS));
    }
    errors
}

fn annotation(annotation: &Value, name: &str, environment: &Environment, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let key = annotation.text("key");
    if name.is_empty() {
        let detail = "requires metadata.name be non-empty";
        errors.push(Error::invalid(path.child("key"), &key.into(), detail));
    } else {
        let whole = format!("{name}/{key}");
        errors.extend(formats::invalid(&path.child("key"), &whole, formats::qualified_name(&whole)));
    }
    let (value, path) = (annotation.text("valueExpression"), path.child("valueExpression"));
    let trimmed = value.trim();
    if trimmed.is_empty() {
        errors.push(Error::required(path, "valueExpression is not specified"));
    } else if trimmed.len() > MOST_BYTES {
        errors.push(Error::required(path, &format!("must not exceed {MOST_BYTES} bytes in length")));
    } else {
        let environment = Environment { purpose: Purpose::AuditAnnotation, ..environment.clone() };
        errors.extend(expressions::compile(trimmed, value, &environment, &path));
    }
    errors
}

fn status(status: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let warnings = path.child("typeChecking").child("expressionWarnings");
    for (index, warning) in status.at("typeChecking").list("expressionWarnings").iter().enumerate() {
        for field in ["warning", "fieldRef"] {
            let text = warning.text(field);
            if text.is_empty() || field == "fieldRef" && text.trim().is_empty() {
                errors.push(Error::required(warnings.index(index).child(field), ""));
            }
        }
    }
    errors.extend(conditions::validate(status.list("conditions"), &path.child("conditions")));
    errors
}

const NOT_EMPTY: &str = "must be non-empty if specified";
const REASONS: &[&str] = &["Forbidden", "Invalid", "RequestEntityTooLarge"];
const MOST_ANNOTATIONS: usize = 20;
const MOST_BYTES: usize = 5 * 1024;
