//! Custom resources: defined, served, kept to their schema, and gone with their definition.

mod cluster;

use std::sync::Arc;

use cluster::Cluster;
use podsec_storage::{Memory, Store};
use serde_json::{Value, json};

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const WIDGETS: &str = "/apis/example.com/v1/namespaces/default/widgets";

fn definition() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced",
            "names": {
                "plural": "widgets", "singular": "widget", "kind": "Widget", "shortNames": ["wd"],
                "categories": ["all"],
            },
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "subresources": {
                    "status": {},
                    "scale": {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"},
                },
                "additionalPrinterColumns": [
                    {"name": "Replicas", "type": "integer", "jsonPath": ".spec.replicas"},
                    {"name": "Ready", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].status"},
                ],
                "selectableFields": [{"jsonPath": ".spec.color"}],
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                    "spec": {"type": "object", "required": ["color"], "properties": {
                        "replicas": {"type": "integer", "minimum": 0, "default": 1},
                        "color": {"type": "string", "enum": ["red", "blue"]},
                        "ports": {
                            "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                            "items": {"type": "object", "required": ["name"], "properties": {
                                "name": {"type": "string"}, "port": {"x-kubernetes-int-or-string": true},
                            }},
                        },
                    }},
                    "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
                }}},
            }],
        },
    })
}

/// A server that serves widgets.
async fn cluster() -> Cluster {
    let cluster = Cluster::start().await;
    cluster.create(DEFINITIONS, definition()).await;
    cluster.eventually("/apis/example.com/v1", 200).await;
    cluster
}

fn widget(name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": name}, "spec": spec})
}

#[tokio::test]
async fn a_definition_is_accepted_established_and_discovered() {
    let cluster = cluster().await;
    let stored = loop {
        let stored = cluster.get(&format!("{DEFINITIONS}/widgets.example.com")).await.object();
        if stored["status"]["conditions"].as_array().is_some_and(|conditions| conditions.len() == 2) {
            break stored;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(stored["status"]["storedVersions"], json!(["v1"]));
    assert_eq!(stored["status"]["acceptedNames"]["listKind"], "WidgetList");
    let conditions: Vec<String> = stored["status"]["conditions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|condition| format!("{}={} {}", condition["type"], condition["status"], condition["reason"]))
        .collect();
    assert_eq!(
        conditions,
        [r#""NamesAccepted"="True" "NoConflicts""#, r#""Established"="True" "InitialNamesAccepted""#]
    );
    let list = cluster.get("/apis/example.com/v1").await.object();
    let names: Vec<&Value> = list["resources"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["widgets", "widgets/scale", "widgets/status"]);
    assert_eq!(list["resources"][0]["shortNames"], json!(["wd"]));
    let openapi = cluster.get("/openapi/v3/apis/example.com/v1").await.object();
    let schema = &openapi["components"]["schemas"]["com.example.v1.Widget"]["properties"]["spec"];
    assert_eq!(schema["required"], json!(["color"]));
}

#[tokio::test]
async fn names_of_another_definition_are_not_accepted_until_it_goes() {
    let cluster = cluster().await;
    let mut second = definition();
    second["metadata"]["name"] = "gadgets.example.com".into();
    second["spec"]["names"] = json!({"plural": "gadgets", "kind": "Gadget", "shortNames": ["wd"]});
    cluster.create(DEFINITIONS, second).await;
    let url = format!("{DEFINITIONS}/gadgets.example.com");
    let accepted = async |wanted: &str| loop {
        let found = cluster.get(&url).await.object()["status"]["conditions"][0].clone();
        if found["status"] == wanted {
            return found;
        }
        tokio::task::yield_now().await;
    };
    let refused = accepted("False").await;
    assert_eq!(refused["message"], r#""wd" is already in use"#);
    assert_eq!(cluster.get("/apis/example.com/v1/gadgets").await.code, 404);
    cluster.json(&format!("DELETE {DEFINITIONS}/widgets.example.com"), &Value::Null).await;
    accepted("True").await;
    assert_eq!(cluster.get("/apis/example.com/v1/gadgets").await.code, 200);
}

#[tokio::test]
async fn an_object_is_filled_pruned_counted_and_shown() {
    let cluster = cluster().await;
    let created = cluster.create(WIDGETS, widget("a", &json!({"color": "red", "shape": "round"}))).await;
    assert_eq!(created["spec"], json!({"color": "red", "replicas": 1}));
    assert_eq!(created["metadata"]["generation"], 1);
    let changed =
        cluster.json(&format!("PATCH {WIDGETS}/a"), &json!({"spec": {"replicas": 2}})).await.object();
    assert_eq!(changed["metadata"]["generation"], 2);
    let status =
        json!({"spec": {"replicas": 9}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}});
    let changed = cluster.json(&format!("PATCH {WIDGETS}/a/status"), &status).await.object();
    assert_eq!((&changed["spec"]["replicas"], &changed["metadata"]["generation"]), (&json!(2), &json!(2)));
    let table = [("accept", "application/json;as=Table;v=v1;g=meta.k8s.io")];
    let table = cluster.send("admin", &format!("GET {WIDGETS}"), &table, b"").await.object();
    let headers: Vec<&Value> =
        table["columnDefinitions"].as_array().unwrap().iter().map(|c| &c["name"]).collect();
    assert_eq!(headers, ["Name", "Replicas", "Ready"]);
    assert_eq!(table["rows"][0]["cells"], json!(["a", 2, "True"]));
    let blue = cluster.get(&format!("{WIDGETS}?fieldSelector=spec.color%3Dblue")).await.object();
    assert_eq!((&blue["kind"], &blue["items"]), (&json!("WidgetList"), &json!([])));
}

#[tokio::test]
async fn what_breaks_the_schema_is_refused_in_kubernetes_words() {
    let cluster = cluster().await;
    let post = format!("POST {WIDGETS}");
    let wrong = cluster.json(&post, &widget("a", &json!({"color": "red", "replicas": "two"}))).await;
    assert_eq!(wrong.code, 422);
    assert_eq!(
        wrong.object()["message"],
        r#"Widget.example.com "a" is invalid: [spec.replicas: Invalid value: "string": spec.replicas in body must be of type integer: "string", .spec.replicas: Invalid value: 0: .spec.replicas accessor error: two is of the type string, expected int64]"#
    );
    let missing = cluster.json(&post, &widget("a", &json!({}))).await.object();
    assert_eq!(missing["message"], r#"Widget.example.com "a" is invalid: spec.color: Required value"#);
    let unknown = widget("a", &json!({"color": "red", "ports": [{"name": "p", "x": 1}]}));
    let strict = cluster.json(&format!("{post}?fieldValidation=Strict"), &unknown).await;
    assert_eq!(strict.code, 400);
    assert_eq!(
        strict.object()["message"],
        r#"Widget in version "v1" cannot be handled as a Widget: strict decoding error: unknown field "spec.ports[0].x""#
    );
    let warned = cluster.json(&format!("{post}?fieldValidation=Warn"), &unknown).await;
    assert_eq!(
        (warned.code, warned.warnings()),
        (201, vec![r#"299 - "unknown field \"spec.ports[0].x\"""#.to_owned()])
    );
    let patched = cluster.json(&format!("PATCH {WIDGETS}/a"), &json!({"spec": {"color": "green"}})).await;
    assert_eq!(patched.code, 422);
}

#[tokio::test]
async fn every_patch_but_the_strategic_one_is_taken() {
    let cluster = cluster().await;
    cluster.create(WIDGETS, widget("a", &json!({"color": "red", "ports": [{"name": "x", "port": 1}]}))).await;
    let patch = async |content_type: &str, query: &str, body: Value| {
        let request = format!("PATCH {WIDGETS}/a{query}");
        cluster.send("admin", &request, &[("content-type", content_type)], body.to_string().as_bytes()).await
    };
    let strategic = patch("application/strategic-merge-patch+json", "", json!({"spec": {}})).await;
    assert_eq!(strategic.code, 415);
    let replaced = json!([{"op": "replace", "path": "/spec/color", "value": "blue"}]);
    let json = patch("application/json-patch+json", "", replaced).await.object();
    assert_eq!(json["spec"]["color"], "blue");
    let wanted = widget("a", &json!({"ports": [{"name": "y", "port": "80%"}]}));
    let applied = patch("application/apply-patch+yaml", "?fieldManager=me", wanted).await.object();
    // The list merges by the key that the schema names.
    let ports = json!([{"name": "x", "port": 1}, {"name": "y", "port": "80%"}]);
    assert_eq!(applied["spec"]["ports"], ports);
    let undeclared = widget("a", &json!({"shape": "round"}));
    let refused = patch("application/apply-patch+yaml", "?fieldManager=me", undeclared).await;
    assert!(refused.text.contains(".spec.shape: field not declared in schema"), "{}", refused.text);
}

#[tokio::test]
async fn an_object_is_scaled_where_its_definition_says() {
    let cluster = cluster().await;
    cluster.create(WIDGETS, widget("a", &json!({"color": "red"}))).await;
    let scale =
        cluster.json(&format!("PATCH {WIDGETS}/a/scale"), &json!({"spec": {"replicas": 5}})).await.object();
    assert_eq!((&scale["kind"], &scale["spec"]["replicas"]), (&json!("Scale"), &json!(5)));
    assert_eq!(cluster.get(&format!("{WIDGETS}/a")).await.object()["spec"]["replicas"], 5);
}

#[tokio::test]
async fn an_update_needs_the_version_it_is_about() {
    let cluster = cluster().await;
    let mut created = cluster.create(WIDGETS, widget("a", &json!({"color": "red"}))).await;
    created["metadata"].as_object_mut().unwrap().remove("resourceVersion");
    let refused = cluster.json(&format!("PUT {WIDGETS}/a"), &created).await;
    assert_eq!(refused.code, 422);
    assert!(
        refused.text.contains("metadata.resourceVersion: Invalid value: 0: must be specified for an update")
    );
}

#[tokio::test]
async fn objects_go_with_their_definition_and_with_their_namespace() {
    let cluster = cluster().await;
    cluster.namespace("dev", json!({})).await;
    cluster
        .create("/apis/example.com/v1/namespaces/dev/widgets", widget("b", &json!({"color": "red"})))
        .await;
    cluster.json("DELETE /api/v1/namespaces/dev", &Value::Null).await;
    cluster.eventually("/api/v1/namespaces/dev", 404).await;
    cluster.create(WIDGETS, widget("a", &json!({"color": "red"}))).await;
    let deleted = cluster.json(&format!("DELETE {DEFINITIONS}/widgets.example.com"), &Value::Null).await;
    assert_eq!(deleted.code, 200);
    cluster.eventually(&format!("{DEFINITIONS}/widgets.example.com"), 404).await;
    cluster.eventually("/apis/example.com/v1", 404).await;
    // A definition of the same name starts with nothing.
    cluster.create(DEFINITIONS, definition()).await;
    let list = cluster.eventually(WIDGETS, 200).await.object();
    assert_eq!(list["items"], json!([]));
}

#[tokio::test]
async fn two_versions_differ_in_their_name_alone() {
    let cluster = cluster().await;
    let url = format!("{DEFINITIONS}/widgets.example.com");
    let mut versions = definition()["spec"]["versions"].as_array().unwrap().clone();
    let mut second = versions[0].clone();
    second["name"] = "v1beta1".into();
    second["storage"] = false.into();
    second["deprecated"] = true.into();
    versions.push(second);
    let patch = json!({"spec": {"versions": versions}});
    assert_eq!(cluster.json(&format!("PATCH {url}"), &patch).await.code, 200);
    cluster.eventually("/apis/example.com/v1beta1", 200).await;
    cluster.create(WIDGETS, widget("a", &json!({"color": "red"}))).await;
    let other = cluster.get("/apis/example.com/v1beta1/namespaces/default/widgets/a").await;
    assert_eq!(other.object()["apiVersion"], "example.com/v1beta1");
    assert_eq!(other.warnings(), [r#"299 - "example.com/v1beta1 Widget is deprecated""#]);
}

#[tokio::test]
async fn a_restarted_server_serves_what_was_defined() {
    let store: Arc<dyn Store> = Arc::new(Memory::default());
    let first = Cluster::over(Arc::clone(&store), None);
    first.api.bootstrap().await.unwrap();
    first.create(DEFINITIONS, definition()).await;
    first.eventually("/apis/example.com/v1", 200).await;
    first.create(WIDGETS, widget("a", &json!({"color": "red"}))).await;
    let url = format!("{DEFINITIONS}/widgets.example.com");
    while !first.get(&url).await.text.contains("InitialNamesAccepted") {
        tokio::task::yield_now().await;
    }
    first.api.stop();
    let second = Cluster::over(store, None);
    second.api.bootstrap().await.unwrap();
    assert_eq!(second.get(&format!("{WIDGETS}/a")).await.code, 200);
}

#[tokio::test]
async fn rules_judge_what_is_created_updated_patched_and_applied() {
    let cluster = Cluster::start().await;
    let mut definition = definition();
    let properties = "/spec/versions/0/schema/openAPIV3Schema/properties/spec";
    let spec = definition.pointer_mut(properties).expect("the schema of the spec");
    spec["x-kubernetes-validations"] = json!([
        {"rule": "self.color == oldSelf.color", "message": "the color stays", "fieldPath": ".color"},
        {"rule": "self.replicas < 10", "messageExpression": "self.replicas > 11 ? 'far too many' : 'too many'"},
    ]);
    cluster.create(DEFINITIONS, definition).await;
    cluster.eventually("/apis/example.com/v1", 200).await;
    let refused = |answer: &Value| answer["message"].as_str().unwrap_or_default().to_owned();
    let many = widget("many", &json!({"color": "red", "replicas": 12}));
    let answer = cluster.send("admin", &format!("POST {WIDGETS}"), &[], many.to_string().as_bytes()).await;
    assert_eq!(answer.code, 422);
    assert_eq!(
        refused(&answer.object()),
        r#"Widget.example.com "many" is invalid: spec: Invalid value: far too many"#
    );
    cluster.create(WIDGETS, widget("one", &json!({"color": "red"}))).await;
    let one = format!("{WIDGETS}/one");
    let change = br#"{"spec": {"color": "blue"}}"#;
    let merge = [("content-type", "application/merge-patch+json")];
    let answer = cluster.send("admin", &format!("PATCH {one}"), &merge, change).await;
    assert_eq!(
        refused(&answer.object()),
        r#"Widget.example.com "one" is invalid: spec.color: Invalid value: the color stays"#
    );
    let apply = [("content-type", "application/apply-patch+yaml")];
    let applied = widget("one", &json!({"replicas": 11})).to_string();
    let request = format!("PATCH {one}?fieldManager=test&force=true");
    let answer = cluster.send("admin", &request, &apply, applied.as_bytes()).await;
    assert_eq!((answer.code, refused(&answer.object()).contains("Invalid value: too many")), (422, true));
}

#[tokio::test]
async fn a_definition_whose_rules_may_cost_too_much_is_refused() {
    let cluster = Cluster::start().await;
    let mut definition = definition();
    let ports = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/ports";
    let ports = definition.pointer_mut(ports).expect("the schema of the ports");
    ports["x-kubernetes-validations"] =
        json!([{"rule": "self.all(x, self.exists_one(y, x.name == y.name))"}]);
    let answer =
        cluster.send("admin", &format!("POST {DEFINITIONS}"), &[], definition.to_string().as_bytes()).await;
    assert_eq!(answer.code, 422);
    assert!(
        answer.text.contains("estimated rule cost exceeds budget by factor of more than 100x"),
        "{}",
        answer.text
    );
}
