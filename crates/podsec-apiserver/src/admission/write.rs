//! What admission is told of a write.

use serde_json::Value;

/// What a write does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Makes a new object.
    Create,
    /// Changes an object.
    Update,
    /// Removes an object.
    Delete,
    /// Opens a connection into an object.
    Connect,
}

impl Action {
    /// Kubernetes' name of it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
        }
    }
}

/// A write, beside the object it is about.
#[derive(Debug)]
pub(crate) struct Write<'a> {
    /// What it does.
    pub(crate) action: Action,
    /// The name as the request gives it: empty when the server makes one up, and for each object of a collection.
    pub(crate) name: &'a str,
    /// The stored object.
    pub(crate) old: Option<&'a Value>,
    /// The options of the request (`CreateOptions` and its siblings); null for a connection.
    pub(crate) options: Value,
    /// Whether nothing will be stored.
    pub(crate) dry_run: bool,
}
