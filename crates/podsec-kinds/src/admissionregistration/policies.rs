//! What ValidatingAdmissionPolicies and MutatingAdmissionPolicies share.

use std::collections::BTreeMap;
use std::sync::Arc;

use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::name::{NameRule, dns1035_label, dns1123_subdomain};
use podsec_cel::Type;
use serde_json::{Map, Value};

use super::{GROUP, match_conditions, match_resources};
use crate::expressions::{self, Environment, Purpose};
use crate::generic::{BASE, count_spec};
use crate::object::{Fields, FieldsMut, same};
use crate::strategy::Strategy;
use crate::{formats, metadata as meta, workload};

/// What both have in common.
pub(super) const POLICY: Strategy = Strategy {
    group: GROUP,
    prepare_for_create: workload::start_generation,
    prepare_for_update: count_spec,
    allow_unconditional_update: false,
    ..BASE
};

/// Fills what is absent from a spec.
pub(super) fn default(policy: &mut Value) -> Option<&mut Map<String, Value>> {
    let spec = policy.as_object_mut()?.ensure("spec")?;
    spec.fill("failurePolicy", "Fail");
    if let Some(constraints) = spec.object_mut("matchConstraints") {
        match_resources::default(constraints);
    }
    Some(spec)
}

/// What is wrong with metadata and with the first half of the spec, up to the match conditions. `old` is the stored policy.
pub(super) fn validate_start(policy: &Value, old: &Value, mutates: bool) -> Vec<Error> {
    let mut errors = meta::validate_any_finalizers(policy, false, NameRule::Dns1123Subdomain);
    let (path, spec) = (Path::new("spec"), policy.at("spec"));
    match spec.at("failurePolicy").as_str() {
        None => errors.push(Error::required(path.child("failurePolicy"), "")),
        Some(failure) if FAILURE_POLICIES.contains(&failure) => {}
        Some(failure) => {
            errors.push(formats::unsupported(&path.child("failurePolicy"), failure, FAILURE_POLICIES));
        }
    }
    if let Some(kind) = spec.field("paramKind") {
        errors.extend(param_kind(kind, &path.child("paramKind")));
    }
    let constraints_path = path.child("matchConstraints");
    match spec.field("matchConstraints") {
        None => errors.push(Error::required(constraints_path, "")),
        Some(constraints) => {
            errors.extend(match_resources::validate(constraints, &constraints_path));
            if constraints.list("resourceRules").is_empty() {
                errors.push(Error::required(constraints_path.child("resourceRules"), ""));
            }
            if mutates {
                errors.extend(match_resources::validate_of_mutation(constraints, &constraints_path));
            }
        }
    }
    let old_spec = old.at("spec");
    let unchanged = !old.is_null()
        && same(spec.at("paramKind"), old_spec.at("paramKind"))
        && same(spec.at("matchConditions"), old_spec.at("matchConditions"));
    if !unchanged {
        errors.extend(match_conditions::validate(spec, spec.has("paramKind"), &path));
    }
    errors
}

/// What the expressions of a policy may use, and what is wrong with its variables. One that has an error has any type. A
/// policy that validates has no `variables` when it defines none.
pub(super) fn environment(spec: &Value, mutates: bool) -> (Environment, Vec<Error>) {
    let (mut errors, path) = (Vec::new(), Path::new("spec").child("variables"));
    let mut environment = Environment { params: spec.has("paramKind"), ..Environment::of(Purpose::Variable) };
    let variables = spec.list("variables");
    let mut types = (mutates || !variables.is_empty()).then(Arc::<BTreeMap<_, _>>::default);
    for (index, variable) in variables.iter().enumerate() {
        environment.variables = types.take();
        let result = self::variable(variable, &environment, &path.index(index), &mut errors);
        types = environment.variables.take();
        if let (Some(types), Some(result)) = (&mut types, result) {
            // Nobody else has it by now, so nothing is copied.
            Arc::make_mut(types).insert(variable.text("name").to_owned(), result);
        }
    }
    environment.variables = types;
    (environment, errors)
}

/// The type of a variable; none without an expression, for then there is no such variable.
fn variable(
    variable: &Value,
    environment: &Environment,
    path: &Path,
    errors: &mut Vec<Error>,
) -> Option<Type> {
    let (name, expression) = (variable.text("name"), variable.text("expression"));
    if name.trim().is_empty() {
        errors.push(Error::required(path.child("name"), "name is not specified"));
    } else if !podsec_cel::is_identifier(name) {
        errors.push(Error::invalid(path.child("name"), &name.into(), "must be a valid CEL identifier"));
    }
    let path = path.child("expression");
    if expression.trim().is_empty() {
        errors.push(Error::required(path, "expression is not specified"));
        return None;
    }
    match expressions::result_type(expression, expression, environment, &path) {
        Ok(result) => Some(result.of_policy_variable()),
        Err(error) => {
            errors.push(error);
            Some(Type::Dyn)
        }
    }
}

fn param_kind(kind: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let (api_version, version_path) = (kind.text("apiVersion"), path.child("apiVersion"));
    let invalid = |text: &str, why: &str| Error::invalid(version_path.clone(), &text.into(), why);
    let (group, version) = match api_version.split_once('/') {
        _ if api_version == "/" => ("", ""),
        None => ("", api_version),
        Some((group, version)) => (group, version),
    };
    if api_version.is_empty() {
        errors.push(Error::required(version_path.clone(), ""));
    } else if version.contains('/') {
        errors.push(invalid(api_version, &format!("unexpected GroupVersion string: {api_version}")));
    } else {
        let wrong = if group.is_empty() { Vec::new() } else { dns1123_subdomain(group) };
        if !wrong.is_empty() {
            errors.push(invalid(group, &wrong.join(",")));
        }
        let wrong = dns1035_label(version);
        if version.is_empty() {
            errors.push(invalid(api_version, "version must be specified"));
        } else if !wrong.is_empty() {
            errors.push(invalid(version, &wrong.join(",")));
        }
    }
    let name = kind.text("kind");
    if name.is_empty() {
        errors.push(Error::required(path.child("kind"), ""));
        return errors;
    }
    let wrong = dns1035_label(&name.to_lowercase());
    if !wrong.is_empty() {
        let detail = format!("may have mixed case, but should otherwise match: {}", wrong.join(","));
        errors.push(Error::invalid(path.child("kind"), &name.into(), &detail));
    }
    errors
}

/// The kind of parameters as a Table shows it.
pub(super) fn shown_param_kind(policy: &Value) -> Value {
    match policy.at("spec").field("paramKind") {
        Some(kind) => format!("{}/{}", kind.text("apiVersion"), kind.text("kind")).into(),
        None => "<unset>".into(),
    }
}

const FAILURE_POLICIES: &[&str] = &["Fail", "Ignore"];
