//! A scalar as Kubernetes reads it.

use std::borrow::Cow;

use crate::number;

/// A scalar as Kubernetes reads it.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar<'t> {
    /// `null`, `~`, or nothing at all.
    Null,
    /// `true`, `yes`, `on`, `y` and their opposites.
    Bool(bool),
    /// An integer, from any of Go's bases (`0400` and `0o400` are octal).
    Int(i64),
    /// An integer above `i64::MAX`.
    Uint(u64),
    /// Any other number. As a value always finite.
    Float(f64),
    /// Everything else; a timestamp too.
    String(Cow<'t, str>),
}

impl Scalar<'_> {
    /// The integer that stands in JSON for this number, if it has that form: a whole float below 1e21 is written without a
    /// point, so that
    /// Kubernetes reads an integer, as in `1.00065e+09`.
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(*value),
            Self::Float(value) => {
                let mut text = String::new();
                number::write_float(*value, &mut text);
                text.parse().ok()
            }
            _ => None,
        }
    }

    pub(crate) fn tag(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Int(_) | Self::Uint(_) => "int",
            Self::Float(_) => "float",
            Self::String(_) => "str",
        }
    }

    /// The text of this scalar as a key of a JSON object, when Kubernetes allows it as a key.
    pub(crate) fn as_key(&self) -> Option<Cow<'_, str>> {
        Some(match self {
            Self::String(text) => Cow::Borrowed(text),
            Self::Bool(value) => Cow::Borrowed(if *value { "true" } else { "false" }),
            Self::Int(value) => Cow::Owned(value.to_string()),
            Self::Float(value) => Cow::Owned(number::float_key(*value)),
            Self::Null | Self::Uint(_) => return None,
        })
    }
}
