//! The parameters of requests, as OpenAPI documents describe them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::{Value, json};

/// A query parameter of requests for objects. A patch has a field manager of its own.
pub(super) fn query(name: &str, is_patch: bool) -> Value {
    let key = if is_patch && name == "fieldManager" { "fieldManager of patch" } else { name };
    let Told(kind, description) = TOLD.common.get(key).cloned().unwrap_or_default();
    parameter(name, "query", &description, &kind, false)
}

/// The options of a subresource, as `pods/log`.
pub(super) fn options(subresource: &str) -> Vec<Value> {
    let options = TOLD.options.get(subresource).into_iter().flatten();
    options
        .map(|(name, Told(kind, description))| parameter(name, "query", description, kind, false))
        .collect()
}

/// A part of a path.
pub(super) fn path(name: &str, kind: &str) -> Value {
    let description = match name {
        "name" => format!("name of the {kind}"),
        "namespace" => "object name and auth scope, such as for teams and projects".to_owned(),
        _ => "path to the resource".to_owned(),
    };
    parameter(name, "path", &description, "string", true)
}

fn parameter(name: &str, place: &str, description: &str, kind: &str, required: bool) -> Value {
    let mut parameter = json!({
        "name": name, "in": place, "description": description, "schema": {"type": kind, "uniqueItems": true},
    });
    if required {
        parameter["required"] = true.into();
    }
    parameter
}

/// The type of a parameter and what it is for.
#[derive(Clone, Debug, Default, Deserialize)]
struct Told(String, String);

#[derive(Deserialize)]
struct Document {
    common: BTreeMap<String, Told>,
    options: BTreeMap<String, BTreeMap<String, Told>>,
}

static TOLD: LazyLock<Document> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../data/openapi-parameters.json"))
        .expect("the tests parse this constant")
});
