//! Functions on optional values.

use std::sync::Arc;

use super::arguments::unfit;
use crate::declaration::{Function, member, overload};
use crate::error::{Budget, Error};
use crate::types::Type;
use crate::value::Value;

pub(super) fn functions() -> Vec<Function> {
    let value = Type::param("V");
    let optional = Type::optional(value.clone());
    let list = Type::list(value.clone());
    let optionals = Type::list(optional.clone());
    vec![
        Function::new(
            "optional.of",
            |args, _| args.first().cloned().map(Value::some).ok_or_else(|| unfit("optional.of", args)),
            vec![overload("optional_of", std::slice::from_ref(&value), &optional)],
        ),
        Function::new(
            "optional.ofNonZeroValue",
            non_zero,
            vec![overload("optional_ofNonZeroValue", std::slice::from_ref(&value), &optional)],
        ),
        Function::new(
            "optional.none",
            |_, _| Ok(Value::NONE),
            vec![overload("optional_none", &[], &optional)],
        ),
        Function::new(
            "value",
            |args, _| match args {
                [Value::Optional(Some(inner))] => Ok((**inner).clone()),
                [Value::Optional(None)] => Err(Error::new("optional.none() dereference")),
                _ => Err(unfit("value", args)),
            },
            vec![member("optional_value", std::slice::from_ref(&optional), &value)],
        ),
        Function::new(
            "hasValue",
            |args, _| match args {
                [Value::Optional(inner)] => Ok(Value::Bool(inner.is_some())),
                _ => Err(unfit("hasValue", args)),
            },
            vec![member("optional_hasValue", std::slice::from_ref(&optional), &Type::Bool)],
        ),
        Function::new(
            "or",
            never,
            vec![member("optional_or_optional", &[optional.clone(), optional.clone()], &optional)],
        ),
        Function::new(
            "orValue",
            never,
            vec![member("optional_orValue_value", &[optional.clone(), value.clone()], &value)],
        ),
        Function::new(
            "_?._",
            never,
            vec![overload("select_optional_field", &[Type::Dyn, Type::String], &optional)],
        ),
        Function::new(
            "first",
            |args, _| edge(args, <[Value]>::first),
            vec![member("list_first", std::slice::from_ref(&list), &optional)],
        ),
        Function::new(
            "last",
            |args, _| edge(args, <[Value]>::last),
            vec![member("list_last", std::slice::from_ref(&list), &optional)],
        ),
        Function::new(
            "optional.unwrap",
            unwrap,
            vec![overload("optional_unwrap", std::slice::from_ref(&optionals), &list)],
        ),
        Function::new("unwrapOpt", unwrap, vec![member("optional_unwrapOpt", &[optionals], &list)]),
    ]
}

/// The interpreter does these itself; in the impossible case they fail.
fn never(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    Err(unfit("or", args))
}

fn non_zero(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    let value = args.first().ok_or_else(|| unfit("optional.ofNonZeroValue", args))?;
    let zero = match value {
        Value::Null | Value::Bool(false) | Value::Int(0) | Value::Uint(0) | Value::Duration(0) => true,
        Value::Double(number) => *number == 0.0,
        Value::String(_) | Value::Bytes(_) | Value::List(_) | Value::Map(_) => value.size() == Some(0),
        Value::Object(object) => object.fields.is_empty(),
        Value::Optional(inner) => inner.is_none(),
        Value::Timestamp(time) => time.as_second() == YEAR_ONE && time.subsec_nanosecond() == 0,
        _ => false,
    };
    Ok(if zero { Value::NONE } else { Value::some(value.clone()) })
}

fn edge(args: &[Value], which: fn(&[Value]) -> Option<&Value>) -> Result<Value, Error> {
    match args {
        [Value::List(list)] => Ok(Value::Optional(which(&list.items).cloned().map(Arc::new))),
        _ => Err(unfit("first", args)),
    }
}

fn unwrap(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    let [Value::List(list)] = args else { return Err(unfit("unwrapOpt", args)) };
    let mut values = Vec::new();
    for item in &list.items {
        match item {
            Value::Optional(inner) => values.extend(inner.iter().map(|inner| (**inner).clone())),
            other => return Err(Error::new(format!("value {other} is not optional"))),
        }
    }
    Ok(Value::list(values))
}

/// The first moment of the year one, Go's zero, in seconds.
const YEAR_ONE: i64 = -62_135_596_800;
