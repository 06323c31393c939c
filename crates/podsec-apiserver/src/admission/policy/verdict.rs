//! What one ValidatingAdmissionPolicy says about one request with one parameter.

use std::collections::BTreeMap;

use podsec_cel::{Value, limits};

use super::conditions;
use super::definition::{Annotation, Policy, Validation};
use super::evaluation::{Evaluation, OutOfBudget};
use crate::admission::matching::FailurePolicy;

/// What it says.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// What it denies: the place of the validation among all of them, and why.
    pub(super) denials: Vec<(usize, Denial)>,
    /// What it writes into the audit log.
    pub(super) annotations: Vec<(String, String)>,
    /// What kept it from writing there, which denies the request whatever the binding says.
    pub(super) failed_annotations: Vec<String>,
}

/// Why a request is denied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Denial {
    pub(super) message: String,
    /// The reason of the refusal; empty for `Invalid`.
    pub(super) reason: String,
}

/// Judges. `values` are without the namespace, which match conditions do not see.
pub(super) fn judge(policy: &Policy, mut values: BTreeMap<String, Value>, namespace: Value) -> Verdict {
    match conditions::hold(&policy.conditions, policy.failure_policy, &values) {
        Ok(true) => {}
        Ok(false) => return Verdict::default(),
        Err(why) => return undecided(policy, why),
    }
    values.insert("namespaceObject".to_owned(), namespace);
    let mut evaluation = Evaluation::new(&values, &policy.variables, limits::PER_OBJECT);
    let run = |validation: &Validation| evaluation.run(&validation.expression);
    let outcomes: Result<Vec<_>, OutOfBudget> = policy.validations.iter().map(run).collect();
    let outcomes = match outcomes {
        Ok(outcomes) => outcomes,
        Err(over) => return undecided(policy, over.to_string()),
    };
    let messages = messages(policy, &values, evaluation.left());
    let mut verdict = Verdict::default();
    for (index, (validation, outcome)) in policy.validations.iter().zip(outcomes).enumerate() {
        let fails = |message: String| match policy.failure_policy {
            FailurePolicy::Fail => Some(Denial { message, reason: String::new() }),
            FailurePolicy::Ignore => None,
        };
        let denial = match (outcome, &messages) {
            (Err(why), _) => fails(why),
            (Ok(_), Err(over)) => fails(format!("failed messageExpression: {over}")),
            (Ok(Value::Bool(true)), Ok(_)) => None,
            (Ok(_), Ok(messages)) => {
                let message = messages.get(index).cloned().flatten();
                Some(Denial {
                    message: message.unwrap_or_else(|| standing_message(validation)),
                    reason: validation.reason.clone(),
                })
            }
        };
        verdict.denials.extend(denial.map(|denial| (index, denial)));
    }
    annotate(policy, &values, verdict)
}

/// The messages that message expressions yield and that can be shown; `None` where there is none.
fn messages(
    policy: &Policy,
    values: &BTreeMap<String, Value>,
    budget: u64,
) -> Result<Vec<Option<String>>, OutOfBudget> {
    let mut evaluation = Evaluation::new(values, &policy.variables, budget);
    let message = |validation: &Validation| {
        let Some(expression) = &validation.message_expression else { return Ok(None) };
        Ok(match evaluation.run(expression)? {
            Ok(Value::String(text)) => {
                let text = text.trim();
                let shown = !text.is_empty() && text.len() <= LONGEST_MESSAGE && !text.contains('\n');
                shown.then(|| text.to_owned())
            }
            _ => None,
        })
    };
    policy.validations.iter().map(message).collect()
}

/// What is said where no message expression says anything.
fn standing_message(validation: &Validation) -> String {
    if validation.message.is_empty() {
        format!("failed expression: {}", validation.expression.text.trim())
    } else {
        validation.message.clone()
    }
}

fn annotate(policy: &Policy, values: &BTreeMap<String, Value>, mut verdict: Verdict) -> Verdict {
    let mut evaluation = Evaluation::new(values, &policy.variables, limits::PER_OBJECT);
    for Annotation { key, value } in &policy.annotations {
        let outcome = match evaluation.run(value) {
            Ok(outcome) => outcome,
            Err(over) => return undecided(policy, over.to_string()),
        };
        match outcome {
            Ok(Value::String(text)) => {
                let text = text.trim();
                if !text.is_empty() {
                    verdict.annotations.push((key.clone(), cut(text).to_owned()));
                }
            }
            Ok(Value::Null) => {}
            Ok(other) => verdict.failed_annotations.push(format!(
                "valueExpression '{}' resulted in unsupported return type: {}. Return type must be either string or null.",
                value.text,
                other.type_name()
            )),
            Err(why) if policy.failure_policy == FailurePolicy::Fail => verdict.failed_annotations.push(why),
            Err(_) => {}
        }
    }
    verdict
}

/// The verdict of a policy that cannot judge.
fn undecided(policy: &Policy, message: String) -> Verdict {
    match policy.failure_policy {
        FailurePolicy::Fail => {
            Verdict { denials: vec![(0, Denial { message, reason: String::new() })], ..Verdict::default() }
        }
        FailurePolicy::Ignore => Verdict::default(),
    }
}

/// As much of a text as an annotation takes.
fn cut(text: &str) -> &str {
    let mut end = text.len().min(LONGEST_ANNOTATION);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

const LONGEST_MESSAGE: usize = 5 * 1024;
const LONGEST_ANNOTATION: usize = 10 * 1024;
