//! Semantic versions: `semver("1.2.3").isLessThan(…)`.

use std::cmp::Ordering;

use super::arguments::{dispatch, unfit};
use super::quantity;
use crate::declaration::{Function, member, overload};
use crate::error::{Budget, Error};
use crate::opaque::Opaque;
use crate::opaque::semver::{Semver, parse};
use crate::types::Type;
use crate::value::Value;

pub(super) fn functions() -> Vec<Function> {
    let semver = Type::message("kubernetes.Semver");
    let pair = [semver.clone(), semver.clone()];
    let number = |name, id, body| {
        Function::new(name, body, vec![member(id, std::slice::from_ref(&semver), &Type::Int)])
    };
    vec![
        Function::new(
            "semver",
            |args, _| parse_args(args).map(|version| Value::opaque(Opaque::Semver(version))),
            vec![
                overload("string_to_semver", &[Type::String], &semver),
                overload("string_bool_to_semver", &[Type::String, Type::Bool], &semver),
            ],
        ),
        Function::new(
            "isSemver",
            |args, _| Ok(Value::Bool(parse_args(args).is_ok())),
            vec![
                overload("is_semver_string", &[Type::String], &Type::Bool),
                overload("is_semver_string_bool", &[Type::String, Type::Bool], &Type::Bool),
            ],
        ),
        number("major", "semver_major", |args, _| part(args, 0)),
        number("minor", "semver_minor", |args, _| part(args, 1)),
        number("patch", "semver_patch", |args, _| part(args, 2)),
        Function::new(
            "isGreaterThan",
            |args, budget| dispatch(&[quantity::is_greater, is_greater], args, budget),
            vec![member("semver_is_greater_than", &pair, &Type::Bool)],
        ),
        Function::new(
            "isLessThan",
            |args, budget| dispatch(&[quantity::is_less, is_less], args, budget),
            vec![member("semver_is_less_than", &pair, &Type::Bool)],
        ),
        Function::new(
            "compareTo",
            |args, budget| dispatch(&[quantity::compare_to, compare_to], args, budget),
            vec![member("semver_compare_to", &pair, &Type::Int)],
        ),
    ]
}

fn version(value: &Value) -> Option<&Semver> {
    match value {
        Value::Opaque(opaque) => match &**opaque {
            Opaque::Semver(version) => Some(version),
            _ => None,
        },
        _ => None,
    }
}

fn part(args: &[Value], index: usize) -> Result<Value, Error> {
    match args {
        [value] => version(value)
            .and_then(|version| version.numbers.get(index))
            .map(|number| Value::Int(number.cast_signed()))
            .ok_or_else(|| unfit("major", args)),
        _ => Err(unfit("major", args)),
    }
}

fn ordering(args: &[Value]) -> Result<Ordering, Error> {
    match args {
        [one, other] => match (version(one), version(other)) {
            (Some(one), Some(other)) => Ok(one.compare(other)),
            _ => Err(unfit("compareTo", args)),
        },
        _ => Err(unfit("compareTo", args)),
    }
}

fn is_greater(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    ordering(args).map(|order| Value::Bool(order.is_gt()))
}

fn is_less(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    ordering(args).map(|order| Value::Bool(order.is_lt()))
}

fn compare_to(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    ordering(args).map(|order| Value::Int(order as i64))
}

fn parse_args(args: &[Value]) -> Result<Semver, Error> {
    let (text, normalize) = match args {
        [Value::String(text)] => (text, false),
        [Value::String(text), Value::Bool(normalize)] => (text, *normalize),
        _ => return Err(unfit("semver", args)),
    };
    let text = if normalize { normalized(text)? } else { text.to_string() };
    parse(&text).map_err(Error::new)
}

/// `v1.02` becomes `1.2.0`.
fn normalized(text: &str) -> Result<String, Error> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let mut parts: Vec<String> = text
        .splitn(3, '.')
        .map(|part| {
            if part.len() < 2 {
                return part.to_owned();
            }
            let bare = part.trim_start_matches('0');
            if bare.starts_with(|first: char| first.is_ascii_digit()) {
                bare.to_owned()
            } else {
                format!("0{bare}")
            }
        })
        .collect();
    if parts.len() < 3 {
        if parts.last().is_some_and(|last| last.contains(['+', '-'])) {
            return Err(Error::new("short version cannot contain PreRelease/Build meta data"));
        }
        parts.resize(3, "0".to_owned());
    }
    Ok(parts.join("."))
}
