//! Named formats: `format.dns1123Label().validate("my-name")`.

use super::arguments::unfit;
use crate::declaration::{Function, id, member, overload};
use crate::error::Error;
use crate::opaque::Opaque;
use crate::opaque::named_format::FORMATS;
use crate::types::Type;
use crate::value::Value;

pub(super) fn functions() -> Vec<Function> {
    let format = Type::message("kubernetes.NamedFormat");
    let wrong = Type::optional(Type::list(Type::String));
    let mut functions: Vec<Function> = FORMATS
        .iter()
        .zip(CONSTRUCTORS)
        .map(|(named, body)| {
            let name = id(format!("format.{}", named.function));
            Function::new(name, body, vec![overload(name, &[], &format)])
        })
        .collect();
    functions.push(Function::new(
        "format.named",
        |args, _| match args {
            [Value::String(wanted)] => {
                let found = FORMATS.iter().find(|format| format.function == &**wanted);
                Ok(found.map_or(Value::NONE, |format| Value::some(Value::opaque(Opaque::Format(format)))))
            }
            _ => Err(unfit("format.named", args)),
        },
        vec![overload("format-named", &[Type::String], &Type::optional(format.clone()))],
    ));
    functions.push(Function::new(
        "validate",
        |args, _| match args {
            [Value::Opaque(opaque), Value::String(text)] => match &**opaque {
                Opaque::Format(format) => {
                    let wrong: Vec<Value> = (format.validate)(text).into_iter().map(Value::string).collect();
                    Ok(if wrong.is_empty() { Value::NONE } else { Value::some(Value::list(wrong)) })
                }
                _ => Err(unfit("validate", args)),
            },
            _ => Err(unfit("validate", args)),
        },
        vec![member("format-validate", &[format, Type::String], &wrong)],
    ));
    functions
}

/// A constructor for each format: a body holds no state, so that each is its own.
const CONSTRUCTORS: [crate::declaration::Body; 13] = [
    |_, _| named(0),
    |_, _| named(1),
    |_, _| named(2),
    |_, _| named(3),
    |_, _| named(4),
    |_, _| named(5),
    |_, _| named(6),
    |_, _| named(7),
    |_, _| named(8),
    |_, _| named(9),
    |_, _| named(10),
    |_, _| named(11),
    |_, _| named(12),
];

fn named(index: usize) -> Result<Value, Error> {
    FORMATS
        .get(index)
        .map(|format| Value::opaque(Opaque::Format(format)))
        .ok_or_else(|| Error::new("no such overload"))
}
