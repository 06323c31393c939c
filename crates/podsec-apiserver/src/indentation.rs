//! Compact JSON indented while it passes by, as `?pretty` asks for it.

/// Indents JSON that comes in pieces, each of which may end anywhere.
///
/// ```text
/// {"a":[],"b":[1]}   ─►   {
///                           "a": [],
///                           "b": [
///                             1
///                           ]
///                         }
/// ```
#[derive(Default)]
pub(crate) struct Indentation {
    depth: usize,
    in_string: bool,
    is_escaped: bool,
    /// A bracket was opened, and nothing stands behind it so far.
    is_open: bool,
}

impl Indentation {
    /// Writes the next piece.
    pub(crate) fn write(&mut self, compact: &[u8], out: &mut Vec<u8>) {
        for &byte in compact {
            if self.in_string {
                out.push(byte);
                self.in_string = self.is_escaped || byte != b'"';
                self.is_escaped = !self.is_escaped && byte == b'\\';
                continue;
            }
            match byte {
                b'{' | b'[' => {
                    self.begin_value(out);
                    out.push(byte);
                    self.depth += 1;
                    self.is_open = true;
                }
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    if !std::mem::take(&mut self.is_open) {
                        self.new_line(out);
                    }
                    out.push(byte);
                }
                b',' => {
                    out.push(byte);
                    self.new_line(out);
                }
                b':' => out.extend_from_slice(b": "),
                b'"' => {
                    self.begin_value(out);
                    out.push(byte);
                    self.in_string = true;
                }
                _ => {
                    self.begin_value(out);
                    out.push(byte);
                }
            }
        }
    }

    fn begin_value(&mut self, out: &mut Vec<u8>) {
        if std::mem::take(&mut self.is_open) {
            self.new_line(out);
        }
    }

    fn new_line(&self, out: &mut Vec<u8>) {
        out.push(b'\n');
        out.resize(out.len() + 2 * self.depth, b' ');
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn pieces_are_indented_as_the_whole_would_be() {
        let value =
            json!({"a": [], "b": [1, {"c\"\\": "x,{}[]:\n"}, {}], "d": {"e": [null, true, -1.5e3]}, "f": ""});
        let compact = value.to_string().into_bytes();
        for size in 1..compact.len() {
            let (mut indentation, mut out) = (Indentation::default(), Vec::new());
            for piece in compact.chunks(size) {
                indentation.write(piece, &mut out);
            }
            assert_eq!(out, serde_json::to_vec_pretty(&value).unwrap());
        }
        let mut out = Vec::new();
        Indentation::default().write(b"[]", &mut out);
        assert_eq!(serde_json::from_slice::<Value>(&out).unwrap(), json!([]));
    }
}
