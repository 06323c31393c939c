//! ValidatingAdmissionPolicyBindings and MutatingAdmissionPolicyBindings: where a policy holds, and with what parameters.

use std::collections::BTreeSet;

use podsec_apimachinery::field::{Error, Path, json};
use podsec_apimachinery::name::{NameRule, path_segment};
use serde_json::Value;

use super::{GROUP, match_resources};
use crate::generic::{BASE, count_spec};
use crate::object::{Fields, FieldsMut};
use crate::printing::{self, column};
use crate::strategy::Strategy;
use crate::{formats, label_selector, metadata as meta, workload};

/// ValidatingAdmissionPolicyBindings.
pub(crate) static VALIDATING: Strategy = Strategy {
    resource: "validatingadmissionpolicybindings",
    validate: |binding| validate(binding, false),
    validate_update: |binding, old| {
        let mut errors = meta::common_update(binding, old);
        errors.extend(validate(binding, false));
        errors
    },
    ..BINDING
};

/// MutatingAdmissionPolicyBindings.
pub(crate) static MUTATING: Strategy = Strategy {
    resource: "mutatingadmissionpolicybindings",
    validate: |binding| validate(binding, true),
    validate_update: |binding, old| {
        let mut errors = meta::common_update(binding, old);
        errors.extend(validate(binding, true));
        errors
    },
    ..BINDING
};

const BINDING: Strategy = Strategy {
    group: GROUP,
    default: |binding| {
        let Some(spec) = binding.as_object_mut().and_then(|binding| binding.ensure("spec")) else { return };
        if let Some(resources) = spec.object_mut("matchResources") {
            match_resources::default(resources);
        }
    },
    prepare_for_create: workload::start_generation,
    prepare_for_update: count_spec,
    columns: &[
        printing::NAME,
        column("PolicyName", "PolicyName indicates the policy definition which the policy binding binded to"),
        column("ParamRef", "ParamRef indicates the param resource which sets the configuration param"),
        printing::AGE,
    ],
    cells: |binding, now| {
        let spec = binding.at("spec");
        let params = spec.field("paramRef").and_then(|params| match params.text("name") {
            "" => params.field("selector").map(label_selector::format),
            name => {
                let namespace = params.text("namespace");
                Some(format!("{}/{name}", if namespace.is_empty() { "*" } else { namespace }))
            }
        });
        vec![
            printing::name(binding),
            spec.text("policyName").into(),
            params.map_or_else(|| "<unset>".into(), Value::from),
            printing::age(binding, now),
        ]
    },
    allow_unconditional_update: false,
    ..BASE
};

fn validate(binding: &Value, mutates: bool) -> Vec<Error> {
    let mut errors = meta::validate_any_finalizers(binding, false, NameRule::Dns1123Subdomain);
    let (path, spec) = (Path::new("spec"), binding.at("spec"));
    let policy = spec.text("policyName");
    if policy.is_empty() {
        errors.push(Error::required(path.child("policyName"), ""));
    } else {
        errors.extend(formats::invalid(&path.child("policyName"), policy, formats::subdomain(policy)));
    }
    if let Some(params) = spec.field("paramRef") {
        errors.extend(param_ref(params, &path.child("paramRef")));
    }
    if let Some(resources) = spec.field("matchResources") {
        let path = path.child("matchResources");
        errors.extend(match_resources::validate(resources, &path));
        if mutates {
            errors.extend(match_resources::validate_of_mutation(resources, &path));
        }
    }
    if !mutates {
        errors.extend(actions(spec, &path.child("validationActions")));
    }
    errors
}

fn param_ref(params: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let name = params.text("name");
    let exclusive =
        |field: &str| Error::forbidden(path.child(field), "name and selector are mutually exclusive");
    if !name.is_empty() {
        errors.extend(formats::invalid(&path.child("name"), name, path_segment(name)));
        errors.extend(params.has("selector").then(|| exclusive("name")));
    }
    if let Some(selector) = params.field("selector") {
        errors.extend(label_selector::validate(selector, &path.child("selector")));
        errors.extend((!name.is_empty()).then(|| exclusive("selector")));
    } else if name.is_empty() {
        errors.push(Error::required(path.clone(), "one of name or selector must be specified"));
    }
    let (action, path) = (params.text("parameterNotFoundAction"), path.child("parameterNotFoundAction"));
    errors.extend(formats::one_of(&path, action, &["Deny", "Allow"]));
    errors
}

fn actions(spec: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let mut seen = BTreeSet::new();
    for (index, value) in spec.list("validationActions").iter().enumerate() {
        let action = value.as_str().unwrap_or_default();
        if !ACTIONS.contains(&action) {
            errors.push(formats::unsupported(&path.index(index), action, ACTIONS));
        }
        if !seen.insert(action) {
            errors.push(Error::duplicate(path.index(index), value));
        }
    }
    if seen.contains("Deny") && seen.contains("Warn") {
        let detail = "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)";
        errors.push(Error::invalid_json(path.clone(), &json(spec.at("validationActions")), detail));
    }
    if seen.is_empty() {
        errors.push(Error::required(path.clone(), "at least one validation action is required"));
    }
    errors
}

const ACTIONS: &[&str] = &["Audit", "Deny", "Warn"];
