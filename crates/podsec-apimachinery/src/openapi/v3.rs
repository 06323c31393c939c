//! The OpenAPI v3 document of a group version.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::index::{CustomSchema, INFO};
use super::names::{META, reference, schema_name};
use super::paths;
use crate::schema::catalog::{Catalog, Resource};
use crate::schema::document as definitions;

/// `/openapi/v3/api/v1`, `/openapi/v3/apis/GROUP/VERSION`: the paths of a group version, and all schemas that they and
/// each other refer to. None for an unknown version.
pub fn document(catalog: &Catalog, group: &str, version: &str, custom: CustomSchema<'_>) -> Option<Value> {
    let resources = &catalog.version(group, version)?.resources;
    let mut components = Components::new();
    for resource in resources {
        components.require_resource(resource, custom);
    }
    let schemas = components.finish();
    Some(json!({
        "openapi": "3.0.0",
        "info": INFO,
        "paths": paths::of(resources, &schemas),
        "components": {"schemas": schemas},
    }))
}

/// The schemas of a document as they come together.
struct Components {
    published: BTreeMap<String, Box<RawValue>>,
    schemas: Map<String, Value>,
    required: BTreeSet<String>,
}

impl Components {
    fn new() -> Self {
        let common = ["DeleteOptions", "Patch", "Status"].map(|kind| format!("{META}.{kind}"));
        Self { published: definitions::published(), schemas: Map::new(), required: BTreeSet::from(common) }
    }

    fn require_resource(&mut self, resource: &Resource, custom: CustomSchema<'_>) {
        let Resource { group, version, kind, .. } = resource;
        let own = schema_name(group, version, kind);
        let list = schema_name(group, version, &resource.list_kind);
        if self.published.contains_key(&own) {
            self.required.extend([own, list]);
        } else if let Some(schema) = custom(resource) {
            self.required.extend([format!("{META}.ObjectMeta"), format!("{META}.ListMeta")]);
            let items = json!({"type": "array", "items": {"$ref": reference(&own)}});
            self.schemas
                .insert(list, object(json!({}), resource, &resource.list_kind, "ListMeta", Some(items)));
            self.schemas.insert(own, object(schema, resource, kind, "ObjectMeta", None));
        }
        for sub in &resource.subresources {
            self.required.insert(schema_name(&sub.group, &sub.version, &sub.kind));
        }
    }

    /// The required schemas, and those that they refer to.
    fn finish(mut self) -> Map<String, Value> {
        while let Some(name) = self.required.pop_first() {
            let published = self.published.get(&name).and_then(|text| serde_json::from_str(text.get()).ok());
            if let (false, Some(schema)) = (self.schemas.contains_key(&name), published) {
                let converted = if name == QUANTITY { quantity(schema) } else { self.converted(schema) };
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
        if result.len() > 1
            && let Some(target) = result.remove("$ref")
        {
            result.insert("allOf".to_owned(), json!([{"$ref": target}]));
        }
        Value::Object(result)
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

const QUANTITY: &str = "io.k8s.apimachinery.pkg.api.resource.Quantity";

#[cfg(test)]
mod tests {
    use super::*;

    fn core() -> Value {
        document(Catalog::builtin(), "", "v1", &|_| None).unwrap()
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
                let document = document(catalog, &group.name, &version.name, &|_| None).unwrap();
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
        let document = document(&catalog, "stable.example.com", "v1", &|_| Some(schema.clone())).unwrap();
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
