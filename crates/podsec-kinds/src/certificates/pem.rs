//! Blocks between `-----BEGIN X-----` and `-----END X-----`, as Go's `encoding/pem` finds them.

use base64::Engine;

/// One block.
pub(super) struct Block {
    /// What it is: `CERTIFICATE`.
    pub(super) label: String,
    /// Whether there are headers before the content.
    pub(super) has_headers: bool,
    /// The content.
    pub(super) bytes: Vec<u8>,
}

/// All blocks of a text; what is between them and what is malformed is passed over.
pub(super) fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once(BEGIN) {
        rest = after;
        let Some((label, body)) = after.split_once(DASHES) else { break };
        if label.contains('\n') {
            continue;
        }
        let end = format!("-----END {label}-----");
        let Some((body, after)) = body.split_once(&end) else { continue };
        let headers: Vec<&str> = body.trim_start().lines().take_while(|line| line.contains(':')).collect();
        let content: String = body
            .trim_start()
            .lines()
            .skip(headers.len())
            .flat_map(|line| line.chars().filter(|character| !character.is_whitespace()))
            .collect();
        let Ok(bytes) = base64::engine::general_purpose::STANDARD.decode(content) else { continue };
        blocks.push(Block { label: label.to_owned(), has_headers: !headers.is_empty(), bytes });
        rest = after;
    }
    blocks
}

const BEGIN: &str = "-----BEGIN ";
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

    proptest! {
        #[test]
        fn no_text_panics(text in "(-----(BEGIN|END) [A-Z ]{0,3}-----|[a-zA-Z0-9+/=:\\n]){0,20}") {
            let _ = blocks(&text);
        }
    }
}
