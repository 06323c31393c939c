//! How far the text of a JSON string goes that stands for itself.

use wide::u8x16;

/// The string whose opening quote is at this place, if nothing in it is escaped.
///
/// Where a string ends is what the reader waits for most. So this is a function of its own that leaves the reader's
/// place in a register.
#[inline(never)]
pub(super) fn plain_string(text: &str, at: usize) -> Option<&str> {
    let bytes = text.as_bytes();
    if bytes.get(at) != Some(&b'"') {
        return None;
    }
    let start = at + 1;
    let end = plain_end(bytes, start);
    if bytes.get(end) == Some(&b'"') { text.get(start..end) } else { None }
}

/// The place, at `start` or after it, of the next quote, backslash or control character; the end if there is none.
pub(crate) fn plain_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start;
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let marks = marks(*chunk);
        if marks != 0 {
            return at + marks.trailing_zeros() as usize;
        }
        at += chunk.len();
    }
    let rest = bytes.get(at..).unwrap_or_default();
    let special = |byte: &u8| matches!(byte, b'"' | b'\\' | ..b' ');
    at + rest.iter().position(special).unwrap_or(rest.len())
}

/// A bit for each byte that is a quote, a backslash or a control character.
#[inline]
fn marks(chunk: [u8; 16]) -> u32 {
    let chunk = u8x16::new(chunk);
    let quote = chunk.simd_eq(u8x16::splat(b'"'));
    let backslash = chunk.simd_eq(u8x16::splat(b'\\'));
    let control = chunk.simd_eq(chunk.min(u8x16::splat(0x1f)));
    (quote | backslash | control).to_bitmask()
}

#[cfg(test)]
mod tests {
    use super::{plain_end, plain_string};

    #[test]
    fn every_byte_ends_plain_text_or_does_not_wherever_it_stands() {
        for byte in 0..=u8::MAX {
            let special = matches!(byte, b'"' | b'\\' | ..b' ');
            for place in 0..80 {
                let mut text = [b'~'; 120];
                text[place] = byte;
                text[100] = b'"';
                let end = if special { place } else { 100 };
                assert_eq!(plain_end(&text, 0), end, "{byte} at {place}");
            }
        }
    }

    #[test]
    fn text_may_have_no_end() {
        assert_eq!((plain_end(b"plain", 0), plain_end(b"", 0), plain_end(b"\"", 1)), (5, 0, 1));
    }

    #[test]
    fn a_string_is_plain_between_two_quotes() {
        for (text, string) in [
            (r#"x"","#, Some("")),
            (r#"x"name": 1"#, Some("name")),
            (
                r#"x"é and more than the sixteen bytes that are looked at once"}"#,
                Some("é and more than the sixteen bytes that are looked at once"),
            ),
            (r#"x"a\"b", "c""#, None),
            (r#"x"no end"#, None),
            ("x\"line\nbreak\"", None),
            (r#"x "late""#, None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(plain_string(text, 1), string, "{text}");
        }
    }
}
