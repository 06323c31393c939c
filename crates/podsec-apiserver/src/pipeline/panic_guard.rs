//! A defect in a handler costs its own request a 500, and nothing else.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use podsec_apimachinery::Status;

/// Runs a future and turns a panic into its message. The state that the future leaves behind is its request's
/// own; what requests share stays behind locks that survive a panic, or in the store.
pub(super) async fn catch<T>(future: impl Future<Output = T>) -> Result<T, String> {
    let mut future = pin!(future);
    std::future::poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
        Err(panic) => Poll::Ready(Err(message(panic.as_ref()))),
    })
    .await
}

/// What the client gets.
pub(super) fn status() -> Status {
    let message = "This request caused apiserver to panic. Look in the logs for details.";
    Status::failure(500, "InternalError", message)
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "unknown".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_becomes_its_message() {
        let text = "boom".to_owned();
        assert_eq!(catch(async { panic!("{text}") }).await, Err::<(), _>("boom".to_owned()));
        assert_eq!(catch(async { 1 }).await, Ok(1));
    }
}
