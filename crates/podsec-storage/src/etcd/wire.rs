//! What passes between etcd and the store: revisions, and calls that come to nothing.

use std::sync::Arc;
use std::time::Duration;

use tonic::Status;

use crate::{Error, Revision};

pub(super) fn from_wire(revision: i64) -> Revision {
    Revision(u64::try_from(revision).unwrap_or(0))
}

pub(super) fn to_wire(revision: Revision) -> i64 {
    i64::try_from(revision.0).unwrap_or(i64::MAX)
}

/// What a call came to that etcd did not answer, or refused: its words without the code and the chain of causes, which
/// say the same again.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unanswered(pub(super) String);

#[expect(clippy::needless_pass_by_value, reason = "as map_err hands it")]
pub(super) fn unanswered(status: Status) -> Error {
    failed(Unanswered(status.message().to_owned()))
}

pub(super) fn failed<E: std::error::Error + Send + Sync + 'static>(error: E) -> Error {
    Error::Etcd(Arc::new(error))
}

/// Between two attempts to reach a cluster that does not answer.
pub(super) const PAUSE: Duration = Duration::from_millis(250);
