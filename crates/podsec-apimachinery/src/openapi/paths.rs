//! The paths of an OpenAPI v3 document: what can be done with each resource.
//!
//! ```text
//! resource ─► collection, item, all namespaces, watches, subresources ─► Item: its operations
//!                                             parameters that all of them share stand beside them
//! ```

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::names::{GroupVersionName, META, capitalized, reference, root, schema_name};
use super::parameters;
use crate::schema::catalog::{Resource, Verb};

/// The paths of the resources of a group version, and of their subresources.
pub(super) fn of(
    group: &str,
    version: &str,
    resources: &[Arc<Resource>],
    is_builtin: bool,
) -> Map<String, Value> {
    let identity = GroupVersionName { group, version };
    let root = format!("/{}", root(group, version));
    let mut paths = Map::new();
    paths.insert(
        format!("{root}/"),
        json!({"get": fixed(
            &identity.tag(),
            "get available resources",
            &format!("get{}APIResources", identity.id()),
            &format!("{META}.APIResourceList"),
        )}),
    );
    for resource in resources {
        Writer { resource, identity, root: &root, is_builtin }.write(&mut paths);
    }
    paths
}

/// An operation that answers with an object of discovery.
pub(super) fn fixed(tag: &str, description: &str, id: &str, answer: &str) -> Value {
    json!({
        "tags": [tag], "description": description, "operationId": id,
        "responses": responses(&[200], &content(&OBJECTS, &reference_to(answer))),
    })
}

/// The paths of one resource.
struct Writer<'a> {
    resource: &'a Resource,
    identity: GroupVersionName<'a>,
    root: &'a str,
    /// Not of a CustomResourceDefinition, which knows no protobuf and no strategic merge patches.
    is_builtin: bool,
}

/// Whose operation it is: the object's, or a subresource's.
#[derive(Clone, Copy)]
struct Subject<'a> {
    kind: &'a str,
    group: &'a str,
    version: &'a str,
    subresource: &'a str,
}

impl Writer<'_> {
    fn write(&self, paths: &mut Map<String, Value>) {
        let Resource { resource: plural, namespaced, .. } = self.resource;
        let scope = if *namespaced { "/namespaces/{namespace}" } else { "" };
        let collection = format!("{}{scope}/{plural}", self.root);
        let object = Subject {
            kind: &self.resource.kind,
            group: &self.resource.group,
            version: &self.resource.version,
            subresource: "",
        };
        let placed = |named: bool| self.path_parameters(object, named, false);
        let mut on_collection = Item::new(placed(false));
        let mut on_item = Item::new(placed(true));
        for verb in &self.resource.verbs {
            match verb {
                Verb::Create | Verb::DeleteCollection | Verb::List => {
                    self.add(&mut on_collection, *verb, object);
                }
                Verb::Delete | Verb::Get | Verb::Patch | Verb::Update => {
                    self.add(&mut on_item, *verb, object);
                }
                Verb::Watch => {}
            }
        }
        on_collection.insert_into(paths, collection.clone());
        on_item.insert_into(paths, format!("{collection}/{{name}}"));
        if *namespaced && self.resource.allows(Verb::List) {
            let mut everywhere = Item::new(Vec::new());
            everywhere.add("get", self.list("ForAllNamespaces", ""), &LIST, false);
            everywhere.insert_into(paths, format!("{}/{plural}", self.root));
        }
        if self.resource.allows(Verb::Watch) && self.is_builtin {
            self.watches(paths, scope, object);
        }
        for sub in &self.resource.subresources {
            self.subresource(paths, &format!("{collection}/{{name}}"), sub);
        }
    }

    fn watches(&self, paths: &mut Map<String, Value>, scope: &str, object: Subject<'_>) {
        let Resource { resource: plural, namespaced, kind, .. } = self.resource;
        let id = self.identity.id();
        let in_namespace = if *namespaced { "Namespaced" } else { "" };
        let of_list = format!(
            "watch individual changes to a list of {kind}. deprecated: use the 'watch' parameter with a list operation instead."
        );
        let of_object = format!(
            "watch changes to an object of kind {kind}. deprecated: use the 'watch' parameter with a list operation \
             instead, filtered to a single item with the 'fieldSelector' parameter."
        );
        let mut add = |path: String, description: &str, id: String, action: &str, placed: Vec<Value>| {
            let answer = content(&STREAMS, &reference_to(&format!("{META}.WatchEvent")));
            let operation = self.operation(description, &id, action, object, &responses(&[200], &answer));
            let mut item = Item::new(placed);
            item.add("get", operation, &LIST, false);
            item.insert_into(paths, path);
        };
        if *namespaced {
            let path = format!("{}/watch/{plural}", self.root);
            add(path, &of_list, format!("watch{id}{kind}ListForAllNamespaces"), "watchlist", Vec::new());
        }
        let collection = format!("{}/watch{scope}/{plural}", self.root);
        let placed = |named| self.path_parameters(object, named, false);
        add(
            collection.clone(),
            &of_list,
            format!("watch{id}{in_namespace}{kind}List"),
            "watchlist",
            placed(false),
        );
        if self.resource.allows(Verb::Get) {
            let path = format!("{collection}/{{name}}");
            add(path, &of_object, format!("watch{id}{in_namespace}{kind}"), "watch", placed(true));
        }
    }

    fn subresource(
        &self,
        paths: &mut Map<String, Value>,
        item: &str,
        sub: &crate::schema::catalog::Subresource,
    ) {
        let subject =
            Subject { kind: &sub.kind, group: &sub.group, version: &sub.version, subresource: &sub.name };
        let full = format!("{}/{}", self.resource.resource, sub.name);
        let methods: &[&str] = match &*sub.name {
            "attach" | "exec" | "portforward" => &["get", "post"],
            "proxy" => &["get", "put", "post", "delete", "options", "head", "patch"],
            _ => {
                let mut operations = Item::new(self.path_parameters(subject, true, false));
                operations.shared = parameters::options(&full);
                for verb in &sub.verbs {
                    self.add(&mut operations, *verb, subject);
                }
                operations.insert_into(paths, format!("{item}/{}", sub.name));
                return;
            }
        };
        for with_path in [false, true].into_iter().take(if sub.name == "proxy" { 2 } else { 1 }) {
            let mut operations = Item::new(self.path_parameters(subject, true, with_path));
            operations.shared = parameters::options(&full);
            for method in methods {
                let id = format!(
                    "connect{}{}{}{}{}{}",
                    self.identity.id(),
                    capitalized(method),
                    if self.resource.namespaced { "Namespaced" } else { "" },
                    self.resource.kind,
                    capitalized(&sub.name),
                    if with_path { "WithPath" } else { "" },
                );
                let description = format!(
                    "connect {} requests to {} of {}",
                    method.to_uppercase(),
                    sub.name,
                    self.resource.kind
                );
                let answer = responses(&[200], &content(&["*/*"], &json!({"type": "string"})));
                operations.add(
                    method,
                    self.operation(&description, &id, "connect", subject, &answer),
                    &[],
                    false,
                );
            }
            let tail = if with_path { "/{path}" } else { "" };
            operations.insert_into(paths, format!("{item}/{}{tail}", sub.name));
        }
    }

    /// The parts of a path that requests fill in.
    fn path_parameters(&self, subject: Subject<'_>, named: bool, with_path: bool) -> Vec<Value> {
        let parts = [("name", named), ("namespace", self.resource.namespaced), ("path", with_path)];
        parts
            .iter()
            .filter(|(_, applies)| *applies)
            .map(|(name, _)| parameters::path(name, subject.kind))
            .collect()
    }

    fn list(&self, everywhere: &str, in_namespace: &str) -> Value {
        let Resource { kind, list_kind, group, version, .. } = self.resource;
        let answer = content(self.media_types(true), &reference_to(&schema_name(group, version, list_kind)));
        let id = format!("list{}{in_namespace}{kind}{everywhere}", self.identity.id());
        let subject = Subject { kind, group, version, subresource: "" };
        let watch = if self.resource.allows(Verb::Watch) { " or watch" } else { "" };
        let description = format!("list{watch} objects of kind {kind}");
        self.operation(&description, &id, "list", subject, &responses(&[200], &answer))
    }

    /// Adds what a verb does with an object or a subresource.
    fn add(&self, item: &mut Item, verb: Verb, subject: Subject<'_>) {
        let kind = &*self.resource.kind;
        let in_namespace = if self.resource.namespaced { "Namespaced" } else { "" };
        let sub = capitalized(subject.subresource);
        let id = |verb: &str| format!("{verb}{}{in_namespace}{kind}{sub}", self.identity.id());
        let own = reference_to(&schema_name(subject.group, subject.version, subject.kind));
        let (of, with_article) = match subject.subresource {
            "" => (String::new(), article(kind)),
            sub => (format!("{sub} of "), format!("{sub} of {}", article(kind))),
        };
        let delete_options = reference_to(&format!("{META}.DeleteOptions"));
        let (method, id, action, description, codes, queries): (_, _, _, String, &[u16], &[&str]) = match verb
        {
            Verb::List | Verb::Watch => return item.add("get", self.list("", in_namespace), &LIST, false),
            Verb::Get => {
                let description = if of.is_empty() {
                    format!("read the specified {kind}")
                } else {
                    format!("read {of}the specified {kind}")
                };
                ("get", id("read"), "get", description, &[200], &[])
            }
            Verb::Create => {
                ("post", id("create"), "post", format!("create {with_article}"), &[200, 201, 202], &WRITE)
            }
            Verb::Update => (
                "put",
                id("replace"),
                "put",
                format!("replace {of}the specified {kind}"),
                &[200, 201],
                &WRITE,
            ),
            Verb::Patch => (
                "patch",
                id("patch"),
                "patch",
                format!("partially update {of}the specified {kind}"),
                &[200, 201],
                &PATCH,
            ),
            Verb::Delete => {
                ("delete", id("delete"), "delete", format!("delete {with_article}"), &[200, 202], &DELETE)
            }
            Verb::DeleteCollection => (
                "delete",
                format!("delete{}Collection{in_namespace}{kind}{sub}", self.identity.id()),
                "deletecollection",
                format!("delete collection of {kind}"),
                &[200],
                &DELETE_COLLECTION,
            ),
        };
        let status = reference_to(&format!("{META}.Status"));
        let answer = match verb {
            Verb::DeleteCollection => &status,
            Verb::Delete
                if !ANSWERED_WITH_THE_OBJECT.contains(&&*self.resource.resource) || !self.is_builtin =>
            {
                &status
            }
            _ => &own,
        };
        let answer = if subject.subresource == "log" {
            content(
                &[
                    "application/json",
                    "application/vnd.kubernetes.protobuf",
                    "application/yaml",
                    "text/plain",
                ],
                &json!({"type": "string"}),
            )
        } else {
            content(self.media_types(false), answer)
        };
        let mut operation = self.operation(&description, &id, action, subject, &responses(codes, &answer));
        let body = match verb {
            Verb::Create | Verb::Update => {
                Some(json!({"content": content(&["*/*"], &own), "required": true}))
            }
            Verb::Delete | Verb::DeleteCollection => {
                Some(json!({"content": content(&["*/*"], &delete_options)}))
            }
            Verb::Patch => {
                // kubectl takes from here which patches it may send. How lists of custom objects merge nobody knows.
                let known = if self.is_builtin { 4 } else { 3 };
                let patch = content(&PATCHES[..known], &reference_to(&format!("{META}.Patch")));
                Some(json!({"content": patch, "required": true}))
            }
            _ => None,
        };
        if let Some(body) = body {
            operation["requestBody"] = body;
        }
        item.add(method, operation, queries, verb == Verb::Patch);
    }

    fn operation(
        &self,
        description: &str,
        id: &str,
        action: &str,
        subject: Subject<'_>,
        responses: &Value,
    ) -> Value {
        json!({
            "tags": [self.identity.tag()],
            "description": description,
            "operationId": id,
            "responses": responses,
            "x-kubernetes-action": action,
            "x-kubernetes-group-version-kind":
                {"group": subject.group, "version": subject.version, "kind": subject.kind},
        })
    }

    fn media_types(&self, streams: bool) -> &'static [&'static str] {
        match (self.is_builtin, streams) {
            (true, true) => &STREAMS,
            (true, false) => &OBJECTS,
            (false, _) => &["application/json", "application/yaml"],
        }
    }
}

/// One path.
struct Item {
    /// The parts of the path.
    placed: Vec<Value>,
    /// What all operations take besides.
    shared: Vec<Value>,
    operations: Vec<(String, Value, Vec<Value>)>,
}

impl Item {
    fn new(placed: Vec<Value>) -> Self {
        Self { placed, shared: Vec::new(), operations: Vec::new() }
    }

    fn add(&mut self, method: &str, operation: Value, queries: &[&str], is_patch: bool) {
        let is_connect = operation["x-kubernetes-action"] == "connect";
        let pretty = (!is_connect).then_some("pretty");
        let queries =
            queries.iter().copied().chain(pretty).map(|name| parameters::query(name, is_patch)).collect();
        self.operations.push((method.to_owned(), operation, queries));
    }

    /// What all operations take stands once, beside them.
    fn insert_into(self, paths: &mut Map<String, Value>, path: String) {
        let Some((_, _, first)) = self.operations.first() else { return };
        let shared: Vec<Value> = first
            .iter()
            .filter(|query| self.operations.iter().all(|(_, _, queries)| queries.contains(query)))
            .cloned()
            .collect();
        let mut item = Map::new();
        for (method, mut operation, queries) in self.operations {
            let own: Vec<Value> = queries.into_iter().filter(|query| !shared.contains(query)).collect();
            if !own.is_empty() {
                operation["parameters"] = sorted(own);
            }
            item.insert(method, operation);
        }
        let all = [self.placed, self.shared, shared].concat();
        if !all.is_empty() {
            item.insert("parameters".to_owned(), sorted(all));
        }
        paths.insert(path, item.into());
    }
}

fn sorted(mut parameters: Vec<Value>) -> Value {
    // `path` may be a part of the path and a query parameter.
    parameters.sort_by_cached_key(|parameter| {
        (
            parameter["name"].as_str().unwrap_or_default().to_owned(),
            parameter["in"].as_str().unwrap_or_default().to_owned(),
        )
    });
    parameters.into()
}

fn responses(codes: &[u16], content: &Value) -> Value {
    let mut responses = json!({"401": {"description": "Unauthorized"}});
    for code in codes {
        let description = match code {
            200 => "OK",
            201 => "Created",
            _ => "Accepted",
        };
        responses[code.to_string()] = json!({"description": description, "content": content});
    }
    responses
}

fn content(media_types: &[&str], schema: &Value) -> Value {
    media_types.iter().map(|name| ((*name).to_owned(), json!({"schema": schema}))).collect()
}

fn reference_to(name: &str) -> Value {
    json!({"$ref": reference(name)})
}

/// A kind with its article; a plural has none.
fn article(kind: &str) -> String {
    let is_plural = kind.ends_with('s') && !kind.ends_with("ss");
    match kind.chars().next() {
        _ if is_plural => kind.to_owned(),
        Some('A' | 'E' | 'I' | 'O' | 'U') => format!("an {kind}"),
        _ => format!("a {kind}"),
    }
}

const OBJECTS: [&str; 3] = ["application/json", "application/vnd.kubernetes.protobuf", "application/yaml"];
const STREAMS: [&str; 5] = [
    "application/json",
    "application/json;stream=watch",
    "application/vnd.kubernetes.protobuf",
    "application/vnd.kubernetes.protobuf;stream=watch",
    "application/yaml",
];
const PATCHES: [&str; 4] = [
    "application/apply-patch+yaml",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
];
const WRITE: [&str; 3] = ["dryRun", "fieldManager", "fieldValidation"];
const PATCH: [&str; 4] = ["dryRun", "fieldManager", "fieldValidation", "force"];
const DELETE: [&str; 5] = [
    "dryRun",
    "gracePeriodSeconds",
    "ignoreStoreReadErrorWithClusterBreakingPotential",
    "orphanDependents",
    "propagationPolicy",
];
const LIST: [&str; 11] = [
    "allowWatchBookmarks",
    "continue",
    "fieldSelector",
    "labelSelector",
    "limit",
    "resourceVersion",
    "resourceVersionMatch",
    "sendInitialEvents",
    "shardSelector",
    "timeoutSeconds",
    "watch",
];
const DELETE_COLLECTION: [&str; 14] = [
    "continue",
    "dryRun",
    "fieldSelector",
    "gracePeriodSeconds",
    "ignoreStoreReadErrorWithClusterBreakingPotential",
    "labelSelector",
    "limit",
    "orphanDependents",
    "propagationPolicy",
    "resourceVersion",
    "resourceVersionMatch",
    "sendInitialEvents",
    "shardSelector",
    "timeoutSeconds",
];
/// Whose deletion is answered with the object that went.
const ANSWERED_WITH_THE_OBJECT: [&str; 16] = [
    "csidrivers",
    "csinodes",
    "deviceclasses",
    "persistentvolumeclaims",
    "persistentvolumes",
    "pods",
    "podtemplates",
    "resourceclaims",
    "resourceclaimtemplates",
    "resourcequotas",
    "resourceslices",
    "serviceaccounts",
    "services",
    "storageclasses",
    "volumeattachments",
    "volumeattributesclasses",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Catalog;

    fn paths(group: &str) -> Map<String, Value> {
        of(group, "v1", &Catalog::builtin().version(group, "v1").unwrap().resources, true)
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
        assert_eq!(scale["operationId"], "readAppsV1NamespacedDeploymentScale");
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
        assert!(core.contains_key("/api/v1/watch/namespaces/{namespace}/pods/{name}"));
    }

    #[test]
    fn what_all_operations_of_a_path_take_stands_beside_them() {
        let core = paths("");
        let names = |value: &Value| -> Vec<String> {
            value.as_array().unwrap().iter().map(|p| p["name"].as_str().unwrap().to_owned()).collect()
        };
        let pods = &core["/api/v1/namespaces/{namespace}/pods"];
        assert_eq!(names(&pods["parameters"]), ["namespace", "pretty"]);
        assert_eq!(names(&pods["post"]["parameters"]), ["dryRun", "fieldManager", "fieldValidation"]);
        let proxy = &core["/api/v1/namespaces/{namespace}/pods/{name}/proxy/{path}"];
        assert_eq!(names(&proxy["parameters"]), ["name", "namespace", "path", "path"]);
    }
}
