//! How long a request may take: `?timeout=` and, without it, a minute. Long-running requests have no end.

use std::time::Duration;

use podsec_apimachinery::Status;
use podsec_go::duration;
use tokio::time::Instant;

use super::info::RequestInfo;
use super::query::Query;

/// When the request must be answered; `None` for a long-running one.
///
/// # Errors
/// 400 when `timeout` is no Go duration.
pub(crate) fn parse(info: &RequestInfo, query: &Query) -> Result<Option<Instant>, Status> {
    if info.is_long_running() {
        return Ok(None);
    }
    let asked = match query.value("timeout") {
        None => None,
        Some(text) => Some(duration::parse_positive(text).map_err(|error| {
            Status::bad_request(format!("invalid timeout specified in the request URL - {error}"))
        })?),
    };
    let timeout = asked.filter(|asked| !asked.is_zero()).map_or(DEFAULT, |asked| asked.min(DEFAULT));
    Ok(Some(Instant::now() + timeout))
}

/// The time a request has that says nothing else.
pub(crate) const DEFAULT: Duration = Duration::from_mins(1);
