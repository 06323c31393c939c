//! What a sink does with events, and why it may lose one.

use std::io;

use crate::Event;
use crate::system_error::system_error;

/// A place for events. Writers come from many threads at once.
pub trait Sink: Send + Sync {
    /// The name in metrics and diagnostics: `log`.
    fn plugin(&self) -> &'static str;

    /// Records one event before it returns.
    ///
    /// # Errors
    /// When the event is lost.
    fn write(&self, event: &Event) -> Result<(), Error>;

    /// Waits until everything that was written is safe; called when the server shuts down.
    ///
    /// # Errors
    /// When that cannot be.
    fn flush(&self) -> Result<(), Error> {
        Ok(())
    }
}

/// Why an event was lost.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system refused.
    #[error("{}", system_error(.0))]
    Write(#[from] io::Error),
    /// The event alone is larger than a log file may be.
    #[error("write length {length} exceeds maximum file size {limit}")]
    TooLong {
        /// In bytes.
        length: u64,
        /// In bytes.
        limit: u64,
    },
    /// The log takes nothing at the moment.
    #[error("the log takes no events; what waits for it is lost when the process ends")]
    Stuck,
    /// The event has no JSON form.
    #[error(transparent)]
    Encode(#[from] serde_json::Error),
}
