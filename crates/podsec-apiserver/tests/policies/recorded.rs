//! Answers of Kubernetes 1.36.2 to ConfigMaps under one policy each.

use std::io::Read as _;

use flate2::read::GzDecoder;
use serde_json::{Value, json};

use super::{Asked, CONFIG_MAPS};

fn cases() -> Vec<Value> {
    let mut text = String::new();
    GzDecoder::new(&include_bytes!("recorded.jsonl.gz")[..]).read_to_string(&mut text).expect("text");
    text.lines().map(|line| serde_json::from_str(line).expect("a case")).collect()
}

/// What differs from the recorded answer; empty when nothing does.
async fn difference(case: &Value) -> String {
    let server = Asked::start().await;
    let id = case["id"].as_str().expect("an id");
    let (_, number) = id.rsplit_once('/').expect("a number");
    let mutates = id.starts_with("api/map");
    let (kind, prefix) =
        if mutates { ("mutatingadmissionpolicy", "m") } else { ("validatingadmissionpolicy", "v") };
    let name = format!("{prefix}{number}");
    let policy = json!({"metadata": {"name": name}, "spec": case["spec"]});
    let answer = server.cluster.json(&format!("POST {}", super::url(kind)), &policy).await;
    if answer.code != 201 {
        return format!("{id}: the policy is refused: {}", answer.text);
    }
    let mut spec = json!({"policyName": name});
    if !mutates {
        spec["validationActions"] = case["actions"].clone();
    }
    let binding = json!({"metadata": {"name": format!("{name}-b")}, "spec": spec});
    server.cluster.create(&super::url(&format!("{kind}binding")), binding).await;
    let url = format!("POST {CONFIG_MAPS}?dryRun=All&fieldManager=test");
    let answer = server.cluster.json(&url, &case["object"]).await;
    let object = answer.object();
    let mut actual = json!({"code": answer.code, "warnings": answer.warnings()});
    let mut expected = json!({
        "code": case["code"],
        "warnings": case.get("warnings").cloned().unwrap_or_else(|| json!([])),
    });
    if let Some(status) = case.get("status") {
        expected["status"] = status.clone();
        actual["status"] =
            json!({"reason": object["reason"], "message": object["message"], "details": object["details"]});
    }
    if let Some(result) = case.get("result").and_then(Value::as_object) {
        for (field, value) in result {
            let of_metadata = ["labels", "annotations", "name", "finalizers"].contains(&field.as_str());
            let found = if of_metadata { &object["metadata"][field] } else { &object[field] };
            expected[field] = value.clone();
            actual[field] = found.clone();
        }
    }
    if actual == expected { String::new() } else { format!("{id}:\n  {actual}\n  {expected}") }
}

#[tokio::test]
async fn config_maps_are_answered_as_recorded() {
    let mut different = Vec::new();
    for case in cases() {
        let difference = difference(&case).await;
        if !difference.is_empty() {
            different.push(difference);
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}
