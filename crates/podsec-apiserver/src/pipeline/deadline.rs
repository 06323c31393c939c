//! How long a request may take: `?timeout=` and, without it, a minute. Long-running requests have no end.

use std::time::Duration;

use podsec_apimachinery::Status;
use podsec_apimachinery::quote::quoted;
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
        Some(text) => Some(go_duration(text).ok_or_else(|| {
            let why = format!(
                "invalid timeout specified in the request URL - time: invalid duration {}",
                quoted(text)
            );
            Status::bad_request(why)
        })?),
    };
    let patience = asked.filter(|asked| !asked.is_zero()).map_or(DEFAULT, |asked| asked.min(DEFAULT));
    Ok(Some(Instant::now() + patience))
}

/// Runs the handler until the deadline. A commit that has begun is not taken back: only its answer is late.
pub(super) async fn enforce(
    deadline: Option<Instant>,
    handler: impl Future<Output = Result<Answer, Answer>>,
) -> Result<Answer, Answer> {
    let Some(deadline) = deadline else { return handler.await };
    tokio::time::timeout_at(deadline, handler).await.unwrap_or_else(|_| {
        let message = "request did not complete within the allotted timeout";
        Err(Status::failure(504, "Timeout", format!("Timeout: {message}")).into())
    })
}

/// Go's `time.ParseDuration` for what is not negative: `1m30s`, `1.5h`, `300ms`, `0`.
pub(crate) fn go_duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest.is_empty() {
        return None;
    }
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|character: char| !character.is_ascii_digit() && character != '.')?;
        let (number, behind) = rest.split_at(digits);
        let number: f64 = number.parse().ok()?;
        let end = behind.find(|character: char| character.is_ascii_digit() || character == '.');
        let (unit, next) = behind.split_at(end.unwrap_or(behind.len()));
        let seconds = match unit {
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        total = total.checked_add(Duration::try_from_secs_f64(number * seconds).ok()?)?;
        rest = next;
    }
    Some(total)
}

const DEFAULT: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        assert_eq!(go_duration("1m30s"), Some(Duration::from_secs(90)));
        assert_eq!(go_duration("1.5h"), Some(Duration::from_mins(90)));
        assert_eq!(go_duration("300ms"), Some(Duration::from_millis(300)));
        assert_eq!(go_duration("0"), Some(Duration::ZERO));
        for wrong in ["", "zzz", "10", "s", "1x", "-1s", "1..5s"] {
            assert_eq!(go_duration(wrong), None, "{wrong}");
        }
    }
}
