//! From the checked tree to what the interpreter runs: names resolved, constants folded, patterns compiled.

use std::sync::Arc;

use super::interpreter::{self, Scope};
use super::plan::{Attribute, Call, Fold, Key, Plan, Qualifier, Root};
use crate::check::{Checked, Reference};
use crate::declaration::Function;
use crate::error::{Budget, Error};
use crate::library::{functions, pattern};
use crate::syntax::ast::{Comprehension, Expr, Kind, Literal};
use crate::types::Type;
use crate::value::Value;

/// Plans a checked expression.
///
/// # Errors
/// What folding constants found: a conversion that fails, a pattern that is none.
pub(crate) fn plan(checked: &Checked, expr: &Expr) -> Result<Plan, Error> {
    Planner { checked }.plan(expr)
}

struct Planner<'c> {
    checked: &'c Checked,
}

impl Planner<'_> {
    fn boxed(&self, expr: &Expr) -> Result<Box<Plan>, Error> {
        self.plan(expr).map(Box::new)
    }

    fn plan(&self, expr: &Expr) -> Result<Plan, Error> {
        match &expr.kind {
            Kind::Literal(literal) => Ok(Plan::Constant(value(literal))),
            Kind::Ident(name) => Ok(self.ident(expr, name)),
            Kind::Select { operand, field, test } => self.select(expr, operand, field, *test),
            Kind::Call { function, target, args } => self.call(expr, function, target.as_deref(), args),
            Kind::List(elements) => self.list(elements),
            Kind::Map(entries) => {
                let mut planned = Vec::with_capacity(entries.len());
                for entry in entries {
                    planned.push((self.plan(&entry.key)?, self.plan(&entry.value)?, entry.optional));
                }
                let constant = planned
                    .iter()
                    .all(|(key, value, _)| matches!((key, value), (Plan::Constant(_), Plan::Constant(_))));
                let map = Plan::Map(planned);
                if constant { fold(&map) } else { Ok(map) }
            }
            Kind::Struct { name, fields } => {
                let name: Arc<str> = match self.checked.reference(expr.id) {
                    Some(Reference::Name(name)) => name.as_str().into(),
                    _ => name.as_str().into(),
                };
                let fields = fields
                    .iter()
                    .map(|field| Ok((field.name.clone(), self.plan(&field.value)?, field.optional)))
                    .collect::<Result<_, Error>>()?;
                Ok(Plan::Struct(name, fields))
            }
            Kind::Comprehension(inner) => self.fold(inner),
        }
    }

    fn fold(&self, inner: &Comprehension) -> Result<Plan, Error> {
        Ok(Plan::Fold(Box::new(Fold {
            range: self.plan(&inner.range)?,
            variable: inner.variable.clone(),
            second: inner.second.clone(),
            accumulator: inner.accumulator.clone(),
            init: self.plan(&inner.init)?,
            condition: self.plan(&inner.condition)?,
            step: self.plan(&inner.step)?,
            result: self.plan(&inner.result)?,
        })))
    }

    /// A variable, or a type's name, which is a constant.
    fn ident(&self, expr: &Expr, name: &str) -> Plan {
        let name = match self.checked.reference(expr.id) {
            Some(Reference::Name(name)) => name,
            _ => name,
        };
        if let Type::Type(Some(of)) = self.checked.type_of(expr.id) {
            return Plan::Constant(Value::Type((*of).clone()));
        }
        Plan::Attribute(Attribute { root: Root::Variable(name.to_owned()), qualifiers: Vec::new() })
    }

    fn select(&self, expr: &Expr, operand: &Expr, field: &str, test: bool) -> Result<Plan, Error> {
        if let Some(Reference::Name(name)) = self.checked.reference(expr.id) {
            return Ok(self.ident(expr, name));
        }
        let key = Key::Constant(Value::string(field));
        let attribute = self.qualified(operand, Qualifier { key, optional: false })?;
        Ok(if test { Plan::Has(attribute) } else { Plan::Attribute(attribute) })
    }

    /// The operand as an attribute with one more qualifier.
    fn qualified(&self, operand: &Expr, qualifier: Qualifier) -> Result<Attribute, Error> {
        let mut attribute = match self.plan(operand)? {
            Plan::Attribute(attribute) => attribute,
            other => Attribute { root: Root::Value(Box::new(other)), qualifiers: Vec::new() },
        };
        attribute.qualifiers.push(qualifier);
        Ok(attribute)
    }

    fn list(&self, elements: &[(Expr, bool)]) -> Result<Plan, Error> {
        let mut planned = Vec::with_capacity(elements.len());
        for (element, optional) in elements {
            planned.push((self.plan(element)?, *optional));
        }
        let constant = planned.iter().all(|(element, _)| matches!(element, Plan::Constant(_)));
        let list = Plan::List(planned);
        if constant { fold(&list) } else { Ok(list) }
    }

    fn call(&self, expr: &Expr, name: &str, target: Option<&Expr>, args: &[Expr]) -> Result<Plan, Error> {
        let (name, target) = match self.checked.reference(expr.id) {
            // What looked like a target was the first part of the function's name.
            Some(Reference::Function { namespaced: Some(name), .. }) => (name.as_str(), None),
            _ => (name, target),
        };
        let all: Vec<&Expr> = target.into_iter().chain(args).collect();
        match (name, all.as_slice()) {
            ("_&&_", [left, right]) => return Ok(Plan::And(self.boxed(left)?, self.boxed(right)?)),
            ("_||_", [left, right]) => return Ok(Plan::Or(self.boxed(left)?, self.boxed(right)?)),
            ("_==_", [left, right]) => return Ok(Plan::Equals(self.boxed(left)?, self.boxed(right)?)),
            ("_!=_", [left, right]) => return Ok(Plan::NotEquals(self.boxed(left)?, self.boxed(right)?)),
            ("_?_:_", [condition, yes, no]) => {
                let root =
                    Root::Conditional(Box::new((self.plan(condition)?, self.plan(yes)?, self.plan(no)?)));
                return Ok(Plan::Attribute(Attribute { root, qualifiers: Vec::new() }));
            }
            ("_[_]" | "_[?_]" | "_?._", [operand, index]) => {
                let key = match self.plan(index)? {
                    Plan::Constant(value) => Key::Constant(value),
                    other => Key::Computed(other),
                };
                let qualifier = Qualifier { key, optional: name != "_[_]" };
                return Ok(Plan::Attribute(self.qualified(operand, qualifier)?));
            }
            ("or" | "orValue", [left, right]) if target.is_some() => {
                return Ok(Plan::OptionalOr(self.boxed(left)?, self.boxed(right)?, name == "orValue"));
            }
            _ => {}
        }
        let function =
            functions().get(name).ok_or_else(|| Error::new(format!("no such overload: {name}()")))?;
        let overload = match self.checked.reference(expr.id) {
            Some(Reference::Function { overloads, .. }) if overloads.len() == 1 => overloads.first().copied(),
            _ => None,
        };
        let args = all.into_iter().map(|arg| self.plan(arg)).collect::<Result<Vec<_>, _>>()?;
        optimized(function, overload, args)
    }
}

/// A call with what is constant worked out: membership in a list, a pattern, a conversion.
fn optimized(
    function: &'static Function,
    overload: Option<&'static str>,
    mut args: Vec<Plan>,
) -> Result<Plan, Error> {
    if overload == Some("in_list")
        && let Some(Plan::Constant(list)) = args.last()
        && let Some(set) = membership(list)
    {
        let list = set.clone();
        args.pop();
        let Some(element) = args.pop() else { return Ok(Plan::Constant(Value::Bool(false))) };
        let empty = list.size() == Some(0);
        return Ok(if empty {
            Plan::Constant(Value::Bool(false))
        } else {
            Plan::Member(Box::new(element), list)
        });
    }
    let pattern_at = matches!(function.name, "matches" | "find" | "findAll");
    let regex = match args.get(1) {
        Some(Plan::Constant(Value::String(text))) if pattern_at => {
            Some(pattern::compile(text).map_err(Error::new)?)
        }
        _ => None,
    };
    let converts = CONVERSIONS.contains(&function.name);
    let constant = converts && matches!(args.as_slice(), [Plan::Constant(_)]);
    let call = Plan::Call(Box::new(Call { function, overload, args, regex }));
    if constant { fold(&call) } else { Ok(call) }
}

/// The list, if the test of membership in it can be decided beforehand: all elements are scalars.
fn membership(list: &Value) -> Option<&Value> {
    let Value::List(elements) = list else { return None };
    let scalar = |value: &Value| {
        matches!(value, Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::Double(_) | Value::String(_))
    };
    elements.items.iter().all(scalar).then_some(list)
}

/// The value of a step that needs no variables.
fn fold(plan: &Plan) -> Result<Plan, Error> {
    let mut budget = Budget::new(u64::MAX);
    interpreter::run(plan, &Scope::empty(), &mut budget).map(Plan::Constant)
}

fn value(literal: &Literal) -> Value {
    match literal {
        Literal::Null => Value::Null,
        Literal::Bool(flag) => Value::Bool(*flag),
        Literal::Int(number) => Value::Int(*number),
        Literal::Uint(number) => Value::Uint(*number),
        Literal::Double(number) => Value::Double(*number),
        Literal::String(text) => Value::string(text.as_str()),
        Literal::Bytes(bytes) => Value::Bytes(bytes.as_slice().into()),
    }
}

/// The functions that convert; of a constant they are constants.
const CONVERSIONS: &[&str] =
    &["bool", "bytes", "double", "duration", "dyn", "int", "string", "timestamp", "type", "uint"];
