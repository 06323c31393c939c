//! The memory that lists hold while their clients read.

use std::sync::Arc;

use podsec_storage::Entry;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The memory that long lists may hold together while their clients read: entries, not objects, for the stored bytes
/// are there anyway. Whoever finds no room waits, for as long as its request may take.
pub(crate) struct ListMemory {
    /// In KiB.
    free: Arc<Semaphore>,
}

impl ListMemory {
    pub(crate) fn new() -> Self {
        Self { free: Arc::new(Semaphore::new(MEMORY)) }
    }

    /// Waits for room for a list of so many entries. A list that is larger than all there is takes all there is.
    pub(crate) async fn acquire(&self, entries: usize) -> OwnedSemaphorePermit {
        let kibibytes = (entries * size_of::<Entry>() + BUFFERED * PIECE) / 1024;
        let kibibytes = u32::try_from(kibibytes.clamp(1, MEMORY)).unwrap_or(u32::MAX);
        Arc::clone(&self.free).acquire_many_owned(kibibytes).await.expect("nobody closes the semaphore")
    }
}

/// What all long lists together may hold, in KiB.
const MEMORY: usize = 64 << 10;
/// The bytes of a piece.
pub(super) const PIECE: usize = 128 << 10;
/// How many pieces wait for a slow client.
pub(super) const BUFFERED: usize = 2;
