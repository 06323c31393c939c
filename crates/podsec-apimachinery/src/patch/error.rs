//! Why a patch cannot be applied, and the Status a client gets for each reason.

use crate::Status;

/// Why a patch cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The patch is not a patch of its type at all.
    #[error("{0}")]
    Malformed(String),
    /// The patch is well formed but does not fit the object: a missing path.
    #[error("{0}")]
    Inapplicable(String),
    /// The value at this path is not what a `test` expects.
    #[error("testing value {0} failed: test failed")]
    TestFailed(String),
    /// The patch asks for more than a server should do.
    #[error("{0}")]
    TooLarge(String),
    /// The caller has told it to end before it was done.
    #[error("request did not complete within the allotted timeout")]
    Interrupted,
    /// A strategic merge patch whose contents contradict the type, which Kubernetes reports as its own failure.
    #[error("{0}")]
    Unmergeable(String),
}

impl Error {
    /// The answer kube-apiserver gives: 400, 422, 413, 504 and 500.
    pub fn status(&self) -> Status {
        match self {
            Self::Malformed(why) => Status::bad_request(why.clone()),
            Self::Inapplicable(_) | Self::TestFailed(_) => Status {
                details: Some(crate::status::Details::default()),
                ..Status::failure(
                    422,
                    "Invalid",
                    "the server rejected our request due to an error in our request",
                )
            },
            Self::TooLarge(why) => {
                Status::failure(413, "RequestEntityTooLarge", format!("Request entity is too large: {why}"))
            }
            Self::Interrupted => Status::failure(504, "Timeout", format!("Timeout: {self}")),
            Self::Unmergeable(why) => Status::failure(500, "", why.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_test_is_answered_in_kubernetes_words() {
        let status = Error::Inapplicable("testing path /metadata/name failed".to_owned()).status();
        assert_eq!(
            serde_json::to_string(&status).unwrap(),
            r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"the server rejected our request due to an error in our request","reason":"Invalid","details":{},"code":422}"#
        );
    }
}
