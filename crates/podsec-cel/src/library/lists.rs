//! Functions on lists: sums, extremes, order, sets, slices.

use std::cmp::Ordering;
use std::sync::Arc;

use super::arguments::unfit;
use super::operators;
use crate::declaration::{Function, ORDERED, for_each_type, id, member, overload};
use crate::error::{Budget, Error};
use crate::types::Type;
use crate::value::{List, Value};

pub(super) fn functions() -> Vec<Function> {
    let a = Type::param("A");
    let t = Type::param("T");
    let list = Type::list(t.clone());
    let any = Type::list(Type::Dyn);
    let of_ordered = |suffix: fn(&str) -> String, result: fn(&Type) -> Type| {
        for_each_type(&ORDERED, |_, of| member(id(suffix(short(of))), &[Type::list(of.clone())], &result(of)))
    };
    let summable = [Type::Int, Type::Uint, Type::Double, Type::Duration];
    let sets = |id| vec![overload(id, &[list.clone(), list.clone()], &Type::Bool)];
    vec![
        Function::new(
            "isSorted",
            is_sorted,
            of_ordered(|of| format!("list_{of}_is_sorted_bool"), |_| Type::Bool),
        ),
        Function::new(
            "max",
            |args, _| extreme(args, "max", Ordering::Less),
            of_ordered(|of| format!("list_{of}_max_{of}"), Clone::clone),
        ),
        Function::new(
            "min",
            |args, _| extreme(args, "min", Ordering::Greater),
            of_ordered(|of| format!("list_{of}_min_{of}"), Clone::clone),
        ),
        Function::new(
            "sum",
            sum,
            for_each_type(&summable, |_, of| {
                let name = short(of);
                member(id(format!("list_{name}_sum_{name}")), &[Type::list(of.clone())], of)
            }),
        ),
        Function::new(
            "indexOf",
            index_of,
            vec![member("list_a_index_of_int", &[Type::list(a.clone()), a.clone()], &Type::Int)],
        ),
        Function::new(
            "lastIndexOf",
            last_index_of,
            vec![member("list_a_last_index_of_int", &[Type::list(a.clone()), a], &Type::Int)],
        ),
        Function::new(
            "slice",
            slice,
            vec![member("list_slice", &[list.clone(), Type::Int, Type::Int], &list)],
        ),
        Function::unguarded(
            "flatten",
            flatten,
            vec![
                member("list_flatten", &[Type::list(list.clone())], &list),
                member("list_flatten_int", &[any.clone(), Type::Int], &any),
            ],
        ),
        Function::unguarded(
            "sort",
            |args, _| match args {
                [list @ Value::List(_)] => sorted(list, list),
                _ => Err(Error::new("no such overload: sort")),
            },
            of_ordered(|of| format!("list_{of}_sort"), |of| Type::list(of.clone())),
        ),
        Function::unguarded(
            "@sortByAssociatedKeys",
            |args, _| match args {
                [list @ Value::List(_), keys @ Value::List(_)] => sorted(list, keys),
                _ => Err(Error::new("no such overload")),
            },
            for_each_type(&ORDERED, |_, of| {
                let id = id(format!("list_{}_sortByAssociatedKeys", short(of)));
                member(id, &[list.clone(), Type::list(of.clone())], &list)
            }),
        ),
        Function::new(
            "lists.range",
            range,
            vec![overload("lists_range", &[Type::Int], &Type::list(Type::Int))],
        ),
        Function::new("reverse", reverse, vec![member("list_reverse", std::slice::from_ref(&list), &list)]),
        Function::new(
            "distinct",
            distinct,
            vec![member("list_distinct", std::slice::from_ref(&list), &list)],
        ),
        Function::new(
            "sets.contains",
            |args, _| in_sets(args, contains_all),
            sets("list_sets_contains_list"),
        ),
        Function::new(
            "sets.equivalent",
            |args, _| in_sets(args, |one, other| contains_all(one, other) && contains_all(other, one)),
            sets("list_sets_equivalent_list"),
        ),
        Function::new(
            "sets.intersects",
            |args, _| in_sets(args, |one, other| one.items.iter().any(|item| has(other, item))),
            sets("list_sets_intersects_list"),
        ),
        Function::unguarded(
            "cel.@mapInsert",
            |_, _| Err(Error::new("no such overload")),
            vec![
                overload(
                    "@mapInsert_map_key_value",
                    &[map_type(), Type::param("K"), Type::param("V")],
                    &map_type(),
                ),
                overload("@mapInsert_map_map", &[map_type(), map_type()], &map_type()),
            ],
        ),
    ]
}

fn map_type() -> Type {
    Type::map(Type::param("K"), Type::param("V"))
}

/// The name of a type in an overload's id.
fn short(of: &Type) -> &str {
    match of {
        Type::Timestamp => "timestamp",
        Type::Duration => "duration",
        other => other.name(),
    }
}

fn only_list<'a>(function: &str, args: &'a [Value]) -> Result<&'a List, Error> {
    match args {
        [Value::List(list)] => Ok(list),
        _ => Err(unfit(function, args)),
    }
}

fn is_sorted(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    let list = only_list("isSorted", args)?;
    if list.items.iter().any(|item| !item.is_comparable()) {
        return Err(Error::new("no such overload"));
    }
    for pair in list.items.windows(2) {
        let [one, other] = pair else { continue };
        // Values of two types have no order, and are none out of order.
        if one.is_ordered_with(other) && one.compare(other) == Some(Ordering::Greater) {
            return Ok(Value::Bool(false));
        }
    }
    Ok(Value::Bool(true))
}

fn extreme(args: &[Value], function: &str, replaces: Ordering) -> Result<Value, Error> {
    let list = only_list(function, args)?;
    let mut best: Option<&Value> = None;
    for item in &list.items {
        if !item.is_comparable() {
            return Err(Error::new("no such overload"));
        }
        let better =
            best.is_none_or(|best| best.is_ordered_with(item) && best.compare(item) == Some(replaces));
        if better {
            best = Some(item);
        }
    }
    best.cloned().ok_or_else(|| Error::new(format!("{function} called on empty list")))
}

fn sum(args: &[Value], budget: &mut Budget) -> Result<Value, Error> {
    let list = only_list("sum", args)?;
    let zero = match list.items.first() {
        Some(Value::Uint(_)) => Value::Uint(0),
        Some(Value::Double(_)) => Value::Double(0.0),
        Some(Value::Duration(_)) => Value::Duration(0),
        _ => Value::Int(0),
    };
    list.items.iter().try_fold(zero, |sum, item| operators::add(&[sum, item.clone()], budget))
}

pub(super) fn index_of(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    let [Value::List(list), wanted] = args else { return Err(unfit("indexOf", args)) };
    let found = list.items.iter().position(|item| item.equals(wanted));
    Ok(Value::Int(found.and_then(|at| i64::try_from(at).ok()).unwrap_or(-1)))
}

pub(super) fn last_index_of(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    let [Value::List(list), wanted] = args else { return Err(unfit("lastIndexOf", args)) };
    let found = list.items.iter().rposition(|item| item.equals(wanted));
    Ok(Value::Int(found.and_then(|at| i64::try_from(at).ok()).unwrap_or(-1)))
}

fn slice(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    let [Value::List(list), Value::Int(start), Value::Int(end)] = args else {
        return Err(unfit("slice", args));
    };
    let (Ok(from), Ok(to)) = (usize::try_from(*start), usize::try_from(*end)) else {
        return Err(Error::new(format!("cannot slice({start}, {end}), negative indexes not supported")));
    };
    if from > to {
        let why = "start index must be less than or equal to end index";
        return Err(Error::new(format!("cannot slice({start}, {end}), {why}")));
    }
    let items = list.items.get(from..to).ok_or_else(|| {
        Error::new(format!("cannot slice({start}, {end}), list is length {}", list.items.len()))
    })?;
    Ok(Value::list(items.to_vec()))
}

fn flatten(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    let (list, depth) = match args {
        [Value::List(list)] => (list, 1),
        [Value::List(list), Value::Int(depth)] => (list, *depth),
        _ => return Err(unfit("flatten", args)),
    };
    if depth < 0 {
        return Err(Error::new("level must be non-negative"));
    }
    let mut flat = Vec::new();
    flatten_into(list, depth, &mut flat);
    Ok(Value::list(flat))
}

/// As deep as the value is: values of requests and expressions are of bounded depth.
fn flatten_into(list: &List, depth: i64, flat: &mut Vec<Value>) {
    for item in &list.items {
        match item {
            Value::List(inner) if depth > 0 => flatten_into(inner, depth - 1, flat),
            other => flat.push(other.clone()),
        }
    }
}

/// The list in the order of its keys, which are as many.
fn sorted(list: &Value, keys: &Value) -> Result<Value, Error> {
    let (Value::List(list), Value::List(keys)) = (list, keys) else {
        return Err(Error::new("no such overload"));
    };
    let (length, count) = (list.items.len(), keys.items.len());
    if length != count {
        return Err(Error::new(format!(
            "@sortByAssociatedKeys() expected a list of the same size as the associated keys list, but got {length} \
             and {count} elements respectively"
        )));
    }
    let Some(first) = keys.items.first() else { return Ok(Value::List(Arc::clone(list))) };
    if !first.is_comparable() {
        return Err(Error::new("list elements must be comparable"));
    }
    if keys.items.iter().any(|key| std::mem::discriminant(key) != std::mem::discriminant(first)) {
        return Err(Error::new("list elements must have the same type"));
    }
    let mut pairs: Vec<(&Value, &Value)> = keys.items.iter().zip(&list.items).collect();
    pairs.sort_by(|(one, _), (other, _)| one.compare(other).unwrap_or(Ordering::Equal));
    Ok(Value::list(pairs.into_iter().map(|(_, item)| item.clone()).collect()))
}

fn range(args: &[Value], budget: &mut Budget) -> Result<Value, Error> {
    let [Value::Int(end)] = args else { return Err(unfit("lists.range", args)) };
    // The list is paid for when it is there, so whether it can be is asked before it is made.
    budget.check(u64::try_from(*end).unwrap_or(0).min(MOST))?;
    if u64::try_from(*end).is_ok_and(|end| end > MOST) {
        return Err(Error::CostExceeded);
    }
    Ok(Value::list((0..*end).map(Value::Int).collect()))
}

/// The longest list that a function makes of a number.
const MOST: u64 = 10_000_000;

fn reverse(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    let list = only_list("reverse", args)?;
    Ok(Value::list(list.items.iter().rev().cloned().collect()))
}

fn distinct(args: &[Value], budget: &mut Budget) -> Result<Value, Error> {
    let list = only_list("distinct", args)?;
    let length = list.items.len() as u64;
    budget.check(length.saturating_mul(length))?;
    let mut distinct: Vec<Value> = Vec::new();
    for item in &list.items {
        if !distinct.iter().any(|known| known.equals(item)) {
            distinct.push(item.clone());
        }
    }
    Ok(Value::list(distinct))
}

fn in_sets(args: &[Value], holds: fn(&List, &List) -> bool) -> Result<Value, Error> {
    match args {
        [Value::List(one), Value::List(other)] => Ok(Value::Bool(holds(one, other))),
        _ => Err(unfit("sets", args)),
    }
}

fn has(list: &List, wanted: &Value) -> bool {
    list.items.iter().any(|item| item.equals(wanted))
}

fn contains_all(list: &List, wanted: &List) -> bool {
    wanted.items.iter().all(|item| has(list, item))
}
