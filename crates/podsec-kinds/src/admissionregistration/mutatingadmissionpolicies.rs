//! MutatingAdmissionPolicies: changes in CEL that are made to requests.

use podsec_apimachinery::field::{Error, Path};
use serde_json::Value;

use super::policies::{self, POLICY};
use crate::expressions::{self, Environment, Purpose};
use crate::object::{Fields, FieldsMut};
use crate::printing::{self, column, integer};
use crate::strategy::Strategy;
use crate::{formats, metadata as meta};

/// MutatingAdmissionPolicies.
pub(crate) static STRATEGY: Strategy = Strategy {
    resource: "mutatingadmissionpolicies",
    default: |policy| {
        if let Some(spec) = policies::default(policy) {
            for mutation in spec.objects_mut("mutations") {
                mutation.fill("patchType", "");
            }
        }
    },
    validate: |policy| validate(policy, &Value::Null),
    validate_update: |policy, old| {
        let mut errors = meta::common_update(policy, old);
        errors.extend(validate(policy, old));
        errors
    },
    columns: &[
        printing::NAME,
        integer(
            "Mutations",
            "Mutation indicates the number of mutations rules defined in this configuration",
        ),
        column("ParamKind", "ParamKind specifies the kind of resources used to parameterize this policy"),
        printing::AGE,
    ],
    cells: |policy, now| {
        vec![
            printing::name(policy),
            policy.at("spec").list("mutations").len().into(),
            policies::shown_param_kind(policy),
            printing::age(policy, now),
        ]
    },
    ..POLICY
};

fn validate(policy: &Value, old: &Value) -> Vec<Error> {
    let mut errors = policies::validate_start(policy, old, true);
    let (path, spec) = (Path::new("spec"), policy.at("spec"));
    let (environment, wrong) = policies::environment(spec, true);
    errors.extend(wrong);
    let mutations = spec.list("mutations");
    if mutations.is_empty() {
        errors.push(Error::required(path.child("mutations"), "mutations must contain at least one item"));
    }
    for (index, each) in mutations.iter().enumerate() {
        errors.extend(mutation(each, &environment, &path.child("mutations").index(index)));
    }
    let (reinvocation, path) = (spec.text("reinvocationPolicy"), path.child("reinvocationPolicy"));
    errors.extend(formats::one_of(&path, reinvocation, &["IfNeeded", "Never"]));
    errors
}

fn mutation(mutation: &Value, environment: &Environment, path: &Path) -> Vec<Error> {
    let kind = mutation.text("patchType");
    let (own, other, purpose) = match kind {
        "" => return vec![Error::required(path.child("patchType"), "")],
        "JSONPatch" => ("jsonPatch", "applyConfiguration", Purpose::JsonPatch),
        "ApplyConfiguration" => ("applyConfiguration", "jsonPatch", Purpose::ApplyConfiguration),
        _ => {
            let supported = ["ApplyConfiguration", "JSONPatch"];
            return vec![formats::unsupported(&path.child("patchType"), kind, &supported)];
        }
    };
    let mut errors = Vec::new();
    match mutation.field(own) {
        None => {
            let detail = format!("must be specified when patchType is {kind}");
            errors.push(Error::required(path.child(own), &detail));
        }
        Some(change) => {
            let path = path.child(own).child("expression");
            let expression = change.text("expression").trim();
            if expression.is_empty() {
                errors.push(Error::required(path, ""));
            } else {
                let environment = Environment { purpose, ..environment.clone() };
                errors.extend(expressions::compile(expression, expression, &environment, &path));
            }
        }
    }
    if mutation.has(other) {
        let detail = format!("must not be specified when patchType is {kind}");
        let shown = format!("{{{other}}}");
        errors.push(Error::invalid(path.child(other), &shown.into(), &detail));
    }
    errors
}
