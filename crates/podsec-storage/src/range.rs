//! Lists: what a range asks for and the page it gets.

use std::ops::Bound;

use crate::{Entry, Revision};

/// Which entries to list.
///
/// ```
/// # use podsec_storage::{Range, Revision};
/// let first = Range::prefix("/registry/pods/").limit(500);
/// let second = first.after("/registry/pods/default/web-499").at(Revision(1042));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Range<'a> {
    /// What the keys start with.
    pub prefix: &'a str,
    /// Where in the prefix to start.
    pub start: Bound<&'a str>,
    /// How many entries to return at most; `None` for all.
    pub limit: Option<usize>,
    /// The revision to read at; `None` for the newest. The pages of one list are read at the revision of the first.
    pub at: Option<Revision>,
}

impl<'a> Range<'a> {
    /// All keys that start with `prefix`, now.
    pub fn prefix(prefix: &'a str) -> Self {
        Self { prefix, start: Bound::Unbounded, limit: None, at: None }
    }

    /// Starts with the first key after `key`.
    #[must_use]
    pub fn after(self, key: &'a str) -> Self {
        Self { start: Bound::Excluded(key), ..self }
    }

    /// Starts with `key`, or the first one after it.
    #[must_use]
    pub fn starting_at(self, key: &'a str) -> Self {
        Self { start: Bound::Included(key), ..self }
    }

    /// Returns at most `limit` entries.
    #[must_use]
    pub fn limit(self, limit: usize) -> Self {
        Self { limit: Some(limit), ..self }
    }

    /// Reads the state at `revision`.
    #[must_use]
    pub fn at(self, revision: Revision) -> Self {
        Self { at: Some(revision), ..self }
    }

    /// The first key that could be listed: the later one of prefix and start.
    pub(crate) fn lower(&self) -> Bound<&'a str> {
        match self.start {
            Bound::Included(key) | Bound::Excluded(key) if key >= self.prefix => self.start,
            _ => Bound::Included(self.prefix),
        }
    }
}

/// A list, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The entries, in the order of their keys' bytes.
    pub entries: Vec<Entry>,
    /// The revision that the whole list shows.
    pub revision: Revision,
    /// How many entries follow the last one of this page. Zero on the last page.
    pub remaining: usize,
}
