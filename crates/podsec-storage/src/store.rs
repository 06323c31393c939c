//! The contract between the API server and whatever keeps its objects.

use std::{pin::Pin, sync::Arc};

use crate::{Change, Commit, Entry, Error, Event, Page, Precondition, Range, Revision};

/// What a [`Store`] answers: a future, because the store may be on the other side of a network.
///
/// The stores of this crate are asked when the method is called, not when the future is first polled;
/// dropping the future of a commit does not take the commit back.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// A revisioned key-value store, with the semantics that Kubernetes' API takes from etcd.
///
/// * One counter for all keys. A new store stands at revision 1, so that no snapshot carries 0, which means
///   "any" in a `resourceVersion`. Each committed change takes the next revision; nothing else does.
/// * A commit that was answered with `Ok` is as durable as the implementation can make it, and every later
///   read or watch sees it.
/// * Reads see whole revisions: a [`Page`] is the state of all keys at its revision.
/// * Values are opaque. The revision is not part of a value; who wants it in there (`resourceVersion`) puts
///   it in on reading.
pub trait Store: Send + Sync {
    /// The newest revision.
    fn revision(&self) -> Answer<'_, Revision>;

    /// The newest entry of `key`, or `None` when there is none.
    fn get<'a>(&'a self, key: &'a str) -> Answer<'a, Option<Entry>>;

    /// The entries that `range` asks for, in the order of their keys' bytes.
    ///
    /// # Errors
    /// [`Error::Compacted`] when `range.at` is no longer kept, [`Error::Future`] when it has not happened.
    fn range<'a>(&'a self, range: Range<'a>) -> Answer<'a, Page>;

    /// Changes `key` if `precondition` holds.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the precondition does not hold, or when a key that is not there is to be
    /// deleted. Nothing is changed then and no revision is taken.
    fn commit<'a>(&'a self, key: &'a str, precondition: Precondition, change: Change) -> Answer<'a, Commit>;

    /// All changes after `from` to keys that start with `prefix`: in order, each one once.
    ///
    /// `from` may lie in the future; the changes up to it are left out then.
    ///
    /// # Errors
    /// [`Error::Compacted`] when changes after `from` may have been dropped.
    fn watch<'a>(&'a self, prefix: &'a str, from: Revision) -> Answer<'a, Box<dyn Watch>>;

    /// Drops the history before `revision`; reads and watches from `revision` on still work.
    /// Compacting what is compacted already does nothing.
    ///
    /// # Errors
    /// [`Error::Future`] when `revision` has not happened.
    fn compact(&self, revision: Revision) -> Answer<'_, ()>;

    /// Finds out whether the store can do what it is for. A store that has failed to write tries again.
    ///
    /// # Errors
    /// Why it cannot.
    fn check(&self) -> Answer<'_, ()> {
        let revision = self.revision();
        Box::pin(async { revision.await.map(drop) })
    }
}

/// A running watch.
pub trait Watch: Send {
    /// Waits for changes and returns them: at least one, in the order of their revisions.
    ///
    /// Dropping the future loses nothing; the next call returns what it would have returned.
    ///
    /// # Errors
    /// [`Error::Lagged`] when changes were compacted before this watch took them: what comes after would have
    /// a gap, so nothing comes any more. [`Error::Closed`] when the store is gone.
    fn next(&mut self) -> Answer<'_, Vec<Arc<Event>>>;

    /// The newest revision of which is known that all its changes were returned by [`Watch::next`]: the
    /// store's newest one, unless changes are waiting. This is what a bookmark carries.
    fn progress(&self) -> Revision;
}
