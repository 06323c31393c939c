//! What is wrong with constants: durations, times and patterns that are none, lists and maps of mixed types, and texts
//! for `format` that do not fit their arguments.

use super::checked::Checked;
use crate::error::Budget;
use crate::library::{self, pattern};
use crate::syntax::ast::{Expr, Id, Kind, Literal};
use crate::syntax::{Errors, Parsed};
use crate::types::Type;
use crate::value::Value;

/// Notes what is wrong with the constants of a checked expression.
pub(crate) fn check_literals(parsed: &Parsed, checked: &Checked, errors: &mut Errors) {
    let mut visitor = Visitor { parsed, checked, errors };
    for rule in [Rule::Duration, Rule::Timestamp, Rule::Pattern, Rule::Lists, Rule::Maps, Rule::Format] {
        visitor.visit(&parsed.root, rule, false);
    }
}

/// One kind of mistake; they are told kind by kind.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rule {
    Duration,
    Timestamp,
    Pattern,
    Lists,
    Maps,
    Format,
}

struct Visitor<'v> {
    parsed: &'v Parsed,
    checked: &'v Checked,
    errors: &'v mut Errors,
}

impl Visitor<'_> {
    fn error(&mut self, id: Id, message: String) {
        self.errors.add(self.parsed.offsets.get(id as usize).copied(), message);
    }

    /// `formatted` is set within the arguments of `format`, where mixed types are the rule.
    fn visit(&mut self, expr: &Expr, rule: Rule, formatted: bool) {
        match &expr.kind {
            Kind::Literal(_) | Kind::Ident(_) => {}
            Kind::Select { operand, .. } => self.visit(operand, rule, formatted),
            Kind::Call { function, target, args } => {
                self.call(expr, function, target.as_deref(), args, rule);
                let formatted = formatted || function == "format";
                for part in target.iter().map(AsRef::as_ref).chain(args) {
                    self.visit(part, rule, formatted);
                }
            }
            Kind::List(elements) => {
                if rule == Rule::Lists && !formatted {
                    self.list(elements);
                }
                for (element, _) in elements {
                    self.visit(element, rule, formatted);
                }
            }
            Kind::Map(entries) => {
                if rule == Rule::Maps && !formatted {
                    let of = |expr: &Expr, optional| self.unwrapped(expr, optional);
                    let types: Vec<_> = entries
                        .iter()
                        .map(|entry| {
                            let key = (entry.key.id, of(&entry.key, false));
                            [key, (entry.value.id, of(&entry.value, entry.optional))]
                        })
                        .collect();
                    let Some((first, rest)) = types.split_first() else { return };
                    for entry in rest {
                        for (wanted, given) in first.iter().zip(entry) {
                            self.compare(&wanted.1, given);
                        }
                    }
                }
                for entry in entries {
                    self.visit(&entry.key, rule, formatted);
                    self.visit(&entry.value, rule, formatted);
                }
            }
            Kind::Struct { fields, .. } => {
                for field in fields {
                    self.visit(&field.value, rule, formatted);
                }
            }
            Kind::Comprehension(inner) => {
                for part in [&inner.range, &inner.init, &inner.condition, &inner.step, &inner.result] {
                    self.visit(part, rule, formatted);
                }
            }
        }
    }

    fn call(&mut self, expr: &Expr, function: &str, target: Option<&Expr>, args: &[Expr], rule: Rule) {
        let literal = args.first().and_then(Expr::literal);
        let Some(first) = args.first() else { return };
        let wrong = match (rule, function, literal) {
            (Rule::Duration, "duration", Some(literal)) => !converts(library::to_duration, literal),
            (Rule::Timestamp, "timestamp", Some(literal)) => !converts(library::to_timestamp, literal),
            (Rule::Pattern, "matches", Some(Literal::String(text))) => pattern::compile(text).is_err(),
            (Rule::Format, "format", _) => {
                if let (Some(Literal::String(text)), Kind::List(elements)) =
                    (target.and_then(Expr::literal), &first.kind)
                {
                    self.format(expr, text, elements);
                }
                false
            }
            _ => false,
        };
        if wrong {
            self.error(first.id, format!("invalid {function} argument"));
        }
    }

    fn format(&mut self, expr: &Expr, text: &str, elements: &[(Expr, bool)]) {
        let types: Vec<Type> = elements.iter().map(|(element, _)| self.checked.type_of(element.id)).collect();
        if let Err((index, message)) = library::check_format(text, &types) {
            let id = index.and_then(|index| elements.get(index)).map_or(expr.id, |(element, _)| element.id);
            self.error(id, message);
        }
    }

    fn unwrapped(&self, expr: &Expr, optional: bool) -> Type {
        let of = self.checked.type_of(expr.id);
        match of.unwrap_optional() {
            Some(inner) if optional => inner.clone(),
            _ => of,
        }
    }

    fn list(&mut self, elements: &[(Expr, bool)]) {
        let mut types =
            elements.iter().map(|(element, optional)| (element.id, self.unwrapped(element, *optional)));
        let Some((_, first)) = types.next() else { return };
        if let Some(other) = types.find(|(_, of)| *of != first) {
            self.compare(&first, &other);
        }
    }

    fn compare(&mut self, wanted: &Type, (id, given): &(Id, Type)) {
        if wanted != given {
            let (wanted, given) = (wanted.in_message(), given.in_message());
            self.error(*id, format!("expected type '{wanted}' but found '{given}'"));
        }
    }
}

/// Whether a conversion takes a constant.
fn converts(convert: crate::declaration::Body, literal: &Literal) -> bool {
    let value = match literal {
        Literal::String(text) => Value::string(text.as_str()),
        Literal::Int(number) => Value::Int(*number),
        _ => return true,
    };
    convert(&[value], &mut Budget::new(u64::MAX)).is_ok()
}
