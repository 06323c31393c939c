//! Every patch that kubectl 1.37 sent to a real API server in the captures, applied to the object it was sent for,
//! gives the object the server answered, managed fields included; and every recorded create gives its fields away.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use jiff::Timestamp;
use podsec_apimachinery::meta::{Meta, MetaMut};
use podsec_apimachinery::patch::field_set::FieldSet;
use podsec_apimachinery::patch::managed_fields::{Request, track};
use podsec_apimachinery::patch::{apply, json, merge, strategic};
use podsec_apimachinery::schema::{Definitions, Schema};
use serde_json::Value;

#[test]
fn recorded_patches_give_the_recorded_objects() {
    let cases = include_str!("data/recorded-patches.jsonl").lines();
    let mut wrong = Vec::new();
    for line in cases {
        let case: Value = serde_json::from_str(line).unwrap();
        let expected = &case["result"];
        // What admission put into the object after its fields had found their owners.
        let got = filled(patched(&case), case.get("stored"));
        if server_set(&got) != server_set(expected) {
            wrong.push(format!(
                "{}:\n got {}\nwant {}",
                case["source"],
                server_set(&got),
                server_set(expected)
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn recorded_creates_give_their_fields_to_the_creator() {
    for line in include_str!("data/recorded-creates.jsonl").lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let mut object = case["object"].clone();
        let (api_version, schema) = typed(&object);
        let reset = FieldSet::of(&[&["status"]]);
        let now = Timestamp::UNIX_EPOCH;
        let request =
            Request { manager: "m", api_version: &api_version, subresource: "", reset: &reset, now };
        track(None, &mut object, &schema, &request);
        let entry = Meta::of(&object).managed_fields().next().unwrap();
        assert_eq!(entry["fieldsV1"], case["fields"], "{}", case["object"]["kind"]);
    }
}

/// What `kubectl patch --local` of v1.33 made of random pods and patches; it runs the libraries of kube-apiserver.
#[test]
fn random_patches_give_what_kubernetes_own_libraries_gave() {
    let schema = typed(&serde_json::json!({"apiVersion": "v1", "kind": "Pod"})).1;
    for line in include_str!("data/kubectl-local-patches.jsonl").lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let (live, patch) = (case["live"].clone(), case["patch"].clone());
        let got = match case["type"].as_str().unwrap() {
            "json" => json::apply(live, patch),
            "merge" => merge::apply(live, patch),
            _ => strategic::apply(live, patch, &schema),
        };
        match (got, case.get("result"), case.get("error")) {
            (Ok(got), Some(expected), _) => assert_eq!(&got, expected, "{line}"),
            (Err(got), None, Some(expected)) => assert_eq!(got.to_string().trim_end(), expected, "{line}"),
            // Of a JSON patch that fails, a server tells that it failed.
            (Err(_), None, None) => {}
            (got, ..) => panic!("{got:?} for {line}"),
        }
    }
}

fn patched(case: &Value) -> Value {
    let live = Some(&case["live"]).filter(|live| !live.is_null());
    let expected = &case["result"];
    let (api_version, schema) = typed(expected);
    let kind = expected["kind"].as_str().unwrap();
    let reset = FieldSet::of(&[&["status"]]);
    let manager = case["manager"].as_str().unwrap();
    let request = Request {
        manager,
        api_version: &api_version,
        subresource: "",
        reset: &reset,
        now: latest_time(expected),
    };

    let patch = case["patch"].clone();
    let object = live.cloned().unwrap_or_default();
    let mut object = match case["type"].as_str().unwrap() {
        "json-patch+json" => json::apply(object, patch).unwrap(),
        "merge-patch+json" => merge::apply(object, patch).unwrap(),
        "strategic-merge-patch+json" => strategic::apply(object, patch, &schema).unwrap(),
        _ => return apply::apply(live, &patch, kind, &schema, &request, case["force"] == true).unwrap(),
    };
    // Before it tracks who changed what, a server keeps what no client may change.
    let resource_version = Meta::of(live.unwrap()).resource_version().to_owned();
    MetaMut::of(&mut object).set_resource_version(&resource_version);
    let mut object = filled(object, case.get("defaults"));
    track(live, &mut object, &schema, &request);
    object
}

fn typed(object: &Value) -> (String, Schema<'static>) {
    let (api_version, kind) = (object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap());
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    (api_version.to_owned(), Definitions::builtin().kind(group, version, kind).unwrap())
}

fn filled(object: Value, with: Option<&Value>) -> Value {
    match with {
        Some(patch) => merge::apply(object, patch.clone()).unwrap(),
        None => object,
    }
}

/// The object without what only the server sets as it stores it.
fn server_set(object: &Value) -> Value {
    let mut object = object.clone();
    let mut meta = MetaMut::of(&mut object);
    for field in ["resourceVersion", "generation", "uid", "creationTimestamp"] {
        meta.set(field, None);
    }
    object
}

fn latest_time(object: &Value) -> Timestamp {
    let times = Meta::of(object).managed_fields().filter_map(|entry| entry["time"].as_str()?.parse().ok());
    times.max().unwrap_or_default()
}
