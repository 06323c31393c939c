//! What an expression may name: variables, functions with their overloads, messages with their fields.

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::{Budget, Error};
use crate::types::Type;
use crate::value::Value;

/// What a function does with its arguments, the target first.
pub(crate) type Body = fn(&[Value], &mut Budget) -> Result<Value, Error>;

/// One way to call a function.
#[derive(Clone, Debug)]
pub(crate) struct Overload {
    /// The name by which costs are told, as in `string_to_bytes`.
    pub(crate) id: &'static str,
    /// Whether it is called on a target, which then is the first parameter.
    pub(crate) member: bool,
    pub(crate) params: Vec<Type>,
    pub(crate) result: Type,
}

/// A function: its overloads and what calls it at run time.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) overloads: Vec<Overload>,
    pub(crate) body: Body,
    /// Whether the body sees only arguments that fit an overload; otherwise it judges them itself.
    pub(crate) guarded: bool,
}

impl Function {
    /// A function whose body sees only arguments that fit one of its overloads.
    pub(crate) fn new(name: &'static str, body: Body, overloads: Vec<Overload>) -> Self {
        Self { name, overloads, body, guarded: true }
    }

    /// A function whose body judges its arguments itself.
    pub(crate) fn unguarded(name: &'static str, body: Body, overloads: Vec<Overload>) -> Self {
        Self { guarded: false, ..Self::new(name, body, overloads) }
    }
}

/// An overload without target.
pub(crate) fn overload(id: &'static str, params: &[Type], result: &Type) -> Overload {
    Overload { id, member: false, params: params.to_vec(), result: result.clone() }
}

/// An overload that is called on its first parameter.
pub(crate) fn member(id: &'static str, params: &[Type], result: &Type) -> Overload {
    Overload { member: true, ..overload(id, params, result) }
}

/// The overloads for lists of each of these types, with the type's name in the id.
pub(crate) fn for_each_type(types: &[Type], overload: impl Fn(&str, &Type) -> Overload) -> Vec<Overload> {
    types.iter().map(|of| overload(of.name(), of)).collect()
}

/// An id made at start, kept for the life of the program: there are a few dozen.
pub(crate) fn id(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

/// The types whose values have an order.
pub(crate) const ORDERED: [Type; 8] = [
    Type::Int,
    Type::Uint,
    Type::Double,
    Type::Bool,
    Type::Duration,
    Type::Timestamp,
    Type::String,
    Type::Bytes,
];

/// Finds messages and their fields.
pub trait Messages: std::fmt::Debug + Send + Sync {
    /// Whether there is a message of this name.
    fn contains(&self, name: &str) -> bool;

    /// The type of a field of a message; `None` when it has none of this name.
    fn field(&self, message: &str, field: &str) -> Option<Type>;
}

/// Messages by name, each with the types of its fields.
#[derive(Clone, Debug, Default)]
pub struct MessageTable {
    messages: HashMap<Arc<str>, HashMap<String, Type>>,
}

impl MessageTable {
    /// Adds a message and returns its type.
    pub fn add<'f>(&mut self, name: &str, fields: impl IntoIterator<Item = (&'f str, Type)>) -> Type {
        let fields = fields.into_iter().map(|(field, of)| (field.to_owned(), of)).collect();
        self.messages.insert(name.into(), fields);
        Type::message(name)
    }
}

impl Messages for MessageTable {
    fn contains(&self, name: &str) -> bool {
        self.messages.contains_key(name)
    }

    fn field(&self, message: &str, field: &str) -> Option<Type> {
        let fields = self.messages.get(message)?;
        // A reserved word may be written as it stands.
        fields.get(field).or_else(|| fields.get(&format!("__{field}__"))).cloned()
    }
}
