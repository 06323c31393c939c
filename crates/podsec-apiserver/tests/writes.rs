//! What a write may make of an object: always one of its resource's kind, in the form in which Kubernetes stores it.

mod cluster;

use std::sync::Arc;

use cluster::{Answer, Cluster, pod};
use podsec_storage::Memory;
use serde_json::{Value, json};

async fn cluster() -> Cluster {
    let cluster = Cluster::over(Arc::new(Memory::default()), None);
    cluster.namespace("n", Value::Null).await;
    cluster
}

async fn apply(cluster: &Cluster, url: &str, config: &Value) -> Answer {
    let request = format!("PATCH {url}?fieldManager=m&force=true");
    let headers = [("content-type", "application/apply-patch+yaml")];
    cluster.send("admin", &request, &headers, config.to_string().as_bytes()).await
}

#[tokio::test]
async fn no_patch_changes_the_kind_of_an_object() {
    let cluster = cluster().await;
    cluster
        .create("/api/v1/namespaces/n/configmaps", json!({"metadata": {"name": "c"}, "data": {"a": "b"}}))
        .await;
    let url = "/api/v1/namespaces/n/configmaps/c";
    let json_patch = |path: &str, value: &str| json!([{"op": "replace", "path": path, "value": value}]);
    let cases = [
        ("application/json-patch+json", json_patch("/kind", "Secret"), "illegal base64 data at input byte 0"),
        (
            "application/json-patch+json",
            json_patch("/apiVersion", "v2"),
            "no kind \"ConfigMap\" is registered for version \"v2\" in scheme \"k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30\"",
        ),
        (
            "application/merge-patch+json",
            json!({"kind": "Secret", "data": null}),
            "converting (v1.Secret) to (core.ConfigMap): unknown conversion",
        ),
    ];
    for (content_type, patch, why) in cases {
        let answer = cluster
            .send(
                "admin",
                &format!("PATCH {url}"),
                &[("content-type", content_type)],
                patch.to_string().as_bytes(),
            )
            .await;
        assert_eq!(answer.code, 422, "{}", answer.text);
        let message = answer.object()["message"].as_str().unwrap().to_owned();
        assert!(
            message.starts_with(" \"\" is invalid: patch: Invalid value: \"{") && message.ends_with(why),
            "{message}"
        );
    }
    // A strategic merge patch is converted into the type of the resource, which knows itself.
    let headers = [("content-type", "application/strategic-merge-patch+json")];
    let answer = cluster.send("admin", &format!("PATCH {url}"), &headers, br#"{"kind":"Secret"}"#).await;
    assert_eq!((answer.code, &answer.object()["kind"]), (200, &json!("ConfigMap")));
}

#[tokio::test]
async fn what_is_applied_is_converted_into_the_type_of_its_kind() {
    let cluster = cluster().await;
    let secret =
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"a": "%%"}});
    let answer = apply(&cluster, "/api/v1/namespaces/n/secrets/s", &secret).await;
    assert_eq!(answer.code, 500);
    assert_eq!(
        answer.object()["message"],
        "failed to convert new object (/s; /v1, Kind=Secret) to proper version: unable to convert unstructured object \
         to /v1, Kind=Secret: error decoding from json: illegal base64 data at input byte 0"
    );
    assert_eq!(cluster.get("/api/v1/namespaces/n/secrets/s").await.code, 404);
}

#[tokio::test]
async fn explicit_zeros_are_no_change_however_an_object_is_written() {
    let cluster = cluster().await;
    let mut zeros = pod("p");
    zeros["metadata"]["creationTimestamp"] = Value::Null;
    zeros["spec"]["hostNetwork"] = false.into();
    zeros["spec"]["containers"][0]["env"] = json!([{"name": "A", "value": ""}]);
    let url = "/api/v1/namespaces/n/pods/p";
    let created = cluster.create("/api/v1/namespaces/n/pods", zeros.clone()).await;
    assert_eq!(created["spec"]["containers"][0]["env"], json!([{"name": "A"}]));
    let first = apply(&cluster, url, &zeros).await;
    assert_eq!(first.code, 200, "{}", first.text);
    assert_eq!(first.object()["spec"], created["spec"]);
    let second = apply(&cluster, url, &zeros).await.object();
    assert_eq!(second, first.object());
    let replaced = cluster.json(&format!("PUT {url}"), &second).await;
    assert_eq!(replaced.object(), second);
    assert_eq!(second["metadata"]["generation"], 1);
}

#[tokio::test]
async fn pods_count_the_changes_of_their_spec() {
    let cluster = cluster().await;
    let created = cluster.create("/api/v1/namespaces/n/pods", pod("p")).await;
    assert_eq!(created["metadata"]["generation"], 1);
    let url = "PATCH /api/v1/namespaces/n/pods/p";
    let labelled = cluster.json(url, &json!({"metadata": {"labels": {"a": "b"}}})).await.object();
    assert_eq!(labelled["metadata"]["generation"], 1);
    let image = r#"[{"op": "replace", "path": "/spec/containers/0/image", "value": "busybox:2"}]"#;
    let headers = [("content-type", "application/json-patch+json")];
    let answer = cluster.send("admin", url, &headers, image.as_bytes()).await;
    assert_eq!(answer.object()["metadata"]["generation"], 2, "{}", answer.text);
}

#[tokio::test]
async fn what_the_server_decides_is_not_written_by_hand() {
    let cluster = cluster().await;
    cluster.create("/api/v1/namespaces/n/configmaps", json!({"metadata": {"name": "c"}})).await;
    let deleted = json!({"metadata": {"deletionTimestamp": "2020-01-01T00:00:00Z"}});
    let answer = cluster.json("PATCH /api/v1/namespaces/n/configmaps/c", &deleted).await;
    assert_eq!(
        (answer.code, answer.object()["message"].as_str()),
        (
            422,
            Some(
                "ConfigMap \"c\" is invalid: metadata.deletionTimestamp: Invalid value: \"2020-01-01T00:00:00Z\": field \
                 is immutable"
            )
        )
    );
    let phase = json!({"status": {"phase": "Terminating"}});
    let answer = cluster.json("PATCH /api/v1/namespaces/n/status", &phase).await;
    assert_eq!(
        (answer.code, answer.object()["message"].as_str()),
        (
            422,
            Some(
                "Namespace \"n\" is invalid: status.Phase: Invalid value: \"Terminating\": may only be 'Active' if \
                 `deletionTimestamp` is empty"
            )
        )
    );
    let negative = json!({"metadata": {"name": "g", "generation": -1}});
    let answer = cluster.json("POST /api/v1/namespaces/n/configmaps", &negative).await;
    assert_eq!(
        (answer.code, answer.object()["message"].as_str()),
        (
            422,
            Some(
                "ConfigMap \"g\" is invalid: metadata.generation: Invalid value: -1: must be greater than or equal to 0"
            )
        )
    );
}

#[tokio::test]
async fn a_resource_version_that_is_none_is_told_in_gos_words() {
    let cluster = cluster().await;
    let object = |version: &str| json!({"metadata": {"name": "c", "resourceVersion": version}});
    let made = cluster.json("POST /api/v1/namespaces/n/configmaps", &object("0")).await;
    assert_eq!(made.code, 201, "{}", made.text);
    let url = "PUT /api/v1/namespaces/n/configmaps/c";
    let answer = cluster.json(url, &object("abc")).await;
    assert_eq!(
        (answer.code, answer.object()["message"].as_str()),
        (500, Some("strconv.ParseUint: parsing \"abc\": invalid syntax"))
    );
    assert_eq!(cluster.json(url, &object("0")).await.code, 200);
    assert_eq!(cluster.json(url, &object("7000")).await.code, 409);
}

#[tokio::test]
async fn before_the_first_apply_somebody_owned_what_is_there() {
    let cluster = cluster().await;
    let reset = json!({"metadata": {"name": "c", "managedFields": [{}]}, "data": {"a": "b"}});
    cluster
        .create("/api/v1/namespaces/n/configmaps", json!({"metadata": {"name": "c"}, "data": {"a": "b"}}))
        .await;
    let url = "/api/v1/namespaces/n/configmaps/c";
    let answer = cluster.json(&format!("PUT {url}"), &reset).await.object();
    assert_eq!(answer["metadata"].get("managedFields"), None);
    let config =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "e"}});
    let headers = [("content-type", "application/apply-patch+yaml")];
    let request = format!("PATCH {url}?fieldManager=m");
    let answer = cluster.send("admin", &request, &headers, config.to_string().as_bytes()).await;
    assert_eq!(
        (answer.code, answer.object()["message"].as_str()),
        (409, Some("Apply failed with 1 conflict: conflict with \"before-first-apply\" using v1: .data.a"))
    );
}

#[tokio::test]
async fn every_write_of_an_api_service_says_that_nothing_is_passed_on() {
    let cluster = cluster().await;
    let service = json!({
        "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": "v1.example.com"},
        "spec": {
            "group": "example.com", "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 10,
            "service": {"namespace": "n", "name": "s"},
        },
    });
    let url = "/apis/apiregistration.k8s.io/v1/apiservices";
    let created = cluster.json(&format!("POST {url}"), &service).await;
    let updated = cluster.json(&format!("PUT {url}/v1.example.com"), &created.object()).await;
    let applied = apply(&cluster, &format!("{url}/v1.example.com"), &service).await;
    for (answer, code) in [(created, 201), (updated, 200), (applied, 200)] {
        assert_eq!(answer.code, code, "{}", answer.text);
        assert_eq!(
            answer.warnings(),
            [
                "299 - \"podsec serve passes no requests to the Service n/s: those for /apis/example.com/v1 are answered as \
                 if there were no APIService\""
            ]
        );
    }
    assert_eq!(cluster.get("/apis/example.com/v1/things").await.code, 404);
    assert_eq!(cluster.get(&format!("{url}/v1.example.com")).await.warnings(), [""; 0]);
}

#[tokio::test]
async fn a_service_may_have_the_address_of_an_ip_address_and_none_of_a_service_cidr() {
    let cluster = cluster().await;
    let address = json!({
        "metadata": {"name": "10.96.7.7"},
        "spec": {"parentRef": {"resource": "services", "namespace": "n", "name": "other"}},
    });
    let block = json!({"metadata": {"name": "more"}, "spec": {"cidrs": ["192.168.0.0/24"]}});
    for (resource, object) in [("ipaddresses", address), ("servicecidrs", block)] {
        let answer = cluster.json(&format!("POST /apis/networking.k8s.io/v1/{resource}"), &object).await;
        assert_eq!((answer.code, answer.warnings().len()), (201, 1), "{}", answer.text);
    }
    for (name, address, code) in [("inside", "10.96.7.7", 201), ("outside", "192.168.0.7", 422)] {
        let service = json!({
            "metadata": {"name": name}, "spec": {"clusterIP": address, "ports": [{"port": 80}]},
        });
        let answer = cluster.json("POST /api/v1/namespaces/n/services", &service).await;
        assert_eq!(answer.code, code, "{}", answer.text);
    }
}
