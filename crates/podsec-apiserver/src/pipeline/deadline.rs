//! How long a request may take: `?timeout=` and, without it, a minute. Long-running requests have no end.

use std::time::Duration;

use podsec_apimachinery::Status;
use podsec_go::duration;
use tokio::time::Instant;

use super::Answer;
use crate::query::Query;
use crate::request_info::RequestInfo;

/// When the request must be answered; `None` for a long-running one.
///
/// # Errors
/// 400 when `timeout` is no Go duration.
pub(super) fn parse(info: &RequestInfo, query: &Query) -> Result<Option<Instant>, Status> {
    if info.is_long_running() {
        return Ok(None);
    }
    let asked = match query.value("timeout") {
        None => None,
        Some(text) => Some(duration::parse_positive(text).map_err(|error| {
            Status::bad_request(format!("invalid timeout specified in the request URL - {error}"))
        })?),
    };
    let patience = asked.filter(|asked| !asked.is_zero()).map_or(DEFAULT, |asked| asked.min(DEFAULT));
    Ok(Some(Instant::now() + patience))
}

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

/// The time a request has that says nothing else.
pub(super) const DEFAULT: Duration = Duration::from_mins(1);
