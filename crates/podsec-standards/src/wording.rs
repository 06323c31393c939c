//! How Kubernetes' messages list, quote and count.

use core::fmt::Write as _;

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
    text.push_str("=\"");
    for character in value.chars() {
        push_go_escaped(&mut text, character);
    }
    text.push('"');
    text
}

fn push_go_escaped(text: &mut String, character: char) {
    let written = match character {
        '"' | '\\' => write!(text, "\\{character}"),
        '\x07' => text.write_str("\\a"),
        '\x08' => text.write_str("\\b"),
        '\x0c' => text.write_str("\\f"),
        '\n' => text.write_str("\\n"),
        '\r' => text.write_str("\\r"),
        '\t' => text.write_str("\\t"),
        '\x0b' => text.write_str("\\v"),
        _ if is_printable(character) => text.write_char(character),
        '\0'..='\x7f' => write!(text, "\\x{:02x}", u32::from(character)),
        '\u{80}'..='\u{ffff}' => write!(text, "\\u{:04x}", u32::from(character)),
        _ => write!(text, "\\U{:08x}", u32::from(character)),
    };
    debug_assert!(written.is_ok(), "writing to a string cannot fail");
}

/// Whether Go prints the character as it is: letters, marks, numbers, punctuation, symbols and the plain
/// space, which is also what Rust leaves unescaped after another character.
fn is_printable(character: char) -> bool {
    let mut buffer = [b'a', 0, 0, 0, 0];
    let Some((_, rest)) = buffer.split_first_mut() else { return false };
    let length = 1 + character.encode_utf8(rest).len();
    let pair = buffer.get(..length).and_then(|bytes| core::str::from_utf8(bytes).ok());
    matches!(character, '\'' | '"' | '\\') || pair.is_some_and(|pair| pair.escape_debug().count() == 2)
}

#[cfg(test)]
mod tests {
    use super::annotation;

    #[test]
    fn annotation_values_are_quoted_as_go_quotes_them() {
        for (value, quoted) in [
            ("", r#"k="""#),
            ("it's \"x\" \\ y", r#"k="it's \"x\" \\ y""#),
            ("\x07\x08\x0c\n\r\t\x0b", r#"k="\a\b\f\n\r\t\v""#),
            ("\0\x01\x7f", r#"k="\x00\x01\x7f""#),
            ("café 😀 e\u{301}", "k=\"café 😀 e\u{301}\""),
            ("\u{80}\u{a0}\u{ad}\u{2028}\u{feff}", r#"k="\u0080\u00a0\u00ad\u2028\ufeff""#),
            ("\u{e0001}\u{10ffff}", r#"k="\U000e0001\U0010ffff""#),
            ("\u{fffd}", "k=\"\u{fffd}\""),
        ] {
            assert_eq!(annotation("k", value), quoted);
        }
    }
}
