//! From the bytes of a file to text, as kubectl takes them.

use std::borrow::Cow;

/// The text of a file. UTF-16 is known by its byte order mark; all else is UTF-8, in which invalid bytes become
/// U+FFFD, as kubectl has it.
///
/// Only borrowed text has the byte offsets of the file: an owned one must not be used to edit it.
pub fn decode(bytes: &[u8]) -> Cow<'_, str> {
    match bytes {
        [0xff, 0xfe, utf16 @ ..] => Cow::Owned(decode_utf16(utf16, u16::from_le_bytes)),
        [0xfe, 0xff, utf16 @ ..] => Cow::Owned(decode_utf16(utf16, u16::from_be_bytes)),
        // Several times as fast as looking for invalid bytes, of which there hardly ever are any.
        utf8 => str::from_utf8(utf8).map_or_else(|_| String::from_utf8_lossy(utf8), Cow::Borrowed),
    }
}

fn decode_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let (pairs, half) = bytes.as_chunks::<2>();
    let units = pairs.iter().map(|pair| unit(*pair));
    let mut text: String =
        char::decode_utf16(units).map(|decoded| decoded.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    if !half.is_empty() {
        text.push(char::REPLACEMENT_CHARACTER);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_order_marks_tell_the_encoding() {
        assert!(matches!(decode("é: 1".as_bytes()), Cow::Borrowed("é: 1")));
        assert!(matches!(decode("\u{feff}a: 1".as_bytes()), Cow::Borrowed("\u{feff}a: 1")));
        assert_eq!(decode(b"\xff\xfea\0:\0\x3d\xd8\0\xde"), "a:😀");
        assert_eq!(decode(b"\xfe\xff\0a\0:\xd8\x3d"), "a:\u{fffd}");
        assert_eq!(decode(b"\xff\xfea\0:"), "a\u{fffd}");
        assert_eq!(decode(b"a\xff: 1"), "a\u{fffd}: 1");
        assert_eq!(decode(b""), "");
    }
}
