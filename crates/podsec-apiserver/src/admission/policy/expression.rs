//! Expressions of a policy, compiled once.

use std::collections::BTreeMap;
use std::sync::Arc;

use podsec_cel::{Environment, Program, Type, kubernetes};
use serde_json::Value;

/// An expression, or why there is none.
#[derive(Debug)]
pub(in crate::admission) struct Expression {
    /// As the policy has it.
    pub(super) text: String,
    /// What runs, or why it does not compile: stored by a server that let more in.
    pub(super) program: Result<Program, String>,
}

/// The `matchConditions` of a policy's spec or of a webhook, which know no variables.
pub(in crate::admission) fn conditions(holder: &Value, params: bool) -> Vec<Expression> {
    let compiler = Compiler::new(params, false);
    let conditions = holder.get("matchConditions").and_then(Value::as_array);
    let text = |condition: &Value| {
        let text = condition.get("expression").and_then(Value::as_str).unwrap_or_default();
        compiler.expression(text, Uses::Rights)
    };
    conditions.into_iter().flatten().map(text).collect()
}

/// What an expression may use beside the variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Uses {
    /// The request, and who may do what.
    Rights,
    /// The request alone.
    Request,
    /// Also what makes configurations and patches.
    Mutations,
}

/// Compiles the expressions of one policy, its variables first and in their order.
pub(super) struct Compiler {
    params: bool,
    composed: bool,
    variables: Arc<BTreeMap<String, Type>>,
}

impl Compiler {
    /// `params` says whether the policy has parameters, `composed` whether it has variables.
    pub(super) fn new(params: bool, composed: bool) -> Self {
        Self { params, composed, variables: Arc::default() }
    }

    /// Compiles a variable; the expressions after it know its type.
    pub(super) fn variable(&mut self, name: &str, text: &str) -> Expression {
        let expression = self.expression(text, Uses::Rights);
        let of = expression
            .program
            .as_ref()
            .map_or(Type::Dyn, |program| program.result_type().of_policy_variable());
        Arc::make_mut(&mut self.variables).insert(name.to_owned(), of);
        expression
    }

    /// Compiles an expression.
    pub(super) fn expression(&self, text: &str, uses: Uses) -> Expression {
        let compiled = self.environment(uses).compile(text);
        let program = compiled.map_err(|error| {
            if error.instantiation { error.to_string() } else { format!("compilation failed: {error}") }
        });
        Expression { text: text.to_owned(), program }
    }

    fn environment(&self, uses: Uses) -> Environment {
        let environment = match uses {
            Uses::Rights => kubernetes::validating_policy(self.params, true),
            Uses::Request => kubernetes::validating_policy(self.params, false),
            Uses::Mutations => kubernetes::mutating_policy(self.params, true),
        };
        if self.composed {
            environment.with_policy_variables(Arc::clone(&self.variables))
        } else {
            environment
        }
    }
}
