//! Strings in quotes as Kubernetes writes them in its messages: Go's `%q`.
//!
//! Rust's `{:?}` looks the same and is not: `\u{1}` is `\x01` in Go.

/// `text` in double quotes, with everything escaped that does not print.
pub fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(character);
            }
            '\x07' => quoted.push_str("\\a"),
            '\x08' => quoted.push_str("\\b"),
            '\x0c' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\x0b' => quoted.push_str("\\v"),
            _ if is_printable(character) => quoted.push(character),
            _ => quoted.push_str(&escaped(character)),
        }
    }
    quoted.push('"');
    quoted
}

/// Whether Go prints a character as it is (`unicode.IsPrint`). Rust and Go both take this from Unicode, and Rust's escaping leaves such a
/// character alone behind another one. (Alone it escapes what would extend the character before it.)
pub(crate) fn is_printable(character: char) -> bool {
    let pair = ['a', character].iter().collect::<String>();
    character == '\'' || pair.escape_debug().eq(pair.chars())
}

fn escaped(character: char) -> String {
    match u32::from(character) {
        code @ ..0x80 => format!("\\x{code:02x}"),
        code @ 0x80..0x1_0000 => format!("\\u{code:04x}"),
        code => format!("\\U{code:08x}"),
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn what_does_not_print_is_escaped_as_go_escapes_it() {
        assert_eq!(
            quoted("a\"\\\n\t\x01\x7f\u{85}é\u{301}\u{200b}\u{a0}😀\u{e0001}'"),
            "\"a\\\"\\\\\\n\\t\\x01\\x7f\\u0085é\u{301}\\u200b\\u00a0😀\\U000e0001'\""
        );
    }
}
