//! `matchConditions`: whether a policy is asked at all.

use std::collections::BTreeMap;

use podsec_cel::{Value, limits};

use super::definition::Policy;
use super::evaluation::Evaluation;
use crate::admission::webhook::hook::FailurePolicy;

/// Whether all conditions hold. One that does not decides, whatever the others fail with.
///
/// # Errors
/// Why nobody can tell, for a policy that refuses what it cannot judge.
pub(super) fn hold(policy: &Policy, values: &BTreeMap<String, Value>) -> Result<bool, String> {
    let mut evaluation = Evaluation::new(values, &policy.variables, limits::MATCH_CONDITIONS);
    let mut outcomes = Vec::new();
    for condition in &policy.conditions {
        match evaluation.run(condition) {
            Ok(outcome) => outcomes.push(outcome),
            Err(over) => return unknown(policy, over.to_string()),
        }
    }
    if outcomes.iter().any(|outcome| matches!(outcome, Ok(Value::Bool(false)))) {
        return Ok(false);
    }
    let mut errors: Vec<String> = Vec::new();
    for error in outcomes.into_iter().filter_map(Result::err) {
        if !errors.contains(&error) {
            errors.push(error);
        }
    }
    match errors.as_slice() {
        [] => Ok(true),
        [one] => unknown(policy, one.clone()),
        many => unknown(policy, format!("[{}]", many.join(", "))),
    }
}

fn unknown(policy: &Policy, why: String) -> Result<bool, String> {
    match policy.failure_policy {
        FailurePolicy::Fail => Err(why),
        FailurePolicy::Ignore => Ok(false),
    }
}
