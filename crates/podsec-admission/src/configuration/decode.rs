//! A document into a configuration, strictly: nothing in it may go unread.

use serde_json::{Map, Value};

use super::{Configuration, ConfigurationError, Exemptions, ModeDefaults};
use crate::labels::Policies;

const GROUP: &str = "pod-security.admission.config.k8s.io";
const VERSIONS: [&str; 3] = ["v1", "v1beta1", "v1alpha1"];
const KIND: &str = "PodSecurityConfiguration";

/// Reads a document of any of the three versions, which have the same fields.
pub(super) fn decode(document: &Value) -> Result<Configuration, ConfigurationError> {
    let mut unknown = Vec::new();
    let document = Object::of(Some(document), "")?;
    let kind = document.text("kind")?.unwrap_or_default();
    let api_version = document.text("apiVersion")?.unwrap_or_default();
    expect_kind(&kind, &api_version)?;
    document.unknown(&["apiVersion", "kind", "defaults", "exemptions"], &mut unknown);

    let defaults = Object::of(document.value("defaults"), "defaults")?;
    let mode = |level: &str, version: &str| -> Result<ModeDefaults, ConfigurationError> {
        Ok(ModeDefaults { level: defaults.text(level)?, version: defaults.text(version)? })
    };
    let enforce = mode("enforce", "enforce-version")?;
    let audit = mode("audit", "audit-version")?;
    let warn = mode("warn", "warn-version")?;
    defaults.unknown(
        &["enforce", "enforce-version", "audit", "audit-version", "warn", "warn-version"],
        &mut unknown,
    );

    let exemptions = Object::of(document.value("exemptions"), "exemptions")?;
    let namespaces = exemptions.texts("namespaces")?;
    let runtime_classes = exemptions.texts("runtimeClasses")?;
    let usernames = exemptions.texts("usernames")?;
    exemptions.unknown(&["namespaces", "runtimeClasses", "usernames"], &mut unknown);

    if !unknown.is_empty() {
        return Err(ConfigurationError::UnknownFields(unknown));
    }
    let mut errors = Vec::new();
    let defaults = Policies {
        enforce: enforce.policy("enforce", &mut errors),
        audit: audit.policy("audit", &mut errors),
        warn: warn.policy("warn", &mut errors),
    };
    if !errors.is_empty() {
        return Err(ConfigurationError::Defaults(errors));
    }
    let exemptions = Exemptions::new(namespaces, runtime_classes, usernames)?;
    Ok(Configuration { defaults, exemptions })
}

fn expect_kind(kind: &str, api_version: &str) -> Result<(), ConfigurationError> {
    if kind.is_empty() {
        return Err(ConfigurationError::Missing("Kind"));
    }
    if api_version.is_empty() {
        return Err(ConfigurationError::Missing("apiVersion"));
    }
    match api_version.split_once('/') {
        Some((GROUP, version)) if VERSIONS.contains(&version) && kind == KIND => Ok(()),
        _ => {
            Err(ConfigurationError::UnexpectedKind { kind: kind.to_owned(), version: api_version.to_owned() })
        }
    }
}

/// An object of the document and where it stands. One that is missing or `null` has no fields.
struct Object<'a> {
    fields: Option<&'a Map<String, Value>>,
    path: &'a str,
}

impl<'a> Object<'a> {
    fn of(value: Option<&'a Value>, path: &'a str) -> Result<Self, ConfigurationError> {
        match value {
            None | Some(Value::Null) => Ok(Self { fields: None, path }),
            Some(Value::Object(fields)) => Ok(Self { fields: Some(fields), path }),
            Some(other) => Err(wrong_type(if path.is_empty() { KIND } else { path }, "an object", other)),
        }
    }

    fn value(&self, field: &str) -> Option<&'a Value> {
        self.fields?.get(field)
    }

    fn text(&self, field: &str) -> Result<Option<String>, ConfigurationError> {
        match self.value(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(other) => Err(wrong_type(&self.child(field), "a string", other)),
        }
    }

    fn texts(&self, field: &str) -> Result<Vec<String>, ConfigurationError> {
        let list = match self.value(field) {
            None | Some(Value::Null) => return Ok(Vec::new()),
            Some(Value::Array(list)) => list,
            Some(other) => return Err(wrong_type(&self.child(field), "a list of strings", other)),
        };
        list.iter()
            .enumerate()
            .map(|(index, value)| match value {
                // Go reads `null` into an empty string.
                Value::Null => Ok(String::new()),
                Value::String(text) => Ok(text.clone()),
                other => Err(wrong_type(&format!("{}[{index}]", self.child(field)), "a string", other)),
            })
            .collect()
    }

    /// Notes the fields that are not among the `known` ones.
    fn unknown(&self, known: &[&str], unknown: &mut Vec<String>) {
        let fields = self.fields.into_iter().flat_map(Map::keys);
        unknown
            .extend(fields.filter(|field| !known.contains(&field.as_str())).map(|field| self.child(field)));
    }

    fn child(&self, field: &str) -> String {
        if self.path.is_empty() { field.to_owned() } else { format!("{}.{field}", self.path) }
    }
}

fn wrong_type(path: &str, expected: &'static str, found: &Value) -> ConfigurationError {
    let found = match found {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    ConfigurationError::Type { path: path.to_owned(), expected, found }
}
