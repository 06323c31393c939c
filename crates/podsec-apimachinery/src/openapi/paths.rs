//! The paths of an OpenAPI v3 document: what can be done with each resource.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::index::root;
use super::names::{META, reference, schema_name};
use crate::schema::Definitions;
use crate::schema::catalog::{Resource, Verb};

/// The paths of some resources and of their subresources, which refer to these schemas.
pub(super) fn of(resources: &[Arc<Resource>], schemas: &Map<String, Value>) -> Map<String, Value> {
    let mut paths = Map::new();
    for resource in resources {
        let kind =
            GroupVersionKind { group: &resource.group, version: &resource.version, kind: &resource.kind };
        let list = GroupVersionKind { kind: &resource.list_kind, ..kind };
        let root = format!("/{}", root(&resource.group, &resource.version));
        let scope = if resource.namespaced { "/namespaces/{namespace}" } else { "" };
        let collection = format!("{root}{scope}/{}", resource.resource);
        let item = format!("{collection}/{{name}}");
        let mut on_collection = Operations::new(schemas, resource.namespaced, false);
        let mut on_item = Operations::new(schemas, resource.namespaced, true);
        for verb in &resource.verbs {
            match verb {
                Verb::Create | Verb::DeleteCollection => on_collection.add(*verb, kind, kind),
                Verb::List => on_collection.add(*verb, kind, list),
                Verb::Delete | Verb::Get | Verb::Patch | Verb::Update => on_item.add(*verb, kind, kind),
                // A watch is a list with a parameter.
                Verb::Watch => {}
            }
        }
        if resource.namespaced && resource.allows(Verb::List) {
            let mut everywhere = Operations::new(schemas, false, false);
            everywhere.add(Verb::List, kind, list);
            everywhere.insert_into(&mut paths, format!("{root}/{}", resource.resource));
        }
        for sub in &resource.subresources {
            let kind = GroupVersionKind { group: &sub.group, version: &sub.version, kind: &sub.kind };
            let mut operations = Operations::new(schemas, resource.namespaced, true);
            for verb in &sub.verbs {
                operations.add(*verb, kind, kind);
            }
            operations.insert_into(&mut paths, format!("{item}/{}", sub.name));
        }
        on_collection.insert_into(&mut paths, collection);
        on_item.insert_into(&mut paths, item);
    }
    paths
}

#[derive(Clone, Copy)]
struct GroupVersionKind<'a> {
    group: &'a str,
    version: &'a str,
    kind: &'a str,
}

/// The operations on one path.
struct Operations<'a> {
    schemas: &'a Map<String, Value>,
    methods: Map<String, Value>,
}

impl<'a> Operations<'a> {
    fn new(schemas: &'a Map<String, Value>, namespaced: bool, named: bool) -> Self {
        let parameter =
            |name: &str| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}});
        let parameters =
            [(named, "name"), (namespaced, "namespace")].into_iter().filter(|(applies, _)| *applies);
        let parameters: Vec<Value> = parameters.map(|(_, name)| parameter(name)).collect();
        Self { schemas, methods: Map::from_iter([("parameters".to_owned(), Value::from(parameters))]) }
    }

    fn insert_into(self, paths: &mut Map<String, Value>, path: String) {
        // Without an operation there is no path.
        if self.methods.len() > 1 {
            paths.insert(path, Value::Object(self.methods));
        }
    }

    fn add(&mut self, verb: Verb, kind: GroupVersionKind<'_>, answer: GroupVersionKind<'_>) {
        let (method, action, written) = match verb {
            Verb::Create => ("post", "post", &["dryRun", "fieldManager", "fieldValidation"][..]),
            Verb::Delete => ("delete", "delete", &["dryRun", "gracePeriodSeconds", "propagationPolicy"][..]),
            Verb::DeleteCollection => {
                ("delete", "deletecollection", &["dryRun", "fieldSelector", "labelSelector"][..])
            }
            Verb::Get => ("get", "get", &[][..]),
            Verb::List | Verb::Watch => (
                "get",
                "list",
                &["continue", "fieldSelector", "labelSelector", "limit", "resourceVersion", "watch"][..],
            ),
            Verb::Patch => ("patch", "patch", &["dryRun", "fieldManager", "fieldValidation", "force"][..]),
            Verb::Update => ("put", "put", &["dryRun", "fieldManager", "fieldValidation"][..]),
        };
        let parameter = |name: &&str| {
            let kind = match *name {
                "force" | "watch" => "boolean",
                "gracePeriodSeconds" | "limit" => "integer",
                _ => "string",
            };
            json!({"name": name, "in": "query", "schema": {"type": kind}})
        };
        // What is connected to, and not answered by an object, has no schema.
        let schema = |name: &str| {
            let known = self.schemas.contains_key(name);
            json!({"schema": if known { json!({"$ref": reference(name)}) } else { json!({"type": "string"}) }})
        };
        let of = |kind: GroupVersionKind<'_>| schema(&schema_name(kind.group, kind.version, kind.kind));
        let answer = match verb {
            Verb::Delete | Verb::DeleteCollection => schema(&format!("{META}.Status")),
            _ => of(answer),
        };
        let mut operation = json!({
            "x-kubernetes-action": action,
            "x-kubernetes-group-version-kind": {"group": kind.group, "version": kind.version, "kind": kind.kind},
            "parameters": written.iter().map(parameter).collect::<Value>(),
            "responses": {"200": {"description": "OK", "content": {"application/json": answer}}},
        });
        let body = match verb {
            Verb::Create | Verb::Update => Some(json!({"*/*": of(kind)})),
            Verb::Delete | Verb::DeleteCollection => {
                Some(json!({"*/*": schema(&format!("{META}.DeleteOptions"))}))
            }
            Verb::Patch => {
                let patch = schema(&format!("{META}.Patch"));
                let is_builtin = Definitions::builtin().kind(kind.group, kind.version, kind.kind).is_some();
                // kubectl takes from here which patches it may send.
                let types = PATCH_TYPES.iter().filter(|name| is_builtin || **name != STRATEGIC_MERGE_PATCH);
                Some(types.map(|media_type| ((*media_type).to_owned(), patch.clone())).collect())
            }
            Verb::Get | Verb::List | Verb::Watch => None,
        };
        if let (Some(body), Value::Object(operation)) = (body, &mut operation) {
            operation.insert("requestBody".to_owned(), json!({"content": body}));
        }
        self.methods.insert(method.to_owned(), operation);
    }
}

const PATCH_TYPES: [&str; 4] = [
    "application/apply-patch+yaml",
    "application/json-patch+json",
    "application/merge-patch+json",
    STRATEGIC_MERGE_PATCH,
];

/// What custom objects do not take: nothing says how their lists merge.
const STRATEGIC_MERGE_PATCH: &str = "application/strategic-merge-patch+json";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Catalog;

    fn paths(group: &str) -> Map<String, Value> {
        of(&Catalog::builtin().version(group, "v1").unwrap().resources, &Map::new())
    }

    #[test]
    fn a_patch_tells_its_kind_and_that_fields_are_validated() {
        let paths = paths("apps");
        let patch = &paths["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"];
        assert_eq!(
            patch["x-kubernetes-group-version-kind"],
            json!({"group": "apps", "version": "v1", "kind": "Deployment"})
        );
        let names: Vec<&Value> = patch["parameters"].as_array().unwrap().iter().map(|p| &p["name"]).collect();
        assert_eq!(names, ["dryRun", "fieldManager", "fieldValidation", "force"]);
        let scale = &paths["/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale"]["get"];
        assert_eq!(scale["x-kubernetes-group-version-kind"]["kind"], "Scale");
    }

    #[test]
    fn a_path_has_what_discovery_offers_and_no_more() {
        let core = paths("");
        let methods = |path: &str| -> Vec<&str> {
            core[path].as_object().unwrap().keys().map(String::as_str).collect()
        };
        assert_eq!(methods("/api/v1/namespaces/{namespace}/pods"), ["delete", "get", "parameters", "post"]);
        assert_eq!(methods("/api/v1/pods"), ["get", "parameters"]);
        assert_eq!(methods("/api/v1/namespaces"), ["get", "parameters", "post"]);
        assert_eq!(methods("/api/v1/namespaces/{name}"), ["delete", "get", "parameters", "patch", "put"]);
        assert_eq!(methods("/api/v1/namespaces/{namespace}/bindings"), ["parameters", "post"]);
        assert!(!core.contains_key("/api/v1/namespaces/{namespace}/bindings/{name}"));
        assert!(!core.contains_key("/api/v1/bindings"));
    }
}
