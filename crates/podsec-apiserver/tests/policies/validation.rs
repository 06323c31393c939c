//! What ValidatingAdmissionPolicies do.

use serde_json::{Value, json};

use super::{Asked, CONFIG_MAPS, message, rule};

const KIND: &str = "validatingadmissionpolicy";

#[tokio::test]
async fn a_policy_without_a_binding_is_not_asked_and_one_that_is_unbound_no_more() {
    let server = Asked::start().await;
    server.policy(KIND, "p", &json!({"validations": [{"expression": "false"}]})).await;
    assert_eq!(server.config_map("a", json!({})).await.code, 201);
    server.bind(KIND, "p", &json!({"validationActions": ["Deny"]})).await;
    assert_eq!(server.config_map("b", json!({})).await.code, 422);
    let binding = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings/p";
    assert_eq!(server.cluster.json(&format!("DELETE {binding}"), &Value::Null).await.code, 200);
    assert_eq!(server.config_map("b", json!({})).await.code, 201);
}

#[tokio::test]
async fn a_changed_policy_is_compiled_anew() {
    let server = Asked::start().await;
    server.denying("p", &json!({"validations": [{"expression": "false"}]})).await;
    assert_eq!(server.config_map("a", json!({})).await.code, 422);
    let patch = json!({"spec": {"validations": [{"expression": "true"}]}});
    let policy = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/p";
    assert_eq!(server.cluster.json(&format!("PATCH {policy}"), &patch).await.code, 200);
    assert_eq!(server.config_map("a", json!({})).await.code, 201);
}

#[tokio::test]
async fn selectors_names_and_excluded_rules_narrow_what_a_policy_is_about() {
    let server = Asked::start().await;
    server.cluster.namespace("other", json!({})).await;
    let mut named = rule("configmaps");
    named["resourceNames"] = json!(["exempt"]);
    server
        .denying(
            "p",
            &json!({"validations": [{"expression": "false"}], "matchConstraints": {
                "resourceRules": [rule("configmaps")],
                "excludeResourceRules": [named],
                "namespaceSelector": {"matchLabels": {"team": "a"}},
                "objectSelector": {"matchExpressions": [{"key": "skip", "operator": "DoesNotExist"}]},
            }}),
        )
        .await;
    assert_eq!(server.config_map("a", json!({})).await.code, 422);
    assert_eq!(server.config_map("exempt", json!({})).await.code, 201);
    let other = "/api/v1/namespaces/other/configmaps";
    server.cluster.create(other, json!({"metadata": {"name": "a"}})).await;
    server.cluster.create(CONFIG_MAPS, json!({"metadata": {"name": "b", "labels": {"skip": "1"}}})).await;
}

#[tokio::test]
async fn warnings_and_audit_let_the_request_pass_and_say_why_not() {
    let server = Asked::start().await;
    let spec = json!({
        "validations": [{"expression": "true"}, {"expression": "false", "message": "a \"quoted\" <word>"}],
        "auditAnnotations": [
            {"key": "data", "valueExpression": "string(size(object.data))"},
            {"key": "none", "valueExpression": "null"},
        ],
    });
    server.policy(KIND, "p", &spec).await;
    server.bind(KIND, "p", &json!({"validationActions": ["Warn", "Audit"]})).await;
    let answer = server.config_map("a", json!({"x": "1"})).await;
    assert_eq!(answer.code, 201);
    assert_eq!(
        answer.warnings(),
        [
            r#"299 - "Validation failed for ValidatingAdmissionPolicy 'p' with binding 'p': a \"quoted\" <word>""#
        ]
    );
    let failure = concat!(
        r#"[{"message":"a \"quoted\" \u003cword\u003e","policy":"p","binding":"p","expressionIndex":1,"#,
        r#""validationActions":["Warn","Audit"]}]"#
    );
    let expected = [("p/data", "1"), ("validation.policy.admission.k8s.io/validation_failure", failure)];
    let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(server.annotations(), expected);
}

#[tokio::test]
async fn parameters_are_found_by_name_or_labels_and_their_absence_is_decided_by_the_binding() {
    let server = Asked::start().await;
    for (name, max) in [("one", "1"), ("two", "2")] {
        let labels = json!({"limits": "yes"});
        let object = json!({"metadata": {"name": name, "labels": labels}, "data": {"max": max}});
        server.cluster.create(CONFIG_MAPS, object).await;
    }
    let spec = json!({
        "paramKind": {"apiVersion": "v1", "kind": "ConfigMap"},
        "validations": [{
            "expression": "size(object.data) <= int(params.data.max)",
            "messageExpression": "'more than ' + params.data.max",
        }],
    });
    server.policy(KIND, "p", &spec).await;
    let binding = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings";
    let with = async |params: Value| {
        let spec = json!({"policyName": "p", "validationActions": ["Deny"], "paramRef": params});
        server.cluster.create(binding, json!({"metadata": {"name": "p"}, "spec": spec})).await;
        let answer = server.config_map("big", json!({"a": "", "b": ""})).await;
        server.cluster.json(&format!("DELETE {CONFIG_MAPS}/big"), &Value::Null).await;
        server.cluster.json(&format!("DELETE {binding}/p"), &Value::Null).await;
        if answer.code == 201 { String::new() } else { message(&answer) }
    };
    let denied = |why: &str| {
        format!(
            "configmaps \"big\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'p' denied request: {why}"
        )
    };
    let found = json!({"name": "one", "parameterNotFoundAction": "Deny"});
    assert_eq!(with(found).await, denied("more than 1"));
    assert_eq!(
        with(json!({"name": "two", "namespace": "default", "parameterNotFoundAction": "Deny"})).await,
        ""
    );
    let all = json!({"selector": {"matchLabels": {"limits": "yes"}}, "parameterNotFoundAction": "Deny"});
    assert_eq!(with(all).await, denied("more than 1"));
    assert_eq!(with(json!({"name": "none", "parameterNotFoundAction": "Allow"})).await, "");
    let none = json!({"selector": {"matchLabels": {"limits": "no"}}, "parameterNotFoundAction": "Deny"});
    assert_eq!(
        with(none).await,
        denied(
            "failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction"
        )
    );
}

#[tokio::test]
async fn parameters_of_a_kind_that_is_not_served_deny_the_request() {
    let server = Asked::start().await;
    let kind = json!({"apiVersion": "example.com/v1", "kind": "Limits"});
    server.denying("p", &json!({"paramKind": kind, "validations": [{"expression": "true"}]})).await;
    assert_eq!(
        message(&server.config_map("a", json!({})).await),
        "configmaps \"a\" is forbidden: ValidatingAdmissionPolicy 'p' denied request: failed to configure policy: \
         failed to find resource referenced by paramKind: 'example.com/v1, Kind=Limits'"
    );
}

#[tokio::test]
async fn no_policy_keeps_anybody_from_repairing_policies_or_asking_about_rights() {
    let server = Asked::start().await;
    let everything = json!({"resourceRules": [{
        "apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*/*"]
    }]});
    server
        .denying("p", &json!({"validations": [{"expression": "false"}], "matchConstraints": everything}))
        .await;
    assert_eq!(server.config_map("a", json!({})).await.code, 422);
    let review = json!({"spec": {"resourceAttributes": {"verb": "get", "resource": "pods"}}});
    let url = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    server.cluster.create(url, review).await;
    let policy = "DELETE /apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/p";
    assert_eq!(server.cluster.json(policy, &Value::Null).await.code, 200);
    assert_eq!(server.config_map("a", json!({})).await.code, 201);
}

#[tokio::test]
async fn updates_and_removals_show_the_stored_object() {
    let server = Asked::start().await;
    let mut any = rule("configmaps");
    any["operations"] = json!(["*"]);
    let spec = json!({
        "matchConstraints": {"resourceRules": [any]},
        "validations": [{
            "expression": "request.operation != 'DELETE' || (object == null && oldObject.data.keep == 'no')",
            "message": "kept",
        }, {
            "expression": "request.operation != 'UPDATE' || object.data.keep == oldObject.data.keep",
            "message": "changed",
        }],
    });
    server.denying("p", &spec).await;
    assert_eq!(server.config_map("a", json!({"keep": "yes"})).await.code, 201);
    let change =
        server.cluster.json(&format!("PATCH {CONFIG_MAPS}/a"), &json!({"data": {"keep": "no"}})).await;
    assert!(message(&change).ends_with("denied request: changed"), "{}", change.text);
    let removal = server.cluster.json(&format!("DELETE {CONFIG_MAPS}/a"), &Value::Null).await;
    assert!(message(&removal).ends_with("denied request: kept"), "{}", removal.text);
}

#[tokio::test]
async fn an_expression_may_ask_who_may_do_what() {
    let server = Asked::start().await;
    let may = "authorizer.group('').resource('pods').namespace('default').check('delete').allowed()";
    let account =
        "authorizer.serviceAccount('default', 'x').group('').resource('pods').check('delete').allowed()";
    let validations = json!([
        {"expression": may, "message": "the user may not"},
        {"expression": "authorizer.requestResource.check('create').allowed()", "message": "not even this"},
        {"expression": account, "message": "the account may not"},
    ]);
    server.denying("p", &json!({"validations": validations})).await;
    let answer = server.config_map("a", json!({})).await;
    assert!(message(&answer).ends_with("denied request: the account may not"), "{}", answer.text);
}

#[tokio::test]
async fn variables_that_lead_to_each_other_without_end_are_an_error_and_not_the_end_of_the_server() {
    let server = Asked::start().await;
    let variables: Vec<Value> = (0..500)
        .map(|index| match index {
            0 => json!({"name": "v0", "expression": "1"}),
            _ => json!({"name": format!("v{index}"), "expression": format!("variables.v{} + 1", index - 1)}),
        })
        .collect();
    let validations = json!([{"expression": "variables.v499 > 0"}]);
    server.denying("p", &json!({"variables": variables, "validations": validations})).await;
    let answer = server.config_map("a", json!({})).await;
    assert!(message(&answer).contains("leads to too many other variables"), "{}", answer.text);
    let twice = json!([
        {"name": "v", "expression": "1"},
        {"name": "v", "expression": "variables.v + 1"},
    ]);
    server
        .denying("q", &json!({"variables": twice, "validations": [{"expression": "variables.v > 0"}]}))
        .await;
    assert_eq!(server.config_map("a", json!({})).await.code, 422);
}

#[tokio::test]
async fn deep_expressions_that_lead_to_each_other_do_not_end_the_server() {
    let server = Asked::start().await;
    let variables: Vec<Value> = (0..64)
        .map(|index| {
            let inner = if index == 0 { "1".to_owned() } else { format!("variables.v{}", index - 1) };
            let (open, close) = ("dyn([".repeat(45), "])[0]".repeat(45));
            json!({"name": format!("v{index}"), "expression": format!("{open}{inner}{close}")})
        })
        .collect();
    let validations = json!([{"expression": "variables.v63 == 1", "message": "m"}]);
    server.denying("p", &json!({"variables": variables, "validations": validations})).await;
    let answer = server.config_map("a", json!({})).await;
    assert!([201, 422].contains(&answer.code), "{}", answer.text);
}
