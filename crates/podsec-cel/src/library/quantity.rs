//! Amounts: `quantity("1.5Gi").isGreaterThan(quantity("1G"))`.

use super::arguments::unfit;
use crate::declaration::{Function, member, overload};
use crate::error::{Budget, Error};
use crate::opaque::Opaque;
use crate::opaque::quantity::{Quantity, parse};
use crate::types::Type;
use crate::value::Value;

pub(super) fn functions() -> Vec<Function> {
    let quantity = Type::message("kubernetes.Quantity");
    let pair = [quantity.clone(), quantity.clone()];
    let with_int = [quantity.clone(), Type::Int];
    let one = [quantity.clone()];
    vec![
        Function::new(
            "quantity",
            |args, _| match args {
                [Value::String(text)] => {
                    parse(text).map(|found| Value::opaque(Opaque::Quantity(found))).map_err(Error::new)
                }
                _ => Err(unfit("quantity", args)),
            },
            vec![overload("string_to_quantity", &[Type::String], &quantity)],
        ),
        Function::new(
            "isQuantity",
            |args, _| match args {
                [Value::String(text)] => Ok(Value::Bool(parse(text).is_ok())),
                _ => Err(unfit("isQuantity", args)),
            },
            vec![overload("is_quantity_string", &[Type::String], &Type::Bool)],
        ),
        Function::new(
            "sign",
            |args, _| of("sign", args).map(|found| Value::Int(found.sign())),
            vec![overload("quantity_sign", &one, &Type::Int)],
        ),
        Function::new(
            "isGreaterThan",
            is_greater,
            vec![member("quantity_is_greater_than", &pair, &Type::Bool)],
        ),
        Function::new("isLessThan", is_less, vec![member("quantity_is_less_than", &pair, &Type::Bool)]),
        Function::new("compareTo", compare_to, vec![member("quantity_compare_to", &pair, &Type::Int)]),
        Function::new(
            "asApproximateFloat",
            |args, _| of("asApproximateFloat", args).map(|found| Value::Double(found.approximate())),
            vec![member("quantity_get_float", &one, &Type::Double)],
        ),
        Function::new(
            "asInteger",
            |args, _| {
                let integer = of("asInteger", args)?.integer();
                integer.map(Value::Int).ok_or_else(|| Error::new("cannot convert value to integer"))
            },
            vec![member("quantity_get_int", &one, &Type::Int)],
        ),
        Function::new(
            "isInteger",
            |args, _| of("isInteger", args).map(|found| Value::Bool(found.integer().is_some())),
            vec![member("quantity_is_integer", &one, &Type::Bool)],
        ),
        Function::new(
            "add",
            |args, _| both("add", args).map(|(one, other)| Value::opaque(Opaque::Quantity(one.plus(other)))),
            vec![member("quantity_add", &pair, &quantity), member("quantity_add_int", &with_int, &quantity)],
        ),
        Function::new(
            "sub",
            |args, _| {
                let (one, other) = both("sub", args)?;
                Ok(Value::opaque(Opaque::Quantity(one.plus(other.negated()))))
            },
            vec![member("quantity_sub", &pair, &quantity), member("quantity_sub_int", &with_int, &quantity)],
        ),
    ]
}

fn amount(value: &Value) -> Option<Quantity> {
    match value {
        Value::Opaque(opaque) => match &**opaque {
            Opaque::Quantity(quantity) => Some(*quantity),
            _ => None,
        },
        Value::Int(number) => Some(Quantity::from_integer(*number)),
        _ => None,
    }
}

fn of(function: &str, args: &[Value]) -> Result<Quantity, Error> {
    match args {
        [value @ Value::Opaque(_)] => amount(value).ok_or_else(|| unfit(function, args)),
        _ => Err(unfit(function, args)),
    }
}

fn both(function: &str, args: &[Value]) -> Result<(Quantity, Quantity), Error> {
    match args {
        [one @ Value::Opaque(_), other] => {
            amount(one).zip(amount(other)).ok_or_else(|| unfit(function, args))
        }
        _ => Err(unfit(function, args)),
    }
}

pub(super) fn is_greater(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    both("isGreaterThan", args).map(|(one, other)| Value::Bool(one.compare(other).is_gt()))
}

pub(super) fn is_less(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    both("isLessThan", args).map(|(one, other)| Value::Bool(one.compare(other).is_lt()))
}

pub(super) fn compare_to(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    both("compareTo", args).map(|(one, other)| Value::Int(one.compare(other) as i64))
}

/// A duration as Go reads it, in nanoseconds: `1h30m`, `-1.5s`.
pub(super) fn parse_duration(text: &str) -> Option<i64> {
    podsec_go::duration::parse(text).ok()
}
