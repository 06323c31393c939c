//! The envelope: what is an AdmissionReview, and what is not.

use podsec_admission::review::decode;
use podsec_admission::{GroupVersionKind, Operation};

#[test]
fn a_request_borrows_all_that_it_can() {
    let body = br#"{
        "kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "705ab4f5", "name": "caf\u00e9", "namespace": "ns", "operation": "UPDATE",
            "kind": {"group": "apps", "version": "v1", "kind": "Deployment"},
            "resource": {"group": "apps", "version": "v1", "resource": "deployments"},
            "subResource": "scale", "requestSubResource": "status",
            "userInfo": {"username": "alice", "groups": ["a"]},
            "object": {"a": [1, 2]}, "oldObject": null, "dryRun": true, "options": {}
        }
    }"#;
    let request = decode(body).unwrap();
    let kind = GroupVersionKind { group: "apps".into(), version: "v1".into(), kind: "Deployment".into() };
    assert_eq!(request.kind, kind);
    assert_eq!(request.kind.to_string(), "apps/v1, Kind=Deployment");
    assert_eq!(request.name, "caf\u{e9}");
    assert_eq!(request.subresource, "status");
    assert_eq!(request.operation, Operation::Update);
    assert_eq!(request.username, "alice");
    assert_eq!(request.object, Some(br#"{"a": [1, 2]}"#.as_slice()));
    assert_eq!(request.old_object, None);
    assert!(body.as_ptr_range().contains(&request.object.unwrap().as_ptr()));
}

#[test]
fn null_is_the_same_as_nothing() {
    let request =
        decode(br#"{"kind":null,"apiVersion":null,"request":{"uid":null,"kind":null,"userInfo":null}}"#);
    let request = request.unwrap();
    assert_eq!((request.uid.as_ref(), request.username.as_ref()), ("", ""));
    assert_eq!(request.operation, Operation::Other("".into()));
}

#[test]
fn what_is_no_review_is_refused_in_the_words_of_kubernetes() {
    let error = |body: &[u8]| decode(body).unwrap_err().to_string();
    assert_eq!(error(b""), "request body is empty");
    for undecodable in [
        b"{".as_slice(),
        b"[]",
        b"\"AdmissionReview\"",
        b"{\"request\":[]}",
        b"{\"request\":{\"name\":1}}",
        b"{\"request\":{\"userInfo\":[\"alice\"]}}",
        b"{\"request\":{\"userInfo\":{\"groups\":\"admins\"}}}",
        b"{\"request\":{\"userInfo\":{\"extra\":{\"scopes\":\"all\"}}}}",
        b"{\"request\":{\"dryRun\":\"true\"}}",
        b"{\"request\":{\"subResource\":[]}}",
        b"{\"request\":{\"requestKind\":\"Pod\"}}",
        b"{\"request\":{\"requestResource\":{\"group\":0}}}",
        b"{\"request\":{},\"response\":[]}",
        b"{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1beta1\",\"request\":{}}",
        b"{\"request\":{}} {}",
        b"{\"kind\":\"Pod\"}",
        b"{\"kind\":\"Deployment\",\"apiVersion\":\"v1\"}",
        b"{\"kind\":\"Widget\",\"apiVersion\":\"example.com/v1\"}",
    ] {
        assert_eq!(error(undecodable), "unable to decode the request", "{}", undecodable.escape_ascii());
    }
    for (body, kind) in [
        (r#"{"kind":"Pod","apiVersion":"v1"}"#, "/v1, Kind=Pod"),
        (r#"{"kind":"DeploymentList","apiVersion":"apps/v1"}"#, "apps/v1, Kind=DeploymentList"),
        (r#"{"kind":"AdmissionReview","KIND":"Pod","ApiVersion":"v1"}"#, "/v1, Kind=Pod"),
    ] {
        assert_eq!(error(body.as_bytes()), format!("unexpected AdmissionReview kind: {kind}"));
    }
    assert_eq!(error(b"null"), "unable to decode the request: no request");
    assert_eq!(error(b"\xff{}"), "unable to decode the request: not UTF-8");
}
