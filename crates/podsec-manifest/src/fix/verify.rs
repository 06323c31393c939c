//! Reads a changed document again: it must say what was intended, and no comment may go but with what it explains.

use podsec_yaml::Document;

use super::tree::Tree;

/// Reads a changed text, or tells why it is not taken.
///
/// `after` is the whole of the document's text.
pub(super) fn read<'t>(
    before: &Document<'_>,
    after: &'t str,
    intended: &Tree<'_, '_>,
    forgotten: &[String],
    json: bool,
) -> Result<Document<'t>, String> {
    let mut documents = podsec_yaml::documents(after);
    let document = match documents.next() {
        Some(Ok(document)) => document,
        Some(Err(error)) => return Err(format!("the changed text could not be read: {}", error.message)),
        None => return Err("the changed text would be empty".to_owned()),
    };
    let is_json = || {
        let bare = after.strip_prefix('\u{feff}').unwrap_or(after);
        serde_json::from_str::<serde::de::IgnoredAny>(bare).is_ok()
    };
    let reason = if documents.next().is_some() {
        "the changed text would be two documents"
    } else if !intended.is(document.root()) {
        reason_for_other_tree(before)
    } else if !is_without(comments(before), forgotten, &comments(&document)) {
        "a comment would be lost"
    } else if unread(before) != unread(&document) {
        "text behind the document would change"
    } else if json && !is_json() {
        "the changed text would no longer be JSON"
    } else {
        return Ok(document);
    };
    Err(reason.to_owned())
}

/// What stands behind the document and is no part of it.
fn unread<'t>(document: &Document<'t>) -> Option<&'t str> {
    document.unread().and_then(|span| document.text().get(span.range()))
}

fn reason_for_other_tree(before: &Document<'_>) -> &'static str {
    if before.duplicates().is_empty() {
        "the text cannot be changed here without changing another place too"
    } else {
        "a key is set twice, or overrides a merged one; write it once, then fix again"
    }
}

/// The comments, each as often as it stands there.
fn comments<'t>(document: &Document<'t>) -> Vec<&'t str> {
    let spans = document.comments().iter();
    let mut comments: Vec<&str> =
        spans.filter_map(|comment| document.text().get(comment.span.range())).map(str::trim_end).collect();
    comments.sort_unstable();
    comments
}

/// Whether the comments are those of before without those that go.
fn is_without(mut before: Vec<&str>, forgotten: &[String], after: &[&str]) -> bool {
    let mut forgotten: Vec<&str> = forgotten.iter().map(String::as_str).collect();
    forgotten.sort_unstable();
    let mut gone = forgotten.into_iter().peekable();
    before.retain(|comment| gone.next_if(|gone| gone == comment).is_none());
    gone.next().is_none() && before == after
}
