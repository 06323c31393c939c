//! What the verbs do to objects, beyond what the recorded session shows.

mod cluster;

use cluster::{Cluster, pod};
use http_body_util::BodyExt;
use serde_json::{Value, json};

#[tokio::test]
async fn an_update_that_changes_nothing_is_no_update() {
    let cluster = Cluster::start().await;
    let url = "/api/v1/namespaces/default/configmaps";
    let created = cluster.create(url, json!({"metadata": {"name": "a"}, "data": {"k": "v"}})).await;
    let put = cluster.json(&format!("PUT {url}/a"), &created).await.object();
    let patched = cluster.json(&format!("PATCH {url}/a"), &json!({"data": {"k": "v"}})).await.object();
    assert_eq!(put, created);
    assert_eq!(patched, created);
}

#[tokio::test]
async fn a_stale_resource_version_is_a_conflict_and_none_is_not() {
    let cluster = Cluster::start().await;
    let url = "/api/v1/namespaces/default/configmaps";
    let mut first = cluster.create(url, json!({"metadata": {"name": "a"}, "data": {"k": "1"}})).await;
    first["data"]["k"] = "2".into();
    assert_eq!(cluster.json(&format!("PUT {url}/a"), &first).await.code, 200);
    first["data"]["k"] = "3".into();
    assert_eq!(cluster.json(&format!("PUT {url}/a"), &first).await.code, 409);
    first["metadata"].as_object_mut().unwrap().remove("resourceVersion");
    assert_eq!(cluster.json(&format!("PUT {url}/a"), &first).await.code, 200);
}

#[tokio::test]
async fn a_patch_cannot_change_who_an_object_is_or_when_it_was_made() {
    let cluster = Cluster::start().await;
    let url = "/api/v1/namespaces/default/configmaps";
    let created = cluster.create(url, json!({"metadata": {"name": "a"}})).await;
    let other = json!({"metadata": {"uid": "x"}});
    assert_eq!(cluster.json(&format!("PATCH {url}/a"), &other).await.code, 422);
    let earlier = json!({"metadata": {"creationTimestamp": "2020-01-01T00:00:00Z"}});
    assert_eq!(cluster.json(&format!("PATCH {url}/a"), &earlier).await.object(), created);
}

#[tokio::test]
async fn concurrent_patches_without_a_version_all_win() {
    let cluster = std::sync::Arc::new(Cluster::start().await);
    let url = "/api/v1/namespaces/default/configmaps";
    cluster.create(url, json!({"metadata": {"name": "a"}})).await;
    let patches = (0..16).map(|index| {
        let cluster = std::sync::Arc::clone(&cluster);
        tokio::spawn(async move {
            let patch = json!({"data": {index.to_string(): "x"}});
            cluster.json(&format!("PATCH {url}/a"), &patch).await.code
        })
    });
    for patch in patches.collect::<Vec<_>>() {
        assert_eq!(patch.await.unwrap(), 200);
    }
    let data = cluster.get(&format!("{url}/a")).await.object()["data"].clone();
    assert_eq!(data.as_object().unwrap().len(), 16);
}

#[tokio::test]
async fn a_dry_run_stores_nothing() {
    let cluster = Cluster::start().await;
    let url = "/api/v1/namespaces/default/pods";
    let dry = cluster.json(&format!("POST {url}?dryRun=All"), &pod("a")).await;
    assert_eq!(dry.code, 201);
    assert_eq!(dry.object()["metadata"].get("resourceVersion"), None);
    assert_eq!(cluster.get(&format!("{url}/a")).await.code, 404);
    cluster.create(url, pod("a")).await;
    assert_eq!(cluster.json(&format!("DELETE {url}/a?dryRun=All"), &Value::Null).await.code, 200);
    assert_eq!(cluster.get(&format!("{url}/a")).await.code, 200);
}

#[tokio::test]
async fn pages_show_one_state_of_the_list() {
    let cluster = Cluster::start().await;
    let url = "/api/v1/namespaces/default/configmaps";
    for name in ["a", "b", "c", "d", "e"] {
        cluster.create(url, json!({"metadata": {"name": name}})).await;
    }
    let first = cluster.get(&format!("{url}?limit=2")).await.object();
    assert_eq!(first["metadata"]["remainingItemCount"], 3);
    cluster.create(url, json!({"metadata": {"name": "bb"}})).await;
    cluster.json(&format!("DELETE {url}/e"), &Value::Null).await;
    let mut names: Vec<String> = names_of(&first);
    let mut token = first["metadata"]["continue"].as_str().unwrap().to_owned();
    loop {
        let page = cluster.get(&format!("{url}?limit=2&continue={token}")).await.object();
        assert_eq!(page["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
        names.extend(names_of(&page));
        match page["metadata"].get("continue") {
            Some(next) => next.as_str().unwrap().clone_into(&mut token),
            None => break,
        }
    }
    assert_eq!(names, ["a", "b", "c", "d", "e"]);
}

#[tokio::test]
async fn a_selector_decides_what_a_watch_calls_added_and_deleted() {
    let cluster = Cluster::start().await;
    let url = "/api/v1/namespaces/default/configmaps";
    let mut watch = cluster
        .open("admin", &format!("GET {url}?watch=true&labelSelector=on%3Dyes&timeoutSeconds=30"), &[], b"")
        .await
        .into_body();
    cluster.create(url, json!({"metadata": {"name": "a", "labels": {"on": "no"}}})).await;
    let label = |value: &str| json!({"metadata": {"labels": {"on": value}}});
    cluster.json(&format!("PATCH {url}/a"), &label("yes")).await;
    cluster.json(&format!("PATCH {url}/a"), &json!({"data": {"k": "v"}})).await;
    cluster.json(&format!("PATCH {url}/a"), &label("no")).await;
    cluster.json(&format!("PATCH {url}/a"), &label("yes")).await;
    cluster.json(&format!("DELETE {url}/a"), &Value::Null).await;
    let mut seen = Vec::new();
    while seen.len() < 5 {
        let frame = watch.frame().await.unwrap().unwrap().into_data().unwrap();
        // Short lines may come together.
        for event in serde_json::Deserializer::from_slice(&frame).into_iter::<Value>() {
            let event = event.unwrap();
            seen.push(format!("{} {}", event["type"], event["object"]["metadata"]["labels"]["on"]));
        }
    }
    assert_eq!(
        seen,
        [
            r#""ADDED" "yes""#,
            r#""MODIFIED" "yes""#,
            r#""DELETED" "yes""#,
            r#""ADDED" "yes""#,
            r#""DELETED" "yes""#
        ]
    );
}

#[tokio::test]
async fn a_watch_list_ends_its_beginning_with_a_bookmark() {
    let cluster = Cluster::start().await;
    cluster.create("/api/v1/namespaces/default/configmaps", json!({"metadata": {"name": "a"}})).await;
    let url = "/api/v1/configmaps?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan\
               &allowWatchBookmarks=true&timeoutSeconds=1";
    let events = cluster.get(url).await.events();
    assert_eq!(events[0]["type"], "ADDED");
    assert_eq!(events[1]["type"], "BOOKMARK");
    assert_eq!(events[1]["object"]["kind"], "ConfigMap");
    assert_eq!(events[1]["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
}

#[tokio::test]
async fn a_table_watch_names_its_columns_once() {
    let cluster = Cluster::start().await;
    for name in ["a", "b"] {
        cluster.create("/api/v1/namespaces/default/configmaps", json!({"metadata": {"name": name}})).await;
    }
    let accept = [("accept", "application/json;as=Table;v=v1;g=meta.k8s.io")];
    let request = "GET /api/v1/namespaces/default/configmaps?watch=true&timeoutSeconds=1";
    let events = cluster.send("admin", request, &accept, b"").await.events();
    assert!(events[0]["object"]["columnDefinitions"].is_array());
    assert!(events[1]["object"]["columnDefinitions"].is_null());
    assert_eq!(events[1]["object"]["rows"][0]["object"]["metadata"]["name"], "b");
}

#[tokio::test]
async fn a_finalizer_keeps_an_object_until_it_is_removed() {
    let cluster = Cluster::start().await;
    let url = "/api/v1/namespaces/default/configmaps";
    cluster.create(url, json!({"metadata": {"name": "a", "finalizers": ["x.y/z"]}})).await;
    let deleted = cluster.json(&format!("DELETE {url}/a"), &Value::Null).await.object();
    assert!(deleted["metadata"]["deletionTimestamp"].is_string());
    assert_eq!(cluster.get(&format!("{url}/a")).await.code, 200);
    let patch = json!({"metadata": {"finalizers": null}});
    assert_eq!(cluster.json(&format!("PATCH {url}/a"), &patch).await.code, 200);
    assert_eq!(cluster.get(&format!("{url}/a")).await.code, 404);
}

#[tokio::test]
async fn a_deleted_namespace_takes_its_contents_with_it() {
    let cluster = Cluster::start().await;
    cluster.namespace("dev", json!({})).await;
    cluster.create("/api/v1/namespaces/dev/pods", pod("a")).await;
    cluster.create("/api/v1/namespaces/dev/configmaps", json!({"metadata": {"name": "a"}})).await;
    let answer = cluster.json("DELETE /api/v1/namespaces/dev", &Value::Null).await;
    assert_eq!(answer.object()["status"]["phase"], "Terminating");
    cluster.eventually("/api/v1/namespaces/dev", 404).await;
    assert_eq!(cluster.get("/api/v1/pods").await.object()["items"], json!([]));
    cluster.namespace("dev", json!({})).await;
}

#[tokio::test]
async fn what_an_object_owns_goes_with_it_unless_it_is_set_free() {
    let cluster = Cluster::start().await;
    let url = "/api/v1/namespaces/default/configmaps";
    for (owner, dependent) in [("o1", "d1"), ("o2", "d2"), ("o3", "d3")] {
        let owner = cluster.create(url, json!({"metadata": {"name": owner}})).await;
        let reference = json!([{
            "apiVersion": "v1", "kind": "ConfigMap", "name": owner["metadata"]["name"],
            "uid": owner["metadata"]["uid"],
        }]);
        cluster.create(url, json!({"metadata": {"name": dependent, "ownerReferences": reference}})).await;
    }
    cluster.json(&format!("DELETE {url}/o1?propagationPolicy=Background"), &Value::Null).await;
    cluster.json(&format!("DELETE {url}/o2?propagationPolicy=Foreground"), &Value::Null).await;
    cluster.json(&format!("DELETE {url}/o3?propagationPolicy=Orphan"), &Value::Null).await;
    for gone in ["o1", "d1", "o2", "d2", "o3"] {
        cluster.eventually(&format!("{url}/{gone}"), 404).await;
    }
    let free = cluster.get(&format!("{url}/d3")).await.object();
    assert!(free["metadata"].get("ownerReferences").is_none_or(|owners| *owners == json!([])), "{free}");
}

#[tokio::test]
async fn pod_security_judges_what_would_be_stored_and_after_validation() {
    let cluster = Cluster::start().await;
    cluster.namespace("prod", json!({"pod-security.kubernetes.io/enforce": "baseline"})).await;
    let url = "/api/v1/namespaces/prod/pods";
    let mut on_host = pod("a");
    on_host["spec"]["hostNetwork"] = true.into();
    on_host["spec"]["containers"][0]["ports"] = json!([{"containerPort": 80}]);
    let refused = cluster.json(&format!("POST {url}"), &on_host).await;
    assert_eq!(
        refused.object()["message"],
        r#"pods "a" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true), hostPort (container "c" uses hostPort 80)"#
    );
    on_host["spec"]["containers"][0]["image"] = "".into();
    assert_eq!(cluster.json(&format!("POST {url}"), &on_host).await.code, 422);
    cluster.create(url, pod("a")).await;
    // Already there, but that is looked at last.
    on_host["spec"]["containers"][0]["image"] = "x".into();
    assert_eq!(cluster.json(&format!("POST {url}"), &on_host).await.code, 403);
}

#[tokio::test]
async fn a_warning_comes_with_the_object_and_with_its_refusal_by_name() {
    let cluster = Cluster::start().await;
    cluster.namespace("dev", json!({"pod-security.kubernetes.io/warn": "restricted"})).await;
    let url = "/api/v1/namespaces/dev/pods";
    let first = cluster.json(&format!("POST {url}"), &pod("a")).await;
    assert_eq!((first.code, first.warnings().len()), (201, 1));
    let second = cluster.json(&format!("POST {url}"), &pod("a")).await;
    assert_eq!((second.code, second.warnings().len()), (409, 1));
}

#[tokio::test]
async fn a_status_is_written_through_its_own_door() {
    let cluster = Cluster::start().await;
    let url = "/api/v1/namespaces/default/pods";
    cluster.create(url, pod("a")).await;
    let patch = json!({"metadata": {"labels": {"x": "y"}}, "status": {"phase": "Running"}});
    let through_front = cluster.json(&format!("PATCH {url}/a"), &patch).await.object();
    assert_eq!(through_front["status"]["phase"], "Pending");
    let through_side = cluster.json(&format!("PATCH {url}/a/status"), &patch).await.object();
    assert_eq!(through_side["status"]["phase"], "Running");
}

#[tokio::test]
async fn an_event_is_the_same_in_both_of_its_groups() {
    let cluster = Cluster::start().await;
    let event = json!({
        "metadata": {"name": "e"}, "reason": "Failed", "message": "no",
        "involvedObject": {"kind": "Pod", "name": "a", "namespace": "default"},
    });
    cluster.create("/api/v1/namespaces/default/events", event).await;
    let list = cluster.get("/apis/events.k8s.io/v1/namespaces/default/events").await.object();
    assert_eq!(list["items"][0]["note"], "no");
    assert_eq!(list["items"][0]["regarding"]["name"], "a");
}

#[tokio::test]
async fn a_workload_is_scaled_through_its_scale() {
    let cluster = Cluster::start().await;
    let url = "/apis/apps/v1/namespaces/default/deployments";
    let template = json!({"metadata": {"labels": {"a": "b"}}, "spec": pod("x")["spec"]});
    let spec = json!({"selector": {"matchLabels": {"a": "b"}}, "template": template});
    cluster.create(url, json!({"metadata": {"name": "web"}, "spec": spec})).await;
    let patch = json!({"spec": {"replicas": 3}});
    let scale = cluster.json(&format!("PATCH {url}/web/scale"), &patch).await.object();
    assert_eq!((&scale["kind"], &scale["spec"]["replicas"]), (&json!("Scale"), &json!(3)));
    let deployment = cluster.get(&format!("{url}/web")).await.object();
    assert_eq!(deployment["spec"]["replicas"], 3);
    assert_eq!(deployment["metadata"]["generation"], 2);
}

#[tokio::test]
async fn reviews_answer_who_one_is_and_what_one_may() {
    let cluster = Cluster::start().await;
    let whoami = cluster.json("POST /apis/authentication.k8s.io/v1/selfsubjectreviews", &json!({})).await;
    assert_eq!(whoami.object()["status"]["userInfo"]["username"], "admin");
    let question = json!({"spec": {"resourceAttributes": {"verb": "create", "resource": "pods"}}});
    let url = "POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    assert_eq!(cluster.json(url, &question).await.object()["status"]["allowed"], true);
    let body = serde_json::to_vec(&question).unwrap();
    assert_eq!(cluster.send("joe", url, &[], &body).await.object()["status"]["allowed"], false);
}

#[tokio::test]
async fn impersonation_changes_who_is_judged() {
    let cluster = Cluster::start().await;
    let as_joe = [("impersonate-user", "joe")];
    let answer = cluster.send("admin", "GET /api/v1/pods", &as_joe, b"").await;
    assert_eq!(
        answer.object()["message"],
        r#"pods is forbidden: User "joe" cannot list resource "pods" in API group "" at the cluster scope"#
    );
    let answer = cluster.send("joe", "GET /api/v1/pods", &[("impersonate-user", "admin")], b"").await;
    assert_eq!(
        answer.object()["message"],
        r#"pods is forbidden: User "joe" cannot impersonate-on:user-info:list resource "pods" in API group "" at the cluster scope"#
    );
}

#[tokio::test]
async fn a_body_over_three_mebibytes_is_refused() {
    let cluster = Cluster::start().await;
    let body = vec![b' '; 3 * 1024 * 1024 + 1];
    let answer = cluster.send("admin", "POST /api/v1/namespaces/default/pods", &[], &body).await;
    assert_eq!((answer.code, &answer.object()["reason"]), (413, &json!("RequestEntityTooLarge")));
}

#[tokio::test]
async fn the_node_takes_pods_to_running_and_away() {
    let cluster = Cluster::start().await;
    cluster.api.start_node();
    let url = "/api/v1/namespaces/default/pods";
    cluster.create(url, pod("a")).await;
    for attempt in 0.. {
        let phase = cluster.get(&format!("{url}/a")).await.object()["status"]["phase"].clone();
        if phase == "Running" {
            break;
        }
        assert!(attempt < 500, "still {phase}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let deleted = cluster.json(&format!("DELETE {url}/a"), &Value::Null).await.object();
    assert_eq!(deleted["metadata"]["deletionGracePeriodSeconds"], 30);
    cluster.eventually(&format!("{url}/a"), 404).await;
}

fn names_of(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().expect("a list");
    items.iter().map(|item| item["metadata"]["name"].as_str().expect("a name").to_owned()).collect()
}

#[tokio::test]
async fn head_of_a_resource_is_served_by_nobody() {
    let cluster = Cluster::start().await;
    for (url, code) in [
        ("/api/v1/namespaces/default/configmaps?labelSelector=none%3Dx", 405),
        ("/api/v1/namespaces/default", 405),
        ("/api/v1/namespaces/default/configmaps/a/status", 404),
        ("/api/v1/namespaces/default/nothings/a", 404),
        ("/healthz", 200),
    ] {
        assert_eq!(cluster.send("admin", &format!("HEAD {url}"), &[], b"").await.code, code, "{url}");
    }
}

#[tokio::test]
async fn who_deletes_a_job_without_a_word_about_its_pods_is_told_that_they_stay() {
    let cluster = Cluster::start().await;
    let url = "/apis/batch/v1/namespaces/default/jobs";
    for (query, told) in [("", 1), ("?propagationPolicy=Background", 0), ("?orphanDependents=true", 0)] {
        let answer = cluster.json(&format!("DELETE {url}{query}"), &Value::Null).await;
        let warning = "299 - \"child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning\"";
        assert_eq!(answer.warnings(), vec![warning; told], "{query}");
    }
}
