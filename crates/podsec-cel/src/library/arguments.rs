//! Reading the arguments of a call, and refusing those that do not fit.

use crate::declaration::Body;
use crate::error::{Budget, Error, no_such_overload};
use crate::value::Value;

/// The error of a body that was called with what it does not take.
pub(super) fn unfit(function: &str, args: &[Value]) -> Error {
    no_such_overload(function, args)
}

/// A text, or the error of one that is none.
pub(super) fn text(value: &Value) -> Result<&str, Error> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(Error::new("no such overload")),
    }
}

/// Functions whose several libraries share one name find the right body here.
pub(super) fn dispatch(bodies: &[Body], args: &[Value], budget: &mut Budget) -> Result<Value, Error> {
    let mut last = Err(Error::new("no such overload"));
    for body in bodies {
        last = body(args, budget);
        if !matches!(&last, Err(Error::Failed(message)) if message.starts_with("no such overload")) {
            break;
        }
    }
    last
}
