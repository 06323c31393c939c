//! What MutatingAdmissionPolicies do.

use serde_json::{Value, json};

use super::{Asked, CONFIG_MAPS};

const KIND: &str = "mutatingadmissionpolicy";

fn apply(expression: &str) -> Value {
    json!({"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}})
}

impl Asked {
    async fn mutating(&self, name: &str, reinvocation: &str, mutations: Value) {
        let spec = json!({"reinvocationPolicy": reinvocation, "mutations": mutations});
        self.policy(KIND, name, &spec).await;
        self.bind(KIND, name, &json!({})).await;
    }
}

#[tokio::test]
async fn an_earlier_policy_that_wishes_it_sees_what_a_later_one_has_done() {
    let server = Asked::start().await;
    let sees = |label: &str| {
        apply(&format!(
            "Object{{metadata: Object.metadata{{labels: {{'{label}': \
             has(object.metadata.labels) && 'late' in object.metadata.labels ? 'saw' : 'missed'}}}}}}"
        ))
    };
    server.mutating("a", "IfNeeded", json!([sees("again")])).await;
    server.mutating("b", "Never", json!([sees("once")])).await;
    server
        .mutating("c", "Never", json!([apply("Object{metadata: Object.metadata{labels: {'late': '1'}}}")]))
        .await;
    let answer = server.config_map("x", json!({})).await;
    let expected = json!({"again": "saw", "once": "missed", "late": "1"});
    assert_eq!(answer.object()["metadata"]["labels"], expected, "{}", answer.text);
}

#[tokio::test]
async fn what_policies_set_belongs_to_nobody_and_updates_are_mutated_too() {
    let server = Asked::start().await;
    let patch = json!({"patchType": "JSONPatch", "jsonPatch": {
        "expression": "[JSONPatch{op: 'add', path: '/data/added', value: string(size(object.data))}]"
    }});
    server.mutating("p", "Never", json!([patch])).await;
    let created = server.config_map("a", json!({"x": ""})).await.object();
    assert_eq!(created["data"], json!({"x": "", "added": "1"}));
    let owned = &created["metadata"]["managedFields"][0]["fieldsV1"]["f:data"];
    assert_eq!(*owned, json!({".": {}, "f:x": {}}));
    let change = json!({"data": {"y": ""}});
    let updated = server.cluster.json(&format!("PATCH {CONFIG_MAPS}/a"), &change).await.object();
    assert_eq!(updated["data"], json!({"x": "", "y": "", "added": "3"}));
}

#[tokio::test]
async fn a_validating_policy_sees_what_a_mutating_one_has_made() {
    let server = Asked::start().await;
    server.mutating("m", "Never", json!([apply("Object{data: {'made': 'yes'}}")])).await;
    server.denying("v", &json!({"validations": [{"expression": "object.data.made == 'no'"}]})).await;
    assert_eq!(server.config_map("a", json!({"x": ""})).await.code, 422);
}

#[tokio::test]
async fn parts_of_what_is_replaced_as_a_whole_are_not_set() {
    let server = Asked::start().await;
    let spec = json!({
        "matchConstraints": {"resourceRules": [super::rule("pods")]},
        "reinvocationPolicy": "Never",
        "mutations": [apply("Object{spec: Object.spec{containers: [Object.spec.containers{name: 'c', args: ['x']}]}}")],
    });
    server.policy(KIND, "p", &spec).await;
    server.bind(KIND, "p", &json!({})).await;
    let pod = super::cluster::pod("a");
    let answer = server.cluster.json("POST /api/v1/namespaces/default/pods", &pod).await;
    assert_eq!((answer.code, &answer.object()["reason"]), (403, &json!("Invalid")));
    assert_eq!(
        super::message(&answer),
        "policy 'p' with binding 'p' denied request: error applying patch: invalid ApplyConfiguration: may not \
         mutate atomic arrays, maps or structs: .spec.containers[0].args"
    );
}
