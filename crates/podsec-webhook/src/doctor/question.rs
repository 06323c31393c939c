//! Questions to the API server, and names in sentences.

use std::fmt::Write as _;
use std::time::Duration;

use tokio::time::timeout;

use crate::cluster::chain;

/// What the API server answers within a time that people wait; in words what it does not.
pub(super) async fn asked<T>(answer: impl Future<Output = kube::Result<T>>) -> Result<T, String> {
    match timeout(PATIENCE, answer).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(kube::Error::Api(status))) => Err(status.message),
        Ok(Err(error)) => Err(chain(&error)),
        Err(_) => Err(format!("no answer within {} seconds", PATIENCE.as_secs())),
    }
}

/// Names as a sentence has them, and how many more there are.
pub(super) fn listed(names: &[&str]) -> String {
    let (shown, rest) = names.split_at(names.len().min(NAMES));
    let mut text = shown.join(", ");
    if !rest.is_empty() {
        // Writing to a string cannot fail.
        let _ = write!(text, " and {} more", rest.len());
    }
    text
}

/// Longer than an API server waits for a webhook.
pub(super) const PATIENCE: Duration = Duration::from_secs(35);
/// How many names stand on a line.
const NAMES: usize = 10;
