//! What a client is told when the store does not do what it was asked.

use podsec_apimachinery::Status;
use podsec_apimachinery::status::{Details, StatusCause};
use podsec_storage::{Error, Revision};

/// Why nothing was written.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// Someone else has written or deleted the object in between.
    Conflict,
    /// Anything else, as the client's answer.
    Fail(Status),
}

impl From<Status> for WriteError {
    fn from(status: Status) -> Self {
        Self::Fail(status)
    }
}

impl From<Error> for WriteError {
    fn from(error: Error) -> Self {
        match error {
            Error::Conflict { .. } => Self::Conflict,
            error => Self::Fail(status(&error)),
        }
    }
}

/// What a client is told when the store does not do what it was asked.
pub(crate) fn status(error: &Error) -> Status {
    match error {
        Error::Compacted { .. } => {
            Status::failure(410, "Expired", "The resourceVersion for the provided list is too old.")
        }
        Error::ReadOnly => Status::failure(
            403,
            "Forbidden",
            "nothing can be written: the server reads the etcd of a cluster (--etcd-read-only)",
        ),
        Error::Closed => Status::failure(503, "ServiceUnavailable", "the server is shutting down"),
        // As kube-apiserver passes on what etcd says: without a reason.
        Error::TooLarge | Error::NoSpace => Status::failure(500, "", error.to_string()),
        other => Status::internal(&chain(other)),
    }
}

/// An error with all that caused it.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |words, cause| format!("{words}: {cause}"))
}

/// 504: a `resourceVersion` that has not happened yet.
pub(crate) fn too_large_resource_version(asked: u64, current: Revision) -> Status {
    let cause = StatusCause {
        reason: "ResourceVersionTooLarge".to_owned(),
        message: "Too large resource version".to_owned(),
        ..StatusCause::default()
    };
    let details = Details { causes: vec![cause], retry_after_seconds: 1, ..Details::default() };
    let message = format!("Timeout: Too large resource version: {asked}, current: {current}");
    Status { details: Some(details), ..Status::failure(504, "Timeout", message) }
}
