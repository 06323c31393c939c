//! What is read of an object beside its pod.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// The parts of any object that matter here. What they are not read for is not decoded.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Head<'a> {
    #[serde(borrow)]
    pub(super) api_version: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) metadata: Option<Metadata<'a>>,
    #[serde(borrow)]
    pub(super) spec: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) status: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) items: Option<&'a RawValue>,
    #[serde(borrow, rename = "type")]
    pub(super) secret_type: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) data: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Metadata<'a> {
    #[serde(borrow)]
    pub(super) name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) generate_name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) namespace: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) uid: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) labels: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) annotations: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) owner_references: Option<Vec<Owner<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Owner<'a> {
    #[serde(borrow)]
    pub(super) api_version: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) kind: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) name: Cow<'a, str>,
    pub(super) controller: Option<bool>,
}

/// A claim of a subject's pods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// By its name.
    Named(String),
    /// Of a StatefulSet: one for each pod, whose names begin so.
    Template(String),
}

/// What a workload says beside its template.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Scale {
    pub(super) replicas: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Phase<'a> {
    #[serde(borrow)]
    pub(super) phase: Option<Cow<'a, str>>,
}

impl Head<'_> {
    pub(super) fn group(&self) -> &str {
        let version = self.api_version.as_deref().unwrap_or_default();
        version.split_once('/').map_or("", |(group, _)| group)
    }
}

impl Metadata<'_> {
    /// Its name, or what its name is to begin with.
    pub(super) fn title(&self) -> &str {
        let name = self.name.as_deref().filter(|name| !name.is_empty());
        name.or(self.generate_name.as_deref()).unwrap_or_default()
    }

    /// Who controls it.
    pub(super) fn controller(&self) -> Option<&Owner<'_>> {
        self.owner_references.as_ref()?.iter().find(|owner| owner.controller == Some(true))
    }
}

impl Owner<'_> {
    pub(super) fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }
}

/// The members of a map, whatever their values are; none of what is no map.
pub(super) fn members(map: Option<&RawValue>) -> BTreeMap<String, Value> {
    map.and_then(|map| serde_json::from_str(map.get()).ok()).unwrap_or_default()
}

/// The members of a map that are strings.
pub(crate) fn string_members(map: Option<&RawValue>) -> Vec<(String, String)> {
    let strings = members(map).into_iter().filter_map(|(key, value)| match value {
        Value::String(text) => Some((key, text)),
        _ => None,
    });
    strings.collect()
}

/// The value of a label or annotation.
pub(super) fn member(map: Option<&RawValue>, key: &str) -> Option<String> {
    let map = map.filter(|map| map.get().contains(key))?;
    match members(Some(map)).remove(key) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

/// The claims in the volumes of a pod spec, wherever in an object it stands, and those that a StatefulSet makes.
pub(super) fn claims(json: &[u8], name: &str) -> Vec<Claim> {
    if memchr::memmem::find(json, b"laim").is_none() {
        return Vec::new();
    }
    let Ok(object) = serde_json::from_slice::<Value>(json) else { return Vec::new() };
    let mut found = Vec::new();
    find_claims(&object, &mut found);
    let templates = object.pointer("/spec/volumeClaimTemplates").and_then(Value::as_array);
    for template in templates.into_iter().flatten() {
        if let Some(of) = template.pointer("/metadata/name").and_then(Value::as_str) {
            found.push(Claim::Template(format!("{of}-{name}-")));
        }
    }
    found
}

/// serde_json reads no deeper than 128, so neither does this.
fn find_claims(value: &Value, found: &mut Vec<Claim>) {
    match value {
        Value::Array(list) => list.iter().for_each(|value| find_claims(value, found)),
        Value::Object(members) => {
            for (name, value) in members {
                if name == "persistentVolumeClaim" {
                    let claim = value.get("claimName").and_then(Value::as_str);
                    found.extend(claim.map(|claim| Claim::Named(claim.to_owned())));
                } else {
                    find_claims(value, found);
                }
            }
        }
        _ => {}
    }
}
