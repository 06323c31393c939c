//! What an expression may use: variables with their types, messages, functions.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::declaration::{Function, MessageTable, Messages};
use crate::library::functions;
use crate::syntax::Dialect;
use crate::types::Type;

/// What an expression may use. Made once, used for many expressions.
#[derive(Clone, Debug)]
pub struct Environment {
    variables: BTreeMap<String, Type>,
    messages: Arc<dyn Messages>,
    mutation: bool,
    pub(crate) dialect: Dialect,
}

impl Default for Environment {
    fn default() -> Self {
        Self {
            variables: BTreeMap::new(),
            messages: Arc::new(MessageTable::default()),
            mutation: false,
            dialect: Dialect::default(),
        }
    }
}

impl Environment {
    /// Adds a variable.
    #[must_use]
    pub fn with_variable(mut self, name: &str, of: Type) -> Self {
        self.variables.insert(name.to_owned(), of);
        self
    }

    /// Sets where messages and their fields are found.
    #[must_use]
    pub fn with_messages(mut self, messages: Arc<dyn Messages>) -> Self {
        self.messages = messages;
        self
    }

    /// Adds what mutations use besides: `jsonpatch.escapeKey`.
    #[must_use]
    pub fn with_mutation(mut self) -> Self {
        self.mutation = true;
        self
    }

    /// Adds `variables`, whose fields are the variables of a policy with their types.
    #[must_use]
    pub fn with_policy_variables(mut self, fields: Arc<BTreeMap<String, Type>>) -> Self {
        self.messages = Arc::new(PolicyVariables { others: self.messages, fields });
        self.with_variable("variables", Type::message(POLICY_VARIABLES))
    }

    pub(crate) fn messages(&self) -> &dyn Messages {
        &*self.messages
    }

    pub(crate) fn function(&self, name: &str) -> Option<&'static Function> {
        let function = functions().get(name)?;
        (self.mutation || function.name != "jsonpatch.escapeKey").then_some(function)
    }

    /// The type of a variable, or the type of the type of this name.
    pub(crate) fn resolve(&self, name: &str) -> Option<Type> {
        if let Some(of) = self.variables.get(name) {
            return Some(of.clone());
        }
        let named = match name {
            "bool" => Type::Bool,
            "bytes" => Type::Bytes,
            "double" => Type::Double,
            "int" => Type::Int,
            "list" => Type::list(Type::Dyn),
            "map" => Type::map(Type::Dyn, Type::Dyn),
            "null_type" => Type::Null,
            "string" => Type::String,
            "type" => Type::Type(None),
            "uint" => Type::Uint,
            "google.protobuf.Duration" => Type::Duration,
            "google.protobuf.Timestamp" => Type::Timestamp,
            "optional_type" => Type::optional(Type::Dyn),
            "net.IP" | "net.CIDR" => Type::opaque(name),
            _ if OPAQUE_MESSAGES.contains(&name) || self.messages.contains(name) => Type::message(name),
            _ => return None,
        };
        Some(Type::Type(Some(Arc::new(named))))
    }
}

/// Messages, and the one whose fields are the variables of a policy.
#[derive(Debug)]
struct PolicyVariables {
    others: Arc<dyn Messages>,
    fields: Arc<BTreeMap<String, Type>>,
}

impl Messages for PolicyVariables {
    fn contains(&self, name: &str) -> bool {
        name == POLICY_VARIABLES || self.others.contains(name)
    }

    fn field(&self, message: &str, field: &str) -> Option<Type> {
        match message {
            POLICY_VARIABLES => self.fields.get(field).cloned(),
            other => self.others.field(other, field),
        }
    }
}

const POLICY_VARIABLES: &str = "kubernetes.variables";

/// Messages that functions make and that have no fields to select.
const OPAQUE_MESSAGES: &[&str] = &["kubernetes.Quantity", "kubernetes.URL", "kubernetes.NamedFormat"];
