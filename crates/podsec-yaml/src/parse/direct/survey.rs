//! One fast look at a whole document: which characters it is made of.

/// Whether a document is ASCII. None when there is a character with which a line may end or that may be refused.
pub(super) fn survey(chunk: &str) -> Option<bool> {
    let (mut special, mut ascii) = (false, true);
    for byte in chunk.bytes() {
        special |= byte < b' ' && byte != b'\n' && byte != b'\t';
        special |= byte == DELETE;
        ascii &= byte.is_ascii();
    }
    (!special && (ascii || is_plain_unicode(chunk.as_bytes()))).then_some(ascii)
}

/// Whether there is none of U+0080 to U+009F, U+2028, U+2029, U+FEFF, U+FFFE and U+FFFF.
fn is_plain_unicode(bytes: &[u8]) -> bool {
    memchr::memchr3_iter(0xc2, 0xe2, 0xef, bytes).all(|index| {
        let character = bytes.get(index..).unwrap_or_default();
        !matches!(
            character,
            [0xc2, 0x80..=0x9f, ..]
                | [0xe2, 0x80, 0xa8 | 0xa9, ..]
                | [0xef, 0xbb, 0xbf, ..]
                | [0xef, 0xbf, 0xbe | 0xbf, ..]
        )
    })
}

const DELETE: u8 = 0x7f;
