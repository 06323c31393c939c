//! How each kind behaves: its defaults, validation, Table columns, selectable fields and deletion, one file a kind.
//!
//! ```text
//! decoded object ─► default ─► admit ─► prepare_for_create ─► validate ─► (Pod Security) ─► stored
//! changed object ─► default ─► admit ─► prepare_for_update ─► validate_update ─► …
//! ```
//!
//! A kind is one plain `static` [`Strategy`] of data and functions, named after the registry strategies of
//! kube-apiserver. [`strategy`] finds it; kinds without a file of their own behave as [`generic`] says.

mod generic;
mod strategy;

pub use generic::custom_resource;
pub use strategy::{
    Admit, Column, ColumnType, DeletionAnswer, GarbageCollection, SelectableField, Strategy, Subresource,
};

/// The behaviour of the built-in resource `resource` of API group `group` (empty for core), and the generic
/// one for resources that have none of their own. Objects of a CustomResourceDefinition behave as
/// [`custom_resource`].
pub fn strategy(group: &str, resource: &str) -> &'static Strategy {
    STRATEGIES
        .iter()
        .copied()
        .find(|strategy| strategy.resource == resource && strategy.group == group)
        .unwrap_or(&generic::STRATEGY)
}

/// Every kind with a behaviour of its own.
static STRATEGIES: &[&Strategy] = &[];
