//! Long computations: run beside the workers that answer other requests, as many at a time as there are processors.

use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::available_parallelism;

use podsec_apimachinery::Status;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::block_in_place;
use tokio::time::Instant;

/// The permits for long computations, one for each processor.
///
/// A worker of the runtime that computes answers nobody else. [`Processors::run`] gives the worker's other tasks to
/// another thread first, and waits for a permit there: however many clients ask for long computations, their requests
/// wait for each other, and everybody else's share the processors with a few.
pub(crate) struct Processors {
    free: Mutex<usize>,
    freed: Condvar,
}

impl Processors {
    /// One permit for each processor.
    pub(crate) fn all() -> Self {
        let count = available_parallelism().map_or(1, std::num::NonZero::get);
        Self { free: Mutex::new(count), freed: Condvar::new() }
    }

    /// Computes. On a runtime of one thread, as tests have it, there is nobody beside whom it could run.
    ///
    /// # Errors
    /// 504 when the deadline passes before its turn comes. What `compute` does at the deadline is its own matter.
    pub(crate) fn run<T>(&self, deadline: Option<Instant>, compute: impl FnOnce() -> T) -> Result<T, Status> {
        if Handle::current().runtime_flavor() != RuntimeFlavor::MultiThread {
            return Ok(compute());
        }
        block_in_place(|| {
            let _permit = self.acquire(deadline)?;
            Ok(compute())
        })
    }

    fn acquire(&self, deadline: Option<Instant>) -> Result<Permit<'_>, Status> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        while *free == 0 {
            free = match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
                Some(left) if left.is_zero() => return Err(timed_out()),
                Some(left) => self.freed.wait_timeout(free, left).unwrap_or_else(PoisonError::into_inner).0,
                None => self.freed.wait(free).unwrap_or_else(PoisonError::into_inner),
            };
        }
        *free -= 1;
        Ok(Permit(self))
    }
}

struct Permit<'a>(&'a Processors);

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}

fn timed_out() -> Status {
    Status::failure(504, "Timeout", "Timeout: request did not complete within the allotted timeout")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn the_only_worker_answers_others_while_one_computes() {
        let processors = Arc::new(Processors { free: Mutex::new(1), freed: Condvar::new() });
        let (finish, finished) = mpsc::channel::<()>();
        let (begin, is_computing) = tokio::sync::oneshot::channel();
        let one = Arc::clone(&processors);
        let computing = tokio::spawn(async move {
            one.run(None, || {
                let _ = begin.send(());
                finished.recv().is_ok()
            })
        });
        is_computing.await.unwrap();
        // Another task runs, and another computation waits for the permit until its deadline.
        let other = Arc::clone(&processors);
        let waiting = tokio::spawn(async move {
            other.run(Some(Instant::now() + Duration::from_millis(20)), || ()).map_err(|status| status.code)
        });
        assert_eq!(waiting.await.unwrap(), Err(504));
        finish.send(()).unwrap();
        assert_eq!(computing.await.unwrap().map_err(|status| status.code), Ok(true));
        assert!(processors.run(None, || ()).is_ok());
    }
}
