//! The entries of a list: a first few, so that a short list costs little, then all others.

use podsec_apimachinery::Status;
use podsec_storage::{Error, Page, Range, Revision};

use super::super::selection::Selection;
use crate::registry::{Registry, status, too_large_resource_version};
use crate::request::list_options::{At, ListOptions};

/// Reads the entries under a prefix, all at one revision.
pub(super) struct Pages<'a> {
    prefix: &'a str,
    options: &'a ListOptions,
    next: Option<String>,
    at: Option<Revision>,
    /// What the list shows; known when the first page was read.
    pub(super) revision: Revision,
}

impl<'a> Pages<'a> {
    pub(super) fn new(prefix: &'a str, options: &'a ListOptions) -> Self {
        let continued = options.continued.as_ref();
        let at = match (continued, options.at) {
            (Some(token), _) => u64::try_from(token.rv).ok().map(Revision),
            (None, At::Exact(revision)) => Some(Revision(revision)),
            (None, At::NotOlderThan(_)) => None,
        };
        let next = continued.map(|token| format!("{prefix}{}", token.start));
        Self { prefix, options, next, at, revision: Revision(0) }
    }

    /// The first entries, of which there may be more.
    ///
    /// # Errors
    /// 410 for a revision that is forgotten, 504 for one that has not happened.
    pub(super) async fn first(&mut self, registry: &Registry) -> Result<Page, Status> {
        let limit = self.options.limit.map_or(FIRST, |limit| limit.min(FIRST));
        let page = self.read(registry, Some(limit)).await?;
        if let At::NotOlderThan(asked) = self.options.at
            && asked > page.revision.0
        {
            return Err(too_large_resource_version(asked, page.revision));
        }
        self.revision = page.revision;
        self.at = Some(page.revision);
        self.next = page.entries.last().map(|last| format!("{}\0", last.key));
        Ok(page)
    }

    /// How many entries behind the first page must be read: as many as the client wants, or all where nobody knows
    /// how many of them the selectors let through.
    pub(super) fn more(&self, first: &Page, selection: &Selection) -> usize {
        match self.options.limit.filter(|_| selection.is_everything()) {
            Some(limit) => limit.saturating_sub(first.entries.len()).min(first.remaining),
            None => first.remaining,
        }
    }

    /// The next `count` entries behind the first page.
    ///
    /// # Errors
    /// 410 when the revision was forgotten meanwhile.
    pub(super) async fn rest(&self, registry: &Registry, count: usize) -> Result<Page, Status> {
        self.read(registry, Some(count)).await
    }

    async fn read(&self, registry: &Registry, limit: Option<usize>) -> Result<Page, Status> {
        let mut range = Range::prefix(self.prefix);
        if let Some(next) = &self.next {
            range = range.starting_at(next);
        }
        if let Some(limit) = limit {
            range = range.limit(limit);
        }
        if let Some(at) = self.at {
            range = range.at(at);
        }
        match registry.store().range(range).await {
            Ok(page) => Ok(Page { entries: registry.converted(page.entries).await?, ..page }),
            Err(Error::Future { current }) => {
                Err(too_large_resource_version(self.at.map_or(0, |at| at.0), current))
            }
            Err(error) => Err(status(&error)),
        }
    }
}

/// How many entries are read before it is known how many there are.
const FIRST: usize = 500;
