//! Errors about one field of an object, worded as Kubernetes words them (`k8s.io/apimachinery` `field.Error`).

use std::fmt::{self, Write as _};

use serde_json::Value;

use podsec_go::quote::quoted;

/// Where in an object a field stands: `spec.containers[0].image`, `metadata.labels[app]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path(String);

impl Path {
    /// The path of a top-level field.
    pub fn new(field: &str) -> Self {
        Self(field.to_owned())
    }

    /// The path that Kubernetes makes for the whole object in a few places, and shows as the element of a list that has no
    /// index.
    pub fn unnamed() -> Self {
        Self("[]".to_owned())
    }

    /// The path of a field of this one.
    #[must_use]
    pub fn child(&self, field: &str) -> Self {
        if self.0.is_empty() { Self::new(field) } else { Self(format!("{}.{field}", self.0)) }
    }

    /// The path of the element at `index` of this list.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }

    /// The path of the value under `key` of this map.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        Self(format!("{}[{key}]", self.0))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The value repeats one that must be unique.
    Duplicate,
    /// The field may not be set, or not changed.
    Forbid,
    /// Kubernetes could not find out.
    Internal,
    /// The value is malformed.
    Invalid,
    /// The value names something that does not exist.
    NotFound,
    /// The field must be set.
    Require,
    /// The value exceeds its length, in bytes or items as the text says.
    TooLong,
    /// The list holds too many items.
    TooMany,
    /// The value has the wrong type.
    TypeInvalid,
    /// The value is none of the supported ones.
    Unsupported,
}

impl Cause {
    /// The reason of a `metav1.StatusCause`, as in `FieldValueRequired`.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Duplicate => "FieldValueDuplicate",
            Self::Forbid => "FieldValueForbidden",
            Self::Internal => "InternalError",
            Self::Invalid => "FieldValueInvalid",
            Self::NotFound => "FieldValueNotFound",
            Self::Require => "FieldValueRequired",
            Self::TooLong => "FieldValueTooLong",
            Self::TooMany => "FieldValueTooMany",
            Self::TypeInvalid => "FieldValueTypeInvalid",
            Self::Unsupported => "FieldValueNotSupported",
        }
    }
}

/// One error about one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The field.
    pub path: Path,
    /// What is wrong with it.
    pub cause: Cause,
    /// The sentence without the path, as in `Required value` or `Invalid value: "x": must be no more than 63 bytes`.
    pub message: String,
}

impl Error {
    /// `Required value`, followed by `detail` unless that is empty.
    pub fn required(path: Path, detail: &str) -> Self {
        Self { path, cause: Cause::Require, message: sentence("Required value", None, detail) }
    }

    /// `Invalid value: <value>: <detail>`.
    pub fn invalid(path: Path, value: &Value, detail: &str) -> Self {
        Self { path, cause: Cause::Invalid, message: sentence("Invalid value", Some(&shown(value)), detail) }
    }

    /// `Invalid value: <detail>` about a value that is not shown.
    pub fn invalid_unshown(path: Path, detail: &str) -> Self {
        Self { path, cause: Cause::Invalid, message: sentence("Invalid value", None, detail) }
    }

    /// The same about a value that is shown as `json` says, for structs, whose fields Go writes in an order of their own.
    pub fn invalid_json(path: Path, json: &str, detail: &str) -> Self {
        Self { path, cause: Cause::Invalid, message: sentence("Invalid value", Some(json), detail) }
    }

    /// `Duplicate value: <value>` about a value that is shown as `json` says.
    pub fn duplicate_json(path: Path, json: &str) -> Self {
        Self { path, cause: Cause::Duplicate, message: sentence("Duplicate value", Some(json), "") }
    }

    /// `Duplicate value: <value>`.
    pub fn duplicate(path: Path, value: &Value) -> Self {
        Self { path, cause: Cause::Duplicate, message: sentence("Duplicate value", Some(&shown(value)), "") }
    }

    /// `Forbidden: <detail>`.
    pub fn forbidden(path: Path, detail: &str) -> Self {
        Self { path, cause: Cause::Forbid, message: sentence("Forbidden", None, detail) }
    }

    /// `Not found: <value>`.
    pub fn not_found(path: Path, value: &Value) -> Self {
        Self { path, cause: Cause::NotFound, message: sentence("Not found", Some(&shown(value)), "") }
    }

    /// `Unsupported value: <value>: supported values: "a", "b"`, in the order given: Kubernetes sorts some of its lists
    /// and others not.
    pub fn not_supported(path: Path, value: &Value, supported: &[&str]) -> Self {
        Self::not_supported_json(path, &shown(value), supported)
    }

    /// The same about a value that is shown as `json` says.
    pub fn not_supported_json(path: Path, json: &str, supported: &[&str]) -> Self {
        let quoted: Vec<String> = supported.iter().map(|value| quoted(value)).collect();
        let detail = if quoted.is_empty() {
            String::new()
        } else {
            format!("supported values: {}", quoted.join(", "))
        };
        let message = sentence("Unsupported value", Some(json), &detail);
        Self { path, cause: Cause::Unsupported, message }
    }

    /// `Internal error: <detail>`: something that Kubernetes could not find out.
    pub fn internal(path: Path, detail: &str) -> Self {
        Self { path, cause: Cause::Internal, message: sentence("Internal error", None, detail) }
    }

    /// `Too long: may not be more than <limit> bytes`.
    pub fn too_long(path: Path, limit: usize) -> Self {
        let bytes = if limit == 1 { "byte" } else { "bytes" };
        let detail = format!("may not be more than {limit} {bytes}");
        Self { path, cause: Cause::TooLong, message: sentence("Too long", None, &detail) }
    }

    /// `Too many: <actual>: must have at most <limit> items`.
    pub fn too_many(path: Path, actual: usize, limit: usize) -> Self {
        let items = if limit == 1 { "item" } else { "items" };
        let detail = format!("must have at most {limit} {items}");
        let message = sentence("Too many", Some(&actual.to_string()), &detail);
        Self { path, cause: Cause::TooMany, message }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

/// Several errors as one sentence: one alone, more in brackets, repeats once, as Go's `utilerrors.Aggregate`.
pub fn aggregate(errors: &[Error]) -> String {
    let mut sentences: Vec<String> = Vec::new();
    for error in errors {
        let sentence = error.to_string();
        if !sentences.contains(&sentence) {
            sentences.push(sentence);
        }
    }
    match sentences.as_slice() {
        [one] => one.clone(),
        many => format!("[{}]", many.join(", ")),
    }
}

fn sentence(kind: &str, value: Option<&str>, detail: &str) -> String {
    let mut text = kind.to_owned();
    for part in [value.unwrap_or_default(), detail] {
        if !part.is_empty() {
            text.push_str(": ");
            text.push_str(part);
        }
    }
    text
}

/// A value as Go's `field.Error` prints it: strings quoted, the others as JSON.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        value => json(value),
    }
}

/// JSON as Go writes it: `<`, `>`, `&` and the two line separators of Unicode are escaped.
pub fn json(value: &Value) -> String {
    let text = value.to_string();
    if !text.contains(['<', '>', '&', '\u{2028}', '\u{2029}']) {
        return text;
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                // Writing to a string does not fail.
                let _ = write!(escaped, "\\u{:04x}", u32::from(character));
            }
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_error_stands_alone_and_two_stand_in_brackets() {
        let image = Error::required(Path::new("spec").child("containers").index(0).child("image"), "");
        let name = Error::invalid(Path::new("metadata").child("labels").key("a"), &Value::from("b c"), "no");
        assert_eq!(aggregate(std::slice::from_ref(&image)), "spec.containers[0].image: Required value");
        assert_eq!(
            aggregate(&[image.clone(), name, image]),
            r#"[spec.containers[0].image: Required value, metadata.labels[a]: Invalid value: "b c": no]"#
        );
    }

    #[test]
    fn supported_values_are_quoted_in_their_order() {
        let error =
            Error::not_supported(Path::new("restartPolicy"), &Value::from("Foo"), &["Never", "Always"]);
        assert_eq!(
            error.to_string(),
            r#"restartPolicy: Unsupported value: "Foo": supported values: "Never", "Always""#
        );
    }

    #[test]
    fn values_are_written_as_go_writes_them() {
        let path = || Path::new("metadata").child("name");
        assert_eq!(
            Error::invalid(path(), &Value::from("a\u{1}\u{a0}"), "no").to_string(),
            r#"metadata.name: Invalid value: "a\x01\u00a0": no"#
        );
        assert_eq!(
            Error::invalid(path(), &Value::Null, "no").to_string(),
            "metadata.name: Invalid value: null: no"
        );
        let list = serde_json::json!(["a<b"]);
        assert_eq!(
            Error::invalid(path(), &list, "no").to_string(),
            r#"metadata.name: Invalid value: ["a\u003cb"]: no"#
        );
        assert_eq!(
            Error::duplicate(path(), &Value::from(7)).to_string(),
            "metadata.name: Duplicate value: 7"
        );
    }
}
