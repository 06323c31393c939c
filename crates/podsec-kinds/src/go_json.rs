//! JSON in texts, refused in the words of Go's decoder.

use podsec_apimachinery::codec::json;
use serde_json::Value;

/// The value of a text.
///
/// # Errors
/// Why the text is no JSON.
pub(crate) fn parse(text: &str) -> Result<Value, String> {
    json::parse_tree(text.as_bytes()).map_err(|error| error.to_string())
}
