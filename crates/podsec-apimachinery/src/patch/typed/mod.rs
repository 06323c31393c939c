//! Values with their types: what server-side apply compares, merges and removes (structured-merge-diff).

mod compare;
mod kind;
mod merge;
mod remove;
mod validate;

pub(super) use compare::{Comparison, compare};
pub(super) use kind::{field_set, with_structs};
pub(super) use merge::merge;
pub(super) use remove::{Emptied, remove};
pub(super) use validate::validate;
