//! What the checker has found out about an expression.

use std::collections::HashMap;

use crate::syntax::ast::Id;
use crate::types::Type;

/// What the checker found out about each node.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    pub(super) types: HashMap<Id, Type>,
    pub(super) references: HashMap<Id, Reference>,
}

/// What a node names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reference {
    /// A variable, type or message.
    Name(String),
    /// Overloads of a function, of which the values decide when there are several.
    Function {
        /// The function's whole name, when what looks like its target is the beginning of it: `a.b.f(x)`.
        namespaced: Option<String>,
        overloads: Vec<&'static str>,
    },
}

impl Checked {
    pub(crate) fn type_of(&self, id: Id) -> Type {
        self.types.get(&id).cloned().unwrap_or(Type::Error)
    }

    pub(crate) fn names(&self, variable: &str) -> bool {
        self.references
            .values()
            .any(|reference| matches!(reference, Reference::Name(name) if name == variable))
    }

    pub(crate) fn reference(&self, id: Id) -> Option<&Reference> {
        self.references.get(&id)
    }
}
