//! Strategic merge patches, directive by directive.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::apply;
use crate::patch::Error;
use crate::schema::{Definitions, Schema};

fn patched(object: Value, patch: Value) -> Value {
    apply(object, patch, &schema()).unwrap()
}

fn refused(object: Value, patch: Value) -> Error {
    apply(object, patch, &schema()).unwrap_err()
}

fn schema() -> Schema<'static> {
    Definitions::builtin().kind("", "v1", "Pod").unwrap()
}

fn pod(containers: Value) -> Value {
    let mut pod = json!({"spec": {}});
    pod["spec"]["containers"] = containers;
    pod
}

#[test]
fn containers_merge_by_name_and_the_rest_of_them_stays() {
    assert_eq!(
        patched(
            pod(
                json!([{"name": "a", "image": "x", "imagePullPolicy": "Always"}, {"name": "b", "image": "y"}])
            ),
            pod(json!([{"name": "a", "image": "z"}])),
        ),
        pod(json!([{"name": "a", "image": "z", "imagePullPolicy": "Always"}, {"name": "b", "image": "y"}])),
    );
}

#[test]
fn a_list_without_merge_strategy_is_replaced() {
    assert_eq!(
        patched(pod(json!([{"name": "a", "args": ["1", "2"]}])), pod(json!([{"name": "a", "args": ["3"]}]))),
        pod(json!([{"name": "a", "args": ["3"]}])),
    );
}

#[test]
fn an_element_is_deleted_by_its_merge_key_and_new_ones_come_first() {
    assert_eq!(
        patched(
            pod(json!([{"name": "a", "ports": [{"containerPort": 80}, {"containerPort": 81}]}])),
            pod(
                json!([{"name": "a", "ports": [{"$patch": "delete", "containerPort": 80}, {"containerPort": 82}]}])
            ),
        ),
        pod(json!([{"name": "a", "ports": [{"containerPort": 82}, {"containerPort": 81}]}])),
    );
}

#[test]
fn a_list_is_replaced_by_what_stands_beside_the_directive() {
    assert_eq!(
        patched(
            pod(json!([{"name": "a"}, {"name": "b"}])),
            pod(json!([{"name": "c"}, {"$patch": "replace"}])),
        ),
        pod(json!([{"name": "c"}])),
    );
}

#[test]
fn a_map_is_replaced_or_emptied_by_its_directive() {
    let object = json!({"spec": {"nodeSelector": {"a": "1", "b": "2"}}});
    assert_eq!(
        patched(object.clone(), json!({"spec": {"nodeSelector": {"$patch": "replace", "c": "3"}}})),
        json!({"spec": {"nodeSelector": {"c": "3"}}}),
    );
    assert_eq!(
        patched(object.clone(), json!({"spec": {"nodeSelector": {"$patch": "delete"}}})),
        json!({"spec": {"nodeSelector": {}}}),
    );
    // Where there is nothing to replace, the directive's map is dropped with it.
    assert_eq!(
        patched(json!({"spec": {}}), json!({"spec": {"nodeSelector": {"$patch": "replace", "c": "3"}}})),
        json!({"spec": {}}),
    );
}

#[test]
fn nulls_delete_and_never_enter() {
    assert_eq!(
        patched(
            json!({"metadata": {"labels": {"a": "1", "b": "2"}}}),
            json!({"metadata": {"labels": {"a": null, "c": null}, "annotations": {"x": null}}}),
        ),
        json!({"metadata": {"labels": {"b": "2"}, "annotations": {}}}),
    );
}

#[test]
fn finalizers_merge_as_a_set_and_are_deleted_one_by_one() {
    let object = json!({"metadata": {"finalizers": ["a/a", "b/b"]}});
    assert_eq!(
        patched(object.clone(), json!({"metadata": {"finalizers": ["c/c", "a/a"]}})),
        json!({"metadata": {"finalizers": ["c/c", "a/a", "b/b"]}}),
    );
    assert_eq!(
        patched(object.clone(), json!({"metadata": {"$deleteFromPrimitiveList/finalizers": ["a/a", "z/z"]}})),
        json!({"metadata": {"finalizers": ["b/b"]}}),
    );
    assert_eq!(
        patched(
            json!({"metadata": {}}),
            json!({"metadata": {"$deleteFromPrimitiveList/finalizers": ["a/a"]}})
        ),
        json!({"metadata": {}}),
    );
    assert_eq!(
        patched(
            object,
            json!({"metadata": {"$setElementOrder/finalizers": ["b/b", "a/a"], "finalizers": ["a/a"]}})
        ),
        json!({"metadata": {"finalizers": ["b/b", "a/a"]}}),
    );
}

#[test]
fn elements_take_the_order_of_the_directive_and_the_servers_own_keep_their_place() {
    assert_eq!(
        patched(
            pod(json!([{"name": "injected"}, {"name": "a"}, {"name": "b"}, {"name": "late"}])),
            json!({"spec": {
                "$setElementOrder/containers": [{"name": "c"}, {"name": "b"}, {"name": "a"}],
                "containers": [{"name": "c", "image": "x"}, {"name": "a", "image": "y"}],
            }}),
        ),
        pod(json!([
            {"name": "c", "image": "x"},
            {"name": "injected"},
            {"name": "b"},
            {"name": "a", "image": "y"},
            {"name": "late"},
        ])),
    );
}

#[test]
fn a_new_element_takes_the_place_of_a_deleted_one() {
    assert_eq!(
        patched(
            pod(json!([{"name": "a"}, {"name": "injected"}])),
            json!({"spec": {
                "$setElementOrder/containers": [{"name": "b"}],
                "containers": [{"$patch": "delete", "name": "a"}, {"name": "b"}],
            }}),
        ),
        pod(json!([{"name": "injected"}, {"name": "b"}])),
    );
}

#[test]
fn an_order_alone_only_reorders() {
    assert_eq!(
        patched(
            pod(json!([{"name": "a"}, {"name": "b"}])),
            json!({"spec": {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}]}}),
        ),
        pod(json!([{"name": "b"}, {"name": "a"}])),
    );
}

#[test]
fn retained_keys_drop_the_other_fields() {
    let object = json!({"spec": {"volumes": [{"name": "v", "emptyDir": {}}]}});
    assert_eq!(
        patched(
            object.clone(),
            json!({"spec": {"volumes": [{"$retainKeys": ["name", "hostPath"], "name": "v", "hostPath": {"path": "/"}}]}}),
        ),
        json!({"spec": {"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}}),
    );
    assert_eq!(
        refused(object, json!({"spec": {"volumes": [{"$retainKeys": ["hostPath"], "name": "v"}]}})),
        Error::Malformed("invalid patch format of retainKeys".to_owned()),
    );
}

#[test]
fn what_is_malformed_is_refused_in_kubernetes_words() {
    let object = json!({"metadata": {"finalizers": ["a/a"]}, "spec": {"containers": [{"name": "a"}]}});
    let cases = [
        (
            json!([]),
            400,
            "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}",
        ),
        (json!({"spec": {"$patch": "frob"}}), 500, "unknown patch type: frob in map: map[$patch:frob]"),
        (pod(json!([{"image": "x"}])), 500, "map: map[image:x] does not contain declared merge key: name"),
        (pod(json!(["x"])), 500, "list element types are not identical: [[map[name:a]] [x]]"),
        (pod(json!([{"$patch": "merge"}])), 500, "merging lists cannot yet be specified in the patch"),
        (pod(json!([{"$patch": "frob"}])), 500, "unknown patch type: frob in map: map[$patch:frob]"),
        (
            pod(json!([{"$patch": "delete"}])),
            500,
            "map: map[$patch:delete] does not contain declared merge key: name",
        ),
        (
            json!({"metadata": {"$deleteFromPrimitiveList": []}}),
            400,
            "invalid patch format of primitive list",
        ),
        (json!({"metadata": {"$setElementOrder": []}}), 400, "invalid patch format of setElementOrder list"),
        (
            json!({"metadata": {"$setElementOrder/finalizers": "x"}}),
            500,
            "expected a []interface {}, but received a string",
        ),
        (
            json!({"spec": {"$setElementOrder/volumes": [], "volumes": []}}),
            500,
            "no elements in any of the given slices",
        ),
        (json!({"metadata": {"$retainKeys": "x"}}), 400, "invalid patch format of retainKeys"),
        (
            json!({"spec": {"$setElementOrder/containers": [{"name": "a"}], "containers": [{"name": "b"}]}}),
            500,
            "The order in patch list:\n[map[name:b]]\n doesn't match $setElementOrder list:\n[map[name:a]]\n",
        ),
    ];
    for (patch, code, message) in cases {
        let status = refused(object.clone(), patch).status();
        assert_eq!((status.code, status.message.as_str()), (code, message));
    }
}

proptest! {
    #[test]
    fn no_patch_panics(object in value(), patch in value()) {
        let _ = apply(object, patch, &schema());
    }

    #[test]
    fn the_empty_patch_changes_nothing(object in value()) {
        let object = json!({"metadata": object});
        prop_assert_eq!(apply(object.clone(), json!({}), &schema()).unwrap(), object);
    }
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..3i64).prop_map(Value::from),
        prop::sample::select(vec!["a", "b", "delete", "replace", "merge"]).prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 4, |inner| {
        let keys = prop::sample::select(vec![
            "metadata",
            "finalizers",
            "spec",
            "containers",
            "name",
            "ports",
            "containerPort",
            "args",
            "$patch",
            "$retainKeys",
            "$setElementOrder/containers",
            "$setElementOrder/finalizers",
            "$deleteFromPrimitiveList/finalizers",
            "$setElementOrder",
            "volumes",
            "nodeSelector",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((keys, inner), 0..5).prop_map(|fields| {
                Value::Object(fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
            }),
        ]
    })
}
