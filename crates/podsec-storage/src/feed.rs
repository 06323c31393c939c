//! How changes reach the watches: one queue for each watched prefix, one cursor for each watch.

use std::{
    collections::VecDeque,
    sync::{Arc, PoisonError, RwLock},
};

use tokio::sync::watch;

use crate::{Answer, Error, Event, Revision, Watch};

/// All queues that somebody watches.
///
/// A watch has no buffer of its own. However slow it is, it costs no memory beyond the history, and it is
/// cut off exactly when a change that it has not taken leaves the history.
pub(crate) struct Feeds {
    feeds: Vec<Feed>,
    newest: watch::Sender<Revision>,
}

/// The kept changes to keys that start with `prefix`.
struct Feed {
    prefix: Arc<str>,
    queue: Arc<RwLock<Queue>>,
    /// Wakes the watches; dropping it tells them that the store is closed.
    wake: watch::Sender<()>,
}

#[derive(Default)]
struct Queue {
    events: VecDeque<Arc<Event>>,
    /// The revision of the last event that was dropped from the front.
    dropped: Revision,
}

impl Feeds {
    pub(crate) fn new(revision: Revision) -> Self {
        Self { feeds: Vec::new(), newest: watch::Sender::new(revision) }
    }

    /// A watch of `prefix` that starts after `from`. `log` is the whole history, with which a prefix that
    /// nobody has watched so far begins.
    pub(crate) fn watch<'a>(
        &mut self,
        prefix: &str,
        from: Revision,
        log: impl Iterator<Item = &'a Arc<Event>>,
    ) -> Cursor {
        let cursor = |feed: &Feed| Cursor {
            queue: Arc::clone(&feed.queue),
            wake: feed.wake.subscribe(),
            newest: self.newest.subscribe(),
            taken: from,
        };
        if let Some(feed) = self.feeds.iter().find(|feed| &*feed.prefix == prefix) {
            return cursor(feed);
        }
        let events = log.filter(|event| event.key().starts_with(prefix)).cloned().collect();
        let feed = Feed {
            prefix: prefix.into(),
            queue: Arc::new(RwLock::new(Queue { events, dropped: Revision::default() })),
            wake: watch::Sender::new(()),
        };
        let watch = cursor(&feed);
        self.feeds.push(feed);
        watch
    }

    /// Hands the events of one revision to all watches of their keys. Feeds without watches are dropped on the way.
    ///
    /// A watch counts what it has returned by revision, so it must find all events of a revision or none: etcd
    /// deletes all keys of an expired lease in one.
    pub(crate) fn publish(&mut self, revision: Revision, events: &[Arc<Event>]) {
        self.feeds.retain(|feed| feed.wake.receiver_count() > 0);
        for feed in &self.feeds {
            let mut own = events.iter().filter(|event| event.key().starts_with(&*feed.prefix)).peekable();
            if own.peek().is_some() {
                let mut queue = feed.queue.write().unwrap_or_else(PoisonError::into_inner);
                queue.events.extend(own.cloned());
                drop(queue);
                feed.wake.send_replace(());
            }
        }
        // Only now, so that who reads a revision here finds its events in the queues.
        self.newest.send_replace(revision);
    }

    /// Ends all watches that have not taken everything up to `revision`: what came before it is not known.
    pub(crate) fn cut_off(&mut self, revision: Revision) {
        for feed in &self.feeds {
            let mut queue = feed.queue.write().unwrap_or_else(PoisonError::into_inner);
            queue.events.clear();
            queue.dropped = revision;
            drop(queue);
            feed.wake.send_replace(());
        }
        self.newest.send_replace(revision);
    }

    /// Tells the watches that there is nothing up to `revision` that they will hear of.
    pub(crate) fn skip_to(&mut self, revision: Revision) {
        self.newest.send_replace(revision);
    }

    pub(crate) fn compact(&mut self, revision: Revision) {
        for feed in &self.feeds {
            let mut queue = feed.queue.write().unwrap_or_else(PoisonError::into_inner);
            while let Some(event) = queue.events.pop_front_if(|event| event.revision() <= revision) {
                queue.dropped = event.revision();
            }
        }
    }
}

/// A place in a queue.
pub(crate) struct Cursor {
    queue: Arc<RwLock<Queue>>,
    wake: watch::Receiver<()>,
    newest: watch::Receiver<Revision>,
    /// The revision up to which everything was returned.
    taken: Revision,
}

impl Cursor {
    /// The events that have not been returned, about [`BATCH`] of them.
    fn waiting(&self) -> Result<Vec<Arc<Event>>, Error> {
        let queue = self.queue.read().unwrap_or_else(PoisonError::into_inner);
        if self.taken < queue.dropped {
            return Err(Error::Lagged { after: self.taken });
        }
        let start = queue.events.partition_point(|event| event.revision() <= self.taken);
        let rest = queue.events.range(start..);
        let last = rest.clone().take(BATCH).next_back().map(|event| event.revision());
        // Whole revisions, whatever the bound.
        Ok(rest.take_while(|event| Some(event.revision()) <= last).cloned().collect())
    }
}

impl Watch for Cursor {
    fn next(&mut self) -> Answer<'_, Vec<Arc<Event>>> {
        Box::pin(async {
            loop {
                self.wake.mark_unchanged();
                let events = self.waiting()?;
                if let Some(last) = events.last() {
                    self.taken = last.revision();
                    return Ok(events);
                }
                self.wake.changed().await.map_err(|_| Error::Closed)?;
            }
        })
    }

    fn progress(&self) -> Revision {
        let newest = *self.newest.borrow();
        let queue = self.queue.read().unwrap_or_else(PoisonError::into_inner);
        let waiting = self.taken < queue.dropped
            || queue.events.back().is_some_and(|event| event.revision() > self.taken);
        if waiting { self.taken } else { self.taken.max(newest) }
    }
}

/// The events returned at once, so that a watch that resumes from far back does not hold everything twice.
const BATCH: usize = 256;
