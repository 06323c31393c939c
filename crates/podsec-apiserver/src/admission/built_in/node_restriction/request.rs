//! What a node asks for, as far as it decides.

use serde_json::Value;

use crate::admission::attributes::Action;

/// What a node asks for.
pub(super) struct Request<'a> {
    pub(super) node: &'a str,
    pub(super) action: Action,
    pub(super) name: &'a str,
    pub(super) object: &'a Value,
    pub(super) old: &'a Value,
}
