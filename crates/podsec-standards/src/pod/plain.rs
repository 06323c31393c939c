//! How far the text of a JSON string goes that stands for itself.

/// The place of the next quote, backslash or control character if it is among the next sixteen bytes; it may also be
/// that of a character beyond ASCII before it.
///
/// Nearly all names and texts of a pod end this near, and with no loop their various lengths cost no mispredicted
/// branch.
#[inline]
pub(super) fn near_plain_end(bytes: &[u8], start: usize) -> Option<usize> {
    let chunk: &[u8; 16] = bytes.get(start..)?.first_chunk()?;
    let ([first, second], _) = chunk.as_chunks() else { return None };
    let marks = u128::from(marks(*first)) | u128::from(marks(*second)) << 64;
    (marks != 0).then_some(start + marks.trailing_zeros() as usize / 8)
}

/// The place, at `start` or after it, of the next quote, backslash or control character; the end if there is none.
pub(super) fn plain_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start;
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let marks = marks(*chunk) & !u64::from_le_bytes(*chunk);
        if marks != 0 {
            return at + marks.trailing_zeros() as usize / 8;
        }
        at += chunk.len();
    }
    let rest = bytes.get(at..).unwrap_or_default();
    let special = |byte: &u8| matches!(byte, b'"' | b'\\' | ..b' ');
    at + rest.iter().position(special).unwrap_or(rest.len())
}

/// The high bit of each byte that is a quote, a backslash or a control character. Those of bytes beyond ASCII may be
/// set too, and any above the first such bit.
#[inline]
const fn marks(chunk: [u8; 8]) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    let chunk = u64::from_le_bytes(chunk);
    // With this bit flipped the quote is the space, right after the control characters.
    let quote_or_control = (chunk ^ (ONES * 0x02)).wrapping_sub(ONES * 0x21);
    let backslash = (chunk ^ (ONES * 0x5c)).wrapping_sub(ONES);
    (quote_or_control | backslash) & (ONES << 7)
}

#[cfg(test)]
mod tests {
    use super::{near_plain_end, plain_end};

    #[test]
    fn every_byte_ends_plain_text_or_does_not_wherever_it_stands() {
        for byte in 0..=u8::MAX {
            let special = matches!(byte, b'"' | b'\\' | ..b' ');
            for place in 0..40 {
                let mut text = [b'~'; 60];
                text[place] = byte;
                text[50] = b'"';
                let end = if special { place } else { 50 };
                assert_eq!(plain_end(&text, 0), end, "{byte} at {place}");
                let near = near_plain_end(&text, 0);
                if byte.is_ascii() {
                    assert_eq!(near, Some(end).filter(|end| *end < 16), "{byte} at {place}");
                }
            }
        }
    }

    #[test]
    fn text_may_have_no_end() {
        assert_eq!((plain_end(b"plain", 0), plain_end(b"", 0), plain_end(b"\"", 1)), (5, 0, 1));
        assert_eq!(near_plain_end(b"fifteen bytes \"", 0), None);
        assert_eq!(near_plain_end(b"sixteen or more\"", 17), None);
    }
}
