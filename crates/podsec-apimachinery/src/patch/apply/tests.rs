//! Server-side apply: who owns what, and what happens to it.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::schema::{Definitions, Schema};

const CREATED: &str = "2026-11-21T20:12:19Z";
const LATER: &str = "2026-11-21T20:12:20Z";

fn pod_schema() -> Schema<'static> {
    Definitions::builtin().kind("", "v1", "Pod").unwrap()
}

fn applied(
    live: Option<&Value>,
    config: &Value,
    manager: &str,
    now: &str,
    force: bool,
) -> Result<Value, Error> {
    let reset = FieldSet::of(&[&["status"]]);
    let request =
        Request { manager, api_version: "v1", subresource: "", reset: &reset, now: now.parse().unwrap() };
    apply(live, config, "Pod", &pod_schema(), &request, force)
}

/// The configuration that kubectl 1.37 sent in the captures.
fn config(image: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"labels": {"app": "good"}, "name": "ssa", "namespace": "t137"},
        "spec": {
            "containers": [{"image": image, "name": "c", "securityContext": {
                "allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]},
            }}],
            "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
        },
    })
}

/// What the API server stored of it: with defaults, an identity and a status.
fn stored(mut object: Value) -> Value {
    object["metadata"]["uid"] = json!("3e3f3289");
    object["metadata"]["creationTimestamp"] = json!(CREATED);
    object["metadata"]["resourceVersion"] = json!("1628");
    object["spec"]["containers"][0]["imagePullPolicy"] = json!("IfNotPresent");
    object["spec"]["restartPolicy"] = json!("Always");
    object["status"] = json!({"phase": "Pending"});
    object
}

fn entry(manager: &str, time: &str, fields: Value) -> Value {
    let mut entry = json!({
        "manager": manager, "operation": "Apply", "apiVersion": "v1", "time": time, "fieldsType": "FieldsV1",
    });
    entry["fieldsV1"] = fields;
    entry
}

fn fields(image: Option<&str>) -> Value {
    let mut fields = json!({
        "f:metadata": {"f:labels": {"f:app": {}}},
        "f:spec": {
            "f:containers": {"k:{\"name\":\"c\"}": {
                ".": {}, "f:name": {},
                "f:securityContext": {"f:allowPrivilegeEscalation": {}, "f:capabilities": {"f:drop": {}}},
            }},
            "f:securityContext": {"f:runAsNonRoot": {}, "f:seccompProfile": {"f:type": {}}},
        },
    });
    if image.is_some() {
        fields["f:spec"]["f:containers"]["k:{\"name\":\"c\"}"]["f:image"] = json!({});
    }
    fields
}

#[test]
fn the_recorded_create_again_conflict_and_force_go_as_recorded() {
    let (old, new) = ("registry.k8s.io/pause:3.9", "registry.k8s.io/pause:3.8");
    let created = applied(None, &config(old), "kubectl", CREATED, false).unwrap();
    assert_eq!(created["metadata"]["managedFields"], json!([entry("kubectl", CREATED, fields(Some("")))]));
    assert_eq!(without_managed_fields(&created), as_written(&config(old)));

    let live = stored(created);
    assert_eq!(applied(Some(&live), &config(old), "kubectl", LATER, false), Ok(live.clone()));

    let refused = applied(Some(&live), &config(new), "other", LATER, false).unwrap_err();
    assert_eq!(
        serde_json::to_string(&refused.status()).unwrap(),
        r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"Apply failed with 1 conflict: conflict with \"kubectl\": .spec.containers[name=\"c\"].image","reason":"Conflict","details":{"causes":[{"reason":"FieldManagerConflict","message":"conflict with \"kubectl\"","field":".spec.containers[name=\"c\"].image"}]},"code":409}"#
    );

    let forced = applied(Some(&live), &config(new), "other", LATER, true).unwrap();
    let mut expected = live;
    expected["spec"]["containers"][0]["image"] = json!(new);
    expected["metadata"]["managedFields"] =
        json!([entry("kubectl", CREATED, fields(None)), entry("other", LATER, fields(Some("")))]);
    assert_eq!(forced, expected);
}

#[test]
fn what_an_applier_leaves_out_goes_unless_somebody_else_owns_it() {
    let with = |labels: Value| json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "labels": labels}});
    let first = applied(None, &with(json!({"mine": "1", "shared": "2"})), "a", CREATED, false).unwrap();
    let second = applied(Some(&first), &with(json!({"shared": "2"})), "b", CREATED, false).unwrap();
    let third = applied(Some(&second), &with(json!({"new": "3"})), "a", LATER, false).unwrap();
    assert_eq!(third["metadata"]["labels"], json!({"new": "3", "shared": "2"}));
    let fourth = applied(Some(&third), &with(json!({})), "b", LATER, false).unwrap();
    assert_eq!(fourth["metadata"]["labels"], json!({"new": "3"}));
}

#[test]
fn a_list_element_goes_with_its_last_owner_and_what_the_server_put_into_it() {
    let with = |names: &[&str]| {
        let containers: Vec<Value> = names.iter().map(|name| json!({"name": name, "image": "x"})).collect();
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": containers}})
    };
    let live = stored(applied(None, &with(&["a", "b"]), "m", CREATED, false).unwrap());
    let after = applied(Some(&live), &with(&["b"]), "m", LATER, false).unwrap();
    assert_eq!(after["spec"]["containers"], json!([{"name": "b", "image": "x", "resources": {}}]));
    assert_eq!(after["spec"]["restartPolicy"], "Always");
}

#[test]
fn the_applied_order_wins_and_other_elements_keep_their_place() {
    let names = |object: &Value| -> Vec<String> {
        let containers = object["spec"]["containers"].as_array().unwrap();
        containers.iter().map(|container| container["name"].as_str().unwrap().to_owned()).collect()
    };
    let with = |names: &str| {
        let containers: Vec<Value> = names.chars().map(|name| json!({"name": name.to_string()})).collect();
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": containers}})
    };
    let cases = [
        ("abc", "cba", "cba"),
        ("xab", "ba", "xba"),
        ("axb", "ab", "axb"),
        ("abx", "ab", "abx"),
        ("abc", "d", "abcd"),
        ("abc", "adc", "abdc"),
    ];
    for (live, config, expected) in cases {
        let merged = applied(Some(&with(live)), &with(config), "m", LATER, true).unwrap();
        assert_eq!(names(&merged).concat(), expected, "{live} + {config}");
    }
}

#[test]
fn sets_and_atomic_lists_merge_as_declared() {
    let live = owned(
        &json!({"metadata": {"finalizers": ["a/a"]}, "spec": {"containers": [{"name": "c", "args": ["1", "2"]}]}}),
    );
    let config = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "p", "finalizers": ["b/b"]},
        "spec": {"containers": [{"name": "c", "args": ["3"]}]},
    });
    let merged = applied(Some(&live), &config, "m", LATER, true).unwrap();
    assert_eq!(merged["metadata"]["finalizers"], json!(["a/a", "b/b"]));
    assert_eq!(merged["spec"]["containers"], json!([{"name": "c", "args": ["3"], "resources": {}}]));
    assert_eq!(
        merged["metadata"]["managedFields"][0]["fieldsV1"],
        json!({
            "f:metadata": {"f:finalizers": {"v:\"b/b\"": {}}},
            "f:spec": {"f:containers": {"k:{\"name\":\"c\"}": {".": {}, "f:args": {}, "f:name": {}}}},
        })
    );
}

#[test]
fn conflicts_with_several_owners_are_listed() {
    let mut live = json!({"metadata": {"labels": {"a": "1", "b": "1", "c": "1"}}});
    live["metadata"]["managedFields"] = json!([
        entry("y", CREATED, json!({"f:metadata": {"f:labels": {"f:a": {}, "f:b": {}}}})),
        {
            "manager": "x", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1", "subresource": "status",
            "fieldsV1": {"f:metadata": {"f:labels": {"f:c": {}}}},
        },
    ]);
    let labels = json!({"a": "2", "b": "2", "c": "2"});
    let mut config = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}});
    config["metadata"]["labels"] = labels;
    assert_eq!(
        applied(Some(&live), &config, "m", LATER, false).unwrap_err().to_string(),
        "Apply failed with 3 conflicts: conflicts with \"x\" with subresource \"status\" using v1:\n- .metadata.labels.c\nconflicts with \"y\":\n- .metadata.labels.a\n- .metadata.labels.b"
    );
}

#[test]
fn the_note_of_the_last_configuration_does_not_hold_itself() {
    let mut noted = config("new");
    noted["metadata"]["annotations"] = json!({LAST_APPLIED: "{}"});
    let applied = applied(None, &noted, "kubectl", CREATED, false).unwrap();
    let mut bare = config("new");
    bare["metadata"]["annotations"] = json!({});
    assert_eq!(applied["metadata"]["annotations"][LAST_APPLIED], format!("{bare}\n"));
}

#[test]
fn kubectl_takes_over_what_it_applied_on_the_clients_side() {
    let mut last = config("old");
    last["metadata"]["annotations"] = json!({});
    let mut live = config("old");
    live["metadata"]["annotations"] = json!({LAST_APPLIED: last.to_string()});
    live["metadata"]["managedFields"] = json!([{
        "manager": "kubectl-client-side-apply", "operation": "Update", "apiVersion": "v1", "time": CREATED,
        "fieldsType": "FieldsV1", "fieldsV1": fields(Some("")),
    }]);
    assert!(matches!(applied(Some(&live), &config("new"), "other", LATER, false), Err(Error::Conflict(_))));
    let taken = applied(Some(&live), &config("new"), "kubectl", LATER, false).unwrap();
    assert_eq!(taken["spec"]["containers"][0]["image"], "new");
    assert_eq!(taken["metadata"]["annotations"][LAST_APPLIED], format!("{}\n", config("new")));
    live["spec"]["containers"][0]["image"] = json!("drifted");
    assert!(matches!(applied(Some(&live), &config("new"), "kubectl", LATER, false), Err(Error::Conflict(_))));
}

#[test]
fn what_does_not_fit_is_refused_as_recorded() {
    let pod = |rest: Value| {
        let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "s1"}});
        pod.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        pod
    };
    let spec = |spec: Value| pod(json!({"spec": spec}));
    let cases = [
        (
            spec(json!({"containers": [{"name": "c", "image": "x"}], "foo": 1})),
            500,
            "failed to create typed patch object (/s1; /v1, Kind=Pod): .spec.foo: field not declared in schema",
        ),
        (
            spec(json!({"containers": [{"name": "c", "image": true}]})),
            500,
            "failed to create typed patch object (/s1; /v1, Kind=Pod): .spec.containers[name=\"c\"].image: expected string, got &value.valueUnstructured{Value:true}",
        ),
        (
            spec(json!({"containers": [{"name": "c"}, {"name": "c"}]})),
            500,
            "failed to create typed patch object (/s1; /v1, Kind=Pod): .spec.containers: duplicate entries for key [name=\"c\"]",
        ),
        (
            spec(json!({"containers": {}, "hostPID": "yes", "priority": "x"})),
            500,
            "failed to create typed patch object (/s1; /v1, Kind=Pod): errors:\n  .spec.containers: expected list, got &{map[]}\n  .spec.hostPID: expected boolean, got &{yes}\n  .spec.priority: expected numeric (int or float), got string",
        ),
        (json!({"apiVersion": "v1", "metadata": {"name": "s1"}}), 400, "invalid object type: /v1, Kind="),
        (pod(json!({"apiVersion": "v2"})), 400, "invalid object type: /v2, Kind=Pod"),
        (pod(json!({"metadata": {"managedFields": []}})), 400, "metadata.managedFields must be nil"),
    ];
    for (config, code, message) in cases {
        let status = applied(None, &config, "m", LATER, true).unwrap_err().status();
        assert_eq!((status.code, status.message.as_str()), (code, message));
    }
}

#[test]
fn without_a_schema_maps_merge_and_lists_are_whole() {
    let reset = FieldSet::default();
    let request = Request {
        manager: "m",
        api_version: "x.y/v1",
        subresource: "",
        reset: &reset,
        now: LATER.parse().unwrap(),
    };
    let object = |spec: Value| {
        let mut object = json!({"apiVersion": "x.y/v1", "kind": "Foo", "metadata": {"name": "f"}});
        object["spec"] = spec;
        object
    };
    let live = object(json!({"map": {"a": 1}, "list": [1, 2], "was": "text"}));
    let config = object(json!({"map": {"b": 2}, "list": [3], "was": {"now": "map"}}));
    let merged = apply(Some(&live), &config, "Foo", &crate::patch::schema::Untyped, &request, true).unwrap();
    assert_eq!(
        without_managed_fields(&merged),
        object(json!({"map": {"a": 1, "b": 2}, "list": [3], "was": {"now": "map"}}))
    );
    assert_eq!(
        merged.pointer("/metadata/managedFields/0/fieldsV1"),
        Some(&json!({"f:spec": {
            ".": {}, "f:list": {}, "f:map": {".": {}, "f:b": {}}, "f:was": {".": {}, "f:now": {}},
        }}))
    );
}

proptest! {
    #[test]
    fn nothing_panics_and_a_second_apply_changes_nothing(live in pods(), config in pods(), force in any::<bool>()) {
        let live = owned(&live);
        if let Ok(once) = applied(Some(&live), &config, "m", CREATED, force) {
            prop_assert_eq!(applied(Some(&once), &config, "m", LATER, false), Ok(once));
        }
    }

    #[test]
    fn what_is_applied_is_there(live in pods(), config in pods()) {
        if let Ok(object) = applied(Some(&live), &config, "m", CREATED, true) {
            let schema = pod_schema();
            let there = typed::with_structs(&typed::field_set(&object, &schema), &schema);
            let missing = typed::field_set(&config, &schema).difference(&there);
            prop_assert_eq!(missing, FieldSet::default());
        }
    }
}

/// What Go writes of an object: empty lists and maps that mean absence are left out.
fn as_written(object: &Value) -> Value {
    crate::schema::convert(pod_schema(), object).unwrap().object
}

/// The pod as somebody has created it.
fn owned(pod: &Value) -> Value {
    let mut pod = as_written(pod);
    let reset = FieldSet::default();
    let request = Request {
        manager: "author",
        api_version: "v1",
        subresource: "",
        reset: &reset,
        now: CREATED.parse().unwrap(),
    };
    crate::patch::managed_fields::track(None, &mut pod, &pod_schema(), &request);
    pod
}

/// Pods without empty lists and maps, which Go does not tell from absent ones.
fn pods() -> impl Strategy<Value = Value> {
    let port = prop_oneof![
        (80..82).prop_map(|port| json!({"containerPort": port})),
        (80..82).prop_map(|port| json!({"containerPort": port, "protocol": "UDP", "name": "x"})),
    ];
    let container = (
        prop::sample::select(vec!["a", "b", "c"]),
        prop::option::of(prop::collection::vec("[a-b]", 1..3)),
        prop::option::of(prop::collection::vec(port, 1..3)),
    )
        .prop_map(|(name, args, ports)| {
            let mut container = json!({"name": name});
            let fields = [("args", args.map(Value::from)), ("ports", ports.map(Value::from))];
            for (name, value) in fields {
                container.as_object_mut().unwrap().extend(value.map(|value| (name.to_owned(), value)));
            }
            container
        });
    let labels = prop::option::of(prop::collection::btree_map("[a-c]", "[1-2]", 1..3));
    let finalizers = prop::option::of(prop::collection::btree_set("[a-c]", 1..3));
    let containers = prop::option::of(prop::collection::vec(container, 1..4));
    (labels, finalizers, containers).prop_map(|(labels, finalizers, containers)| {
        let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}});
        if let Some(labels) = labels {
            pod["metadata"]["labels"] = json!(labels);
        }
        if let Some(finalizers) = finalizers {
            pod["metadata"]["finalizers"] = json!(finalizers);
        }
        if let Some(containers) = containers {
            pod["spec"]["containers"] = Value::from(containers);
        }
        pod
    })
}
