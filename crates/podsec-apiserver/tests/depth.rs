//! How deep JSON may nest: texts as deep as Kubernetes reads them, and what is kept of them within bounds.

mod cluster;

use cluster::Cluster;
use podsec_apiserver::STACK_BYTES;
use serde_json::{Value, json};

/// Runs a test as `podsec serve` runs: on threads whose stacks are long enough.
fn on_long_stacks<F: Future<Output = ()> + Send + 'static>(test: F) {
    let run = move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_stack_size(STACK_BYTES)
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(test);
    };
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(run).expect("a thread");
    thread.join().expect("the test passes");
}

fn nested(depth: usize) -> String {
    "{\"a\":".repeat(depth) + "1" + &"}".repeat(depth)
}

/// A definition whose objects keep anything.
async fn define(cluster: &Cluster) {
    let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let definition = json!({
        "metadata": {"name": "things.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced",
            "names": {"plural": "things", "singular": "thing", "kind": "Thing"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}],
        },
    });
    cluster.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition).await;
    cluster.eventually("/apis/example.com/v1/namespaces/default/things", 200).await;
}

async fn send(cluster: &Cluster, request: &str, content_type: &str, body: &str) -> (u16, String) {
    let headers = [("content-type", content_type)];
    let answer = cluster.send("admin", request, &headers, body.as_bytes()).await;
    (answer.code, answer.text)
}

#[test]
fn what_no_field_takes_may_be_as_deep_as_in_kubernetes() {
    on_long_stacks(async {
        let cluster = Cluster::start().await;
        let url = "POST /api/v1/namespaces/default/configmaps?fieldValidation=Ignore";
        for (name, depth, code) in [("a", 9_999, 201), ("b", 10_000, 400)] {
            let body = format!(r#"{{"metadata": {{"name": "{name}"}}, "other": {}}}"#, nested(depth));
            let (answered, text) = send(&cluster, url, "application/json", &body).await;
            assert_eq!(answered, code, "{depth}: {}", &text[..text.len().min(300)]);
            assert!(code == 201 || text.contains("exceeded max depth"), "{text}");
        }
        cluster.api.stop();
    });
}

#[test]
fn a_deep_custom_resource_is_written_and_read_in_every_way() {
    on_long_stacks(async {
        let cluster = Cluster::start().await;
        define(&cluster).await;
        let url = "/apis/example.com/v1/namespaces/default/things";
        let object = |depth: usize, metadata: &str| {
            format!(
                r#"{{"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {{{metadata} "name": "a"}}, "x": {}}}"#,
                nested(depth)
            )
        };
        let (code, text) = send(&cluster, &format!("POST {url}"), "application/json", &object(900, "")).await;
        assert_eq!(code, 201, "{text}");
        let (_, version) = text.split_once("\"resourceVersion\":\"").expect("a version");
        let (version, _) = version.split_once('"').expect("a version");
        let version = format!(r#""resourceVersion": "{version}","#);
        for (request, content_type, body) in [
            (format!("PUT {url}/a"), "application/json", object(910, &version)),
            (format!("PATCH {url}/a"), "application/merge-patch+json", format!(r#"{{"z": {}}}"#, nested(900))),
            (
                format!("PATCH {url}/a"),
                "application/json-patch+json",
                r#"[{"op": "move", "from": "/x", "path": "/w"}]"#.to_owned(),
            ),
            (
                format!("PATCH {url}/a?fieldManager=m&force=true"),
                "application/apply-patch+yaml",
                r#"{"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "a"}, "v": {"a": 1}}"#
                    .to_owned(),
            ),
            (format!("GET {url}/a"), "application/json", String::new()),
            (format!("GET {url}"), "application/json", String::new()),
            (format!("DELETE {url}/a"), "application/json", String::new()),
        ] {
            let (code, text) = send(&cluster, &request, content_type, &body).await;
            assert_eq!(code, 200, "{request}: {}", &text[..text.len().min(300)]);
        }
        cluster.api.stop();
    });
}

#[test]
fn what_would_be_too_deep_to_keep_is_refused_however_it_comes() {
    on_long_stacks(async {
        let cluster = Cluster::start().await;
        define(&cluster).await;
        let url = "/apis/example.com/v1/namespaces/default/things";
        let body = |depth: usize| {
            format!(
                r#"{{"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {{"name": "a"}}, "x": {}}}"#,
                nested(depth)
            )
        };
        let (code, text) = send(&cluster, &format!("POST {url}"), "application/json", &body(1_000)).await;
        assert!(code == 400 && text.contains("exceeded max depth"), "{code} {text}");
        assert_eq!(send(&cluster, &format!("POST {url}"), "application/json", &body(500)).await.0, 201);
        let mut operations = Vec::new();
        let mut target = "/x".to_owned() + &"/a".repeat(499);
        for _ in 0..4 {
            operations.push(json!({"op": "copy", "from": "/x", "path": target}));
            target = target.clone() + &target.replacen("/x", "/a", 1);
        }
        let patch = Value::from(operations).to_string();
        let (code, text) =
            send(&cluster, &format!("PATCH {url}/a"), "application/json-patch+json", &patch).await;
        assert_eq!(code, 422, "{}", &text[..text.len().min(300)]);
        cluster.api.stop();
    });
}
