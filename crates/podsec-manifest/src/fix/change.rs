//! A change to a document.

use std::fmt;

use podsec_standards::{Check, Safety};
use serde_json::Value;

use crate::locate::Step;

/// A change to one field of a document.
#[derive(Clone, Debug)]
pub(super) struct Change {
    /// The field, from the root of the document.
    pub(super) steps: Vec<Step>,
    pub(super) action: Action,
    /// The rule that asks for it.
    pub(super) check: &'static Check,
    pub(super) safety: Safety,
    /// What else there is to tell of it.
    pub(super) note: Option<String>,
    /// The number of the pod in the document.
    pub(super) pod: usize,
}

/// What becomes of a field.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Action {
    Set(Value),
    Remove,
    /// Another member takes its place.
    Replace(&'static str, Value),
}

impl Change {
    /// What is done, and what else there is to tell of it.
    pub(super) fn told(&self) -> String {
        match &self.note {
            Some(note) => format!("{}, {note}", self.action),
            None => self.action.to_string(),
        }
    }

    /// Whether this does the same, whoever asks for it.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.steps == other.steps && self.action == other.action
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set(value) => write!(f, "set to {value}"),
            Self::Remove => f.write_str("removed"),
            Self::Replace(name, value) => write!(f, "replaced by {name}: {value}"),
        }
    }
}
