//! The functions of Kubernetes' environment, one file a library: declarations, and what they do.

mod addresses;
mod authorizer;
mod conversion;
mod format_text;
mod lists;
mod named_formats;
mod operators;
mod optionals;
pub(crate) mod pattern;
mod quantity;
mod semver;
mod strings;
mod time;
mod url;

pub use addresses::Cidr;
pub(crate) use authorizer::{selector_cost, selector_cost_range};
pub(crate) use conversion::{to_duration, to_timestamp};
pub(crate) use format_text::check as check_format;
pub use named_formats::Format;
pub(crate) use named_formats::LONGEST_REGEX as FORMAT_REGEX_SIZE;
pub use quantity::Quantity;
pub use semver::Semver;
pub use url::Url;

use std::collections::BTreeMap;

use crate::declaration::{Body, Function, Overload};
use crate::eval::{Budget, Error, no_such_overload};
use crate::types::Type;
use crate::value::Value;

/// Every function. Libraries may add overloads to a function of the same name; each judges its own kind of target.
pub(crate) fn all() -> Vec<Function> {
    let libraries: [fn() -> Vec<Function>; 13] = [
        operators::functions,
        conversion::functions,
        time::functions,
        strings::functions,
        lists::functions,
        pattern::functions,
        optionals::functions,
        url::functions,
        addresses::functions,
        semver::functions,
        quantity::functions,
        named_formats::functions,
        authorizer::functions,
    ];
    let mut merged: BTreeMap<&'static str, Function> = BTreeMap::new();
    for function in libraries.into_iter().flat_map(|library| library()) {
        match merged.get_mut(function.name) {
            Some(known) => known.overloads.extend(function.overloads),
            None => {
                merged.insert(function.name, function);
            }
        }
    }
    merged.into_values().collect()
}

/// The overloads for lists of each of these types, with the type's name in the id.
fn for_each_type(types: &[Type], overload: impl Fn(&str, &Type) -> Overload) -> Vec<Overload> {
    types.iter().map(|of| overload(of.name(), of)).collect()
}

/// An id made at start, kept for the life of the program: there are a few dozen.
fn id(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

/// The types whose values have an order.
const ORDERED: [Type; 8] = [
    Type::Int,
    Type::Uint,
    Type::Double,
    Type::Bool,
    Type::Duration,
    Type::Timestamp,
    Type::String,
    Type::Bytes,
];

/// The error of a body that was called with what it does not take.
fn unfit(function: &str, args: &[Value]) -> Error {
    no_such_overload(function, args)
}

/// A text, or the error of one that is none.
fn text(value: &Value) -> Result<&str, Error> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(Error::new("no such overload")),
    }
}

/// Functions whose several libraries share one name find the right body here.
fn dispatch(bodies: &[Body], args: &[Value], budget: &mut Budget) -> Result<Value, Error> {
    let mut last = Err(Error::new("no such overload"));
    for body in bodies {
        last = body(args, budget);
        if !matches!(&last, Err(Error::Failed(message)) if message.starts_with("no such overload")) {
            break;
        }
    }
    last
}
