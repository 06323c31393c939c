//! Writing JSON strings.

use crate::pod::plain_end;

/// Appends a text as a JSON string, in quotes.
///
/// Kubernetes' sentences are full of quotes and otherwise plain: what lies between two of them is copied as a whole,
/// which takes a quarter of the time that serde_json takes, byte by byte.
pub fn push_string(json: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    json.push(b'"');
    let mut at = 0;
    loop {
        let end = plain_end(bytes, at);
        json.extend_from_slice(bytes.get(at..end).unwrap_or_default());
        let Some(&special) = bytes.get(end) else { break };
        push_escaped(json, special);
        at = end + 1;
    }
    json.push(b'"');
}

fn push_escaped(json: &mut Vec<u8>, special: u8) {
    let letter = match special {
        b'"' | b'\\' => special,
        b'\x08' => b'b',
        b'\x0c' => b'f',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        _ => {
            json.extend_from_slice(format!("\\u{special:04x}").as_bytes());
            return;
        }
    };
    json.extend_from_slice(&[b'\\', letter]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::push_string;

    fn written(text: &str) -> String {
        let mut json = Vec::new();
        push_string(&mut json, text);
        String::from_utf8(json).unwrap()
    }

    #[test]
    fn every_character_that_needs_it_is_escaped() {
        for character in (0..=0x100).filter_map(char::from_u32) {
            let text = format!("a{character}b, and {character} after sixteen more bytes{character}");
            assert_eq!(written(&text), serde_json::to_string(&text).unwrap());
        }
    }

    proptest! {
        #[test]
        fn strings_are_written_as_serde_json_writes_them(text: String) {
            prop_assert_eq!(written(&text), serde_json::to_string(&text).unwrap());
        }
    }
}
