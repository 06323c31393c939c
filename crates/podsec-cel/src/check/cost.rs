//! What an expression may cost at least and at most, before any value is known.
//!
//! A definition whose rules may cost too much is refused, so these figures are part of what is compatible with
//! Kubernetes: they follow its estimator step by step, its overestimates included.

use std::collections::HashMap;

use super::checked::{Checked, Reference};
use super::function_cost::{self, Node};
use crate::cost_range::{CostRange, SizeHints};
use crate::syntax::Parsed;
use crate::syntax::ast::{Comprehension, Expr, Id, Kind, Literal};
use crate::types::Type;

/// What a checked expression may cost.
pub(crate) fn estimate(parsed: &Parsed, checked: &Checked, hints: &dyn SizeHints) -> CostRange {
    let mut estimator = Estimator {
        checked,
        hints,
        paths: HashMap::new(),
        sizes: HashMap::new(),
        entries: HashMap::new(),
        locals: Vec::new(),
    };
    estimator.cost(&parsed.root)
}

/// The sizes of a container's keys or indexes, and of its values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entries {
    list: bool,
    key: CostRange,
    value: CostRange,
}

struct Local {
    name: String,
    path: Vec<String>,
    size: Option<CostRange>,
    entries: Option<Entries>,
}

pub(super) struct Estimator<'e> {
    checked: &'e Checked,
    pub(super) hints: &'e dyn SizeHints,
    paths: HashMap<Id, Vec<String>>,
    sizes: HashMap<Id, CostRange>,
    entries: HashMap<Id, Entries>,
    locals: Vec<Local>,
}

impl Estimator<'_> {
    fn local(&self, name: &str) -> Option<&Local> {
        self.locals.iter().rev().find(|local| local.name == name)
    }

    fn path(&self, expr: &Expr) -> Vec<String> {
        if let Kind::Ident(name) = &expr.kind
            && let Some(local) = self.local(name)
        {
            return local.path.clone();
        }
        self.paths.get(&expr.id).cloned().unwrap_or_default()
    }

    fn path_with(&self, expr: &Expr, last: &str) -> Vec<String> {
        let mut path = self.path(expr);
        path.push(last.to_owned());
        path
    }

    fn cost(&mut self, expr: &Expr) -> CostRange {
        match &expr.kind {
            Kind::Literal(_) => CostRange::fixed(0),
            Kind::Ident(name) => self.ident(expr, name),
            Kind::Select { operand, field, test } => self.select(expr, operand, field, *test),
            Kind::Call { function, target, args } => self.call(expr, function, target.as_deref(), args),
            Kind::List(elements) => self.list(expr, elements),
            Kind::Map(entries) => {
                let mut sum = CostRange::fixed(0);
                let (mut keys, mut values) = (CostRange::EMPTY, CostRange::EMPTY);
                if entries.is_empty() {
                    (keys.min, values.min) = (0, 0);
                }
                for entry in entries {
                    sum = sum.plus(self.cost(&entry.key)).plus(self.cost(&entry.value));
                    keys = keys.union(self.size_or_unknown(&entry.key));
                    values = values.union(self.size_or_unknown(&entry.value));
                }
                self.entries.insert(expr.id, Entries { list: false, key: keys, value: values });
                sum.plus(CostRange::fixed(30))
            }
            Kind::Struct { fields, .. } => {
                let sum = fields
                    .iter()
                    .map(|field| self.cost(&field.value))
                    .fold(CostRange::fixed(0), CostRange::plus);
                sum.plus(CostRange::fixed(40))
            }
            Kind::Comprehension(inner) if inner.binds() => self.bind(expr, inner),
            Kind::Comprehension(inner) => self.comprehension(expr, inner),
        }
    }

    fn ident(&mut self, expr: &Expr, name: &str) -> CostRange {
        let path = match self.local(name) {
            Some(local) => local.path.clone(),
            None => vec![self.resolved_name(expr).unwrap_or(name).to_owned()],
        };
        self.paths.insert(expr.id, path);
        CostRange::fixed(1)
    }

    fn resolved_name(&self, expr: &Expr) -> Option<&str> {
        match self.checked.reference(expr.id) {
            Some(Reference::Name(name)) => Some(name),
            _ => None,
        }
    }

    fn select(&mut self, expr: &Expr, operand: &Expr, field: &str, test: bool) -> CostRange {
        if let Some(name) = self.resolved_name(expr).map(str::to_owned) {
            // A name with dots, declared as a whole.
            return self.ident(expr, &name);
        }
        let cost = self.cost(operand);
        if test {
            return cost;
        }
        let path = self.path_with(operand, field);
        self.paths.insert(expr.id, path);
        let costs =
            matches!(self.checked.type_of(operand.id), Type::Map(..) | Type::Struct(_) | Type::Param(_));
        if costs { cost.plus(CostRange::fixed(1)) } else { cost }
    }

    fn list(&mut self, expr: &Expr, elements: &[(Expr, bool)]) -> CostRange {
        let mut sum = CostRange::fixed(0);
        let mut items = CostRange::EMPTY;
        if elements.is_empty() {
            items.min = 0;
        }
        for (element, _) in elements {
            sum = sum.plus(self.cost(element));
            items = items.union(self.size_or_unknown(element));
        }
        self.entries.insert(expr.id, Entries { list: true, key: CostRange::fixed(1), value: items });
        sum.plus(CostRange::fixed(10))
    }

    fn call(&mut self, expr: &Expr, function: &str, target: Option<&Expr>, args: &[Expr]) -> CostRange {
        if let ("dyn", [arg]) = (function, args) {
            let cost = self.cost(arg);
            if let Some(size) = self.size(arg) {
                self.sizes.insert(expr.id, size);
            }
            if let Some(entries) = self.entries_of(arg) {
                self.entries.insert(expr.id, entries);
            }
            return cost.plus(CostRange::fixed(1));
        }
        let costs: Vec<CostRange> = args.iter().map(|arg| self.cost(arg)).collect();
        let nodes: Vec<Node<'_>> = args.iter().map(|arg| self.node(arg)).collect();
        let Some(Reference::Function { namespaced, overloads }) = self.checked.reference(expr.id) else {
            return CostRange::fixed(0);
        };
        let mut sum = CostRange::fixed(0);
        let target = target.filter(|_| namespaced.is_none());
        let target_node = target.map(|target| {
            sum = self.cost(target);
            self.node(target)
        });
        let name = namespaced.as_deref().unwrap_or(function);
        let mut cost = CostRange::EMPTY;
        let mut size: Option<CostRange> = None;
        for overload in overloads {
            let estimate = self.overload(expr, (name, overload), target_node.as_ref(), &nodes, &costs);
            cost = cost.union(estimate.cost);
            if let Some(result) = estimate.result {
                size = Some(size.map_or(result, |size| size.union(result)));
            }
            if let ("index_list" | "index_map", Some(container)) = (*overload, args.first()) {
                size = self.entries_of(container).map(|entries| entries.value);
                let last = if *overload == "index_list" { "@items" } else { "@values" };
                let path = self.path_with(container, last);
                self.paths.insert(expr.id, path);
            }
            if size.is_none() {
                size = self.size(expr);
            }
        }
        if let Some(size) = size {
            self.sizes.insert(expr.id, size);
        }
        sum.plus(cost)
    }

    fn overload(
        &mut self,
        expr: &Expr,
        name: (&str, &str),
        target: Option<&Node<'_>>,
        args: &[Node<'_>],
        costs: &[CostRange],
    ) -> function_cost::Estimate {
        let sum = costs.iter().copied().fold(CostRange::fixed(0), CostRange::plus);
        if let Some(estimate) = function_cost::of_library(self.hints, name, target, args) {
            return estimate.plus(sum);
        }
        match (name.1, costs, args) {
            ("logical_or" | "logical_and", [left, right], _) => {
                return CostRange { min: left.min, max: left.plus(*right).max }.into();
            }
            ("conditional", [condition, yes, no], [_, if_true, if_false]) => {
                let size = if_true.size_or_unknown().union(if_false.size_or_unknown());
                let both = (self.entries_of(if_true.expr()), self.entries_of(if_false.expr()));
                self.join_entries(expr, both);
                let cost = condition.plus(yes.union(*no));
                return function_cost::Estimate { cost, result: Some(size) };
            }
            ("add_string" | "add_bytes" | "add_list", _, [left, right]) => {
                let size = left.size_or_unknown().plus(right.size_or_unknown());
                let both = (self.entries_of(left.expr()), self.entries_of(right.expr()));
                self.join_entries(expr, both);
                let cost = if name.1 == "add_list" { CostRange::fixed(1) } else { size.scaled(0.1) };
                return function_cost::Estimate { cost: cost.plus(sum), result: Some(size) };
            }
            _ => {}
        }
        function_cost::of_standard(name.1, target, args).plus(sum)
    }

    fn join_entries(&mut self, expr: &Expr, both: (Option<Entries>, Option<Entries>)) {
        if let (Some(one), Some(other)) = both {
            let joined = Entries {
                list: one.list,
                key: one.key.union(other.key),
                value: one.value.union(other.value),
            };
            self.entries.insert(expr.id, joined);
        }
    }

    fn bind(&mut self, expr: &Expr, inner: &Comprehension) -> CostRange {
        let mut sum = self.cost(&inner.range).plus(self.cost(&inner.init));
        self.push_value(&inner.accumulator, &inner.init);
        sum = sum.plus(self.cost(&inner.result));
        // The sizes of the result may be those of the bound value, so they are looked up before it is gone.
        let (size, entries) = (self.size(&inner.result), self.entries_of(&inner.result));
        self.locals.pop();
        if let Some(size) = size.or_else(|| self.size(&inner.result)) {
            self.sizes.insert(expr.id, size);
        }
        if let Some(entries) = entries {
            self.entries.insert(expr.id, entries);
        }
        sum
    }

    fn push_value(&mut self, name: &str, value: &Expr) {
        let local = Local {
            name: name.to_owned(),
            path: self.path(value),
            size: self.size(value),
            entries: self.entries_of(value),
        };
        self.locals.push(local);
    }

    fn push_iterated(&mut self, name: &str, range: &Expr, list: (&str, bool), map: (&str, bool)) {
        let entries = self.entries_of(range);
        let is_list = match entries {
            Some(entries) => entries.list,
            None => matches!(self.checked.type_of(range.id), Type::List(_)),
        };
        let (step, value) = if is_list { list } else { map };
        let size = entries.map(|entries| if value { entries.value } else { entries.key });
        let path = self.path_with(range, step);
        self.locals.push(Local { name: name.to_owned(), path, size, entries: None });
    }

    fn comprehension(&mut self, expr: &Expr, inner: &Comprehension) -> CostRange {
        let mut sum = self.cost(&inner.range).plus(self.cost(&inner.init));
        let depth = self.locals.len();
        self.push_value(&inner.accumulator, &inner.init);
        if let Some(second) = &inner.second {
            self.push_iterated(&inner.variable, &inner.range, ("@indices", false), ("@keys", false));
            self.push_iterated(second, &inner.range, ("@items", true), ("@values", true));
        } else {
            self.push_iterated(&inner.variable, &inner.range, ("@items", true), ("@keys", false));
        }
        let round = self.cost(&inner.condition);
        let round = self.cost(&inner.step).plus(round);
        self.locals.truncate(depth + 1);
        sum = sum.plus(self.cost(&inner.result));
        self.locals.truncate(depth);
        let count = self.size_or_unknown(&inner.range);
        sum = sum.plus(count.times(round));
        match &inner.init.kind {
            Kind::Literal(_) => {
                if let Some(size) = self.size(&inner.init) {
                    self.sizes.insert(expr.id, size);
                }
            }
            Kind::List(_) | Kind::Map(_) => {
                self.sizes.insert(expr.id, count);
                if let Some(entries) = self.entries_of(&inner.step) {
                    self.entries.insert(expr.id, entries);
                }
            }
            _ => {}
        }
        sum
    }

    fn node<'x>(&mut self, expr: &'x Expr) -> Node<'x> {
        let path = self.path(expr);
        let known = path.first().is_some_and(|first| !first.starts_with("@result") && first != "__result__");
        let size = self.size(expr);
        Node::new(expr, self.checked.type_of(expr.id), known.then_some(path), size)
    }

    fn size_or_unknown(&mut self, expr: &Expr) -> CostRange {
        self.size(expr).unwrap_or(CostRange::UNKNOWN)
    }

    fn size(&mut self, expr: &Expr) -> Option<CostRange> {
        if let Some(size) = self.sizes.get(&expr.id) {
            return Some(*size);
        }
        if let Some(size) = written_size(expr) {
            return Some(CostRange::fixed(size));
        }
        let of = self.checked.type_of(expr.id);
        let path = self.path(expr);
        let path = (!path.is_empty()).then_some(path);
        if let Some(size) = self.hints.size(path.as_deref(), &of) {
            self.sizes.insert(expr.id, size);
            return Some(size);
        }
        if is_scalar(&of) {
            return Some(CostRange::fixed(1));
        }
        match &expr.kind {
            Kind::Ident(name) => self.local(name).and_then(|local| local.size),
            _ => None,
        }
    }

    fn entries_of(&self, expr: &Expr) -> Option<Entries> {
        if let Some(entries) = self.entries.get(&expr.id) {
            return Some(*entries);
        }
        match &expr.kind {
            Kind::Ident(name) => self.local(name).and_then(|local| local.entries),
            _ => None,
        }
    }
}

/// The size of what is written out.
fn written_size(expr: &Expr) -> Option<u64> {
    let size = match &expr.kind {
        Kind::Literal(Literal::String(text)) => text.chars().count(),
        Kind::Literal(Literal::Bytes(bytes)) => bytes.len(),
        Kind::Literal(_) => 1,
        Kind::List(elements) => elements.len(),
        Kind::Map(entries) => entries.len(),
        _ => return None,
    };
    Some(size as u64)
}

/// Whether all values of the type are of one size.
fn is_scalar(of: &Type) -> bool {
    match of.unwrap_optional() {
        Some(inner) => is_scalar(inner),
        None => matches!(
            of,
            Type::Bool | Type::Double | Type::Duration | Type::Int | Type::Timestamp | Type::Uint
        ),
    }
}
