//! The nodes of a tree that is being made: their numbers, where they stand, and the errors found on the way.

use super::ast::{Expr, Id, Kind};
use super::source::Errors;

/// Which macros there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dialect {
    /// Without optional values, two-variable macros and sorting: what older versions had.
    pub(crate) plain: bool,
}

/// The most nodes that a text and its macros may make; macros that copy their target double it at each level.
const MOST_NODES: usize = 200_000;

/// Makes nodes.
pub(super) struct Nodes<'e> {
    offsets: Vec<usize>,
    pub(super) dialect: Dialect,
    pub(super) errors: &'e mut Errors,
}

impl<'e> Nodes<'e> {
    pub(super) fn new(dialect: Dialect, errors: &'e mut Errors) -> Self {
        Self { offsets: vec![0], dialect, errors }
    }

    /// The offset of each node, by its number.
    pub(super) fn into_offsets(self) -> Vec<usize> {
        self.offsets
    }

    /// A new node that stands at `offset`.
    pub(super) fn node(&mut self, offset: usize, kind: Kind) -> Expr {
        Expr { id: self.id(offset), kind }
    }

    pub(super) fn id(&mut self, offset: usize) -> Id {
        self.offsets.push(offset);
        Id::try_from(self.offsets.len() - 1).unwrap_or(Id::MAX)
    }

    /// Whether there are as many nodes as there may be. Notes the error when there are.
    pub(super) fn is_full(&mut self) -> bool {
        let full = self.offsets.len() > MOST_NODES;
        if full && self.errors.is_empty() {
            self.errors.add(None, format!("expression has more than {MOST_NODES} nodes after its macros"));
        }
        full
    }

    pub(super) fn offset(&self, id: Id) -> usize {
        self.offsets.get(id as usize).copied().unwrap_or(0)
    }

    /// Notes an error at a node.
    pub(super) fn report(&mut self, offset: usize, message: impl Into<String>) {
        self.errors.add(Some(offset), message.into());
    }
}
