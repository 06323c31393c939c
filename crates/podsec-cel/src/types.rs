//! The types of values, as the checker knows them.

use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

/// The type of an expression or value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Type {
    /// Known at run time only.
    Dyn,
    /// What an expression with an error has.
    Error,
    /// The type of `null`.
    Null,
    /// `true` and `false`.
    Bool,
    /// 64 bits with a sign.
    Int,
    /// 64 bits without a sign.
    Uint,
    /// A floating-point number of 64 bits.
    Double,
    /// Text.
    String,
    /// Bytes.
    Bytes,
    /// A moment.
    Timestamp,
    /// A span of time.
    Duration,
    /// A list of elements of one type.
    List(Arc<Type>),
    /// A map from keys to values.
    Map(Arc<Type>, Arc<Type>),
    /// A message with named fields, by its name.
    Struct(Arc<str>),
    /// A type that only functions look into, such as an optional value or an IP address.
    Opaque(Arc<str>, Arc<[Type]>),
    /// The type of a type; which one, where it is known.
    Type(Option<Arc<Type>>),
    /// A placeholder in a function's declaration or of a type not known yet.
    Param(Arc<str>),
}

impl Type {
    /// A list of `element`s.
    pub fn list(element: Self) -> Self {
        Self::List(Arc::new(element))
    }

    /// A map from `key` to `value`.
    pub fn map(key: Self, value: Self) -> Self {
        Self::Map(Arc::new(key), Arc::new(value))
    }

    /// An optional `value`.
    pub fn optional(value: Self) -> Self {
        Self::Opaque(OPTIONAL.into(), [value].into())
    }

    /// A type without parameters that only functions look into.
    pub fn opaque(name: &str) -> Self {
        Self::Opaque(name.into(), [].into())
    }

    /// A message, by its name.
    pub fn message(name: &str) -> Self {
        Self::Struct(name.into())
    }

    pub(crate) fn param(name: &str) -> Self {
        Self::Param(name.into())
    }

    /// The name that `type(value)` shows and errors at run time use.
    pub fn name(&self) -> &str {
        match self {
            Self::Dyn => "dyn",
            Self::Error => "*error*",
            Self::Null => "null_type",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Uint => "uint",
            Self::Double => "double",
            Self::String => "string",
            Self::Bytes => "bytes",
            Self::Timestamp => "google.protobuf.Timestamp",
            Self::Duration => "google.protobuf.Duration",
            Self::List(_) => "list",
            Self::Map(..) => "map",
            Self::Type(_) => "type",
            Self::Struct(name) | Self::Opaque(name, _) | Self::Param(name) => name,
        }
    }

    /// The types within.
    pub(crate) fn params(&self) -> Vec<&Self> {
        match self {
            Self::List(element) => vec![element],
            Self::Map(key, value) => vec![key, value],
            Self::Opaque(_, params) => params.iter().collect(),
            Self::Type(Some(inner)) => vec![inner],
            _ => Vec::new(),
        }
    }

    /// The type that a policy's expressions know of a variable of this type: what is neither simple nor a list or map of
    /// such may be anything.
    #[must_use]
    pub fn of_policy_variable(&self) -> Self {
        match self {
            Self::List(_) | Self::Map(..) => self.with_params(Self::of_policy_variable),
            Self::Null
            | Self::Bool
            | Self::Int
            | Self::Uint
            | Self::Double
            | Self::String
            | Self::Bytes
            | Self::Timestamp
            | Self::Duration => self.clone(),
            _ => Self::Dyn,
        }
    }

    /// What the optional holds, for an optional type.
    pub(crate) fn unwrap_optional(&self) -> Option<&Self> {
        match self {
            Self::Opaque(name, params) if &**name == OPTIONAL => params.first(),
            _ => None,
        }
    }

    /// The same with `change` made to the types within.
    pub(crate) fn with_params(&self, mut change: impl FnMut(&Self) -> Self) -> Self {
        match self {
            Self::List(element) => Self::list(change(element)),
            Self::Map(key, value) => Self::map(change(key), change(value)),
            Self::Opaque(name, params) => Self::Opaque(name.clone(), params.iter().map(change).collect()),
            Self::Type(Some(inner)) => Self::Type(Some(Arc::new(change(inner)))),
            other => other.clone(),
        }
    }

    /// As messages of the checker name it: `map(string, int)`, `timestamp`, `null`.
    pub(crate) fn in_message(&self) -> String {
        match self {
            Self::Error => "!error!".to_owned(),
            Self::Null => "null".to_owned(),
            Self::Timestamp => "timestamp".to_owned(),
            Self::Duration => "duration".to_owned(),
            other => other.written(Self::in_message),
        }
    }

    fn written(&self, inner: fn(&Self) -> String) -> String {
        let params: Vec<String> = self.params().into_iter().map(inner).collect();
        if params.is_empty() {
            self.name().to_owned()
        } else {
            format!("{}({})", self.name(), params.join(", "))
        }
    }
}

impl Display for Type {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.written(Self::to_string))
    }
}

/// The name of the type of optional values.
pub(crate) const OPTIONAL: &str = "optional_type";
