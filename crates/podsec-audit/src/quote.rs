//! Strings as Go's `%q` shows them in messages.

use std::fmt::Write as _;

/// `text` in double quotes with Go's escapes.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{b}' => quoted.push_str("\\v"),
            ' ' => quoted.push(' '),
            // Writing to a String cannot fail.
            control if u32::from(control) < 0x80 && control.is_control() => {
                let _ = write!(quoted, "\\x{:02x}", u32::from(control));
            }
            unprintable if unprintable.is_control() || unprintable.is_whitespace() => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(unprintable));
            }
            printable => quoted.push(printable),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn what_cannot_be_seen_is_escaped() {
        assert_eq!(quote("a\"b\\c\n\u{1}\u{7f}é\u{a0}"), r#""a\"b\\c\n\x01\x7fé\u00a0""#);
    }
}
