//! What can go wrong while a controller works on an object.

use kube::core::Status;

/// Why the work on an object is not done, and is tried again later.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The API server refused a request, or did not answer it. In a refusal's own words, as Go's clients print it.
    #[error("{}", message(.0))]
    Request(#[from] kube::Error),
    /// An object is not as the API server's validation promises.
    #[error("{0}")]
    Object(String),
}

/// What the work on one object gave.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// The API server's refusal.
    pub fn status(&self) -> Option<&Status> {
        match self {
            Self::Request(kube::Error::Api(status)) => Some(status),
            _ => None,
        }
    }

    /// Whether the object of the request is not there.
    pub fn is_not_found(&self) -> bool {
        self.has_reason("NotFound")
    }

    /// Whether somebody else was faster.
    pub fn is_conflict(&self) -> bool {
        self.has_reason("Conflict")
    }

    /// Whether an object of this name was there before.
    pub fn is_already_exists(&self) -> bool {
        self.has_reason("AlreadyExists")
    }

    /// Whether the object breaks the rules of its kind.
    pub fn is_invalid(&self) -> bool {
        self.has_reason("Invalid")
    }

    /// Whether nothing can be created because the namespace is going.
    pub fn is_namespace_terminating(&self) -> bool {
        let details = self.status().and_then(|status| status.details.as_ref());
        details
            .is_some_and(|details| details.causes.iter().any(|cause| cause.reason == "NamespaceTerminating"))
    }

    fn has_reason(&self, reason: &str) -> bool {
        self.status().is_some_and(|status| status.reason == reason)
    }
}

fn message(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message.clone(),
        error => error.to_string(),
    }
}
