//! How Kubernetes' messages list, quote and count.

use podsec_go::quote::push_quoted as push_quoted_escaped;

use crate::field::{Field, Owner};

/// Who set the fields, as the subject of a sentence: `pod and containers "a", "b"`.
pub(crate) fn setters(fields: &[Field<'_>]) -> String {
    let mut subject = String::with_capacity(64);
    if fields.iter().any(|field| field.owner == Owner::Pod) {
        subject.push_str("pod");
    }
    if fields.iter().any(|field| matches!(field.owner, Owner::Container { .. })) {
        if !subject.is_empty() {
            subject.push_str(" and ");
        }
        push_containers(&mut subject, fields.iter());
    }
    subject
}

/// The containers that the fields belong to: `container "a"` or `containers "a", "b"`.
pub(crate) fn push_containers<'f>(text: &mut String, fields: impl Iterator<Item = &'f Field<'f>> + Clone) {
    let mut previous = None;
    let names = fields.filter_map(move |field| match field.owner {
        Owner::Container { kind, index, name } if previous != Some((kind, index)) => {
            previous = Some((kind, index));
            Some(name)
        }
        _ => None,
    });
    text.push_str(if names.clone().nth(1).is_some() { "containers " } else { "container " });
    push_quoted(text, names);
}

/// `"a", "b"`. What is inside the quotes is not escaped.
pub(crate) fn push_quoted<'t>(text: &mut String, items: impl IntoIterator<Item = &'t str>) {
    for (place, item) in items.into_iter().enumerate() {
        text.push_str(if place == 0 { "\"" } else { ", \"" });
        text.push_str(item);
        text.push('"');
    }
}

/// The distinct items in order of their bytes.
pub(crate) fn sorted<T: Ord>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.collect();
    items.sort_unstable();
    items.dedup();
    items
}

/// One word for one thing, another for more.
pub(crate) fn plural(one: &'static str, many: &'static str, count: usize) -> &'static str {
    if count == 1 { one } else { many }
}

/// `key="value"`, the value as a Go string literal: what is not printable is escaped.
pub(crate) fn annotation(key: &str, value: &str) -> String {
    let mut text = String::with_capacity(key.len() + value.len() + 8);
    text.push_str(key);
    text.push('=');
    push_quoted_escaped(&mut text, value);
    text
}
