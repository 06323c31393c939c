//! The OpenAPI v3 documents: one for each group version, each group, and each path that is no resource's.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::names::{INFO, META, reference, schema_name};
use super::place::Place;
use super::{fields, paths};
use crate::schema::catalog::{Catalog, Resource};
use crate::schema::document as definitions;

/// Where the schemas of custom resources come from: the `openAPIV3Schema` of a resource's version.
pub type CustomSchema<'a> = &'a dyn Fn(&Resource) -> Option<Value>;

/// The document of a place: its paths, and all schemas that they and each other refer to.
pub(super) fn document(catalog: &Catalog, place: Place<'_>, custom: CustomSchema<'_>) -> Option<Value> {
    let mut components = Components::new(place);
    let paths = match place {
        Place::GroupVersion { group, version } => {
            let resources = &catalog.version(group, version)?.resources;
            let is_builtin = Catalog::builtin().version(group, version).is_some();
            for resource in resources {
                components.add_custom(resource, custom);
            }
            paths::of(group, version, resources, is_builtin)
        }
        Place::Group(_) | Place::Fixed(_) => place.paths(),
    };
    components.require_all(&Value::Object(paths.clone()));
    let schemas = components.finish();
    let mut document = json!({
        "openapi": "3.0.0",
        "info": INFO,
        "paths": paths,
        "components": {"securitySchemes": {"BearerToken": {
            "type": "apiKey", "description": "Bearer Token authentication", "name": "authorization", "in": "header",
        }}},
    });
    if !schemas.is_empty() {
        document["components"]["schemas"] = schemas.into();
    }
    Some(document)
}

/// The names of the published definitions that a document of built-in resources needs.
pub(super) fn definition_names(catalog: &Catalog, place: Place<'_>) -> Vec<String> {
    let document = document(catalog, place, &|_| None).unwrap_or_default();
    let schemas = document["components"]["schemas"].as_object();
    schemas.into_iter().flat_map(Map::keys).cloned().collect()
}

/// The schemas of a document as they come together.
struct Components<'a> {
    place: Place<'a>,
    published: BTreeMap<String, Box<RawValue>>,
    schemas: Map<String, Value>,
    required: BTreeSet<String>,
}

impl<'a> Components<'a> {
    fn new(place: Place<'a>) -> Self {
        let published = definitions::published();
        Self { place, published, schemas: Map::new(), required: BTreeSet::new() }
    }

    /// A custom resource brings its own schema, and that of its list.
    fn add_custom(&mut self, resource: &Resource, custom: CustomSchema<'_>) {
        let Resource { group, version, kind, .. } = resource;
        let own = schema_name(group, version, kind);
        if self.published.contains_key(&own) {
            return;
        }
        let Some(schema) = custom(resource) else { return };
        let list = schema_name(group, version, &resource.list_kind);
        let items = json!({"type": "array", "items": {"$ref": reference(&own)}});
        let schemas = [
            (own, object(schema, resource, kind, "ObjectMeta", None)),
            (list, object(json!({}), resource, &resource.list_kind, "ListMeta", Some(items))),
        ];
        for (name, schema) in schemas {
            self.require_all(&schema);
            self.schemas.insert(name, schema);
        }
    }

    /// Requires everything that a part of the document refers to.
    fn require_all(&mut self, part: &Value) {
        match part {
            Value::Object(members) => {
                for (key, value) in members {
                    match (key.as_str(), value) {
                        ("$ref", Value::String(target)) => {
                            self.required.extend(target.rsplit('/').next().map(str::to_owned));
                        }
                        _ => self.require_all(value),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.require_all(item)),
            _ => {}
        }
    }

    /// The required schemas, and those that they refer to.
    fn finish(mut self) -> Map<String, Value> {
        while let Some(name) = self.required.pop_first() {
            let published = self.published.get(&name).and_then(|text| serde_json::from_str(text.get()).ok());
            if let (false, Some(mut schema)) = (self.schemas.contains_key(&name), published) {
                fields::add_values(&name, &mut schema);
                let mut converted = if name == QUANTITY { quantity(schema) } else { self.converted(schema) };
                add_defaults(&name, &mut converted);
                if OF_EVERY_GROUP.contains(&&*name)
                    && let Some(kinds) = converted.get_mut(KINDS).and_then(Value::as_array_mut)
                {
                    kinds.retain(|kind| self.place.is_of(kind));
                }
                self.schemas.insert(name, converted);
            }
        }
        self.schemas
    }

    /// A schema of v2 as one of v3. What it refers to is required from then on.
    fn converted(&mut self, schema: Value) -> Value {
        let Value::Object(schema) = schema else { return schema };
        if schema.get("format").is_some_and(|format| format == "int-or-string") {
            return either(schema, ["integer", "string"]);
        }
        let mut result = Map::new();
        for (key, value) in schema {
            let value = match (key.as_str(), value) {
                ("$ref", Value::String(target)) => {
                    let name = target.trim_start_matches("#/definitions/");
                    self.required.insert(name.to_owned());
                    Value::String(reference(name))
                }
                ("properties", Value::Object(fields)) => {
                    fields.into_iter().map(|(name, field)| (name, self.converted(field))).collect()
                }
                ("items" | "additionalProperties", value) => self.converted(value),
                (_, value) => value,
            };
            result.insert(key, value);
        }
        // Version 3 ignores whatever stands beside a reference.
        if result.len() > 1 {
            wrap_reference(&mut result);
        }
        Value::Object(result)
    }
}

fn wrap_reference(schema: &mut Map<String, Value>) {
    if let Some(target) = schema.remove("$ref") {
        schema.insert("allOf".to_owned(), json!([{"$ref": target}]));
    }
}

/// Version 2 says nothing of defaults.
fn add_defaults(name: &str, schema: &mut Value) {
    let required: Vec<String> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|field| field.as_str().map(str::to_owned))
        .collect();
    let Some(fields) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return };
    for (field, schema) in fields {
        let Some(schema) = schema.as_object_mut() else { continue };
        if let Some(default) = fields::default(name, field, schema, required.contains(field)) {
            wrap_reference(schema);
            schema.insert("default".to_owned(), default);
        }
    }
}

/// The schema of a custom object or of its list, completed by what all objects have.
fn object(schema: Value, resource: &Resource, kind: &str, metadata: &str, items: Option<Value>) -> Value {
    let mut schema = if let Value::Object(schema) = schema { schema } else { Map::new() };
    schema.insert("type".to_owned(), "object".into());
    schema.insert(
        "x-kubernetes-group-version-kind".to_owned(),
        json!([{"group": resource.group, "version": resource.version, "kind": kind}]),
    );
    let properties = schema.entry("properties").or_insert_with(|| json!({}));
    if let Value::Object(properties) = properties {
        properties.insert("apiVersion".to_owned(), json!({"type": "string"}));
        properties.insert("kind".to_owned(), json!({"type": "string"}));
        let metadata = json!({"$ref": reference(&format!("{META}.{metadata}"))});
        properties.insert("metadata".to_owned(), metadata);
        properties.extend(items.map(|items| ("items".to_owned(), items)));
    }
    Value::Object(schema)
}

fn quantity(schema: Value) -> Value {
    match schema {
        Value::Object(schema) => either(schema, ["string", "number"]),
        other => other,
    }
}

/// A schema of two types, which version 2 has no words for.
fn either(mut schema: Map<String, Value>, types: [&str; 2]) -> Value {
    schema.remove("type");
    schema.insert("oneOf".to_owned(), types.iter().map(|name| json!({"type": name})).collect());
    Value::Object(schema)
}

/// Kinds that every group has, and of which a document names its own.
const OF_EVERY_GROUP: [&str; 2] =
    ["io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions", "io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent"];
const KINDS: &str = "x-kubernetes-group-version-kind";
const QUANTITY: &str = "io.k8s.apimachinery.pkg.api.resource.Quantity";

#[cfg(test)]
mod tests {
    use super::*;

    fn core() -> Value {
        document(Catalog::builtin(), Place::GroupVersion { group: "", version: "v1" }, &|_| None).unwrap()
    }

    /// Every reference in a document.
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(members) => {
                for (key, value) in members {
                    match (key.as_str(), value) {
                        ("$ref", Value::String(target)) => found.push(target),
                        _ => references(value, found),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_of_every_document_is_met() {
        let catalog = Catalog::builtin();
        for group in catalog.groups() {
            for version in &group.versions {
                let place = Place::GroupVersion { group: &group.name, version: &version.name };
                let document = document(catalog, place, &|_| None).unwrap();
                let mut found = Vec::new();
                references(&document, &mut found);
                for target in found {
                    let pointer = target.replace('~', "~0");
                    assert!(document.pointer(pointer.trim_start_matches('#')).is_some(), "{target}");
                }
            }
        }
    }

    #[test]
    fn explain_finds_a_pod_and_its_fields() {
        let core = core();
        let pod = &core["components"]["schemas"]["io.k8s.api.core.v1.Pod"];
        assert_eq!(
            pod["x-kubernetes-group-version-kind"],
            json!([{"group": "", "version": "v1", "kind": "Pod"}])
        );
        let spec = &pod["properties"]["spec"];
        assert_eq!(spec["allOf"], json!([{"$ref": "#/components/schemas/io.k8s.api.core.v1.PodSpec"}]));
        let containers =
            &core["components"]["schemas"]["io.k8s.api.core.v1.PodSpec"]["properties"]["containers"];
        assert_eq!(containers["items"], json!({"$ref": "#/components/schemas/io.k8s.api.core.v1.Container"}));
        assert!(spec["description"].as_str().unwrap().starts_with("Specification of the desired behavior"));
    }

    #[test]
    fn values_of_two_types_have_both() {
        let core = core();
        let schemas = &core["components"]["schemas"];
        let types = |name: &str| schemas[name]["oneOf"].clone();
        assert_eq!(types(QUANTITY), json!([{"type": "string"}, {"type": "number"}]));
        assert_eq!(
            types("io.k8s.apimachinery.pkg.util.intstr.IntOrString"),
            json!([{"type": "integer"}, {"type": "string"}])
        );
    }

    #[test]
    fn a_custom_resource_is_explained_by_its_own_schema() {
        let mut catalog = Catalog::builtin().clone();
        let pods = Catalog::builtin().find("", "v1", "pods").unwrap();
        catalog.insert(Resource {
            group: "stable.example.com".to_owned(),
            kind: "Widget".to_owned(),
            list_kind: "WidgetList".to_owned(),
            resource: "widgets".to_owned(),
            subresources: Vec::new(),
            ..Resource::clone(pods)
        });
        let schema =
            json!({"type": "object", "properties": {"spec": {"type": "object", "description": "What."}}});
        let place = Place::GroupVersion { group: "stable.example.com", version: "v1" };
        let document = document(&catalog, place, &|_| Some(schema.clone())).unwrap();
        let schemas = &document["components"]["schemas"];
        let widget = &schemas["com.example.stable.v1.Widget"]["properties"];
        assert_eq!(widget["spec"]["description"], "What.");
        assert_eq!(
            widget["metadata"]["$ref"],
            "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
        );
        assert!(schemas[format!("{META}.ObjectMeta")].is_object());
        let list = &schemas["com.example.stable.v1.WidgetList"]["properties"]["items"]["items"];
        assert_eq!(list["$ref"], "#/components/schemas/com.example.stable.v1.Widget");
    }
}
