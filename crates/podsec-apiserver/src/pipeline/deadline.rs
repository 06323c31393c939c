//! The end of the time that a request has.

use podsec_apimachinery::Status;
use tokio::time::Instant;

use crate::answer::Answer;

/// Runs the handler until the deadline. A commit that has begun is not taken back: only its answer is late.
pub(super) async fn enforce<T>(
    deadline: Option<Instant>,
    handler: impl Future<Output = Result<T, Answer>>,
) -> Result<T, Answer> {
    let Some(deadline) = deadline else { return handler.await };
    tokio::time::timeout_at(deadline, handler).await.unwrap_or_else(|_| {
        let message = "request did not complete within the allotted timeout";
        Err(Status::failure(504, "Timeout", format!("Timeout: {message}")).into())
    })
}
