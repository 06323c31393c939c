//! Fields of a configuration document, read with their types and errors that name their place.

use serde_json::{Map, Value};

use super::error::ConfigurationError;

/// An object of a document and where it stands. One that is missing or `null` has no fields.
pub(super) struct Object<'a> {
    fields: Option<&'a Map<String, Value>>,
    path: String,
}

impl<'a> Object<'a> {
    /// The whole document.
    pub(super) fn root(document: &'a Value) -> Result<Self, ConfigurationError> {
        Self::of(Some(document), String::new())
    }

    /// The value of a field as an object.
    pub(super) fn object(&self, field: &str) -> Result<Self, ConfigurationError> {
        Self::of(self.value(field), self.child(field))
    }

    /// The values of a field as a list of objects.
    pub(super) fn objects(&self, field: &str) -> Result<Vec<Self>, ConfigurationError> {
        let element = |(index, value)| Self::of(Some(value), format!("{}[{index}]", self.child(field)));
        self.list(field, "a list of objects")?.iter().enumerate().map(element).collect()
    }

    /// The value of a field, unless it is missing or `null`.
    pub(super) fn value(&self, field: &str) -> Option<&'a Value> {
        self.fields?.get(field).filter(|value| !value.is_null())
    }

    /// The value of a field as text.
    pub(super) fn text(&self, field: &str) -> Result<Option<String>, ConfigurationError> {
        match self.value(field) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(other) => Err(wrong_type(self.child(field), "a string", other)),
        }
    }

    /// The values of a field as texts.
    pub(super) fn texts(&self, field: &str) -> Result<Vec<String>, ConfigurationError> {
        let element = |(index, value): (usize, &Value)| match value {
            // Go reads `null` into an empty string.
            Value::Null => Ok(String::new()),
            Value::String(text) => Ok(text.clone()),
            other => Err(wrong_type(format!("{}[{index}]", self.child(field)), "a string", other)),
        };
        self.list(field, "a list of strings")?.iter().enumerate().map(element).collect()
    }

    /// Whether the object says that it is of this kind, in one of these versions.
    pub(super) fn expect_kind(&self, kind: &str, versions: &[&str]) -> Result<(), ConfigurationError> {
        let stated = self.text("kind")?.unwrap_or_default();
        let version = self.text("apiVersion")?.unwrap_or_default();
        if stated.is_empty() {
            return Err(ConfigurationError::Missing("Kind"));
        }
        if version.is_empty() {
            return Err(ConfigurationError::Missing("apiVersion"));
        }
        if stated == kind && versions.contains(&version.as_str()) {
            return Ok(());
        }
        Err(ConfigurationError::UnexpectedKind { kind: stated, version })
    }

    /// Notes the fields that are not among the `known` ones.
    pub(super) fn unknown(&self, known: &[&str], unknown: &mut Vec<String>) {
        let fields = self.fields.into_iter().flat_map(Map::keys);
        unknown
            .extend(fields.filter(|field| !known.contains(&field.as_str())).map(|field| self.child(field)));
    }

    fn of(value: Option<&'a Value>, path: String) -> Result<Self, ConfigurationError> {
        match value {
            None | Some(Value::Null) => Ok(Self { fields: None, path }),
            Some(Value::Object(fields)) => Ok(Self { fields: Some(fields), path }),
            Some(other) if path.is_empty() => Err(wrong_type("the document".to_owned(), "an object", other)),
            Some(other) => Err(wrong_type(path, "an object", other)),
        }
    }

    fn list(&self, field: &str, expected: &'static str) -> Result<&'a [Value], ConfigurationError> {
        match self.value(field) {
            None => Ok(&[]),
            Some(Value::Array(list)) => Ok(list),
            Some(other) => Err(wrong_type(self.child(field), expected, other)),
        }
    }

    fn child(&self, field: &str) -> String {
        if self.path.is_empty() { field.to_owned() } else { format!("{}.{field}", self.path) }
    }
}

fn wrong_type(path: String, expected: &'static str, found: &Value) -> ConfigurationError {
    let found = match found {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    ConfigurationError::Type { path, expected, found }
}
