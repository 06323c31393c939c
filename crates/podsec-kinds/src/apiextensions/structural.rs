//! Whether a schema is structural: every value that a rule of it judges is declared outside of the rules
//! (`ValidateStructural` of k8s.io/apiextensions-apiserver).

use podsec_apimachinery::field::{Error, Path};
use serde_json::Value;

use crate::object::Fields;

/// Where a schema stands, which decides what it must say.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Root,
    Item,
    Field,
}

/// All that keeps a schema from being structural, sorted by its text.
pub(super) fn validate(schema: &Value, path: &Path) -> Vec<Error> {
    let mut errors = invariants(schema, Level::Root, path);
    errors.extend(complete(schema, Some(schema), path, path));
    errors.sort_by_cached_key(ToString::to_string);
    errors
}

fn invariants(schema: &Value, level: Level, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let kind = schema.text("type");
    let items = schema.field("items").filter(|items| items.is_object());
    match items {
        Some(items) => errors.extend(invariants(items, Level::Item, &path.child("items"))),
        None if kind == "array" => errors.push(Error::required(path.child("items"), "must be specified")),
        None => {}
    }
    for (name, property) in schema.at("properties").as_object().into_iter().flatten() {
        errors.extend(invariants(property, Level::Field, &path.child("properties").key(name)));
    }
    let values = schema.field("additionalProperties");
    let values_path = path.child("additionalProperties");
    if let Some(values) = values {
        if level == Level::Root {
            errors.push(Error::forbidden(values_path.clone(), "must not be used at the root"));
        }
        if values.is_object() {
            errors.extend(invariants(values, Level::Field, &values_path));
        }
    }
    let (embedded, int_or_string, preserves) = (
        schema.flag("x-kubernetes-embedded-resource"),
        schema.flag("x-kubernetes-int-or-string"),
        schema.flag("x-kubernetes-preserve-unknown-fields"),
    );
    for (set, field) in
        [(preserves, "x-kubernetes-preserve-unknown-fields"), (embedded, "x-kubernetes-embedded-resource")]
    {
        if int_or_string && set {
            let why = "must be false if x-kubernetes-int-or-string is true";
            errors.push(Error::invalid(path.child(field), &true.into(), why));
        }
    }
    let first_all_of = schema.list("allOf").first().is_some_and(is_int_or_string);
    errors.extend(rules(schema, is_int_or_string(schema), first_all_of, path));
    let type_path = path.child("type");
    if embedded && kind != "object" {
        errors.push(must_be(
            type_path.clone(),
            kind,
            "must be object if x-kubernetes-embedded-resource is true",
        ));
    } else if kind.is_empty() && !int_or_string && !preserves {
        let place = match level {
            Level::Root => "at the root",
            Level::Item => "for specified array items",
            Level::Field => "for specified object fields",
        };
        errors.push(Error::required(type_path.clone(), &format!("must not be empty {place}")));
    }
    if embedded && values.is_some() {
        let why = "must not be used if x-kubernetes-embedded-resource is set";
        errors.push(Error::forbidden(values_path, why));
    }
    if level == Level::Root && !matches!(kind, "" | "object") {
        errors.push(Error::invalid(type_path, &kind.into(), "must be object at the root"));
    }
    errors.extend(object_fields(schema, level, embedded, path));
    let empty = schema.at("properties").as_object().is_none_or(serde_json::Map::is_empty);
    if embedded && !preserves && empty {
        let why = "must not be empty if x-kubernetes-embedded-resource is true without \
                   x-kubernetes-preserve-unknown-fields";
        errors.push(Error::required(path.child("properties"), why));
    }
    errors
}

/// What a schema may say about the fields that every object has.
fn object_fields(schema: &Value, level: Level, embedded: bool, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let (properties, path) = (schema.at("properties"), path.child("properties"));
    let is_object = level == Level::Root || embedded;
    for name in ["kind", "apiVersion"] {
        let kind = properties.at(name).text("type");
        if is_object && properties.has(name) && kind != "string" {
            errors.push(Error::invalid(path.key(name).child("type"), &kind.into(), "must be string"));
        }
    }
    let Some(metadata) = properties.field("metadata") else { return errors };
    let (kind, path) = (metadata.text("type"), path.key("metadata"));
    if is_object && kind != "object" {
        errors.push(Error::invalid(path.child("type"), &kind.into(), "must be object"));
    }
    let names = |properties: &Value| {
        let mut names = properties.as_object().into_iter().flatten().map(|(name, _)| name.as_str());
        names.all(|name| matches!(name, "name" | "generateName"))
    };
    let is_free = |(name, value): (&String, &Value)| match name.as_str() {
        "type" | "default" => true,
        "properties" => names(value),
        _ => is_zero(value),
    };
    if level == Level::Root && !metadata.as_object().into_iter().flatten().all(is_free) {
        let why = "must not specify anything other than name and generateName, but metadata is implicitly specified";
        errors.push(Error::forbidden(path, why));
    }
    errors
}

/// `anyOf: [{type: integer}, {type: string}]`, the one place where a rule may have types.
fn is_int_or_string(schema: &Value) -> bool {
    let is = |schema: &Value, kind: &str| {
        let mut fields = schema.as_object().into_iter().flatten();
        schema.text("type") == kind && fields.all(|(name, value)| name == "type" || is_zero(value))
    };
    matches!(schema.list("anyOf"), [one, two] if is(one, "integer") && is(two, "string"))
}

fn rules(schema: &Value, skip_any_of: bool, skip_first_any_of: bool, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    for field in ["anyOf", "allOf", "oneOf"] {
        if field == "anyOf" && skip_any_of {
            continue;
        }
        for (index, inner) in schema.list(field).iter().enumerate() {
            let skip = field == "allOf" && index == 0 && skip_first_any_of;
            errors.extend(nested(inner, skip, &path.child(field).index(index)));
        }
    }
    if let Some(not) = schema.field("not") {
        errors.extend(nested(not, false, &path.child("not")));
    }
    errors
}

/// A schema below `allOf`, `anyOf`, `oneOf` or `not`: rules for a value that is declared elsewhere.
fn nested(schema: &Value, skip_any_of: bool, path: &Path) -> Vec<Error> {
    let mut errors = rules(schema, skip_any_of, false, path);
    if let Some(items) = schema.field("items").filter(|items| items.is_object()) {
        errors.extend(nested(items, false, &path.child("items")));
    }
    for (name, property) in schema.at("properties").as_object().into_iter().flatten() {
        errors.extend(nested(property, false, &path.child("properties").key(name)));
    }
    for (field, why) in DECLARATIONS {
        let set = match schema.field(field) {
            Some(Value::Bool(false)) | None => false,
            Some(Value::String(text)) => !text.is_empty() || field.ends_with("-type"),
            Some(Value::Array(list)) => !list.is_empty(),
            Some(_) => true,
        };
        if set {
            errors.push(Error::forbidden(path.child(field), &format!("must be {why} to be structural")));
        }
    }
    if schema.at("properties").has("metadata") {
        let path = path.child("properties").key("metadata");
        errors.push(Error::forbidden(path, "must not be specified in a nested context"));
    }
    errors
}

/// The fields that declare a value, and what they must be below a rule.
const DECLARATIONS: [(&str, &str); 13] = [
    ("type", "empty"),
    ("additionalProperties", "undefined"),
    ("default", "undefined"),
    ("title", "empty"),
    ("description", "empty"),
    ("nullable", "false"),
    ("x-kubernetes-preserve-unknown-fields", "false"),
    ("x-kubernetes-embedded-resource", "false"),
    ("x-kubernetes-int-or-string", "false"),
    ("x-kubernetes-list-map-keys", "empty"),
    ("x-kubernetes-list-type", "undefined"),
    ("x-kubernetes-map-type", "undefined"),
    ("x-kubernetes-validations", "empty"),
];

/// Whether everything that the rules of `rule` are about is declared in `schema`.
fn complete(rule: &Value, schema: Option<&Value>, path: &Path, rule_path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let not = rule.field("not").map(|not| (not, rule_path.child("not")));
    let listed = ["allOf", "anyOf", "oneOf"].into_iter().flat_map(|field| {
        let list = rule.list(field).iter().enumerate();
        list.map(move |(index, inner)| (inner, rule_path.child(field).index(index)))
    });
    for (inner, inner_path) in not.into_iter().chain(listed) {
        errors.extend(nested_complete(inner, schema, path, &inner_path));
    }
    errors
}

fn nested_complete(rule: &Value, schema: Option<&Value>, path: &Path, rule_path: &Path) -> Vec<Error> {
    let Some(schema) = schema else {
        return vec![Error::required(path.clone(), &format!("because it is defined in {rule_path}"))];
    };
    let mut errors = complete(rule, Some(schema), path, rule_path);
    if let Some(items) = rule.field("items").filter(|items| items.is_object()) {
        let declared = schema.field("items").filter(|items| items.is_object());
        errors.extend(nested_complete(items, declared, &path.child("items"), &rule_path.child("items")));
    }
    for (name, property) in rule.at("properties").as_object().into_iter().flatten() {
        let (path, rule_path) = (path.child("properties").key(name), rule_path.child("properties").key(name));
        errors.extend(nested_complete(property, schema.at("properties").field(name), &path, &rule_path));
    }
    errors
}

/// `Required` without a value, `Invalid` with a wrong one.
pub(super) fn must_be(path: Path, value: &str, why: &str) -> Error {
    if value.is_empty() { Error::required(path, why) } else { Error::invalid(path, &value.into(), why) }
}

/// What Go takes for a field that is not set.
pub(super) fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}
