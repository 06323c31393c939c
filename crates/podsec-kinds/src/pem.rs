//! Blocks between `-----BEGIN X-----` and `-----END X-----`, as Go's `encoding/pem` finds them.

use base64::Engine;

/// One block.
pub(crate) struct Block {
    /// What it is: `CERTIFICATE`.
    pub(crate) label: String,
    /// Whether there are headers before the content.
    pub(crate) has_headers: bool,
    /// The content.
    pub(crate) bytes: Vec<u8>,
}

/// All blocks of a text; what is between them and what is malformed is passed over.
pub(crate) fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut offset = 0;
    // Where the next block ends, searched for once however many begin before it.
    let mut end = 0;
    while let Some(begin) = text[offset..].find(BEGIN) {
        offset += begin + BEGIN.len();
        let after = &text[offset..];
        let line = after.find('\n').map_or(after, |end| &after[..end]);
        let Some((label, _)) = line.split_once(DASHES) else { continue };
        let start = offset + label.len() + DASHES.len();
        if end < start {
            let Some(found) = text[start..].find(END) else { break };
            end = start + found;
        }
        let closing = text[end + END.len()..].strip_prefix(label);
        if !closing.is_some_and(|closing| closing.starts_with(DASHES)) {
            continue;
        }
        let body = &text[start..end];
        // A block in a block is the one that counts.
        if body.contains(BEGIN) {
            continue;
        }
        let headers: Vec<&str> = body.trim_start().lines().take_while(|line| line.contains(':')).collect();
        let content: String = body
            .trim_start()
            .lines()
            .skip(headers.len())
            .flat_map(|line| line.chars().filter(|character| !character.is_whitespace()))
            .collect();
        let Ok(bytes) = base64::engine::general_purpose::STANDARD.decode(content) else { continue };
        blocks.push(Block { label: label.to_owned(), has_headers: !headers.is_empty(), bytes });
        offset = end;
    }
    blocks
}

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn blocks_are_found_between_other_text() {
        let found = blocks(
            "x\n-----BEGIN A-----\nk: v\n\neA==\n-----END A-----\n-----BEGIN B-----\n!\n-----END B-----\n",
        );
        assert_eq!(found.len(), 1);
        assert!(found[0].has_headers && found[0].bytes == b"x" && found[0].label == "A");
    }

    #[test]
    fn a_megabyte_of_beginnings_is_read_once() {
        let beginnings = "-----BEGIN A-----\n".repeat(60_000);
        assert!(blocks(&beginnings).is_empty());
        assert!(blocks(&(beginnings.clone() + "-----END B-----")).is_empty());
        assert_eq!(blocks(&(beginnings + "-----END A-----\n")).len(), 1, "the last of them ends");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(-----(BEGIN|END) [A-Z ]{0,3}-----|[a-zA-Z0-9+/=:\\n]){0,20}") {
            let _ = blocks(&text);
        }
    }
}
