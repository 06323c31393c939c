//! `matchConditions`: whether a policy or webhook is asked at all.

use std::collections::BTreeMap;

use podsec_cel::{Value, limits};

use super::evaluation::Evaluation;
use super::expression::Expression;
use crate::admission::matching::FailurePolicy;

/// Whether all conditions hold. One that does not decides, whatever the others fail with.
///
/// # Errors
/// Why nobody can tell, for a holder that refuses what it cannot judge.
pub(in crate::admission) fn hold(
    conditions: &[Expression],
    failure_policy: FailurePolicy,
    values: &BTreeMap<String, Value>,
) -> Result<bool, String> {
    let variables = BTreeMap::new();
    let mut evaluation = Evaluation::new(values, &variables, limits::MATCH_CONDITIONS);
    let mut outcomes = Vec::new();
    for condition in conditions {
        match evaluation.run(condition) {
            Ok(outcome) => outcomes.push(outcome),
            Err(over) => return unknown(failure_policy, over.to_string()),
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
        [one] => unknown(failure_policy, one.clone()),
        many => unknown(failure_policy, format!("[{}]", many.join(", "))),
    }
}

fn unknown(failure_policy: FailurePolicy, why: String) -> Result<bool, String> {
    match failure_policy {
        FailurePolicy::Fail => Err(why),
        FailurePolicy::Ignore => Ok(false),
    }
}
