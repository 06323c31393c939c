//! YAML as Kubernetes reads it: documents, spans, and their JSON.
//!
//! ```text
//! bytes ─► text ─► documents ─► parse ─► Document (tree of Nodes, every one knows its bytes)
//!                  kubectl's    directly,     ├─► entries, items, spans   (findings and fixes)
//!                  splitting    or granit's   ├─► write_json              (typed decoding)
//!                               events        └─► to_json                 (serde_json::Value)
//! ```
//!
//! Kubernetes reads YAML with sigs.k8s.io/yaml, which is YAML 1.1 as yaml.v2 understands it: `yes`, `on` and
//! `y` are booleans, `0400` is octal, `<<` merges, a duplicate key silently replaces the earlier one, and what
//! cannot be JSON is an error. This crate follows that reader and not the YAML 1.2 specification.
//!
//! - [`decode`] makes text of a file's bytes.
//! - [`documents`] reads a file or stream as kubectl does. One broken document does not hide the others;
//!   [`documents_from`] reads a stream part by part.
//! - [`document()`] and [`to_json`] read a request body as the API server does, [`to_json_strict`] refuses
//!   duplicate keys.
//!
//! A [`Document`] exists only when all of it can be JSON, so everything below it is infallible.
//!
//! Where Kubernetes' reader has a meaning that this one cannot follow (the line separators U+2028 and U+2029
//! outside JSON, more than 255 nested collections of a style), the text is refused, never read differently.
//!
//! ```
//! let text = "kind: Pod\nspec:\n  hostNetwork: yes # YAML 1.1\n---\nkind: [\n";
//! let documents: Vec<_> = podsec_yaml::documents(text).collect();
//!
//! let pod = documents[0].as_ref().unwrap();
//! let host_network = pod.root().get("spec").unwrap().get("hostNetwork").unwrap();
//! assert_eq!(host_network.to_json(), true);
//! assert_eq!(host_network.position().to_string(), "3:16");
//! assert_eq!(&text[host_network.span().range()], "yes");
//!
//! assert_eq!(documents[1].as_ref().unwrap_err().line, 5);
//! ```

mod document;
mod documents;
mod encoding;
mod error;
mod expansion;
mod json;
mod node;
mod number;
mod parse;
mod position;
mod resolution;
mod scalar;
mod style;

pub use document::{Comment, Document};
#[doc(hidden)]
pub use documents::documents_by_granit;
pub use documents::{Documents, documents, documents_from};
pub use encoding::decode;
pub use error::Error;
pub use node::{Entry, Node};
pub use position::{Position, Span, line_breaks};
pub use scalar::Scalar;
pub use style::{CollectionStyle, Kind, ScalarStyle};

/// Reads one document as the API server reads a request body: sigs.k8s.io/yaml.
///
/// Like upstream this reads the first document of the text only; an empty text is `null`.
///
/// # Errors
/// When the text is no YAML, or has no JSON form (`.nan`, a list as a key, an unknown alias…).
pub fn document(text: &str) -> Result<Document<'_>, Error> {
    parse::first_document(text)
}

/// The JSON of [`document()`], as upstream's `YAMLToJSON`. The last of several equal keys wins.
///
/// # Errors
/// As [`document()`].
pub fn to_json(text: &str) -> Result<serde_json::Value, Error> {
    Ok(document(text)?.to_json())
}

/// [`to_json`], but a key that is set twice is an error, as upstream's `YAMLToJSONStrict` has it.
///
/// A key that overrides a merged one (`<<`) counts as set twice. [`Document::duplicates`] has all of them.
///
/// # Errors
/// As [`document()`], and for the first duplicate key.
pub fn to_json_strict(text: &str) -> Result<serde_json::Value, Error> {
    let document = document(text)?;
    match document.duplicates().into_iter().next() {
        Some(duplicate) => Err(duplicate),
        None => Ok(document.to_json()),
    }
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
