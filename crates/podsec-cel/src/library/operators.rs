//! CEL's operators: arithmetic, order, membership, size.

use std::cmp::Ordering;
use std::sync::Arc;

use jiff::Timestamp;

use super::arguments::unfit;
use crate::declaration::{Function, id, member, overload};
use crate::error::{Budget, Error};
use crate::types::Type;
use crate::value::{self, Value};

pub(super) fn functions() -> Vec<Function> {
    let (a, b) = (Type::param("A"), Type::param("B"));
    let list = Type::list(a.clone());
    let map = Type::map(a.clone(), b.clone());
    let both = |id, of: &Type| overload(id, &[of.clone(), of.clone()], of);
    let optional = |of: &Type| Type::optional(of.clone());
    let mut functions = vec![
        Function::unguarded(
            "_?_:_",
            never,
            vec![overload("conditional", &[Type::Bool, a.clone(), a.clone()], &a)],
        ),
        Function::unguarded("_&&_", never, vec![both("logical_and", &Type::Bool)]),
        Function::unguarded("_||_", never, vec![both("logical_or", &Type::Bool)]),
        Function::unguarded("!_", not, vec![overload("logical_not", &[Type::Bool], &Type::Bool)]),
        Function::unguarded(
            "@not_strictly_false",
            |args, _| Ok(Value::Bool(!matches!(args, [Value::Bool(false)]))),
            vec![overload("not_strictly_false", &[Type::Bool], &Type::Bool)],
        ),
        Function::unguarded("_==_", never, vec![overload("equals", &[a.clone(), a.clone()], &Type::Bool)]),
        Function::unguarded(
            "_!=_",
            never,
            vec![overload("not_equals", &[a.clone(), a.clone()], &Type::Bool)],
        ),
        Function::unguarded(
            "_+_",
            add,
            vec![
                both("add_bytes", &Type::Bytes),
                both("add_double", &Type::Double),
                both("add_duration_duration", &Type::Duration),
                overload("add_duration_timestamp", &[Type::Duration, Type::Timestamp], &Type::Timestamp),
                overload("add_timestamp_duration", &[Type::Timestamp, Type::Duration], &Type::Timestamp),
                both("add_int64", &Type::Int),
                both("add_list", &list),
                both("add_string", &Type::String),
                both("add_uint64", &Type::Uint),
            ],
        ),
        Function::unguarded(
            "_-_",
            subtract,
            vec![
                both("subtract_double", &Type::Double),
                both("subtract_duration_duration", &Type::Duration),
                both("subtract_int64", &Type::Int),
                overload("subtract_timestamp_duration", &[Type::Timestamp, Type::Duration], &Type::Timestamp),
                overload(
                    "subtract_timestamp_timestamp",
                    &[Type::Timestamp, Type::Timestamp],
                    &Type::Duration,
                ),
                both("subtract_uint64", &Type::Uint),
            ],
        ),
        Function::unguarded("_*_", multiply, numbers("multiply", true)),
        Function::unguarded("_/_", divide, numbers("divide", true)),
        Function::unguarded("_%_", modulo, numbers("modulo", false)),
        Function::unguarded(
            "-_",
            negate,
            vec![
                overload("negate_double", &[Type::Double], &Type::Double),
                overload("negate_int64", &[Type::Int], &Type::Int),
            ],
        ),
        Function::unguarded(
            "_[_]",
            never,
            vec![
                overload("index_list", &[list.clone(), Type::Int], &a),
                overload("index_map", &[map.clone(), a.clone()], &b),
                overload("optional_list_index_int", &[optional(&list), Type::Int], &optional(&a)),
                overload("optional_map_index_value", &[optional(&map), a.clone()], &optional(&b)),
            ],
        ),
        Function::unguarded(
            "_[?_]",
            never,
            vec![
                overload("list_optindex_optional_int", &[list.clone(), Type::Int], &optional(&a)),
                overload("optional_list_optindex_optional_int", &[optional(&list), Type::Int], &optional(&a)),
                overload("map_optindex_optional_value", &[map.clone(), a.clone()], &optional(&b)),
                overload("optional_map_optindex_optional_value", &[optional(&map), a.clone()], &optional(&b)),
            ],
        ),
        Function::unguarded(
            "@in",
            contains,
            vec![
                overload("in_list", &[a.clone(), list.clone()], &Type::Bool),
                overload("in_map", &[a.clone(), map.clone()], &Type::Bool),
            ],
        ),
        Function::unguarded(
            "size",
            size,
            [("bytes", Type::Bytes), ("list", list), ("map", map), ("string", Type::String)]
                .into_iter()
                .flat_map(|(name, of)| {
                    [
                        overload(id(format!("size_{name}")), std::slice::from_ref(&of), &Type::Int),
                        member(id(format!("{name}_size")), &[of], &Type::Int),
                    ]
                })
                .collect(),
        ),
    ];
    functions.extend(ordering());
    functions
}

fn numbers(operation: &str, doubles: bool) -> Vec<crate::declaration::Overload> {
    let types = [("double", Type::Double), ("int64", Type::Int), ("uint64", Type::Uint)];
    types
        .into_iter()
        .filter(|(_, of)| doubles || *of != Type::Double)
        .map(|(name, of)| overload(id(format!("{operation}_{name}")), &[of.clone(), of.clone()], &of))
        .collect()
}

/// `<`, `<=`, `>` and `>=`: numbers across their types, else of one type.
fn ordering() -> Vec<Function> {
    let operators: [(&'static str, &str, crate::declaration::Body); 4] = [
        ("_<_", "less", |args, _| compare("_<_", args, Ordering::is_lt)),
        ("_<=_", "less_equals", |args, _| compare("_<=_", args, Ordering::is_le)),
        ("_>_", "greater", |args, _| compare("_>_", args, Ordering::is_gt)),
        ("_>=_", "greater_equals", |args, _| compare("_>=_", args, Ordering::is_ge)),
    ];
    let number = [("int64", Type::Int), ("uint64", Type::Uint), ("double", Type::Double)];
    operators
        .into_iter()
        .map(|(name, prefix, body)| {
            let mut overloads =
                vec![overload(id(format!("{prefix}_bool")), &[Type::Bool, Type::Bool], &Type::Bool)];
            for (one, of) in &number {
                for (other, with) in &number {
                    let suffix = if one == other { String::new() } else { format!("_{other}") };
                    let id = id(format!("{prefix}_{one}{suffix}"));
                    overloads.push(overload(id, &[of.clone(), with.clone()], &Type::Bool));
                }
            }
            for (name, of) in [
                ("string", Type::String),
                ("bytes", Type::Bytes),
                ("timestamp", Type::Timestamp),
                ("duration", Type::Duration),
            ] {
                overloads.push(overload(id(format!("{prefix}_{name}")), &[of.clone(), of], &Type::Bool));
            }
            Function::unguarded(name, body, overloads)
        })
        .collect()
}

/// What the interpreter does itself never comes here; in the impossible case it fails.
fn never(_: &[Value], _: &mut Budget) -> Result<Value, Error> {
    Err(Error::new("no such overload"))
}

fn not(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    match args {
        [Value::Bool(flag)] => Ok(Value::Bool(!flag)),
        _ => Err(Error::new("no such overload")),
    }
}

fn compare(symbol: &str, args: &[Value], holds: fn(Ordering) -> bool) -> Result<Value, Error> {
    match args {
        [one, other] if one.is_ordered_with(other) => {
            let order = one.compare(other).ok_or_else(|| Error::new("NaN values cannot be ordered"))?;
            Ok(Value::Bool(holds(order)))
        }
        [one, _] if one.is_comparable() => Err(Error::new("no such overload")),
        _ => Err(Error::new(format!("no such overload: {symbol}"))),
    }
}

fn overflow(what: &str) -> Error {
    Error::new(format!("{what} overflow"))
}

fn operands(args: &[Value], symbol: &str) -> Error {
    // Values that know the operator refuse the other side; others do not have the operator at all.
    let knows = match args.first() {
        Some(
            Value::Int(_)
            | Value::Uint(_)
            | Value::Double(_)
            | Value::String(_)
            | Value::Duration(_)
            | Value::Timestamp(_),
        ) => true,
        Some(Value::Bytes(_) | Value::List(_)) => symbol == "_+_",
        _ => false,
    };
    if knows { Error::new("no such overload") } else { Error::new(format!("no such overload: {symbol}")) }
}

pub(super) fn add(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    Ok(match args {
        [Value::Int(one), Value::Int(other)] => {
            Value::Int(one.checked_add(*other).ok_or_else(|| overflow("integer"))?)
        }
        [Value::Uint(one), Value::Uint(other)] => {
            Value::Uint(one.checked_add(*other).ok_or_else(|| overflow("unsigned integer"))?)
        }
        [Value::Double(one), Value::Double(other)] => Value::Double(one + other),
        [Value::String(one), Value::String(other)] => Value::string(format!("{one}{other}")),
        [Value::Bytes(one), Value::Bytes(other)] => Value::Bytes([&**one, &**other].concat().into()),
        [Value::List(one), Value::List(other)] => {
            let mut joined = Arc::clone(one);
            Arc::make_mut(&mut joined).join(other);
            Value::List(joined)
        }
        [Value::Duration(one), Value::Duration(other)] => {
            Value::Duration(one.checked_add(*other).ok_or_else(|| overflow("integer"))?)
        }
        [Value::Timestamp(time), Value::Duration(by)] | [Value::Duration(by), Value::Timestamp(time)] => {
            shifted(*time, i128::from(*by))?
        }
        _ => return Err(operands(args, "_+_")),
    })
}

/// A moment, so many nanoseconds later.
fn shifted(time: Timestamp, by: i128) -> Result<Value, Error> {
    let moved = Timestamp::from_nanosecond(time.as_nanosecond() + by).ok();
    moved.filter(|time| in_bounds(*time)).map(Value::Timestamp).ok_or_else(|| overflow("timestamp"))
}

/// Whether the moment lies between the years 1 and 9999.
pub(super) fn in_bounds(time: Timestamp) -> bool {
    (-62_135_596_800..=253_402_300_799).contains(&time.as_second())
}

fn subtract(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    Ok(match args {
        [Value::Int(one), Value::Int(other)] => {
            Value::Int(one.checked_sub(*other).ok_or_else(|| overflow("integer"))?)
        }
        [Value::Uint(one), Value::Uint(other)] => {
            Value::Uint(one.checked_sub(*other).ok_or_else(|| overflow("unsigned integer"))?)
        }
        [Value::Double(one), Value::Double(other)] => Value::Double(one - other),
        [Value::Duration(one), Value::Duration(other)] => {
            Value::Duration(one.checked_sub(*other).ok_or_else(|| overflow("integer"))?)
        }
        [Value::Timestamp(time), Value::Duration(by)] => shifted(*time, -i128::from(*by))?,
        [Value::Timestamp(one), Value::Timestamp(other)] => {
            let between = one.as_nanosecond() - other.as_nanosecond();
            Value::Duration(i64::try_from(between).map_err(|_| overflow("integer"))?)
        }
        _ => return Err(operands(args, "_-_")),
    })
}

fn multiply(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    Ok(match args {
        [Value::Int(one), Value::Int(other)] => {
            Value::Int(one.checked_mul(*other).ok_or_else(|| overflow("integer"))?)
        }
        [Value::Uint(one), Value::Uint(other)] => {
            Value::Uint(one.checked_mul(*other).ok_or_else(|| overflow("unsigned integer"))?)
        }
        [Value::Double(one), Value::Double(other)] => Value::Double(one * other),
        _ => return Err(operands(args, "_*_")),
    })
}

fn divide(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    Ok(match args {
        [Value::Int(_), Value::Int(0)] | [Value::Uint(_), Value::Uint(0)] => {
            return Err(Error::new("division by zero"));
        }
        [Value::Int(one), Value::Int(other)] => {
            Value::Int(one.checked_div(*other).ok_or_else(|| overflow("integer"))?)
        }
        [Value::Uint(one), Value::Uint(other)] => Value::Uint(one / other),
        [Value::Double(one), Value::Double(other)] => Value::Double(one / other),
        _ => return Err(operands(args, "_/_")),
    })
}

fn modulo(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    Ok(match args {
        [Value::Int(_), Value::Int(0)] | [Value::Uint(_), Value::Uint(0)] => {
            return Err(Error::new("modulus by zero"));
        }
        [Value::Int(one), Value::Int(other)] => {
            Value::Int(one.checked_rem(*other).ok_or_else(|| overflow("integer"))?)
        }
        [Value::Uint(one), Value::Uint(other)] => Value::Uint(one % other),
        [Value::Double(_), _] => return Err(Error::new("no such overload: _%_")),
        _ => return Err(operands(args, "_%_")),
    })
}

fn negate(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    match args {
        [Value::Int(number)] => Ok(Value::Int(number.checked_neg().ok_or_else(|| overflow("integer"))?)),
        [Value::Double(number)] => Ok(Value::Double(-number)),
        [Value::Duration(span)] => {
            Ok(Value::Duration(span.checked_neg().ok_or_else(|| overflow("integer"))?))
        }
        [Value::Bool(_) | Value::String(_) | Value::Timestamp(_)] => Err(Error::new("no such overload")),
        _ => Err(Error::new("no such overload: -_")),
    }
}

fn contains(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    match args {
        [element, Value::List(list)] => Ok(Value::Bool(list.items.iter().any(|item| item.equals(element)))),
        [key, Value::Map(map)] => Ok(Value::Bool(value::find(map, key).is_some())),
        [Value::String(name), Value::Object(object)] => Ok(Value::Bool(object.fields.contains_key(&**name))),
        _ => Err(Error::new("no such overload")),
    }
}

fn size(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    match args {
        [value @ (Value::String(_) | Value::Bytes(_) | Value::List(_) | Value::Map(_))] => {
            Ok(Value::Int(value.size().and_then(|size| i64::try_from(size).ok()).unwrap_or(i64::MAX)))
        }
        [Value::Opaque(opaque)] if opaque.size().is_some() => {
            Ok(Value::Int(opaque.size().and_then(|size| i64::try_from(size).ok()).unwrap_or(0)))
        }
        [_] => Err(Error::new("no such overload: size")),
        _ => Err(unfit("size", args)),
    }
}
