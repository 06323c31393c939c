//! What is recorded of a request at each stage and level.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};
use podsec_audit::sink::{self, Memory};
use podsec_audit::{Auditor, Event, Level, Policy, Request, RequestInfo, Sink, Stage, UserInfo};
use serde_json::{Value, json};

const RECEIVED: Timestamp = Timestamp::constant(1_700_000_000, 123_456_789);

fn policy(rules: &str) -> Policy {
    let text = format!("apiVersion: audit.k8s.io/v1\nkind: Policy\n{rules}\n");
    Policy::parse(text.as_bytes(), "policy.yaml".as_ref()).unwrap().policy
}

/// An auditor whose clock goes on by a second whenever it is read.
fn auditor(rules: &str) -> (Auditor, Memory) {
    let log = Memory::default();
    let seconds = AtomicI64::new(0);
    let clock = move || RECEIVED + SignedDuration::from_secs(1 + seconds.fetch_add(1, Ordering::Relaxed));
    (Auditor::new(policy(rules), log.clone()).with_clock(Arc::new(clock)), log)
}

fn request(attributes: RequestInfo<'_>) -> Request<'_> {
    Request {
        audit_id: "id",
        uri: "/uri?a=b#fragment",
        received: RECEIVED,
        source_ips: vec!["127.0.0.1".to_owned()],
        user_agent: b"test",
        attributes,
    }
}

fn pods(verb: &str) -> RequestInfo<'_> {
    RequestInfo {
        verb,
        path: "/api/v1/namespaces/ns/pods",
        is_resource: true,
        version: "v1",
        resource: "pods",
        namespace: "ns",
        ..RequestInfo::default()
    }
}

fn admin() -> UserInfo {
    UserInfo { username: "admin".to_owned(), ..UserInfo::default() }
}

/// Every event as JSON, without what all have in common.
fn told(log: &Memory) -> Vec<Value> {
    let mut events: Vec<Value> =
        log.events().iter().map(|event| serde_json::from_slice(&event.to_line().unwrap()).unwrap()).collect();
    for fields in events.iter_mut().filter_map(Value::as_object_mut) {
        for (common, value) in [
            ("kind", json!("Event")),
            ("apiVersion", json!("audit.k8s.io/v1")),
            ("auditID", json!("id")),
            ("requestURI", json!("/uri?a=b")),
            ("sourceIPs", json!(["127.0.0.1"])),
            ("userAgent", json!("test")),
            ("requestReceivedTimestamp", json!("2023-11-14T22:13:20.123456Z")),
        ] {
            assert_eq!(fields.remove(common), Some(value), "{common}");
        }
    }
    events
}

fn stages(log: &Memory) -> Vec<Stage> {
    log.events().iter().map(|event| event.stage).collect()
}

#[test]
fn a_create_is_told_whole_at_the_highest_level() {
    let (auditor, log) = auditor("rules: [{level: RequestResponse}]");
    let recording = auditor.begin(&request(pods("create")), &admin()).unwrap();
    recording.annotate("authorization.k8s.io/decision", "allow");
    recording.request_object(
        &json!({"kind": "Pod", "metadata": {"name": "a", "uid": "u", "resourceVersion": "1"}}),
    );
    recording.annotate_at(Level::Request, "patch.example.com/x", "[]");
    recording.response_object(&json!({"kind": "Pod", "x": "<&>"}));
    recording.started(201);
    recording.started(500);
    recording.complete();
    recording.complete();
    recording.annotate("too", "late");
    drop(recording);
    let user = json!({"username": "admin"});
    assert_eq!(
        told(&log),
        [
            json!({
                "level": "RequestResponse", "stage": "RequestReceived", "verb": "create", "user": user,
                "objectRef": {"resource": "pods", "namespace": "ns", "apiVersion": "v1"},
                "stageTimestamp": "2023-11-14T22:13:20.123456Z",
            }),
            json!({
                "level": "RequestResponse", "stage": "ResponseComplete", "verb": "create", "user": user,
                "objectRef": {
                    "resource": "pods", "namespace": "ns", "name": "a", "uid": "u", "apiVersion": "v1",
                    "resourceVersion": "1",
                },
                "responseStatus": {"metadata": {}, "code": 201},
                "requestObject": {
                    "kind": "Pod", "metadata": {"name": "a", "uid": "u", "resourceVersion": "1"},
                },
                "responseObject": {"kind": "Pod", "x": "<&>"},
                "stageTimestamp": "2023-11-14T22:13:21.123456Z",
                "annotations": {"authorization.k8s.io/decision": "allow", "patch.example.com/x": "[]"},
            }),
        ]
    );
}

#[test]
fn lower_levels_leave_bodies_out() {
    for (level, request_object, response_object) in
        [("Metadata", false, false), ("Request", true, false), ("RequestResponse", true, true)]
    {
        let (auditor, log) = auditor(&format!("rules: [{{level: {level}}}]"));
        let recording = auditor.begin(&request(pods("create")), &admin()).unwrap();
        recording.request_object(&json!({"metadata": {"name": "a"}}));
        recording.response_object(&json!({}));
        recording.annotate_at(Level::Request, "k", "v");
        recording.started(201);
        recording.complete();
        let last = log.events().pop().unwrap();
        assert_eq!(last.request_object.is_some(), request_object, "{level}");
        assert_eq!(last.response_object.is_some(), response_object, "{level}");
        assert_eq!(last.annotations.is_empty(), level == "Metadata");
        assert_eq!(last.object_ref.unwrap().name, "a", "{level}");
    }
}

#[test]
fn level_none_and_nothing_at_all_record_nothing() {
    let (auditor, log) = auditor("rules: [{level: None, verbs: [get]}, {level: Metadata, verbs: [list]}]");
    for verb in ["get", "create"] {
        let recording = auditor.begin(&request(pods(verb)), &admin()).unwrap();
        assert_eq!(recording.level(), Level::None);
        recording.started(200);
        recording.panicked("boom");
    }
    auditor.refuse(&request(pods("get")), &json!({}));
    assert_eq!(stages(&log), []);
    assert_eq!(auditor.metrics().levels.get("None"), Some(&3));
}

#[test]
fn a_watch_tells_when_its_answer_begins() {
    let (auditor, log) = auditor("rules: [{level: Metadata}]");
    let recording = auditor.begin(&request(pods("watch")), &admin()).unwrap();
    recording.started(200);
    assert_eq!(stages(&log), [Stage::RequestReceived, Stage::ResponseStarted]);
    assert_eq!(log.events()[1].code(), Some(200));
    recording.complete();
    assert_eq!(stages(&log), [Stage::RequestReceived, Stage::ResponseStarted, Stage::ResponseComplete]);
}

#[test]
fn a_request_whose_client_went_away_still_ends() {
    let (auditor, log) = auditor("rules: [{level: Metadata}]");
    let recording = auditor.begin(&request(pods("watch")), &admin()).unwrap();
    let clone = recording.clone();
    drop(recording);
    assert_eq!(log.events().len(), 1);
    drop(clone);
    assert_eq!(stages(&log), [Stage::RequestReceived, Stage::ResponseStarted, Stage::ResponseComplete]);
    let status = log.events()[2].response_status.clone().unwrap();
    assert_eq!(
        (&*status.status, &*status.message, status.code),
        ("Success", "Connection closed early", Some(200))
    );
}

#[test]
fn a_panic_is_the_last_that_is_told() {
    let (auditor, log) = auditor("rules: [{level: Metadata}]");
    let recording = auditor.begin(&request(pods("list")), &admin()).unwrap();
    recording.panicked("boom <x>");
    recording.started(500);
    recording.complete();
    drop(recording);
    assert_eq!(stages(&log), [Stage::RequestReceived, Stage::Panic]);
    assert_eq!(
        told(&log)[1]["responseStatus"],
        json!({
            "metadata": {}, "status": "Failure", "message": "APIServer panic'd: boom <x>", "reason": "InternalError",
            "code": 500,
        })
    );
}

#[test]
fn a_panic_that_nobody_catches_is_told_too() {
    let (auditor, log) = auditor("rules: [{level: Metadata}]");
    let recording = auditor.begin(&request(pods("list")), &admin()).unwrap();
    let handler = std::thread::spawn(move || {
        let _recording = recording;
        panic!("boom");
    });
    assert!(handler.join().is_err());
    assert_eq!(stages(&log), [Stage::RequestReceived, Stage::Panic]);
}

#[test]
fn a_refused_request_is_one_event_without_a_user() {
    let (auditor, log) = auditor("rules: [{level: None, users: [admin]}, {level: RequestResponse}]");
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": "Unauthorized",
        "reason": "Unauthorized", "code": 401,
    });
    auditor.refuse(&request(pods("list")), &status);
    let mut words = status.clone();
    words.as_object_mut().unwrap().retain(|field, _| !matches!(&**field, "kind" | "apiVersion"));
    assert_eq!(
        told(&log),
        [json!({
            "level": "RequestResponse", "stage": "ResponseStarted", "verb": "list", "user": {},
            "objectRef": {"resource": "pods", "namespace": "ns", "apiVersion": "v1"},
            "responseStatus": words, "responseObject": status, "stageTimestamp": "2023-11-14T22:13:21.123456Z",
        })]
    );
}

#[test]
fn a_status_keeps_its_words_and_the_code_that_went_out() {
    let (auditor, log) = auditor("rules: [{level: Metadata}]");
    let recording = auditor.begin(&request(pods("get")), &admin()).unwrap();
    recording.impersonated(&UserInfo { username: "jane".to_owned(), ..UserInfo::default() });
    recording.response_status(&json!({
        "status": "Failure", "message": "no", "reason": "Forbidden", "details": {"kind": "pods", "causes": [{"field": "f"}]},
    }));
    recording.started(403);
    recording.complete();
    let event = told(&log).pop().unwrap();
    assert_eq!(event["impersonatedUser"], json!({"username": "jane"}));
    assert_eq!(
        event["responseStatus"],
        json!({
            "metadata": {}, "status": "Failure", "message": "no", "reason": "Forbidden",
            "details": {"kind": "pods", "causes": [{"field": "f"}]}, "code": 403,
        })
    );
}

#[test]
fn omitted_stages_are_neither_told_nor_counted() {
    let (auditor, log) =
        auditor("omitStages: [RequestReceived]\nrules: [{level: Metadata, omitStages: [ResponseStarted]}]");
    let recording = auditor.begin(&request(pods("watch")), &admin()).unwrap();
    recording.started(200);
    recording.complete();
    assert_eq!(stages(&log), [Stage::ResponseComplete]);
    assert_eq!(auditor.metrics().events, 1);
}

#[test]
fn the_first_value_of_an_annotation_stays() {
    let (auditor, log) = auditor("rules: [{level: Metadata}]");
    let recording = auditor.begin(&request(pods("get")), &admin()).unwrap();
    for value in ["first", "second", "first"] {
        recording.annotate("k", value);
    }
    recording.complete();
    assert_eq!(told(&log)[1]["annotations"], json!({"k": "first"}));
}

/// The request body that is told at level Request.
fn told_body(policy: &str, note: impl Fn(&podsec_audit::Recording)) -> String {
    let (auditor, log) = auditor(policy);
    let recording = auditor.begin(&request(pods("patch")), &admin()).unwrap();
    note(&recording);
    recording.complete();
    log.events()[1].request_object.as_ref().unwrap().get().to_owned()
}

#[test]
fn no_patch_costs_its_event() {
    let body = |patch: &[u8]| told_body("rules: [{level: Request}]", |recording| recording.patch(patch));
    assert_eq!(body(b"{ \"b\": 1.50,\n \"a\": \"x\", \"a\": 2 }"), r#"{"b":1.50,"a":"x","a":2}"#);
    assert_eq!(body(b"[ {\"op\" : \"test\"} ]"), r#"[{"op":"test"}]"#);
    assert_eq!(body(b"b: yes\na: [1]\n"), r#"{"a":[1],"b":true}"#);
    assert_eq!(body(b""), r#""""#);
    assert_eq!(body(b"{\"a\": "), r#""{\"a\": ""#);
    assert_eq!(body(b"\xff{"), "\"\\ufffd{\"");
}

#[test]
fn delete_options_are_told_in_the_internal_version() {
    let options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0});
    let body = told_body("rules: [{level: Request}]", |recording| recording.delete_options(&options));
    let body: Value = serde_json::from_str(&body).unwrap();
    let expected =
        json!({"apiVersion": "meta.k8s.io/__internal", "kind": "DeleteOptions", "gracePeriodSeconds": 0});
    assert_eq!(body, expected);
}

#[test]
fn managed_fields_are_left_out_where_the_policy_says_so() {
    let managed = json!({"metadata": {"name": "a", "managedFields": [{}]}, "spec": {"managedFields": 1}});
    let kept = json!({"metadata": {"name": "a"}, "spec": {"managedFields": 1}});
    for (object, expected) in [
        (managed.clone(), kept.clone()),
        (json!({"items": [managed.clone()]}), json!({"items": [kept.clone()]})),
        (
            json!({"rows": [{"cells": [], "object": managed}]}),
            json!({"rows": [{"cells": [], "object": kept}]}),
        ),
        (json!({"items": "odd", "metadata": 1}), json!({"items": "odd", "metadata": 1})),
    ] {
        let told = |policy: &str| -> Value {
            serde_json::from_str(&told_body(policy, |recording| recording.request_object(&object))).unwrap()
        };
        assert_eq!(told("omitManagedFields: true\nrules: [{level: Request}]"), expected);
        assert_eq!(
            told("omitManagedFields: true\nrules: [{level: Request, omitManagedFields: false}]"),
            object
        );
    }
}

/// A sink that loses everything.
struct Full;

impl Sink for Full {
    fn plugin(&self) -> &'static str {
        "log"
    }

    fn write(&self, _: &Event) -> Result<(), sink::Error> {
        Err(sink::Error::TooLong { length: 2, limit: 1 })
    }
}

#[test]
fn only_a_strict_auditor_rejects_what_it_cannot_record() {
    let lenient = Auditor::new(policy("rules: [{level: Metadata}]"), Full);
    lenient.begin(&request(pods("get")), &admin()).unwrap().complete();
    let metrics = lenient.metrics();
    assert_eq!((metrics.events, metrics.errors.get("log"), metrics.requests_rejected), (2, Some(&2), 0));

    let strict = Auditor::new(policy("rules: [{level: Metadata}]"), Full).strict();
    assert_eq!(
        strict.begin(&request(pods("get")), &admin()).unwrap_err().to_string(),
        "failed to store audit event"
    );
    let metrics = strict.metrics();
    assert_eq!((metrics.events, metrics.requests_rejected), (1, 1));

    let late =
        Auditor::new(policy("omitStages: [RequestReceived]\nrules: [{level: Metadata}]"), Full).strict();
    assert!(late.begin(&request(pods("get")), &admin()).is_ok());
}

#[test]
fn metrics_have_kubernetes_names() {
    let (auditor, _) = auditor("rules: [{level: Metadata}]");
    let mut text = String::new();
    auditor.metrics().write_text(&mut text);
    assert!(!text.contains("error_total") && !text.contains("level_total"), "{text}");
    drop(auditor.begin(&request(pods("get")), &admin()));
    text.clear();
    auditor.metrics().write_text(&mut text);
    assert_eq!(
        text,
        "\
# HELP apiserver_audit_event_total [ALPHA] Counter of audit events generated and sent to the audit backend.
# TYPE apiserver_audit_event_total counter
apiserver_audit_event_total 2
# HELP apiserver_audit_level_total [ALPHA] Counter of policy levels for audit events (1 per request).
# TYPE apiserver_audit_level_total counter
apiserver_audit_level_total{level=\"Metadata\"} 1
# HELP apiserver_audit_requests_rejected_total [ALPHA] Counter of apiserver requests rejected due to an error in audit logging backend.
# TYPE apiserver_audit_requests_rejected_total counter
apiserver_audit_requests_rejected_total 0
"
    );
}
