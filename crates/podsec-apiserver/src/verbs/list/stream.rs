//! A list as pieces of JSON, and the stream that carries them to a client no faster than it reads.

use bytes::Bytes;
use podsec_apimachinery::Status;
use podsec_apimachinery::meta::ListMeta;
use podsec_audit::Recording;
use podsec_storage::{Entry, Page, Revision};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::task::yield_now;
use tokio::time::{Instant, timeout_at};

use super::items::ItemWriter;
use super::memory::{BUFFERED, PIECE};
use crate::body::{Broken, ResponseBody};
use crate::indentation::Indentation;
use crate::request::Request;
use crate::request::list_options::{Continue, ListOptions};

/// Some of the bytes of a list.
pub(super) struct Piece {
    pub(super) bytes: Vec<u8>,
    pub(super) is_last: bool,
}

/// A list that is being written.
pub(super) struct Document {
    items: ItemWriter,
    entries: std::iter::Chain<std::vec::IntoIter<Entry>, std::vec::IntoIter<Entry>>,
    /// How many entries the store has behind the last one that is written; a page's entries are its own.
    behind: usize,
    head: Vec<u8>,
    limit: Option<usize>,
    prefix: String,
    revision: Revision,
    /// The items that were written.
    count: usize,
    indentation: Option<Indentation>,
}

impl Document {
    pub(super) fn new(
        request: &Request,
        options: &ListOptions,
        prefix: String,
        revision: Revision,
        items: ItemWriter,
        first: Page,
        rest: Option<Page>,
    ) -> Self {
        let resource = items.registry.resource();
        let behind = first.entries.len() + first.remaining;
        let metadata = ListMeta { resource_version: revision.to_string(), ..ListMeta::default() };
        // With a limit the metadata comes last, for only then is known whether there is more.
        let metadata = options.limit.is_none().then_some(&metadata);
        Self {
            head: items.view.list_head(resource.list_kind.as_str(), &resource.api_version(), metadata),
            items,
            entries: first.entries.into_iter().chain(rest.map(|page| page.entries).unwrap_or_default()),
            behind,
            limit: options.limit,
            prefix,
            revision,
            count: 0,
            indentation: request.representation.pretty.then(Indentation::default),
        }
    }

    /// The next piece: about [`PIECE`] bytes, the first one fewer, so that it leaves soon.
    ///
    /// # Errors
    /// 500 when an entry holds no object.
    pub(super) async fn next(&mut self) -> Result<Piece, Status> {
        let full = if self.head.is_empty() { PIECE } else { FIRST_PIECE };
        let mut compact = std::mem::take(&mut self.head);
        let mut read = 0;
        let mut last_key = None;
        let mut is_last = false;
        while compact.len() < full {
            let Some(entry) = self.entries.next() else {
                is_last = true;
                break;
            };
            self.behind -= 1;
            if self.items.write(&entry, self.count == 0, &mut compact)? {
                self.count += 1;
                if self.limit == Some(self.count) {
                    last_key = Some(entry.key);
                    is_last = true;
                    break;
                }
            }
            read += entry.value.len();
            if read > READ_AT_ONCE {
                read = 0;
                yield_now().await;
            }
        }
        if is_last {
            self.end(last_key.as_deref(), &mut compact)?;
        }
        let mut bytes = match &mut self.indentation {
            None => compact,
            Some(indentation) => {
                let mut indented = Vec::with_capacity(2 * compact.len());
                indentation.write(&compact, &mut indented);
                indented
            }
        };
        if is_last {
            bytes.push(b'\n');
        }
        Ok(Piece { bytes, is_last })
    }

    /// Closes the list; `last_key` is that of the last item, when the limit ended it.
    fn end(&self, last_key: Option<&str>, out: &mut Vec<u8>) -> Result<(), Status> {
        out.push(b']');
        if self.limit.is_some() {
            let mut metadata =
                ListMeta { resource_version: self.revision.to_string(), ..ListMeta::default() };
            if let Some(last) = last_key.filter(|_| self.behind > 0) {
                let start = last.strip_prefix(&self.prefix).unwrap_or(last).to_owned() + "\0";
                let revision = i64::try_from(self.revision.0).unwrap_or(-1);
                metadata.continue_token = Continue::new(revision, start).encode();
                // With a selector nobody knows how many of the rest it lets through.
                if self.items.selection.is_everything() {
                    metadata.remaining_item_count = u64::try_from(self.behind).ok();
                }
            }
            out.extend_from_slice(br#","metadata":"#);
            serde_json::to_writer(&mut *out, &metadata)
                .map_err(|error| Status::internal(&error.to_string()))?;
        }
        out.push(b'}');
        Ok(())
    }
}

/// Sends `first` and then the rest of a list on a task of its own, until the deadline of the request.
pub(super) fn start(
    mut document: Document,
    first: Piece,
    permit: Option<OwnedSemaphorePermit>,
    deadline: Option<Instant>,
    recording: Recording,
) -> ResponseBody {
    let (sender, receiver) = mpsc::channel(BUFFERED);
    tokio::spawn(async move {
        let send = async {
            let mut piece = first;
            loop {
                // A client that has left wants nothing more.
                if sender.send(Ok(Bytes::from(piece.bytes))).await.is_err() || piece.is_last {
                    return Ok(());
                }
                piece = document.next().await.map_err(|status| Broken::new(status.message))?;
            }
        };
        let outcome = match deadline {
            Some(deadline) => timeout_at(deadline, send)
                .await
                .unwrap_or_else(|_| Err(Broken::new("the deadline of the request has passed".to_owned()))),
            None => send.await,
        };
        // The permit outlives the entries, not the client that does not read.
        drop((document, permit));
        if let Err(broken) = outcome {
            tracing::debug!(%broken, "a list was broken off");
            let _ = sender.try_send(Err(broken));
        }
        drop(recording);
    });
    ResponseBody::Stream(receiver)
}

/// The bytes of the first piece.
const FIRST_PIECE: usize = 32 << 10;
/// How many stored bytes are looked at before other tasks have their turn.
const READ_AT_ONCE: usize = 256 << 10;
