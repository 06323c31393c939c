//! The loop around every reconciler: takes keys from the queue, and puts those back that failed.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;

use crate::error::Result;
use crate::key::ObjectKey;
use crate::queue::Queue;

/// A controller: what it does about one object.
pub trait Reconcile: Send + Sync + 'static {
    /// Brings the object of this key nearer to what it asks for. An object that is not there is no error.
    ///
    /// It says after what time the object is to be looked at even if nothing changes.
    ///
    /// # Errors
    /// Whatever keeps it from being done; it is tried again, ever more rarely.
    fn reconcile(&self, key: &ObjectKey) -> impl Future<Output = Result<Option<Duration>>> + Send;
}

/// Works on what is in the queue, for ever.
pub(crate) async fn work(name: &'static str, queue: Arc<Queue>, controller: Arc<impl Reconcile>) {
    loop {
        let key = queue.next().await;
        // An object that nobody foresaw must not end the work on all others.
        let outcome = AssertUnwindSafe(controller.reconcile(&key)).catch_unwind().await;
        match outcome {
            Ok(Ok(next)) => {
                queue.forget(&key);
                if let Some(delay) = next {
                    queue.add_after(key.clone(), delay);
                }
            }
            Ok(Err(error)) => {
                tracing::debug!(controller = name, %key, %error, "trying again later");
                queue.add_rate_limited(key.clone());
            }
            Err(_) => {
                tracing::error!(controller = name, %key, "a controller has panicked; trying again later");
                queue.add_rate_limited(key.clone());
            }
        }
        queue.done(&key);
    }
}
