//! GET of a collection: selectors, pages, Tables.

use podsec_apimachinery::Status;
use podsec_apimachinery::meta::ListMeta;
use podsec_storage::{Error, Page, Range, Revision};

use super::Operation;
use super::list_options::{At, Continue, ListOptions};
use super::selection::Selection;
use crate::pipeline::Answer;
use crate::registry::{status, too_large_resource_version};
use podsec_kinds::object;

/// Answers with the objects that the selectors let through, a page at a time when the client wants pages.
pub(super) async fn list(operation: &Operation<'_>) -> Result<Answer, Status> {
    let query = &operation.context.query;
    let options = ListOptions::parse(query)?;
    let selection = Selection::parse(query, operation.behaviour.clone(), operation.name())?;
    let prefix = operation.registry.prefix(operation.namespace());
    let mut list = Pages::new(&prefix, &options);
    let mut items = Vec::new();
    let mut rest = None;
    loop {
        let page = match list.next(operation).await {
            Ok(Some(page)) => page,
            Ok(None) => break,
            Err(status) => return expired(status, &options),
        };
        for (index, entry) in page.entries.iter().enumerate() {
            let object = operation.registry.read(entry)?.object;
            if !selection.matches(&object) {
                continue;
            }
            items.push(object);
            if options.limit == Some(items.len()) {
                let behind = page.entries.len() - index - 1 + page.remaining;
                rest = (behind > 0).then(|| (entry.key.to_string(), behind));
                break;
            }
        }
        if options.limit.is_some_and(|limit| items.len() >= limit) {
            break;
        }
    }
    let mut metadata = ListMeta { resource_version: list.revision.to_string(), ..ListMeta::default() };
    if let Some((last, behind)) = rest {
        let start = last.strip_prefix(&prefix).unwrap_or(&last).to_owned() + "\0";
        let revision = i64::try_from(list.revision.0).unwrap_or(-1);
        metadata.continue_token = Continue::new(revision, start).encode();
        // With a selector nobody knows how many of the rest it lets through.
        if selection.is_everything() {
            metadata.remaining_item_count = u64::try_from(behind).ok();
        }
    }
    let resource = &operation.resource;
    let (kind, version) = (&resource.list_kind, resource.api_version());
    let now = operation.context.received;
    let list = operation.view()?.list(kind, &version, metadata, items, now);
    Ok(Answer::ok(list))
}

/// The entries under a prefix, read in pages so that one client's list holds no more than it asked for.
struct Pages<'a> {
    prefix: &'a str,
    options: &'a ListOptions,
    next: Option<String>,
    at: Option<Revision>,
    started: bool,
    revision: Revision,
}

impl<'a> Pages<'a> {
    fn new(prefix: &'a str, options: &'a ListOptions) -> Self {
        let continued = options.continued.as_ref();
        let at = match (continued, options.at) {
            (Some(token), _) => u64::try_from(token.rv).ok().map(Revision),
            (None, At::Exact(revision)) => Some(Revision(revision)),
            (None, At::NotOlderThan(_)) => None,
        };
        let next = continued.map(|token| format!("{prefix}{}", token.start));
        Self { prefix, options, next, at, started: false, revision: Revision(0) }
    }

    async fn next(&mut self, operation: &Operation<'_>) -> Result<Option<Page>, Status> {
        if self.started && self.next.is_none() {
            return Ok(None);
        }
        let mut range = Range::prefix(self.prefix);
        if let Some(next) = &self.next {
            range = range.starting_at(next);
        }
        if let Some(limit) = self.options.limit {
            range = range.limit(limit);
        }
        if let Some(at) = self.at {
            range = range.at(at);
        }
        let page = match operation.registry.store().range(range).await {
            Ok(page) => page,
            Err(Error::Future { current }) => {
                return Err(too_large_resource_version(self.at.map_or(0, |at| at.0), current));
            }
            Err(error) => return Err(status(&error)),
        };
        if let At::NotOlderThan(asked) = self.options.at
            && asked > page.revision.0
        {
            return Err(too_large_resource_version(asked, page.revision));
        }
        self.started = true;
        self.revision = page.revision;
        self.at = Some(page.revision);
        self.next = match page.entries.last() {
            Some(last) if page.remaining > 0 => Some(format!("{}\0", last.key)),
            _ => None,
        };
        Ok(Some(page))
    }
}

/// 410 for a page that is too old, with a token that goes on with the newest state.
fn expired(status: Status, options: &ListOptions) -> Result<Answer, Status> {
    let Some(token) = options.continued.as_ref().filter(|_| status.code == 410) else { return Err(status) };
    let fresh = Continue::new(-1, token.start.clone()).encode();
    let status = Status::failure(410, "Expired", EXPIRED);
    let mut object = serde_json::to_value(&status).unwrap_or_default();
    object::metadata_mut(&mut object).insert("continue".to_owned(), fresh.into());
    Ok(Answer::Object { code: status.code, content_type: None, object })
}

const EXPIRED: &str = "The provided continue parameter is too old to display a consistent list result. \
    You can start a new list without the continue parameter, or use the continue token in this response to \
    retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - \
    objects that were created, modified, or deleted between the time the first chunk was returned and now may \
    show up in the list.";
