//! Expressions of one policy run one after the other within one budget, with variables worked out when they are asked
//! for.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use podsec_cel::{Budget, Error, Value, Variables, limits};

use super::expression::Expression;

/// A run of expressions.
pub(super) struct Evaluation<'a> {
    values: &'a BTreeMap<String, Value>,
    variables: &'a BTreeMap<String, Expression>,
    /// The variables that have been asked for.
    known: RefCell<BTreeMap<&'a str, Result<Value, Error>>>,
    /// What they have cost since the last expression began.
    spent: Cell<u64>,
    depth: Cell<usize>,
    /// What may still be spent.
    left: u64,
}

/// Together the expressions cost more than they may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("validation failed due to running out of cost budget, no further validation rules will be run")]
pub(super) struct OutOfBudget;

impl<'a> Evaluation<'a> {
    /// A run over these values, of which none costs anything, and the variables of a policy.
    pub(super) fn new(
        values: &'a BTreeMap<String, Value>,
        variables: &'a BTreeMap<String, Expression>,
        budget: u64,
    ) -> Self {
        let (known, spent, depth) = (RefCell::default(), Cell::default(), Cell::default());
        Self { values, variables, known, spent, depth, left: budget }
    }

    /// What may still be spent.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    /// The expression's value, or what it fails with.
    ///
    /// # Errors
    /// When nothing more may run.
    pub(super) fn run(&mut self, expression: &Expression) -> Result<Result<Value, String>, OutOfBudget> {
        let program = match &expression.program {
            Ok(program) => program,
            Err(why) => return Ok(Err(format!("compilation error: {why}"))),
        };
        let mut budget = Budget::new(limits::PER_CALL);
        let outcome = program.evaluate(self, &mut budget);
        let spent = self.spent.take().saturating_add(budget.spent());
        self.left = self.left.checked_sub(spent).ok_or(OutOfBudget)?;
        Ok(outcome.map_err(|error| format!("expression '{}' resulted in error: {error}", expression.text)))
    }

    fn variable(&self, name: &str) -> Option<Result<Value, Error>> {
        let (name, expression) = self.variables.get_key_value(name)?;
        if let Some(known) = self.known.borrow().get(name.as_str()) {
            return Some(known.clone());
        }
        if self.depth.get() == DEEPEST {
            return Some(Err(failed(name, "it leads to too many other variables")));
        }
        // Whoever gets here again on the way asks for the variable itself.
        let itself = Err(failed(name, "it depends on itself"));
        self.known.borrow_mut().insert(name, itself);
        let outcome = match &expression.program {
            Err(why) => Err(Error::Failed(format!("composited variable {name:?} fails to compile: {why}"))),
            Ok(program) => {
                let mut budget = Budget::new(limits::PER_CALL);
                self.depth.set(self.depth.get() + 1);
                let outcome =
                    stacker::maybe_grow(STACK_OF_ONE, NEW_STACK, || program.evaluate(self, &mut budget));
                self.depth.set(self.depth.get() - 1);
                self.spent.set(self.spent.get().saturating_add(budget.spent()));
                outcome.map_err(|error| failed(name, &error.to_string()))
            }
        };
        self.known.borrow_mut().insert(name, outcome.clone());
        Some(outcome)
    }
}

impl Variables for Evaluation<'_> {
    fn get(&self, name: &str, _: &mut Budget) -> Option<Result<Value, Error>> {
        self.values.get(name).cloned().map(Ok)
    }

    fn field(&self, variable: &str, field: &str, _: &mut Budget) -> Option<Result<Value, Error>> {
        if variable == "variables" { self.variable(field) } else { None }
    }
}

fn failed(name: &str, why: &str) -> Error {
    Error::Failed(format!("composited variable {name:?} fails to evaluate: {why}"))
}

/// How many variables may lead to each other: each takes a piece of the stack.
const DEEPEST: usize = 64;
/// What the deepest expression takes of the stack.
const STACK_OF_ONE: usize = 1 << 20;
/// What is added to a stack that has less left.
const NEW_STACK: usize = 4 << 20;
