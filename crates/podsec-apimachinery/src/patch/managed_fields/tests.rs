//! What creates, updates and patches leave in managedFields.

use super::*;
use crate::schema::{Definitions, Schema};

fn schema(group: &str, kind: &str) -> Schema<'static> {
    Definitions::builtin().kind(group, "v1", kind).unwrap()
}

fn request<'a>(manager: &'a str, now: &str, reset: &'a FieldSet) -> Request<'a> {
    Request { manager, api_version: "v1", subresource: "", reset, now: now.parse().unwrap() }
}

fn managed(object: &Value) -> Value {
    object.pointer("/metadata/managedFields").cloned().unwrap_or_default()
}

fn status() -> FieldSet {
    FieldSet::of(&[&["status"]])
}

fn pod() -> Value {
    json!({
        "kind": "Pod", "apiVersion": "v1",
        "metadata": {
            "name": "nginx", "namespace": "t137", "uid": "4ec2910c", "creationTimestamp": "2026-11-21T20:12:15Z",
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"},
        },
        "spec": {
            "containers": [{
                "name": "nginx", "image": "nginx", "ports": [{"containerPort": 80, "protocol": "TCP"}], "resources": {},
                "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
                "imagePullPolicy": "Always",
            }],
            "restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst",
            "securityContext": {}, "schedulerName": "default-scheduler", "enableServiceLinks": true,
        },
        "status": {"phase": "Pending"},
    })
}

#[test]
fn a_created_pods_fields_belong_to_their_creator_as_recorded() {
    let (mut pod, reset) = (pod(), status());
    let time = "2026-11-21T20:12:15Z";
    track(None, &mut pod, &schema("", "Pod"), &request("kubectl-client-side-apply", time, &reset));
    assert_eq!(
        managed(&pod),
        json!([{
            "manager": "kubectl-client-side-apply", "operation": "Update", "apiVersion": "v1", "time": time,
            "fieldsType": "FieldsV1",
            "fieldsV1": {
                "f:metadata": {"f:annotations": {
                    ".": {}, "f:kubectl.kubernetes.io/last-applied-configuration": {},
                }},
                "f:spec": {
                    "f:containers": {"k:{\"name\":\"nginx\"}": {
                        ".": {}, "f:image": {}, "f:imagePullPolicy": {}, "f:name": {},
                        "f:ports": {
                            ".": {},
                            "k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {
                                ".": {}, "f:containerPort": {}, "f:protocol": {},
                            },
                        },
                        "f:resources": {}, "f:terminationMessagePath": {}, "f:terminationMessagePolicy": {},
                    }},
                    "f:dnsPolicy": {}, "f:enableServiceLinks": {}, "f:restartPolicy": {}, "f:schedulerName": {},
                    "f:securityContext": {}, "f:terminationGracePeriodSeconds": {},
                },
            },
        }])
    );
}

#[test]
fn a_created_deployments_fields_are_those_recorded() {
    let reset = status();
    let mut deployment = json!({
        "kind": "Deployment", "apiVersion": "apps/v1", "metadata": {"name": "d"},
        "spec": {
            "replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600,
            "selector": {"matchLabels": {"a": "b"}},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
            "template": {
                "metadata": {"labels": {"a": "b"}},
                "spec": {
                    "containers": [{"name": "c", "image": "x", "resources": {}}],
                    "restartPolicy": "Always", "securityContext": {},
                },
            },
        },
        "status": {},
    });
    let request = Request { api_version: "apps/v1", ..request("wire-probe", "2026-11-21T19:56:20Z", &reset) };
    track(None, &mut deployment, &schema("apps", "Deployment"), &request);
    assert_eq!(
        deployment.pointer("/metadata/managedFields/0/fieldsV1"),
        Some(&json!({"f:spec": {
            "f:progressDeadlineSeconds": {}, "f:replicas": {}, "f:revisionHistoryLimit": {}, "f:selector": {},
            "f:strategy": {"f:rollingUpdate": {".": {}, "f:maxSurge": {}, "f:maxUnavailable": {}}, "f:type": {}},
            "f:template": {
                "f:metadata": {"f:labels": {".": {}, "f:a": {}}},
                "f:spec": {
                    "f:containers": {"k:{\"name\":\"c\"}": {".": {}, "f:image": {}, "f:name": {}, "f:resources": {}}},
                    "f:restartPolicy": {}, "f:securityContext": {},
                },
            },
        }}))
    );
}

#[test]
fn a_changed_field_changes_its_owner() {
    let (mut live, reset) = (pod(), status());
    let schema = schema("", "Pod");
    track(None, &mut live, &schema, &request("a", "2026-01-01T00:00:00Z", &reset));
    let mut new = live.clone();
    new["metadata"]["labels"] = json!({"x": "1"});
    new["spec"]["containers"][0]["image"] = json!("nginx:1.25");
    new["status"]["phase"] = json!("Running");
    track(Some(&live), &mut new, &schema, &request("b", "2026-01-02T00:00:00Z", &reset));
    let entries = managed(&new);
    assert_eq!(
        entries[1],
        json!({
            "manager": "b", "operation": "Update", "apiVersion": "v1", "time": "2026-01-02T00:00:00Z",
            "fieldsType": "FieldsV1",
            "fieldsV1": {
                "f:metadata": {"f:labels": {".": {}, "f:x": {}}},
                "f:spec": {"f:containers": {"k:{\"name\":\"nginx\"}": {"f:image": {}}}},
            },
        })
    );
    assert_eq!(
        entries[0]["fieldsV1"]["f:spec"]["f:containers"]["k:{\"name\":\"nginx\"}"].get("f:image"),
        None
    );
    assert_eq!(entries[0]["time"], "2026-01-01T00:00:00Z");
}

#[test]
fn an_update_without_a_change_leaves_the_times() {
    let (mut live, reset) = (pod(), status());
    let schema = schema("", "Pod");
    track(None, &mut live, &schema, &request("a", "2026-01-01T00:00:00Z", &reset));
    for mut new in [live.clone(), without_managed_fields(&live)] {
        track(Some(&live), &mut new, &schema, &request("a", "2026-01-02T00:00:00Z", &reset));
        assert_eq!(managed(&new), managed(&live));
    }
}

#[test]
fn a_client_may_reset_managed_fields_but_not_forge_them_through_a_subresource() {
    let (mut live, reset) = (pod(), status());
    let schema = schema("", "Pod");
    track(None, &mut live, &schema, &request("a", "2026-01-01T00:00:00Z", &reset));
    let mut new = live.clone();
    new["metadata"]["managedFields"] = json!([{}]);
    track(Some(&live), &mut new, &schema, &request("a", "2026-01-02T00:00:00Z", &reset));
    assert_eq!(managed(&new), Value::Null);

    let mut new = live.clone();
    new["metadata"]["managedFields"] = json!([{}]);
    let nothing = FieldSet::default();
    let request = Request { subresource: "status", ..request("a", "2026-01-02T00:00:00Z", &nothing) };
    track(Some(&live), &mut new, &schema, &request);
    assert_eq!(managed(&new), managed(&live));
}

#[test]
fn ten_updaters_are_kept_and_the_oldest_become_one() {
    let (schema, reset) = (schema("", "ConfigMap"), FieldSet::default());
    let mut live = json!({"metadata": {"name": "c"}, "data": {"m00": "x"}});
    track(None, &mut live, &schema, &request("m00", "2026-01-01T00:00:00Z", &reset));
    for number in 1..13 {
        let mut new = live.clone();
        let (manager, time) = (format!("m{number:02}"), format!("2026-01-01T00:00:{number:02}Z"));
        new["data"][manager.as_str()] = json!("x");
        track(Some(&live), &mut new, &schema, &request(&manager, &time, &reset));
        live = new;
    }
    let entries = managed(&live);
    let names: Vec<&str> =
        entries.as_array().unwrap().iter().map(|entry| entry["manager"].as_str().unwrap()).collect();
    assert_eq!(names, ["ancient-changes", "m04", "m05", "m06", "m07", "m08", "m09", "m10", "m11", "m12"]);
    assert_eq!(entries[0]["time"], "2026-01-01T00:00:03Z");
    assert_eq!(
        entries[0]["fieldsV1"],
        json!({"f:data": {".": {}, "f:m00": {}, "f:m01": {}, "f:m02": {}, "f:m03": {}}})
    );
}
