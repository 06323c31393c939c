//! Reads a changed document again: it must say what was intended, and nothing may be lost.

use podsec_yaml::Document;
use serde_json::Value;

/// Why a changed text is not taken.
///
/// `before` is the whole of the document's text, and so is `after`.
pub(super) fn refusal(before: &Document<'_>, after: &str, intended: &Value, json: bool) -> Option<String> {
    let mut documents = podsec_yaml::documents(after);
    let document = match documents.next() {
        Some(Ok(document)) => document,
        Some(Err(error)) => return Some(format!("the changed text could not be read: {}", error.message)),
        None => return Some("the changed text would be empty".to_owned()),
    };
    if documents.next().is_some() {
        return Some("the changed text would be two documents".to_owned());
    }
    if document.to_json() != *intended {
        return Some(reason_for_other_tree(before).to_owned());
    }
    if comments(before) != comments(&document) {
        return Some("a comment would be lost".to_owned());
    }
    let unread = |document: &Document<'_>| {
        document.unread().and_then(|span| document.text().get(span.range())).map(str::to_owned)
    };
    if unread(before) != unread(&document) {
        return Some("text behind the document would change".to_owned());
    }
    let is_json = || {
        let bare = after.strip_prefix('\u{feff}').unwrap_or(after);
        serde_json::from_str::<serde::de::IgnoredAny>(bare).is_ok()
    };
    (json && !is_json()).then(|| "the changed text would no longer be JSON".to_owned())
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
