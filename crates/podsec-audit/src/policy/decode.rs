//! From JSON to the fields of a policy, with the words of Go's decoder where a type is wrong.

use serde_json::{Map, Value};

/// A policy as it was written; nothing in it is checked but types.
#[derive(Debug, Default)]
pub(super) struct RawPolicy {
    pub(super) rules: Vec<RawRule>,
    pub(super) omit_stages: Vec<String>,
    pub(super) omit_managed_fields: bool,
    /// Fields that no policy has, as `rules[0].foo`.
    pub(super) unknown: Vec<String>,
}

#[derive(Debug, Default)]
pub(super) struct RawRule {
    pub(super) level: String,
    pub(super) users: Vec<String>,
    pub(super) user_groups: Vec<String>,
    pub(super) verbs: Vec<String>,
    pub(super) resources: Vec<super::rules::GroupResources>,
    pub(super) namespaces: Vec<String>,
    pub(super) non_resource_urls: Vec<String>,
    pub(super) omit_stages: Vec<String>,
    pub(super) omit_managed_fields: Option<bool>,
}

/// Go's group, version and kind, before the rest is looked at.
pub(super) fn type_meta(document: &Value) -> Result<(String, String), String> {
    let wrong = |error: String| format!("couldn't get version/kind; json parse error: {error}");
    let empty = Map::new();
    let fields = match document {
        Value::Object(fields) => fields,
        Value::Null => &empty,
        other => {
            return Err(wrong(format!(
                "json: cannot unmarshal {} into Go value of type struct {{ APIVersion string \
                 \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }}",
                kind_of(other)
            )));
        }
    };
    let text = |name: &str| match fields.get(name) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(other) => Err(wrong(mismatch("", name, "string", other))),
    };
    Ok((text("apiVersion")?, text("kind")?))
}

/// Reads every field of a policy.
pub(super) fn policy(document: &Value) -> Result<RawPolicy, String> {
    let mut policy = RawPolicy::default();
    let Value::Object(fields) = document else { return Ok(policy) };
    for (name, value) in fields {
        let field = Field { of: "Policy", path: name, value };
        match name.as_str() {
            "apiVersion" | "kind" | "metadata" => {}
            "omitStages" => policy.omit_stages = field.strings("v1.Stage")?,
            "omitManagedFields" => policy.omit_managed_fields = field.boolean()?.unwrap_or_default(),
            "rules" => {
                for (index, value) in field.list("v1.PolicyRule")?.iter().enumerate() {
                    let place = format!("rules[{index}]");
                    policy.rules.push(rule(Field { value, ..field }, &place, &mut policy.unknown)?);
                }
            }
            _ => policy.unknown.push(name.clone()),
        }
    }
    Ok(policy)
}

fn rule(field: Field<'_>, place: &str, unknown: &mut Vec<String>) -> Result<RawRule, String> {
    let mut rule = RawRule::default();
    for (name, value) in field.object("v1.PolicyRule")? {
        let path = format!("rules.{name}");
        let field = Field { of: "PolicyRule", path: &path, value };
        match name.as_str() {
            "level" => rule.level = field.string("v1.Level")?,
            "users" => rule.users = field.strings("string")?,
            "userGroups" => rule.user_groups = field.strings("string")?,
            "verbs" => rule.verbs = field.strings("string")?,
            "namespaces" => rule.namespaces = field.strings("string")?,
            "nonResourceURLs" => rule.non_resource_urls = field.strings("string")?,
            "omitStages" => rule.omit_stages = field.strings("v1.Stage")?,
            "omitManagedFields" => rule.omit_managed_fields = field.boolean()?,
            "resources" => {
                for (index, value) in field.list("v1.GroupResources")?.iter().enumerate() {
                    let place = format!("{place}.resources[{index}]");
                    rule.resources.push(group_resources(Field { value, ..field }, &place, unknown)?);
                }
            }
            _ => unknown.push(format!("{place}.{name}")),
        }
    }
    Ok(rule)
}

fn group_resources(
    field: Field<'_>,
    place: &str,
    unknown: &mut Vec<String>,
) -> Result<super::rules::GroupResources, String> {
    let mut entry = super::rules::GroupResources::default();
    for (name, value) in field.object("v1.GroupResources")? {
        let path = format!("rules.resources.{name}");
        let field = Field { of: "GroupResources", path: &path, value };
        match name.as_str() {
            "group" => entry.group = field.string("string")?,
            "resources" => entry.resources = field.strings("string")?,
            "resourceNames" => entry.resource_names = field.strings("string")?,
            _ => unknown.push(format!("{place}.{name}")),
        }
    }
    Ok(entry)
}

/// One value, and how Go's errors name its place. `null` is the same as absent.
#[derive(Clone, Copy)]
struct Field<'a> {
    of: &'static str,
    path: &'a str,
    value: &'a Value,
}

impl<'a> Field<'a> {
    fn string(self, type_name: &str) -> Result<String, String> {
        match self.value {
            Value::Null => Ok(String::new()),
            Value::String(text) => Ok(text.clone()),
            other => Err(mismatch(self.of, self.path, type_name, other)),
        }
    }

    fn strings(self, type_name: &str) -> Result<Vec<String>, String> {
        self.list(type_name)?.iter().map(|value| Field { value, ..self }.string(type_name)).collect()
    }

    fn boolean(self) -> Result<Option<bool>, String> {
        match self.value {
            Value::Null => Ok(None),
            Value::Bool(value) => Ok(Some(*value)),
            other => Err(mismatch(self.of, self.path, "bool", other)),
        }
    }

    fn list(self, type_name: &str) -> Result<&'a [Value], String> {
        match self.value {
            Value::Null => Ok(&[]),
            Value::Array(items) => Ok(items),
            other => Err(mismatch(self.of, self.path, &format!("[]{type_name}"), other)),
        }
    }

    fn object(
        self,
        type_name: &str,
    ) -> Result<impl Iterator<Item = (&'a String, &'a Value)> + use<'a>, String> {
        match self.value {
            Value::Null => Ok(None.into_iter().flatten()),
            Value::Object(fields) => Ok(Some(fields).into_iter().flatten()),
            other => Err(mismatch(self.of, self.path, type_name, other)),
        }
    }
}

fn mismatch(of: &str, path: &str, type_name: &str, value: &Value) -> String {
    format!("json: cannot unmarshal {} into Go struct field {of}.{path} of type {type_name}", kind_of(value))
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
