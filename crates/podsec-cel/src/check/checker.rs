//! Gives every node a type, and every call its overloads, or says what is wrong.

use std::collections::HashMap;

use super::assign::{Substitutions, most_general};
use super::checked::{Checked, Reference};
use crate::declaration::Function;
use crate::environment::Environment;
use crate::syntax::ast::{Comprehension, Expr, Id, Kind, Literal, MapEntry, StructField};
use crate::syntax::{Errors, Parsed};
use crate::types::Type;

/// Checks a parsed expression in an environment.
pub(crate) fn check(parsed: &Parsed, environment: &Environment, errors: &mut Errors) -> Checked {
    let mut checker = Checker {
        parsed,
        environment,
        errors,
        checked: Checked::default(),
        substitutions: Substitutions::default(),
        fresh: 0,
        locals: Vec::new(),
    };
    checker.check(&parsed.root);
    let Checker { mut checked, substitutions, .. } = checker;
    for of in checked.types.values_mut() {
        *of = substitutions.apply(of, true);
    }
    checked
}

struct Checker<'c> {
    parsed: &'c Parsed,
    environment: &'c Environment,
    errors: &'c mut Errors,
    checked: Checked,
    substitutions: Substitutions,
    /// How many unknown types have been named.
    fresh: usize,
    /// The variables of the loops around, innermost last.
    locals: Vec<(String, Type)>,
}

impl Checker<'_> {
    fn error(&mut self, id: Id, message: String) {
        self.errors.add(self.parsed.offsets.get(id as usize).copied(), message);
    }

    fn undeclared(&mut self, id: Id, name: &str) {
        self.error(id, format!("undeclared reference to '{name}' (in container '')"));
        self.set(id, Type::Error);
    }

    fn mismatch(&mut self, id: Id, expected: &Type, actual: &Type) {
        let (expected, actual) = (expected.in_message(), actual.in_message());
        self.error(id, format!("expected type '{expected}' but found '{actual}'"));
    }

    fn set(&mut self, id: Id, of: Type) {
        self.checked.types.insert(id, of);
    }

    fn get(&self, expr: &Expr) -> Type {
        self.checked.type_of(expr.id)
    }

    fn resolved(&self, of: &Type) -> Type {
        self.substitutions.apply(of, false)
    }

    fn unknown(&mut self) -> Type {
        self.fresh += 1;
        Type::param(&format!("_var{}", self.fresh - 1))
    }

    fn local(&self, name: &str) -> Option<&Type> {
        self.locals.iter().rev().find(|(local, _)| local == name).map(|(_, of)| of)
    }

    /// The type of a name that may have dots; local variables hide others.
    fn resolve(&self, name: &str) -> Option<(String, Type)> {
        if let Some(of) = self.local(name) {
            return Some((name.to_owned(), of.clone()));
        }
        let global = name.trim_start_matches('.');
        let of = self.environment.resolve(global)?;
        let hidden = global.split('.').next().is_some_and(|first| self.local(first).is_some());
        Some((if hidden { format!(".{global}") } else { global.to_owned() }, of))
    }

    fn check(&mut self, expr: &Expr) {
        match &expr.kind {
            Kind::Literal(literal) => self.set(expr.id, literal_type(literal)),
            Kind::Ident(name) => match self.resolve(name) {
                Some((name, of)) => self.name(expr.id, name, of),
                None => self.undeclared(expr.id, name),
            },
            Kind::Select { operand, field, test } => self.select(expr, operand, field, *test),
            Kind::Call { function, target, args } => self.call(expr, function, target.as_deref(), args),
            Kind::List(elements) => self.list(expr.id, elements),
            Kind::Map(entries) => self.map(expr.id, entries),
            Kind::Struct { name, fields } => self.message(expr.id, name, fields),
            Kind::Comprehension(inner) => self.comprehension(expr.id, inner),
        }
    }

    fn name(&mut self, id: Id, name: String, of: Type) {
        self.set(id, of);
        self.checked.references.insert(id, Reference::Name(name));
    }

    fn select(&mut self, expr: &Expr, operand: &Expr, field: &str, test: bool) {
        // A name with dots may be declared as a whole, unless its first part is a local variable.
        let qualified = if test { None } else { expr.qualified_name() };
        if let Some(name) = qualified
            && name.split('.').next().is_some_and(|first| self.local(first).is_none())
            && let Some((name, of)) = self.resolve(&name)
        {
            self.name(expr.id, name, of);
            return;
        }
        let of = self.field(expr.id, operand, field, false);
        let of = if test { Type::Bool } else { self.resolved(&of) };
        self.set(expr.id, of);
    }

    /// The type of a field of `operand`, which is checked first.
    fn field(&mut self, id: Id, operand: &Expr, field: &str, optional: bool) -> Type {
        self.check(operand);
        let operand = self.resolved(&self.get(operand));
        let inner = operand.unwrap_optional();
        let is_optional = inner.is_some();
        let target = inner.unwrap_or(&operand).clone();
        let of = match &target {
            Type::Map(_, value) => (**value).clone(),
            Type::Struct(message) => self.message_field(id, message, field).unwrap_or(Type::Error),
            Type::Param(_) => {
                self.substitutions.assign(&Type::Dyn, &target);
                Type::Dyn
            }
            other => {
                if !other.is_dynamic() {
                    let message = format!("type '{}' does not support field selection", other.in_message());
                    self.error(id, message);
                }
                Type::Dyn
            }
        };
        if is_optional || optional { Type::optional(of) } else { of }
    }

    fn message_field(&mut self, id: Id, message: &str, field: &str) -> Option<Type> {
        if !self.environment.messages().contains(message) {
            self.error(id, format!("unexpected failed resolution of '{message}'"));
            return None;
        }
        let found = self.environment.messages().field(message, field);
        if found.is_none() {
            self.error(id, format!("undefined field '{field}'"));
        }
        found
    }

    fn optional_select(&mut self, id: Id, args: &[Expr]) {
        let [operand, field] = args else { return };
        let Some(Literal::String(field)) = field.literal() else { return };
        let of = self.field(id, operand, field, true);
        let of = self.resolved(&of);
        self.set(id, of);
        let overloads = vec!["select_optional_field"];
        self.checked.references.insert(id, Reference::Function { namespaced: None, overloads });
    }

    fn call(&mut self, expr: &Expr, name: &str, target: Option<&Expr>, args: &[Expr]) {
        if name == "_?._" {
            return self.optional_select(expr.id, args);
        }
        for arg in args {
            self.check(arg);
        }
        let Some(target) = target else {
            let plain = name.trim_start_matches('.');
            return match self.environment.function(plain) {
                Some(function) => self.resolve_call(expr.id, function, None, args, None),
                None => self.undeclared(expr.id, name),
            };
        };
        if let Some(prefix) = target.qualified_name() {
            let whole = format!("{}.{name}", prefix.trim_start_matches('.'));
            if let Some(function) = self.environment.function(&whole) {
                return self.resolve_call(expr.id, function, None, args, Some(whole));
            }
        }
        self.check(target);
        match self.environment.function(name) {
            Some(function) => self.resolve_call(expr.id, function, Some(target), args, None),
            None => self.undeclared(expr.id, name),
        }
    }

    fn resolve_call(
        &mut self,
        id: Id,
        function: &'static Function,
        target: Option<&Expr>,
        args: &[Expr],
        namespaced: Option<String>,
    ) {
        let types: Vec<Type> = target.into_iter().chain(args).map(|arg| self.get(arg)).collect();
        if matches!(function.name, "_&&_" | "_||_") {
            return self.logical(id, function, args, &types);
        }
        let mut overloads = Vec::new();
        let mut result: Option<Type> = None;
        for overload in function.overloads.iter().filter(|overload| overload.member == target.is_some()) {
            // The placeholders of each overload are unknown types of their own.
            let mut fresh = HashMap::new();
            let mut instantiate = |of: &Type, checker: &mut Self| instance(of, &mut fresh, checker);
            let params: Vec<Type> = overload.params.iter().map(|param| instantiate(param, self)).collect();
            let yields = instantiate(&overload.result, self);
            let wanted: Vec<&Type> = params.iter().collect();
            let given: Vec<&Type> = types.iter().collect();
            if !self.substitutions.assign_all(&given, &wanted) {
                continue;
            }
            overloads.push(overload.id);
            let yields = self.resolved(&yields);
            result = Some(match result {
                None => yields,
                Some(known) if known == Type::Dyn || known == yields => known,
                Some(_) => Type::Dyn,
            });
        }
        if let Some(of) = result {
            self.set(id, of);
            self.checked.references.insert(id, Reference::Function { namespaced, overloads });
            return;
        }
        let types: Vec<Type> = types.iter().map(|of| self.substitutions.apply(of, true)).collect();
        let signature = signature(&types, target.is_some());
        let name = function.name;
        self.error(id, format!("found no matching overload for '{name}' applied to '{signature}'"));
        self.set(id, Type::Error);
    }

    fn logical(&mut self, id: Id, function: &'static Function, args: &[Expr], types: &[Type]) {
        let mut wrong = false;
        for (arg, of) in args.iter().zip(types) {
            if !self.substitutions.assign(of, &Type::Bool) {
                self.mismatch(arg.id, &Type::Bool, of);
                wrong = true;
            }
        }
        self.set(id, if wrong { Type::Error } else { Type::Bool });
        let overloads = function.overloads.iter().map(|overload| overload.id).collect();
        self.checked.references.insert(id, Reference::Function { namespaced: None, overloads });
    }

    /// The type that both elements of a literal have.
    fn join(&mut self, previous: Option<Type>, current: Type) -> Type {
        let Some(previous) = previous else { return current };
        if self.substitutions.assign(&previous, &current) {
            return most_general(&previous, &current);
        }
        // Kubernetes asks literals to be of one type; what differs is told later, once for each literal.
        Type::Dyn
    }

    /// The type that an optional element contributes.
    fn unwrapped(&mut self, expr: &Expr, optional: bool) -> Type {
        let of = self.get(expr);
        if !optional {
            return of;
        }
        let resolved = self.resolved(&of);
        if let Some(inner) = resolved.unwrap_optional() {
            return inner.clone();
        }
        if resolved != Type::Dyn {
            self.mismatch(expr.id, &Type::optional(resolved.clone()), &resolved);
        }
        resolved
    }

    fn list(&mut self, id: Id, elements: &[(Expr, bool)]) {
        let mut of = None;
        for (element, optional) in elements {
            self.check(element);
            let element_type = self.unwrapped(element, *optional);
            of = Some(self.join(of, element_type));
        }
        let of = of.unwrap_or_else(|| self.unknown());
        self.set(id, Type::list(of));
    }

    fn map(&mut self, id: Id, entries: &[MapEntry]) {
        let (mut key, mut value) = (None, None);
        for entry in entries {
            self.check(&entry.key);
            let of = self.get(&entry.key);
            key = Some(self.join(key, of));
            self.check(&entry.value);
            let of = self.unwrapped(&entry.value, entry.optional);
            value = Some(self.join(value, of));
        }
        let key = key.unwrap_or_else(|| self.unknown());
        let value = value.unwrap_or_else(|| self.unknown());
        self.set(id, Type::map(key, value));
    }

    fn message(&mut self, id: Id, name: &str, fields: &[StructField]) {
        let plain = name.trim_start_matches('.');
        if !self.environment.messages().contains(plain) {
            return self.undeclared(id, name);
        }
        self.name(id, plain.to_owned(), Type::message(plain));
        for field in fields {
            self.check(&field.value);
            let wanted = self.message_field(field.id, plain, &field.name);
            let given = self.unwrapped(&field.value, field.optional);
            let fits = wanted.as_ref().is_some_and(|wanted| self.substitutions.assign(wanted, &given));
            if !fits {
                let wanted = wanted.map(|wanted| wanted.in_message()).unwrap_or_default();
                let message = format!(
                    "expected type of field '{}' is '{wanted}' but provided type is '{}'",
                    field.name,
                    given.in_message()
                );
                self.error(field.id, message);
            }
        }
    }

    fn comprehension(&mut self, id: Id, inner: &Comprehension) {
        self.check(&inner.range);
        self.check(&inner.init);
        let range = self.resolved(&self.get(&inner.range));
        let accumulator = self.get(&inner.init);
        let depth = self.locals.len();
        self.locals.push((inner.accumulator.clone(), accumulator.clone()));
        let (one, two) = match &range {
            Type::List(element) if inner.second.is_some() => (Type::Int, (**element).clone()),
            Type::List(element) => ((**element).clone(), Type::Error),
            Type::Map(key, value) => ((**key).clone(), (**value).clone()),
            Type::Dyn | Type::Error | Type::Param(_) => {
                self.substitutions.assign(&Type::Dyn, &range);
                (Type::Dyn, Type::Dyn)
            }
            other => {
                let of = other.in_message();
                let message = format!(
                    "expression of type '{of}' cannot be range of a comprehension (must be list, map, or dynamic)"
                );
                self.error(inner.range.id, message);
                (Type::Error, Type::Error)
            }
        };
        self.locals.push((inner.variable.clone(), one));
        if let Some(second) = &inner.second {
            self.locals.push((second.clone(), two));
        }
        self.check(&inner.condition);
        self.assert(&inner.condition, &Type::Bool);
        self.check(&inner.step);
        self.assert(&inner.step, &accumulator);
        self.locals.truncate(depth + 1);
        self.check(&inner.result);
        self.locals.truncate(depth);
        let of = self.resolved(&self.get(&inner.result));
        self.set(id, of);
    }

    fn assert(&mut self, expr: &Expr, wanted: &Type) {
        let of = self.get(expr);
        if !self.substitutions.assign(wanted, &of) {
            self.mismatch(expr.id, wanted, &of);
        }
    }
}

/// A declared type with an unknown type in place of each placeholder, the same for the same name.
fn instance(of: &Type, fresh: &mut HashMap<String, Type>, checker: &mut Checker<'_>) -> Type {
    match of {
        Type::Param(name) => {
            let known = fresh.entry(name.to_string());
            known.or_insert_with(|| checker.unknown()).clone()
        }
        _ => of.with_params(|inner| instance(inner, fresh, checker)),
    }
}

fn literal_type(literal: &Literal) -> Type {
    match literal {
        Literal::Null => Type::Null,
        Literal::Bool(_) => Type::Bool,
        Literal::Int(_) => Type::Int,
        Literal::Uint(_) => Type::Uint,
        Literal::Double(_) => Type::Double,
        Literal::String(_) => Type::String,
        Literal::Bytes(_) => Type::Bytes,
    }
}

/// The types of a call as an error shows them: `string.(int)` on a target, `(string, int)` without.
fn signature(types: &[Type], member: bool) -> String {
    let shown: Vec<String> = types.iter().map(Type::in_message).collect();
    match shown.split_first() {
        Some((target, args)) if member => format!("{target}.({})", args.join(", ")),
        _ => format!("({})", shown.join(", ")),
    }
}
