//! One policy, read and compiled once.

use std::collections::BTreeMap;

use podsec_apimachinery::meta::Meta;
use serde_json::Value;

use super::expression::{self, Compiler, Expression, Uses};
use super::match_resources::MatchResources;
use super::params::ParamKind;
use crate::admission::matching::FailurePolicy;

/// A policy.
#[derive(Debug)]
#[expect(clippy::struct_field_names, reason = "Kubernetes' names")]
pub(super) struct Policy {
    /// Its name.
    pub(super) name: String,
    /// What becomes of a request that it cannot judge.
    pub(super) failure_policy: FailurePolicy,
    /// The requests that it is about; absent in none that the server has let in.
    pub(super) constraints: Option<MatchResources>,
    /// The kind of its parameters.
    pub(super) param_kind: Option<ParamKind>,
    /// What must hold for it to be asked at all.
    pub(super) conditions: Vec<Expression>,
    /// What its expressions call `variables`.
    pub(super) variables: BTreeMap<String, Expression>,
    /// What must hold.
    pub(super) validations: Vec<Validation>,
    /// What is written into the audit log.
    pub(super) annotations: Vec<Annotation>,
    /// What it changes.
    pub(super) mutations: Vec<Mutation>,
    /// Whether it is asked again when the object has changed since.
    pub(super) reinvokes: bool,
}

/// What must hold.
#[derive(Debug)]
pub(super) struct Validation {
    pub(super) expression: Expression,
    /// What is said when it does not hold; may be empty.
    pub(super) message: String,
    /// The same as an expression, which comes first.
    pub(super) message_expression: Option<Expression>,
    /// The reason of the refusal; may be empty.
    pub(super) reason: String,
}

/// What is written into the audit log.
#[derive(Debug)]
pub(super) struct Annotation {
    pub(super) key: String,
    pub(super) value: Expression,
}

/// What is changed.
#[derive(Debug)]
pub(super) enum Mutation {
    /// As by a server-side apply.
    ApplyConfiguration(Expression),
    /// As by a JSON patch.
    JsonPatch(Expression),
}

impl Policy {
    pub(super) fn read(policy: &Value) -> Self {
        let spec = policy.get("spec").unwrap_or(&Value::Null);
        let list = |field: &str| {
            spec.get(field).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default().iter()
        };
        let object = |field: &str| spec.get(field).filter(|value| value.is_object());
        let param_kind = object("paramKind").map(ParamKind::read);
        let mut compiler = Compiler::new(param_kind.is_some(), list("variables").len() > 0);
        let variables = list("variables")
            .map(|variable| {
                let name = text(variable, "name");
                (name.to_owned(), compiler.variable(name, text(variable, "expression")))
            })
            .collect();
        let compile = |text: &str, uses: Uses| compiler.expression(text, uses);
        let validation = |validation: &Value| Validation {
            expression: compile(text(validation, "expression"), Uses::Rights),
            message: text(validation, "message").trim().to_owned(),
            message_expression: Some(text(validation, "messageExpression"))
                .filter(|expression| !expression.is_empty())
                .map(|expression| compile(expression, Uses::Request)),
            reason: text(validation, "reason").to_owned(),
        };
        let mutation = |mutation: &Value| {
            let expression = |field: &str| {
                let text = mutation.get(field).map(|patch| text(patch, "expression")).unwrap_or_default();
                compile(text, Uses::Mutations)
            };
            match text(mutation, "patchType") {
                "JSONPatch" => Mutation::JsonPatch(expression("jsonPatch")),
                _ => Mutation::ApplyConfiguration(expression("applyConfiguration")),
            }
        };
        Self {
            name: Meta::of(policy).name().to_owned(),
            failure_policy: match text(spec, "failurePolicy") {
                "Ignore" => FailurePolicy::Ignore,
                _ => FailurePolicy::Fail,
            },
            constraints: object("matchConstraints").map(MatchResources::read),
            conditions: expression::conditions(spec, param_kind.is_some()),
            validations: list("validations").map(validation).collect(),
            annotations: list("auditAnnotations")
                .map(|annotation| Annotation {
                    key: text(annotation, "key").to_owned(),
                    value: compile(text(annotation, "valueExpression"), Uses::Rights),
                })
                .collect(),
            mutations: list("mutations").map(mutation).collect(),
            reinvokes: text(spec, "reinvocationPolicy") == "IfNeeded",
            param_kind,
            variables,
        }
    }
}

fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object.get(field).and_then(Value::as_str).unwrap_or_default()
}
