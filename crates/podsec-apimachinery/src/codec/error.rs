//! Why a body is refused, and the Status that says so.

use serde_json::Value;

use crate::field::{self, Path};
use crate::status::Status;

/// Why a body is refused. The texts are Kubernetes'.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// The `Content-Type` is none that can be read: 415.
    #[error("the body of the request was in an unknown format - accepted media types include: {0}")]
    ContentType(&'static str),
    /// A custom object of another kind: 422.
    #[error("must be {expected}")]
    CustomKind {
        /// The kind's group.
        group: String,
        /// The kind in the URL.
        expected: String,
        /// The kind in the body.
        found: String,
        /// The object's name.
        name: String,
    },
    /// The kind is known and its object is broken, or it is another kind: 400.
    #[error("{found} in version {version:?} cannot be handled as a {expected}: {cause}")]
    Object {
        /// The kind in the body, or else the URL.
        found: String,
        /// Its version without the group.
        version: String,
        /// The kind in the URL.
        expected: String,
        /// What is wrong.
        cause: String,
    },
    /// Not even the kind can be read: 400.
    #[error("the object provided is unrecognized (must be of type {expected}): {cause} ({summary})")]
    Unrecognized {
        /// The kind in the URL.
        expected: String,
        /// What is wrong.
        cause: String,
        /// The start of the body.
        summary: String,
    },
    /// The same kind in another version: 400.
    #[error("the API version in the data ({found}) does not match the expected API version ({expected})")]
    Version {
        /// The body's `apiVersion`.
        found: String,
        /// The URL's.
        expected: String,
    },
}

impl BodyError {
    /// What is wrong, without the words about where it was found.
    pub fn cause(&self) -> String {
        match self {
            Self::Object { cause, .. } | Self::Unrecognized { cause, .. } => cause.clone(),
            other => other.to_string(),
        }
    }
}

impl From<BodyError> for Status {
    fn from(error: BodyError) -> Self {
        match &error {
            BodyError::ContentType(_) => Self::failure(415, "UnsupportedMediaType", error.to_string()),
            BodyError::CustomKind { group, expected, found, name } => {
                let found = Value::from(found.as_str());
                let wrong = field::Error::invalid(Path::new("kind"), &found, &error.to_string());
                Self::invalid(group, expected, name, &[wrong])
            }
            _ => Self::bad_request(error.to_string()),
        }
    }
}
