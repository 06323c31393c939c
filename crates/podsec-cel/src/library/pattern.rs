//! Regular expressions: `matches`, `find`, `findAll`, in Go's syntax.

use podsec_apimachinery::schema::structural::compile_pattern;
use regex::Regex;

use super::arguments::unfit;
use crate::declaration::{Function, member, overload};
use crate::error::Error;
use crate::types::Type;
use crate::value::Value;

pub(super) fn functions() -> Vec<Function> {
    let texts = Type::list(Type::String);
    let both = [Type::String, Type::String];
    vec![
        Function::unguarded(
            "matches",
            |args, _| compiled("matches", args),
            vec![overload("matches", &both, &Type::Bool), member("matches_string", &both, &Type::Bool)],
        ),
        Function::new(
            "find",
            |args, _| compiled("find", args),
            vec![member("string_find_string", &both, &Type::String)],
        ),
        Function::new(
            "findAll",
            |args, _| compiled("findAll", args),
            vec![
                member("string_find_all_string", &both, &texts),
                member("string_find_all_string_int", &[Type::String, Type::String, Type::Int], &texts),
            ],
        ),
    ]
}

/// Compiles a pattern in Go's syntax, within a bound of memory.
///
/// # Errors
/// What is wrong with it, as Go says it where that is known.
pub(crate) fn compile(text: &str) -> Result<Regex, String> {
    compile_pattern(text)
}

fn compiled(function: &str, args: &[Value]) -> Result<Value, Error> {
    let Some(Value::String(text)) = args.get(1) else { return Err(Error::new("no such overload")) };
    let regex = compile(text).map_err(|wrong| {
        Error::new(if function == "matches" { wrong } else { format!("Illegal regex: {wrong}") })
    })?;
    call(function, &regex, args)
}

/// Calls one of the three functions with its pattern compiled.
///
/// # Errors
/// For arguments that it does not take.
pub(crate) fn call(function: &str, regex: &Regex, args: &[Value]) -> Result<Value, Error> {
    let Some(Value::String(text)) = args.first() else {
        return Err(if function == "matches" {
            Error::new("no such overload")
        } else {
            unfit(function, args)
        });
    };
    match (function, args.get(2)) {
        ("matches", None) => Ok(Value::Bool(regex.is_match(text))),
        ("find", None) => Ok(Value::string(regex.find(text).map_or("", |found| found.as_str()))),
        ("findAll", None) => Ok(all(regex, text, usize::MAX)),
        ("findAll", Some(Value::Int(limit))) => {
            Ok(all(regex, text, usize::try_from(*limit).unwrap_or(usize::MAX)))
        }
        _ => Err(unfit(function, args)),
    }
}

fn all(regex: &Regex, text: &str, limit: usize) -> Value {
    Value::list(regex.find_iter(text).take(limit).map(|found| Value::string(found.as_str())).collect())
}
