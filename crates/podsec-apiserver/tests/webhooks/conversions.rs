//! Conversion webhooks of CustomResourceDefinitions: when they are called, and what their answers do.

use super::*;

const WIDGETS: &str = "/apis/example.com";

/// Converts between `spec.hostPort` of v1 and `spec.host` and `spec.port` of v2; objects named `bad` it does not.
fn convert(review: &Value) -> Reply {
    let request = &review["request"];
    let to = request["desiredAPIVersion"].as_str().expect("a version");
    let mut result = json!({"status": "Success"});
    let mut objects = request["objects"].as_array().expect("objects").clone();
    for object in &mut objects {
        if object["metadata"]["name"] == "bad" && to.ends_with("/v2") {
            result = json!({"status": "Failure", "message": "cannot convert bad"});
        }
        let spec = object["spec"].clone();
        let text = |field: &str| spec[field].as_str().unwrap_or_default();
        object["spec"] = if to.ends_with("/v2") {
            let (host, port) = text("hostPort").split_once(':').unwrap_or_default();
            json!({"host": host, "port": port})
        } else {
            json!({"hostPort": format!("{}:{}", text("host"), text("port"))})
        };
        object["apiVersion"] = to.into();
    }
    let response = json!({"uid": request["uid"], "result": result, "convertedObjects": objects});
    Reply::Body(
        json!({"kind": "ConversionReview", "apiVersion": review["apiVersion"], "response": response})
            .to_string(),
    )
}

/// A server that serves widgets in two versions, the first of which is stored.
async fn served(hook: &Hook) -> Cluster {
    let cluster = Cluster::start().await;
    cluster.namespace("n", Value::Null).await;
    let texts = |fields: &[&str]| {
        let fields: serde_json::Map<String, Value> =
            fields.iter().map(|field| ((*field).to_owned(), json!({"type": "string"}))).collect();
        json!({"openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "object", "properties": fields}}}})
    };
    let version = |name: &str, fields: &[&str]| json!({"name": name, "served": true, "storage": name == "v1", "schema": texts(fields)});
    let definition = json!({
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced", "names": {"plural": "widgets", "kind": "Widget"},
            "conversion": {"strategy": "Webhook", "webhook": {
                "conversionReviewVersions": ["v1"], "clientConfig": hook.client_config(),
            }},
            "versions": [version("v1", &["hostPort"]), version("v2", &["host", "port"])],
        },
    });
    let made =
        cluster.json("POST /apis/apiextensions.k8s.io/v1/customresourcedefinitions", &definition).await;
    assert_eq!((made.code, made.warnings().len()), (201, 0), "{}", made.text);
    cluster.eventually(&widgets("v2"), 200).await;
    cluster
}

fn widgets(version: &str) -> String {
    format!("{WIDGETS}/{version}/namespaces/n/widgets")
}

fn widget(version: &str, name: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": format!("example.com/{version}"), "kind": "Widget", "metadata": {"name": name}, "spec": spec,
    })
}

#[tokio::test]
async fn an_object_is_converted_where_its_version_is_not_the_one_that_is_asked_for() {
    let hook = Hook::start(convert).await;
    let cluster = served(&hook).await;
    cluster.create(&widgets("v1"), widget("v1", "a", &json!({"hostPort": "h:80"}))).await;
    cluster.get(&format!("{}/a", widgets("v1"))).await;
    assert!(hook.take().is_empty(), "it is stored and read in one version");

    let read = cluster.get(&format!("{}/a", widgets("v2"))).await.object();
    assert_eq!(
        (&read["apiVersion"], &read["spec"]),
        (&json!("example.com/v2"), &json!({"host": "h", "port": "80"}))
    );
    let asked = hook.take();
    assert_eq!((asked.len(), &*asked[0].path), (1, "/?timeout=30s"));
    assert_eq!(asked[0].review["apiVersion"], "apiextensions.k8s.io/v1");
    assert_eq!(asked[0].review["request"]["objects"][0]["metadata"].get("resourceVersion"), None);

    // Written in the other version, it is stored in the first; and it is the same object in both.
    let made = cluster.create(&widgets("v2"), widget("v2", "b", &json!({"host": "x", "port": "81"}))).await;
    assert_eq!(made["spec"], json!({"host": "x", "port": "81"}));
    hook.take();
    let other = cluster.get(&format!("{}/b", widgets("v1"))).await.object();
    assert!(hook.take().is_empty(), "it is stored in the storage version");
    assert_eq!(other["spec"], json!({"hostPort": "x:81"}));
    assert_eq!(other["metadata"]["uid"], made["metadata"]["uid"]);
    let patch = json!({"spec": {"port": "99"}});
    let patched = cluster.json(&format!("PATCH {}/a", widgets("v2")), &patch).await;
    assert_eq!(patched.code, 200, "{}", patched.text);
    assert_eq!(
        cluster.get(&format!("{}/a", widgets("v1"))).await.object()["spec"],
        json!({"hostPort": "h:99"})
    );
    let list = cluster.get(&widgets("v2")).await.object();
    let specs: Vec<&Value> =
        list["items"].as_array().expect("items").iter().map(|item| &item["spec"]).collect();
    assert_eq!(specs, [&json!({"host": "h", "port": "99"}), &json!({"host": "x", "port": "81"})]);
    hook.take();
    cluster.get(&widgets("v2")).await;
    assert!(hook.take().is_empty(), "what was converted once is known");

    let watch = format!("{}?watch=true&timeoutSeconds=1&resourceVersion=0", widgets("v2"));
    let events = cluster.get(&watch).await.events();
    assert_eq!(events.len(), 2, "{events:?}");
    assert!(events.iter().all(|event| event["object"]["apiVersion"] == "example.com/v2"));
}

#[tokio::test]
async fn what_cannot_be_converted_is_an_error_in_that_version_and_can_be_deleted_in_the_other() {
    let hook = Hook::start(convert).await;
    let cluster = served(&hook).await;
    cluster.create(&widgets("v1"), widget("v1", "bad", &json!({"hostPort": "h:80"}))).await;
    for url in [format!("{}/bad", widgets("v2")), widgets("v2")] {
        let refused = cluster.get(&url).await;
        assert_eq!(refused.code, 500, "{}", refused.text);
        assert_eq!(
            refused.object()["message"],
            "conversion webhook for example.com/v1, Kind=Widget failed: cannot convert bad"
        );
    }
    let watch = format!("{}?watch=true&timeoutSeconds=1&resourceVersion=0", widgets("v2"));
    let events = cluster.get(&watch).await.events();
    assert_eq!((events.len(), &events[0]["type"]), (1, &json!("ERROR")), "{events:?}");
    let deleted = cluster.json(&format!("DELETE {}/bad", widgets("v1")), &Value::Null).await;
    assert_eq!(deleted.code, 200, "{}", deleted.text);
    assert_eq!(cluster.get(&widgets("v2")).await.code, 200);
}

#[tokio::test]
async fn a_definition_goes_with_its_objects_though_nobody_converts_them() {
    let hook = Hook::start(|_| Reply::Raw(500, "boom")).await;
    let cluster = served(&hook).await;
    cluster.create(&widgets("v1"), widget("v1", "a", &json!({"hostPort": "h:80"}))).await;
    let definition = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com";
    assert_eq!(cluster.json(&format!("DELETE {definition}"), &Value::Null).await.code, 200);
    cluster.eventually(definition, 404).await;
}
