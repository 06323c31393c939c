//! One item of a list: from the stored bytes where they are what the client gets, through a tree where they are not.

use jiff::Timestamp;
use podsec_apimachinery::Status;
use podsec_storage::Entry;
use serde_json::{Value, json};

use super::super::selection::Selection;
use crate::registry::Registry;
use crate::registry::stored_json::StoredJson;
use crate::table::View;

/// Writes the entries that a selection lets through as the client wants them.
pub(super) struct ItemWriter {
    pub(super) registry: Registry,
    pub(super) view: View,
    pub(super) selection: Selection,
    /// For the ages in a Table.
    pub(super) now: Timestamp,
}

impl ItemWriter {
    /// Appends the item, with a comma before it if it is not the `first`. False when the selection leaves it out.
    ///
    /// # Errors
    /// 500 when the entry holds no object.
    pub(super) fn write(&self, entry: &Entry, first: bool, out: &mut Vec<u8>) -> Result<bool, Status> {
        let parts =
            StoredJson::parse(&entry.value).filter(|parts| self.registry.is_current(parts.api_version()));
        if let Some(parts) = parts
            && let Some(matches) = self.matches(&parts)
            && self.view.takes_bytes()
        {
            if matches {
                separate(first, out);
                self.view.write_item_from(&parts, entry.revision, out);
            }
            return Ok(matches);
        }
        let object = self.registry.read(entry)?.object;
        if !self.selection.matches(&object) {
            return Ok(false);
        }
        separate(first, out);
        self.view.write_item(object, self.now, out)?;
        Ok(true)
    }

    /// Whether the selection lets an object through, if its metadata is enough to know.
    fn matches(&self, parts: &StoredJson<'_>) -> Option<bool> {
        if self.selection.is_everything() {
            return Some(true);
        }
        if !self.selection.is_of_metadata() {
            return None;
        }
        let metadata: Value = serde_json::from_slice(parts.metadata()).ok()?;
        Some(self.selection.matches(&json!({"metadata": metadata})))
    }
}

fn separate(first: bool, out: &mut Vec<u8>) {
    if !first {
        out.push(b',');
    }
}
