//! What requests for resources share.

use std::sync::Arc;

use tokio::sync::watch;

use super::list::ListMemory;
use crate::event_lines::EventLines;
use crate::processors::Processors;

/// The room and the time that all requests for resources have together.
pub(crate) struct Shared {
    /// For long patches.
    pub(crate) processors: Arc<Processors>,
    /// For long lists.
    pub(crate) list_memory: ListMemory,
    /// The lines that several watches send.
    pub(crate) event_lines: Arc<EventLines>,
    /// Tells when the server is about to stop, and watches end.
    pub(crate) stopping: watch::Receiver<bool>,
}
