//! Strings in quotes as Kubernetes writes them in its messages: Go's `%q`.
//!
//! Rust's `{:?}` looks the same and is not: `\u{1}` is `\x01` in Go.

use core::fmt::Write as _;

/// `text` in double quotes, with everything escaped that does not print.
///
/// ```
/// assert_eq!(podsec_go::quote::quoted("it's\n\"x\""), r#""it's\n\"x\"""#);
/// ```
pub fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    push_quoted(&mut quoted, text);
    quoted
}

/// Appends `text` in double quotes.
pub fn push_quoted(to: &mut String, text: &str) {
    to.push('"');
    for character in text.chars() {
        push_escaped(to, character);
    }
    to.push('"');
}

fn push_escaped(to: &mut String, character: char) {
    let written = match character {
        '"' | '\\' => write!(to, "\\{character}"),
        '\x07' => to.write_str("\\a"),
        '\x08' => to.write_str("\\b"),
        '\x0c' => to.write_str("\\f"),
        '\n' => to.write_str("\\n"),
        '\r' => to.write_str("\\r"),
        '\t' => to.write_str("\\t"),
        '\x0b' => to.write_str("\\v"),
        _ if is_printable(character) => to.write_char(character),
        '\0'..='\x7f' => write!(to, "\\x{:02x}", u32::from(character)),
        '\u{80}'..='\u{ffff}' => write!(to, "\\u{:04x}", u32::from(character)),
        _ => write!(to, "\\U{:08x}", u32::from(character)),
    };
    debug_assert!(written.is_ok(), "writing to a string cannot fail");
}

/// Whether Go prints a character as it is (`unicode.IsPrint`): letters, marks, numbers, punctuation, symbols and the plain
/// space.
///
/// Both Go and Rust take this from Unicode, and what Rust's escaping leaves as it is behind another character is just
/// that. (Alone, Rust also escapes what would extend the character before it: U+0301 alone, but not in `a\u{301}`.)
pub fn is_printable(character: char) -> bool {
    if matches!(character, '\'' | '"' | '\\') {
        return true;
    }
    let mut buffer = [b'a', 0, 0, 0, 0];
    let [_, rest @ ..] = &mut buffer;
    let length = 1 + character.encode_utf8(rest).len();
    let pair = buffer.get(..length).and_then(|bytes| core::str::from_utf8(bytes).ok());
    pair.is_some_and(|pair| pair.escape_debug().count() == 2)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_does_not_print_is_escaped_as_go_escapes_it() {
        for (text, expected) in [
            ("", r#""""#),
            ("it's \"x\" \\ y", r#""it's \"x\" \\ y""#),
            ("\x07\x08\x0c\n\r\t\x0b", r#""\a\b\f\n\r\t\v""#),
            ("\0\x01\x7f", r#""\x00\x01\x7f""#),
            ("café 😀 e\u{301}", "\"café 😀 e\u{301}\""),
            (
                "\u{80}\u{85}\u{a0}\u{ad}\u{200b}\u{2028}\u{feff}",
                r#""\u0080\u0085\u00a0\u00ad\u200b\u2028\ufeff""#,
            ),
            ("\u{e0001}\u{10ffff}", r#""\U000e0001\U0010ffff""#),
            ("\u{fffd}", "\"\u{fffd}\""),
        ] {
            assert_eq!(quoted(text), expected);
        }
    }

    proptest! {
        #[test]
        fn what_is_quoted_prints(text: String) {
            let quoted = quoted(&text);
            prop_assert!(quoted.chars().all(is_printable), "{quoted}");
            prop_assert!(quoted.len() >= text.len() + 2);
        }
    }
}
