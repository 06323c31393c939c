//! What the interpreter runs: the checked tree with names resolved and constants folded.
//!
//! A chain of selections and indexes is one attribute, `a.b[0]`: a root and qualifiers. So is a conditional, whose
//! qualifiers apply to the branch that is taken. Costs follow this form: a root costs one, and every qualifier one.

use std::sync::Arc;

use regex::Regex;

use crate::declaration::Function;
use crate::syntax::ast::ACCUMULATOR;
use crate::value::Value;

/// One step.
#[derive(Debug)]
pub(crate) enum Plan {
    Constant(Value),
    Attribute(Attribute),
    /// `has()`: whether the last qualifier of the attribute finds something.
    Has(Attribute),
    And(Box<Plan>, Box<Plan>),
    Or(Box<Plan>, Box<Plan>),
    Equals(Box<Plan>, Box<Plan>),
    NotEquals(Box<Plan>, Box<Plan>),
    Call(Box<Call>),
    /// `x in [constants]`, which costs nothing but `x`.
    Member(Box<Plan>, Value),
    /// `a.or(b)` and `a.orValue(b)`; the flag is set for the second.
    OptionalOr(Box<Plan>, Box<Plan>, bool),
    List(Vec<(Plan, bool)>),
    Map(Vec<(Plan, Plan, bool)>),
    Struct(Arc<str>, Vec<(String, Plan, bool)>),
    Fold(Box<Fold>),
}

/// A root and what is selected from it.
#[derive(Debug)]
pub(crate) struct Attribute {
    pub(crate) root: Root,
    pub(crate) qualifiers: Vec<Qualifier>,
}

/// Where an attribute begins.
#[derive(Debug)]
pub(crate) enum Root {
    Variable(String),
    Value(Box<Plan>),
    Conditional(Box<(Plan, Plan, Plan)>),
}

/// One selection or index.
#[derive(Debug)]
pub(crate) struct Qualifier {
    pub(crate) key: Key,
    pub(crate) optional: bool,
}

/// What is selected.
#[derive(Debug)]
pub(crate) enum Key {
    Constant(Value),
    Computed(Plan),
}

/// A call of a function.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) function: &'static Function,
    /// The overload, when the checker found exactly one.
    pub(crate) overload: Option<&'static str>,
    pub(crate) args: Vec<Plan>,
    /// The pattern, when it is a constant.
    pub(crate) regex: Option<Regex>,
}

/// A comprehension.
#[derive(Debug)]
pub(crate) struct Fold {
    pub(crate) range: Plan,
    pub(crate) variable: String,
    pub(crate) second: Option<String>,
    pub(crate) accumulator: String,
    pub(crate) init: Plan,
    pub(crate) condition: Plan,
    pub(crate) step: Plan,
    pub(crate) result: Plan,
}

/// Whether this step reads the accumulator of the macro around it.
pub(crate) fn is_accumulator(plan: &Plan) -> bool {
    matches!(
        plan,
        Plan::Attribute(Attribute { root: Root::Variable(name), qualifiers })
            if name == ACCUMULATOR && qualifiers.is_empty()
    )
}
