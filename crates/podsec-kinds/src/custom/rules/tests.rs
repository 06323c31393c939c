//! Recorded answers of rules, and what evaluation may cost.

use podsec_testing::recorded;
use serde_json::{Value, json};

use super::validator::Validator;
use super::{Judgement, judge};

fn judged(schema: &Value, object: &Value, old: Option<&Value>) -> Judgement {
    judge(&Validator::of(schema).unwrap(), schema, object, old)
}

fn errors(schema: &Value, object: &Value, old: Option<&Value>) -> Vec<String> {
    judged(schema, object, old).errors.iter().map(ToString::to_string).collect()
}

fn sorted(mut texts: Vec<String>) -> Vec<String> {
    texts.sort();
    texts
}

#[test]
fn objects_are_refused_as_kubernetes_refuses_them() {
    let mut different = Vec::new();
    for line in recorded::text("cel/errors.jsonl").lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        if case["surface"] != "crd-runtime" {
            continue;
        }
        let schema = &case["crd"]["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        let expected = case["validationErrors"].as_array().unwrap().iter();
        let expected = sorted(expected.map(|text| text.as_str().unwrap().to_owned()).collect());
        let actual = sorted(errors(schema, &case["object"], case.get("oldObject")));
        if actual != expected {
            different.push(format!("{}\n  {actual:?}\n  {expected:?}", case["id"]));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

fn replicas(rule: &Value) -> Value {
    json!({ "type": "object", "properties": {
        "replicas": { "type": "integer", "x-kubernetes-validations": [rule] },
        "name": { "type": "string" },
    } })
}

#[test]
fn what_has_been_wrong_before_is_warned_of() {
    let schema = replicas(&json!({ "rule": "self > 0" }));
    let old = json!({ "replicas": 0, "name": "a" });
    let judgement = judged(&schema, &json!({ "replicas": 0, "name": "b" }), Some(&old));
    assert!(judgement.errors.is_empty());
    assert_eq!(judgement.warnings, ["replicas: Invalid value: 0: failed rule: self > 0"]);
    let news = errors(&schema, &json!({ "replicas": -1, "name": "a" }), Some(&old));
    assert_eq!(news, ["replicas: Invalid value: -1: failed rule: self > 0"]);
}

#[test]
fn a_rule_about_a_change_waits_for_a_stored_value_unless_that_is_optional() {
    let schema = replicas(&json!({ "rule": "self >= oldSelf", "message": "only more" }));
    assert_eq!(errors(&schema, &json!({ "replicas": 1 }), None), [""; 0]);
    let old = json!({ "replicas": 2 });
    assert_eq!(
        errors(&schema, &json!({ "replicas": 1 }), Some(&old)),
        ["replicas: Invalid value: 1: only more"]
    );
    let schema = replicas(&json!({ "rule": "self >= oldSelf.orValue(5)", "optionalOldSelf": true }));
    assert_eq!(
        errors(&schema, &json!({ "replicas": 1 }), None),
        ["replicas: Invalid value: 1: failed rule: self >= oldSelf.orValue(5)"]
    );
}

#[test]
fn items_with_keys_are_compared_with_the_stored_ones_wherever_they_stand() {
    let schema = json!({ "type": "object", "properties": { "ports": {
        "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
        "items": { "type": "object", "properties": {
            "name": { "type": "string" },
            "port": { "type": "integer", "x-kubernetes-validations": [
                { "rule": "self == oldSelf", "reason": "FieldValueForbidden", "messageExpression": "'was ' + string(oldSelf)" }
            ] },
        } },
    } } });
    let port = |name: &str, port: u16| json!({ "name": name, "port": port });
    let old = json!({ "ports": [port("a", 1), port("b", 2)] });
    let new = json!({ "ports": [port("b", 3), port("c", 9), port("a", 1)] });
    assert_eq!(errors(&schema, &new, Some(&old)), ["ports[0].port: Forbidden: was 2"]);
}

#[test]
fn errors_beyond_ten_thousand_are_not_told() {
    let schema = json!({ "type": "object", "properties": { "numbers": {
        "type": "array", "items": { "type": "integer", "x-kubernetes-validations": [{ "rule": "false" }] },
    } } });
    let numbers = vec![1; 20_000];
    assert_eq!(errors(&schema, &json!({ "numbers": numbers }), None).len(), 10_001);
}
