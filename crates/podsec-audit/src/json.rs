//! JSON as Go's encoder writes it: no spaces, and the characters that are special to HTML escaped.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::Formatter;
use serde_json::value::RawValue;

/// Writes `value` as Go's encoding/json would.
///
/// # Errors
/// When the value has no JSON form, as a map with keys that are no strings.
pub fn to_vec(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(1024);
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, HtmlSafe);
    value.serialize(&mut serializer)?;
    Ok(bytes)
}

/// JSON text without the white space between its tokens; everything else is kept: key order, the spelling of
/// numbers, duplicate keys.
///
/// # Errors
/// When the text is not one JSON value.
pub fn compact(text: &[u8]) -> serde_json::Result<Box<RawValue>> {
    let value: &RawValue = serde_json::from_slice(text)?;
    let mut compacted = String::with_capacity(value.get().len());
    let (mut quoted, mut escaped) = (false, false);
    for character in value.get().chars() {
        if quoted || !matches!(character, ' ' | '\t' | '\n' | '\r') {
            compacted.push(character);
        }
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
    }
    RawValue::from_string(compacted)
}

/// The difference between Go's JSON and serde's.
struct HtmlSafe;

impl Formatter for HtmlSafe {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        // Go writes bytes that are no UTF-8 as this escape; here they are already the replacement character.
        escape(writer, fragment, |character| {
            escape_of(character).or((character == '\u{fffd}').then_some("\\ufffd"))
        })
    }

    fn write_raw_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        escape(writer, fragment, escape_of)
    }
}

fn escape_of(character: char) -> Option<&'static str> {
    Some(match character {
        '<' => "\\u003c",
        '>' => "\\u003e",
        '&' => "\\u0026",
        '\u{2028}' => "\\u2028",
        '\u{2029}' => "\\u2029",
        _ => return None,
    })
}

fn escape<W: ?Sized + Write>(
    writer: &mut W,
    mut text: &str,
    escape_of: impl Fn(char) -> Option<&'static str>,
) -> io::Result<()> {
    while let Some((index, character)) =
        text.char_indices().find(|(_, character)| escape_of(*character).is_some())
    {
        let (plain, rest) = text.split_at(index);
        writer.write_all(plain.as_bytes())?;
        writer.write_all(escape_of(character).unwrap_or_default().as_bytes())?;
        text = rest.get(character.len_utf8()..).unwrap_or_default();
    }
    writer.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_html_could_misread_is_escaped() {
        let written = to_vec(&"<a href=\"x\">&\u{2028}\u{2029}\u{fffd}é\u{7f}\u{1}\n\u{8}").unwrap();
        let expected =
            r#""\u003ca href=\"x\"\u003e\u0026\u2028\u2029\ufffdé"#.to_owned() + "\u{7f}" + r#"\u0001\n\b""#;
        assert_eq!(String::from_utf8(written).unwrap(), expected);
    }

    #[test]
    fn compacting_keeps_everything_but_white_space() {
        let raw = compact(b" { \"b\" : 1.50,\n\t\"a\": \"x \\\" y\", \"a\" : [ ] } ").unwrap();
        assert_eq!(raw.get(), r#"{"b":1.50,"a":"x \" y","a":[]}"#);
        assert!(compact(b"a: 1").is_err());
        assert!(compact(b"").is_err());
    }
}
