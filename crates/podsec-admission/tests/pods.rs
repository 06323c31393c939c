//! Requests for pods and for what holds pod templates, beyond the recorded ones.

mod scenario;

use podsec_admission::{Admission, GroupVersionResource, Operation, Request};
use serde_json::{Value, json};

use crate::scenario::{Scenario, create, host_network_pod, plain_pod};

const HOST_NETWORK: &str = r#"PodSecurity "baseline:latest": host namespaces (hostNetwork=true)"#;

#[test]
fn a_pod_that_violates_what_is_enforced_is_refused_once_and_not_warned_about() {
    let baseline = [("enforce", "baseline"), ("audit", "baseline"), ("warn", "baseline")];
    let response = Scenario::with_labels(&baseline).review(&create("pods", &host_network_pod("x")));
    assert_eq!(
        response,
        json!({
            "allowed": false,
            "status": {
                "metadata": {},
                "status": "Failure",
                "message": format!("pods \"x\" is forbidden: violates {HOST_NETWORK}"),
                "reason": "Forbidden",
                "details": {"name": "x", "kind": "pods"},
                "code": 403,
            },
            "auditAnnotations": {
                "audit-violations": format!("would violate {HOST_NETWORK}"),
                "enforce-policy": "baseline:latest",
            },
        })
    );
}

#[test]
fn a_deployment_is_warned_about_by_the_level_that_would_refuse_its_pods() {
    let mut request = create("deployments", &json!({"spec": {"template": host_network_pod("")}}));
    request["resource"]["group"] = "apps".into();
    request["kind"] = json!({"group": "apps", "version": "v1", "kind": "Deployment"});
    let warned = json!({"allowed": true, "warnings": [format!("would violate {HOST_NETWORK}")]});
    let scenario = |labels: &[(&str, &str)]| Scenario::with_labels(labels).review(&request);

    assert_eq!(scenario(&[("enforce", "baseline")]), warned);
    assert_eq!(scenario(&[("enforce", "baseline"), ("warn", "privileged")]), json!({"allowed": true}));
    // The version of warn stays its own, and so does a level that nobody can read.
    let versions = [("enforce", "baseline"), ("enforce-version", "v1.20"), ("warn-version", "latest")];
    assert_eq!(scenario(&versions), warned);
    assert_eq!(scenario(&[("enforce", "bogus")])["warnings"], Value::Null);
}

#[test]
fn only_the_requested_subresource_counts() {
    let scenario = Scenario::with_labels(&[("enforce", "baseline")]);
    let allowed = |field: &str, subresource: &str| {
        let mut request = create("pods", &host_network_pod("x"));
        request[field] = subresource.into();
        scenario.review(&request)["allowed"] == true
    };
    for ignored in ["attach", "binding", "eviction", "exec", "log", "portforward", "proxy", "status"] {
        assert!(allowed("requestSubResource", ignored), "{ignored}");
        assert!(!allowed("subResource", ignored), "{ignored}");
    }
    for judged in ["ephemeralcontainers", "resize", "one-that-is-yet-to-come"] {
        assert!(!allowed("requestSubResource", judged), "{judged}");
    }
}

#[test]
fn subresources_of_workloads_hold_no_template() {
    let scenario = Scenario::with_labels(&[("enforce", "baseline")]);
    let mut request = create("replicationcontrollers", &json!({"spec": {"template": host_network_pod("")}}));
    request["kind"]["kind"] = "ReplicationController".into();
    assert!(scenario.review(&request)["warnings"].is_array());
    request["requestSubResource"] = "scale".into();
    assert_eq!(scenario.review(&request), json!({"allowed": true}));
}

#[test]
fn the_namespace_exempts_before_the_user_and_the_user_before_the_runtime_class() {
    let exempt = |namespaces: &[&str], usernames: &[&str]| {
        let mut pod = host_network_pod("x");
        pod["spec"]["runtimeClassName"] = "kata".into();
        let scenario =
            Scenario::with_labels(&[("enforce", "baseline")]).exempting(namespaces, &["kata"], usernames);
        scenario.review(&create("pods", &pod))["auditAnnotations"].clone()
    };
    assert_eq!(exempt(&["here"], &["bob"]), json!({"exempt": "namespace"}));
    assert_eq!(exempt(&["there"], &["bob"]), json!({"exempt": "user"}));
    assert_eq!(exempt(&["there"], &["carol"]), json!({"exempt": "runtimeClass"}));
}

#[test]
fn wrong_labels_are_noted_wherever_a_pod_is_judged() {
    let labels = [("enforce", "privileged"), ("audit", "bogus"), ("warn-version", "1.0")];
    let response = Scenario::with_labels(&labels).review(&create("pods", &plain_pod("x")));
    assert_eq!(
        response,
        json!({
            "allowed": true,
            "auditAnnotations": {
                "enforce-policy": "privileged:latest",
                "error": "Failed to parse policy: [\
                    metadata.labels[pod-security.kubernetes.io/audit]: Invalid value: \"bogus\": \
                    must be one of privileged, baseline, restricted, \
                    metadata.labels[pod-security.kubernetes.io/warn-version]: Invalid value: \"1.0\": \
                    must be \"latest\" or \"v1.x\"]",
            },
        })
    );
}

#[test]
fn a_cluster_that_does_not_answer_keeps_pods_out_and_lets_workloads_in() {
    let scenario = Scenario::with_labels(&[]);
    let review = |resource: &str| {
        let mut request = create(resource, &plain_pod("x"));
        request["namespace"] = "down".into();
        scenario.review(&request)
    };
    assert_eq!(
        review("pods"),
        json!({
            "allowed": false,
            "status": {
                "metadata": {},
                "status": "Failure",
                "message": "Internal error occurred: failed to lookup namespace \"down\"",
                "reason": "InternalError",
                "details": {"causes": [{"message": "failed to lookup namespace \"down\""}]},
                "code": 500,
            },
            "auditAnnotations": {
                "error": "Internal error occurred: failed to lookup namespace \"down\": connection refused",
            },
        })
    );
    assert_eq!(
        review("podtemplates"),
        json!({
            "allowed": true,
            "auditAnnotations": {"error": "failed to lookup namespace \"down\": connection refused"},
        })
    );
}

#[test]
fn a_namespace_that_is_no_part_of_a_path_is_not_looked_up() {
    for (namespace, why) in [
        ("", "resource name may not be empty"),
        ("..", "invalid resource name \"..\": [may not be '..']"),
        ("here/pods", "invalid resource name \"here/pods\": [may not contain '/']"),
        ("%2e/%", "invalid resource name \"%2e/%\": [may not contain '/' may not contain '%']"),
        ("Here.", "namespaces \"Here.\" not found"),
    ] {
        let mut request = create("pods", &plain_pod("x"));
        request["namespace"] = namespace.into();
        let response = Scenario::with_labels(&[]).review(&request);
        let error = format!("Internal error occurred: failed to lookup namespace \"{namespace}\": {why}");
        assert_eq!(response["auditAnnotations"]["error"], error);
        assert_eq!(response["status"]["code"], 500);
    }
}

#[test]
fn an_object_that_says_what_it_is_is_believed_over_the_request() {
    let scenario = Scenario::with_labels(&[("enforce", "baseline")]);
    let review = |resource: &str, meta: Value| {
        let mut object = host_network_pod("x");
        for (key, value) in meta.as_object().unwrap() {
            object[key] = value.clone();
        }
        let response = scenario.review(&create(resource, &object));
        let status = response["status"]["message"].as_str().unwrap_or_default().to_owned();
        (status, response["auditAnnotations"]["error"].as_str().unwrap_or_default().to_owned())
    };
    let refused = |message: &str| (message.to_owned(), message.to_owned());
    assert_eq!(review("pods", json!({"kind": "Secret"})), refused("failed to decode pod"));
    assert_eq!(
        review("pods", json!({"kind": "Widget", "apiVersion": "example.com/v2"})),
        (
            "failed to decode object".to_owned(),
            "failed to decode object: no kind \"Widget\" is registered for version \"example.com/v2\""
                .to_owned()
        )
    );
    assert_eq!(
        review("services", json!({"kind": "Service", "apiVersion": "v1"})).1,
        "failed to extract pod template: unexpected object type: /v1, Kind=Service"
    );
}

#[test]
fn what_an_object_is_its_last_word_says_in_any_case() {
    let scenario = Scenario::with_labels(&[("enforce", "baseline")]);
    let message = |object: &str| {
        let request = create("pods", &Value::Null).to_string().replace("\"object\":null", object);
        let body = format!(r#"{{"request": {request}}}"#);
        let request = podsec_admission::review::decode(body.as_bytes()).unwrap();
        scenario.response(&request).status().map(|status| status.message.clone()).unwrap_or_default()
    };
    let spec = r#""spec": {"hostNetwork": true}"#;
    let forbidden = format!("pods \"x\" is forbidden: violates {HOST_NETWORK}");
    for (object, expected) in [
        (format!(r#""object": {{"kind": "Pod", "apiVersion": "v1", {spec}}}"#), &*forbidden),
        (
            format!(r#""object": {{"kind": "Secret", "apiVersion": "v1", {spec}, "kind": "Pod"}}"#),
            &*forbidden,
        ),
        (
            format!(r#""object": {{"kind": "Pod", "apiVersion": "v1", {spec}, "Kind": "Secret"}}"#),
            "failed to decode pod",
        ),
        (format!(r#""object": {{"APIVERSION": "v2", {spec}}}"#), "failed to decode object"),
        (format!(r#""object": {{"kind": "Status", "apiVersion": "v9", {spec}}}"#), "failed to decode pod"),
        (format!(r#""object": {{"kind": "Pod", "KIND": 1, {spec}}}"#), "failed to decode object"),
    ] {
        assert_eq!(message(&object), expected, "{object}");
    }
}

#[test]
fn kubernetes_itself_judges_namespaces_and_what_carries_a_pod_as_they_are_made_and_changed() {
    let applies = |group: &'static str, resource: &'static str, operation: Operation<'static>| {
        let resource =
            GroupVersionResource { group: group.into(), version: "v1".into(), resource: resource.into() };
        Admission::applies_to(&Request { resource, operation, ..Request::default() })
    };
    for (group, resource) in
        [("", "namespaces"), ("", "pods"), ("apps", "deployments"), ("batch", "cronjobs")]
    {
        assert!(applies(group, resource, Operation::Create) && applies(group, resource, Operation::Update));
        assert!(
            !applies(group, resource, Operation::Delete) && !applies(group, resource, Operation::Connect)
        );
    }
    for (group, resource) in [("", "services"), ("extensions", "deployments"), ("apps", "pods")] {
        assert!(!applies(group, resource, Operation::Create), "{resource}.{group}");
    }
}

#[test]
fn a_request_for_a_workload_without_an_object_cannot_be_answered() {
    let body = json!({"request": {
        "uid": "1",
        "resource": {"group": "apps", "version": "v1", "resource": "deployments"},
        "namespace": "here",
        "operation": "DELETE",
    }});
    let body = body.to_string();
    let request = podsec_admission::review::decode(body.as_bytes()).unwrap();
    let lacks_object =
        |labels: &[(&str, &str)]| Scenario::with_labels(labels).response(&request).lacks_object();
    assert!(lacks_object(&[("warn", "baseline")]));
    assert!(!lacks_object(&[]), "nothing is judged in a privileged namespace");
}
