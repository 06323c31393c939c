//! A stored object as clients see it, made of its bytes: only `resourceVersion` has to be put in.
//!
//! ```text
//! stored   {"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{…}}
//! item     {"metadata":{"resourceVersion":"7","name":"a"},"spec":{…}}
//! object   {"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"7","name":"a"},"spec":{…}}
//! ```
//!
//! The bytes behind kind, version and metadata are not looked at.

use std::io::Write as _;
use std::ops::Range;

use podsec_storage::Revision;

/// The bytes of a stored object and where its parts are.
pub(crate) struct StoredJson<'a> {
    bytes: &'a [u8],
    kind: Range<usize>,
    api_version: Range<usize>,
    metadata: Range<usize>,
    /// The fields that stand between these three.
    others: Vec<Range<usize>>,
    /// Everything behind them, from a comma or the last brace on.
    rest: usize,
}

impl<'a> StoredJson<'a> {
    /// Finds the parts; `None` when they are not there, or the bytes are not as the registry writes them.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut scanner = Scanner { bytes, at: 0 };
        let (mut kind, mut api_version, mut metadata) = (None, None, None);
        let mut others = Vec::new();
        let mut expected = b'{';
        while kind.is_none() || api_version.is_none() || metadata.is_none() {
            scanner.expect(expected)?;
            expected = b',';
            let start = scanner.at;
            let key = scanner.string()?;
            scanner.expect(b':')?;
            let value = scanner.value()?;
            match bytes.get(key)? {
                br#""kind""# => kind = Some(value),
                br#""apiVersion""# => api_version = Some(value),
                br#""metadata""# => metadata = Some(value),
                _ => others.push(start..value.end),
            }
        }
        let metadata = metadata.filter(|metadata| bytes.get(metadata.start) == Some(&b'{'))?;
        Some(Self { bytes, kind: kind?, api_version: api_version?, metadata, others, rest: scanner.at })
    }

    /// The version as it is stored, in quotes.
    pub(crate) fn api_version(&self) -> &'a [u8] {
        self.slice(&self.api_version)
    }

    /// The metadata as it is stored.
    pub(crate) fn metadata(&self) -> &'a [u8] {
        self.slice(&self.metadata)
    }

    /// Writes it as an item of a typed list, which has no kind and version of its own.
    pub(crate) fn write_item(&self, revision: Revision, out: &mut Vec<u8>) {
        out.push(b'{');
        self.write_rest(revision, out);
    }

    /// Writes the whole object in a version whose fields are the same.
    pub(crate) fn write_object(&self, api_version: &str, revision: Revision, out: &mut Vec<u8>) {
        out.extend_from_slice(br#"{"kind":"#);
        out.extend_from_slice(self.slice(&self.kind));
        // Writing to a Vec cannot fail.
        let _ = write!(out, r#","apiVersion":"{api_version}","#);
        self.write_rest(revision, out);
    }

    /// Writes its metadata alone.
    pub(crate) fn write_partial(&self, meta_version: &str, revision: Revision, out: &mut Vec<u8>) {
        let _ = write!(out, r#"{{"kind":"PartialObjectMetadata","apiVersion":"{meta_version}","#);
        self.write_metadata(revision, out);
        out.push(b'}');
    }

    fn write_rest(&self, revision: Revision, out: &mut Vec<u8>) {
        self.write_metadata(revision, out);
        for other in &self.others {
            out.push(b',');
            out.extend_from_slice(self.slice(other));
        }
        out.extend_from_slice(self.slice(&(self.rest..self.bytes.len())).trim_ascii_end());
    }

    fn write_metadata(&self, revision: Revision, out: &mut Vec<u8>) {
        let _ = write!(out, r#""metadata":{{"resourceVersion":"{revision}""#);
        // Behind the brace there is a field, or another brace.
        let fields = self.metadata().get(1..).unwrap_or_default().trim_ascii_start();
        if !fields.starts_with(b"}") {
            out.push(b',');
        }
        out.extend_from_slice(fields);
    }

    fn slice(&self, range: &Range<usize>) -> &'a [u8] {
        self.bytes.get(range.clone()).unwrap_or_default()
    }
}

/// Steps through JSON that was valid when it was stored.
struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    /// Steps over one byte, and the space around it.
    fn expect(&mut self, byte: u8) -> Option<()> {
        self.skip_space();
        (self.peek()? == byte).then_some(())?;
        self.at += 1;
        self.skip_space();
        Some(())
    }

    /// Steps over a string; its range has the quotes.
    fn string(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        (self.peek()? == b'"').then_some(())?;
        self.at += 1;
        loop {
            let byte = self.peek()?;
            self.at += 1;
            match byte {
                b'"' => return Some(start..self.at),
                b'\\' => self.at += 1,
                _ => {}
            }
        }
    }

    /// Steps over a value.
    fn value(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'"' => {
                    self.string()?;
                }
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                // The end of the collection around a number or word.
                b'}' | b']' | b',' if depth == 0 => return (self.at > start).then_some(start..self.at),
                b'}' | b']' => {
                    depth -= 1;
                    self.at += 1;
                }
                _ => {
                    self.at += 1;
                    continue;
                }
            }
            if depth == 0 {
                return Some(start..self.at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> Value {
        let mut out = Vec::new();
        write(&mut out);
        serde_json::from_slice(&out)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&out)))
    }

    #[test]
    fn only_the_revision_is_put_in() {
        let stored = json!({
            "apiVersion": "v1", "data": {"kind": "x\"}{", "y": [1, {"a": null}]}, "kind": "ConfigMap",
            "metadata": {"name": "a"}, "zone": true,
        });
        let bytes = serde_json::to_vec(&stored).unwrap();
        let parts = StoredJson::parse(&bytes).unwrap();
        let mut object = stored;
        object["metadata"]["resourceVersion"] = "7".into();
        assert_eq!(written(|out| parts.write_object("v1", Revision(7), out)), object);
        let partial = json!({
            "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"],
        });
        assert_eq!(written(|out| parts.write_partial("meta.k8s.io/v1", Revision(7), out)), partial);
        object.as_object_mut().unwrap().retain(|name, _| name != "kind" && name != "apiVersion");
        assert_eq!(written(|out| parts.write_item(Revision(7), out)), object);
    }

    #[test]
    fn what_lacks_a_part_is_left_to_others() {
        for text in [
            "",
            "{}",
            "[]",
            r#"{"kind":"A","apiVersion":"v1"}"#,
            r#"{"kind":"A","apiVersion":"v1","metadata":null}"#,
        ] {
            assert!(StoredJson::parse(text.as_bytes()).is_none(), "{text}");
        }
        let bare = br#"{"metadata":{},"kind":"A","apiVersion":"v1"}"#;
        let parts = StoredJson::parse(bare).unwrap();
        assert_eq!(
            written(|out| parts.write_item(Revision(1), out)),
            json!({"metadata": {"resourceVersion": "1"}})
        );
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(text in r#"[{}\[\],:"\\a1 ]{0,40}"#) {
            let text = format!(r#"{{"kind":"A","apiVersion":"v1",{text}"metadata":{{{text}}}{text}"#);
            if let Some(parts) = StoredJson::parse(text.as_bytes()) {
                parts.write_object("v1", Revision(1), &mut Vec::new());
            }
        }
    }
}
