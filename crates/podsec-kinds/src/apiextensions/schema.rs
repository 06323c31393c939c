//! What a schema of a CustomResourceDefinition may say (`validateCustomResourceDefinitionValidation` of
//! k8s.io/apiextensions-apiserver).

use std::cell::RefCell;
use std::collections::BTreeSet;

use podsec_apimachinery::field::{self, Error, Path};
use podsec_apimachinery::schema::Structural;
use podsec_apimachinery::schema::structural::Patterns;
use serde_json::{Map, Value, json};

use super::rules::{Scope, Total};
use super::structural::{self, is_zero, must_be};
use crate::custom::field_path;
use crate::internal;
use crate::object::Fields;

/// What is known of the version that has a schema.
#[derive(Clone, Copy)]
pub(super) struct Holder {
    /// Whether its objects have a status of their own.
    pub(super) has_status: bool,
    /// Whether the stored definition has the same schema.
    pub(super) unchanged: bool,
}

/// The errors of the `openAPIV3Schema` of `validation`, which stands at `path`.
pub(super) fn validate(
    validation: &Value,
    holder: Holder,
    path: &Path,
    patterns: &mut Patterns,
) -> Vec<Error> {
    let Some(schema) = validation.field("openAPIV3Schema") else { return Vec::new() };
    let path = path.child("openAPIV3Schema");
    let mut errors = Vec::new();
    if holder.has_status {
        errors.extend(root_with_status(schema, &path));
    }
    if schema.flag("nullable") {
        errors.push(Error::forbidden(path.child("nullable"), "nullable cannot be true at the root"));
    }
    let (unsupported, total) = (unsupported(schema), RefCell::new(Total::default()));
    let (mut wrong, mut more) = (Vec::new(), Vec::new());
    if unsupported.is_none() {
        wrong = structural::validate(schema, &path);
        if wrong.is_empty() {
            // Patterns and defaults.
            more = Structural::parse(schema, &path, patterns).err().unwrap_or_default();
        }
    }
    // Only the rules of a schema that is right are looked at.
    let is_right = unsupported.is_none() && wrong.is_empty() && more.is_empty();
    let rules = is_right.then(|| Scope::root(&total, holder.unchanged));
    let place = Checked { defaults_forbidden: None, in_metadata: false, rules };
    let checked = place.schema(schema, &path, true);
    errors.extend(more.into_iter().filter(|error| !checked.schema.contains(error)));
    errors.extend(wrong);
    errors.extend(checked.schema);
    errors.extend(checked.rules);
    if let (true, Some(why)) = (errors.is_empty(), unsupported) {
        errors.push(Error::invalid(path.clone(), &"".into(), why));
    }
    errors.extend(total.borrow().errors(&path));
    errors
}

/// What is wrong with a schema and all in it.
#[derive(Default)]
struct Found {
    schema: Vec<Error>,
    /// What is wrong with expressions of rules, which Kubernetes tells after everything else.
    rules: Vec<Error>,
}

impl Found {
    fn extend(&mut self, other: Self) {
        self.schema.extend(other.schema);
        self.rules.extend(other.rules);
    }
}

/// With a status subresource, the status is judged by `properties.status` alone.
fn root_with_status(schema: &Value, path: &Path) -> Option<Error> {
    let set = |field: &str| match schema.field(field) {
        None => false,
        Some(Value::Bool(set)) => *set || field == "x-kubernetes-preserve-unknown-fields",
        Some(value) => !is_zero(value),
    };
    for field in FIELDS {
        if !set(field) {
            continue;
        }
        if field == "type" {
            if schema.text("type") != "object" {
                let why = "only \"object\" is allowed as the type at the root of the schema if the status \
                           subresource is enabled";
                return Some(Error::invalid(path.child("type"), schema.at("type"), why));
            }
        } else if !AT_ROOT.contains(&field) {
            let why = format!(
                "only [{ALLOWED}] fields are allowed at the root of the schema if the status subresource is enabled"
            );
            return Some(internal::invalid(
                path.clone(),
                "apiextensions.JSONSchemaProps",
                &shown(schema),
                &why,
            ));
        }
    }
    None
}

/// A schema with its alternatives of types as the internal struct has them.
pub(super) fn shown(schema: &Value) -> Value {
    let Some(fields) = schema.as_object() else { return schema.clone() };
    let map = |value: &Value| match value.as_object() {
        Some(entries) => entries.iter().map(|(name, value)| (name.clone(), shown(value))).collect(),
        None => value.clone(),
    };
    let each = |value: &Value| match value.as_array() {
        Some(list) => list.iter().map(shown).collect(),
        None => value.clone(),
    };
    let shown = fields.iter().map(|(name, value)| {
        let value = match (name.as_str(), value) {
            (_, Value::Null) => Value::Null,
            ("items", Value::Array(_)) => json!({"jSONSchemas": each(value)}),
            ("items", value) => json!({"schema": shown(value)}),
            ("additionalProperties" | "additionalItems", Value::Bool(allows)) => json!({"allows": allows}),
            ("additionalProperties" | "additionalItems", value) => {
                json!({"allows": true, "schema": shown(value)})
            }
            ("properties" | "patternProperties" | "definitions", value) => map(value),
            ("allOf" | "anyOf" | "oneOf", value) => each(value),
            ("not", value) => shown(value),
            (_, value) => value.clone(),
        };
        (name.clone(), value)
    });
    Value::Object(shown.collect::<Map<_, _>>())
}

/// The first field of a schema that no structural schema can have, as Kubernetes words it.
fn unsupported(schema: &Value) -> Option<&'static str> {
    let set = |field: &str| match schema.field(field) {
        Some(Value::Object(entries)) => field == "additionalItems" || !entries.is_empty(),
        Some(Value::Bool(_)) => field == "additionalItems",
        Some(value) => !is_zero(value),
        None => false,
    };
    let own = [
        ("id", "OpenAPIV3Schema 'id' is not supported"),
        ("$schema", "OpenAPIV3Schema 'schema' is not supported"),
        ("$ref", "OpenAPIV3Schema '$ref' is not supported"),
        ("patternProperties", "OpenAPIV3Schema 'patternProperties' is not supported"),
        ("dependencies", "OpenAPIV3Schema 'dependencies' is not supported"),
        ("additionalItems", "OpenAPIV3Schema 'additionalItems' is not supported"),
        ("definitions", "OpenAPIV3Schema 'definitions' is not supported"),
    ];
    let own = own.into_iter().find(|(field, _)| set(field)).map(|(_, why)| why);
    let array = || {
        let why = "OpenAPIV3Schema 'items' must be a schema, but is an array";
        schema.at("items").is_array().then_some(why)
    };
    own.or_else(array).or_else(|| inner(schema).into_iter().find_map(unsupported))
}

/// The schemas in a schema.
pub(super) fn inner(schema: &Value) -> Vec<&Value> {
    let mut inner = Vec::new();
    for field in ["items", "not", "additionalProperties", "additionalItems"] {
        inner.extend(schema.field(field).filter(|value| value.is_object()));
    }
    for field in ["items", "allOf", "anyOf", "oneOf"] {
        inner.extend(schema.list(field));
    }
    for field in ["properties", "patternProperties", "definitions"] {
        inner.extend(schema.at(field).as_object().into_iter().flatten().map(|(_, value)| value));
    }
    inner
}

/// Whether a schema, or one in it, is as asked.
pub(super) fn any(schema: &Value, is: &dyn Fn(&Value) -> bool) -> bool {
    is(schema) || inner(schema).into_iter().any(|inner| any(inner, is))
}

/// What holds where a schema stands.
#[derive(Clone, Copy)]
struct Checked<'a> {
    /// Why there may be no default here.
    defaults_forbidden: Option<&'a str>,
    in_metadata: bool,
    /// How rules are judged; `None` where they are not.
    rules: Option<Scope<'a>>,
}

impl Checked<'_> {
    fn schema(self, schema: &Value, path: &Path, is_root: bool) -> Found {
        let mut found = Found::default();
        let mut errors = self.forbidden(schema, path);
        let below = self.rules.map(|rules| rules.below(schema));
        let without_rules = Checked { rules: None, ..self };
        if schema.flag("uniqueItems") {
            let why = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
            errors.push(Error::forbidden(path.child("uniqueItems"), why));
        }
        let properties = schema.at("properties").as_object().filter(|properties| !properties.is_empty());
        if let Some(values) = schema.field("additionalProperties") {
            let path = path.child("additionalProperties");
            if properties.is_some() && values != &Value::Bool(true) {
                let why = "additionalProperties and properties are mutual exclusive";
                errors.push(Error::forbidden(path.clone(), why));
            }
            if values.is_object() {
                let inside = "inside additionalProperties applying to object metadata";
                let mut inner = Checked { rules: below, ..self };
                if self.in_metadata {
                    inner.defaults_forbidden = Some(inside);
                }
                found.extend(inner.schema(values, &path, false));
            }
        }
        for (name, property) in properties.into_iter().flatten() {
            let of_object = is_root || schema.flag("x-kubernetes-embedded-resource");
            let of_object = of_object && matches!(name.as_str(), "metadata" | "kind" | "apiVersion");
            let top = format!("in top-level {name}");
            let mut inner = Checked { in_metadata: self.in_metadata || of_object, rules: below, ..self };
            if of_object && is_root {
                inner.defaults_forbidden = Some(&top);
            }
            found.extend(inner.schema(property, &path.child("properties").key(name), false));
        }
        if let Some(not) = schema.field("not") {
            found.extend(without_rules.schema(not, &path.child("not"), false));
        }
        for field in ["allOf", "oneOf", "anyOf"] {
            for (index, inner) in schema.list(field).iter().enumerate() {
                found.extend(without_rules.schema(inner, &path.child(field).index(index), false));
            }
        }
        for (name, inner) in schema.at("definitions").as_object().into_iter().flatten() {
            found.extend(without_rules.schema(inner, &path.child("definitions").key(name), false));
        }
        // Only in lists with keys a stored item is known to belong to a new one.
        let with_keys = schema.text("x-kubernetes-list-type") == "map";
        let rules = below.map(|below| if with_keys { below } else { below.uncorrelatable(path) });
        let of_items = Checked { rules, ..self };
        if let Some(items) = schema.field("items").filter(|items| items.is_object()) {
            found.extend(of_items.schema(items, &path.child("items"), false));
        }
        for (index, items) in schema.list("items").iter().enumerate() {
            found.extend(of_items.schema(items, &path.child("items").index(index), false));
        }
        errors.extend(extensions(schema, path));
        errors.extend(list_map(schema, path));
        errors.extend(keys_and_items(schema, path));
        let rules_path = path.child("x-kubernetes-validations");
        for (index, rule) in schema.list("x-kubernetes-validations").iter().enumerate() {
            errors.extend(validation_rule(schema, rule, &rules_path.index(index)));
        }
        found.schema.extend(errors);
        if let (true, Some(rules)) = (found.schema.is_empty(), self.rules) {
            found.rules.extend(rules.errors(schema, is_root, path));
        }
        found
    }

    /// What Kubernetes allows in no schema.
    fn forbidden(self, schema: &Value, path: &Path) -> Vec<Error> {
        let mut errors = Vec::new();
        let kind = schema.text("type");
        if !kind.is_empty() && !TYPES.contains(&kind) {
            errors.push(Error::not_supported(path.child("type"), &kind.into(), &TYPES));
        }
        if let (true, Some(why)) = (schema.has("default"), self.defaults_forbidden) {
            errors.push(Error::forbidden(path.child("default"), &format!("must not be set {why}")));
        }
        for field in ["id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref"] {
            let set = match schema.field(field) {
                Some(Value::Object(entries)) => {
                    !matches!(field, "patternProperties" | "definitions") || !entries.is_empty()
                }
                Some(Value::String(text)) => field == "$ref" || !text.is_empty(),
                Some(_) => true,
                None => false,
            };
            if set {
                errors.push(Error::forbidden(path.child(field), &format!("{field} is not supported")));
            }
        }
        if kind == "null" {
            let why = "type cannot be set to null, use nullable as an alternative";
            errors.push(Error::forbidden(path.child("type"), why));
        }
        if !schema.list("items").is_empty() {
            let why = "items must be a schema object and not an array";
            errors.push(Error::forbidden(path.child("items"), why));
        }
        if self.in_metadata && schema.flag("x-kubernetes-embedded-resource") {
            let why = "must not be used inside of resource meta";
            errors.push(Error::forbidden(path.child("x-kubernetes-embedded-resource"), why));
        }
        errors
    }
}

fn extensions(schema: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let kind = schema.text("type");
    if schema.field("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(false)) {
        let path = path.child("x-kubernetes-preserve-unknown-fields");
        errors.push(Error::invalid(path, &false.into(), "must be true or undefined"));
    }
    let map_path = path.child("x-kubernetes-map-type");
    if let Some(map_type) = schema.field("x-kubernetes-map-type") {
        if kind != "object" {
            let why = "must be object if x-kubernetes-map-type is specified";
            errors.push(must_be(path.child("type"), kind, why));
        }
        if !matches!(map_type.as_str(), Some("atomic" | "granular")) {
            errors.push(Error::not_supported(map_path, map_type, &["atomic", "granular"]));
        }
    }
    let Some(list_type) = schema.field("x-kubernetes-list-type") else { return errors };
    let items = schema.at("items");
    if kind != "array" {
        let why = "must be array if x-kubernetes-list-type is specified";
        errors.push(must_be(path.child("type"), kind, why));
    } else if list_type == "set" && items.is_object() {
        let wrong = match items.text("type") {
            "array" => items
                .field("x-kubernetes-list-type")
                .is_some_and(|list_type| list_type != "atomic")
                .then_some("x-kubernetes-list-type"),
            "object" => (items.text("x-kubernetes-map-type") != "atomic").then_some("x-kubernetes-map-type"),
            _ => None,
        };
        if let Some(field) = wrong {
            let (path, shown) = (path.child("items").child(field), items.at("x-kubernetes-list-type"));
            let why = "must be atomic as item of a list with x-kubernetes-list-type=set";
            errors.push(Error::invalid_json(path, &field::json(shown), why));
        }
    }
    if !matches!(list_type.as_str(), Some("atomic" | "set" | "map")) {
        let path = path.child("x-kubernetes-list-type");
        errors.push(Error::not_supported(path, list_type, &["atomic", "set", "map"]));
    }
    errors
}

/// The keys of lists that are merged like maps.
fn list_map(schema: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let (list_type, keys) =
        (schema.field("x-kubernetes-list-type"), schema.list("x-kubernetes-list-map-keys"));
    let keys_path = path.child("x-kubernetes-list-map-keys");
    if !keys.is_empty() && list_type.is_none_or(|list_type| list_type != "map") {
        let why = "must be map if x-kubernetes-list-map-keys is non-empty";
        let path = path.child("x-kubernetes-list-type");
        errors.push(match list_type {
            Some(list_type) => Error::invalid(path, list_type, why),
            None => Error::required(path, why),
        });
    }
    if list_type.is_none_or(|list_type| list_type != "map") {
        return errors;
    }
    if keys.is_empty() {
        let why = "must not be empty if x-kubernetes-list-type is map";
        errors.push(Error::required(keys_path.clone(), why));
    }
    let items = schema.at("items");
    if items.is_null() {
        let why = "must have a schema if x-kubernetes-list-type is map";
        errors.push(Error::required(path.child("items"), why));
    }
    if !items.is_object() {
        return errors;
    }
    let kind = items.text("type");
    if kind != "object" {
        let why = "must be object if parent array's x-kubernetes-list-type is map";
        errors.push(Error::invalid(path.child("items").child("type"), &kind.into(), why));
        return errors;
    }
    let mut seen = BTreeSet::new();
    for key in keys.iter().filter_map(Value::as_str) {
        match items.at("properties").field(key) {
            Some(property) if matches!(property.text("type"), "array" | "object") => {
                let path = path.child("items").child("properties").key(key).child("type");
                let why = "must be a scalar type if parent array's x-kubernetes-list-type is map";
                errors.push(Error::invalid(path, &kind.into(), why));
            }
            Some(_) => {}
            None => {
                let why = "entries must all be names of item properties";
                errors.push(Error::invalid(keys_path.clone(), schema.at("x-kubernetes-list-map-keys"), why));
            }
        }
        if !seen.insert(key) {
            let why = "must not contain duplicate entries";
            errors.push(Error::invalid(keys_path.clone(), schema.at("x-kubernetes-list-map-keys"), why));
        }
    }
    errors
}

/// Items of sets and maps have a value, and keys of maps too.
fn keys_and_items(schema: &Value, path: &Path) -> Vec<Error> {
    let (items, list_type) = (schema.at("items"), schema.text("x-kubernetes-list-type"));
    if !items.is_object() || !matches!(list_type, "set" | "map") {
        return Vec::new();
    }
    let (mut errors, path) = (Vec::new(), path.child("items"));
    if items.flag("nullable") {
        let why = format!("cannot be nullable when x-kubernetes-list-type is {list_type}");
        errors.push(Error::forbidden(path.child("nullable"), &why));
    }
    if list_type == "map" {
        for key in schema.list("x-kubernetes-list-map-keys").iter().filter_map(Value::as_str) {
            let Some(property) = items.at("properties").field(key) else { continue };
            let path = path.child("properties").key(key);
            if !items.list("required").iter().any(|required| required == key) && !property.has("default") {
                let why = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a \
                           required property";
                errors.push(Error::required(path.child("default"), why));
            }
            if property.flag("nullable") {
                let why = "this property is in x-kubernetes-list-map-keys, so it cannot be nullable";
                errors.push(Error::forbidden(path.child("nullable"), why));
            }
        }
    }
    errors
}

/// One of `x-kubernetes-validations`, without its expressions.
fn validation_rule(schema: &Value, rule: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let breaks = |text: &str| text.contains(['\n', '\r']);
    let (text, message) = (rule.text("rule").trim(), rule.text("message"));
    let message_path = path.child("message");
    if text.is_empty() {
        errors.push(Error::required(path.child("rule"), "rule is not specified"));
    } else if !message.is_empty() && message.trim().is_empty() {
        errors.push(Error::invalid(message_path, &message.into(), "must be non-empty if specified"));
    } else if breaks(message.trim()) {
        errors.push(Error::invalid(message_path, &message.into(), "must not contain line breaks"));
    } else if breaks(text) && message.is_empty() {
        errors.push(Error::required(message_path, "message must be specified if rule contains line breaks"));
    }
    let expression = rule.text("messageExpression");
    if !expression.is_empty() && expression.trim().is_empty() {
        let why = "messageExpression must be non-empty if specified";
        errors.push(Error::required(path.child("messageExpression"), why));
    }
    if let Some(reason) =
        rule.field("reason").filter(|reason| !reason.as_str().is_some_and(|one| REASONS.contains(&one)))
    {
        errors.push(Error::not_supported(path.child("reason"), reason, &REASONS));
    }
    let (field, path) = (rule.text("fieldPath"), path.child("fieldPath"));
    if !field.is_empty() && field.trim().is_empty() {
        errors.push(Error::invalid(path.clone(), &field.into(), "must be non-empty if specified"));
    }
    if breaks(field) {
        errors.push(Error::invalid(path.clone(), &field.into(), "must not contain line breaks"));
    }
    if !field.is_empty() && field_path::resolve(field, schema, true).is_err() {
        errors.push(Error::invalid(path, &field.into(), "must be a valid path"));
    }
    errors
}

/// The formats of a schema that nothing checks, in the order of Kubernetes' walk.
pub(super) fn unknown_formats(schema: &Value) -> Vec<&str> {
    let mut found = Vec::new();
    let format = schema.text("format");
    let known = format.is_empty()
        || match schema.text("type") {
            "" | "string" => FORMATS.contains(&format.replace('-', "").as_str()),
            "integer" => matches!(format, "int32" | "int64"),
            "number" => matches!(format, "float" | "double"),
            _ => false,
        };
    if !known {
        found.push(format);
    }
    found.extend(inner(schema).into_iter().flat_map(unknown_formats));
    found
}

const TYPES: [&str; 6] = ["array", "boolean", "integer", "number", "object", "string"];
const REASONS: [&str; 4] =
    ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];
const FORMATS: [&str; 26] = [
    "bsonobjectid",
    "uri",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "cidr",
    "mac",
    "uuid",
    "uuid3",
    "uuid4",
    "uuid5",
    "isbn",
    "isbn10",
    "isbn13",
    "creditcard",
    "ssn",
    "hexcolor",
    "rgbcolor",
    "byte",
    "password",
    "date",
    "duration",
    "datetime",
    "k8sshortname",
    "k8slongname",
];
/// The fields of a schema, in the order of the internal struct.
const FIELDS: [&str; 44] = [
    "id",
    "$schema",
    "$ref",
    "description",
    "type",
    "nullable",
    "format",
    "title",
    "default",
    "maximum",
    "exclusiveMaximum",
    "minimum",
    "exclusiveMinimum",
    "maxLength",
    "minLength",
    "pattern",
    "maxItems",
    "minItems",
    "uniqueItems",
    "multipleOf",
    "enum",
    "maxProperties",
    "minProperties",
    "required",
    "items",
    "allOf",
    "oneOf",
    "anyOf",
    "not",
    "properties",
    "additionalProperties",
    "patternProperties",
    "dependencies",
    "additionalItems",
    "definitions",
    "externalDocs",
    "example",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-embedded-resource",
    "x-kubernetes-int-or-string",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-list-type",
    "x-kubernetes-map-type",
    "x-kubernetes-validations",
];
const AT_ROOT: [&str; 22] = [
    "description",
    "type",
    "format",
    "title",
    "maximum",
    "exclusiveMaximum",
    "minimum",
    "exclusiveMinimum",
    "maxLength",
    "minLength",
    "pattern",
    "maxItems",
    "minItems",
    "uniqueItems",
    "multipleOf",
    "required",
    "items",
    "properties",
    "externalDocs",
    "example",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-validations",
];
const ALLOWED: &str = "Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength \
    Pattern MaxItems MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs Example \
    XPreserveUnknownFields XValidations";
