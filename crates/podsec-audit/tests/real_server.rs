//! The audit log of a v1.36.2 API server under three policies, beside what the same policies say here.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::collections::BTreeSet;

use podsec_audit::{Event, Level, Policy, RequestInfo, Stage, UserInfo};
use podsec_testing::recorded;
use serde_json::Value;

const POLICIES: [&str; 3] = ["mixed", "request", "rr"];

fn policy(name: &str) -> Policy {
    let text = recorded::text(&format!("audit/{name}.policy.yaml"));
    Policy::parse(text.as_bytes(), "policy.yaml".as_ref()).unwrap().policy
}

fn lines(file: &str) -> Vec<String> {
    // What the server invents was replaced, and times must be times.
    let text = recorded::text(file).replace("\"<time>\"", "\"2026-11-30T12:00:00.000000Z\"");
    text.lines().map(str::to_owned).collect()
}

fn events(name: &str) -> Vec<Event> {
    let lines = lines(&format!("audit/real-{name}.jsonl"));
    lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What the server saw of the request that an event tells of.
fn attributes(event: &Event) -> RequestInfo<'_> {
    let path = event.request_uri.split('?').next().unwrap_or_default();
    let Some(object) = &event.object_ref else {
        return RequestInfo { verb: &event.verb, path, ..RequestInfo::default() };
    };
    RequestInfo {
        verb: &event.verb,
        path,
        is_resource: true,
        group: &object.api_group,
        version: &object.api_version,
        resource: &object.resource,
        subresource: &object.subresource,
        namespace: &object.namespace,
        name: &object.name,
    }
}

#[test]
fn every_event_is_read_and_written_without_a_loss() {
    for name in POLICIES {
        for line in lines(&format!("audit/real-{name}.jsonl")) {
            let event: Event = serde_json::from_str(&line).unwrap();
            let written: Value = serde_json::from_slice(&event.to_line().unwrap()).unwrap();
            assert_eq!(written, serde_json::from_str::<Value>(&line).unwrap(), "{name}");
        }
    }
}

#[test]
fn the_policies_want_what_was_recorded_at_the_recorded_level_and_stage() {
    for name in POLICIES {
        let policy = policy(name);
        for event in events(name) {
            let decision = policy.evaluate(&attributes(&event), Some(&event.user));
            let request = format!("{name}: {} {}", event.verb, event.request_uri);
            assert_eq!(decision.level, event.level, "{request}");
            assert!(!decision.omit_stages.contains(&event.stage), "{request}");
        }
    }
}

#[test]
fn every_stage_that_a_policy_does_not_omit_was_recorded() {
    for name in POLICIES {
        let policy = policy(name);
        let events = events(name);
        let seen: BTreeSet<(&str, String)> =
            events.iter().map(|event| (event.audit_id.as_str(), format!("{:?}", event.stage))).collect();
        // A request refused before its user is known ends with its start.
        let refused =
            |event: &Event| event.stage == Stage::ResponseStarted && !attributes(event).is_long_running();
        let refused: BTreeSet<&str> =
            events.iter().filter(|event| refused(event)).map(|event| event.audit_id.as_str()).collect();
        for event in events.iter().filter(|event| !refused.contains(event.audit_id.as_str())) {
            let attributes = attributes(event);
            let decision = policy.evaluate(&attributes, Some(&event.user));
            let mut stages = vec![Stage::RequestReceived, Stage::ResponseComplete];
            if attributes.is_long_running() {
                stages.push(Stage::ResponseStarted);
            }
            // Kubernetes loses the end of a server-side apply, whose body in YAML it cannot put into the event.
            if event.verb == "patch" && event.request_uri.contains("fieldManager=") {
                stages.retain(|stage| *stage != Stage::ResponseComplete);
            }
            for stage in stages.into_iter().filter(|stage| !decision.omit_stages.contains(stage)) {
                let told = seen.contains(&(event.audit_id.as_str(), format!("{stage:?}")));
                assert!(told, "{name}: {} {} at {stage:?}", event.verb, event.request_uri);
            }
        }
    }
}

#[test]
fn requests_of_which_nothing_was_recorded_are_wanted_by_no_rule() {
    let policy = policy("mixed");
    let recorded: BTreeSet<String> = events("mixed").into_iter().map(|event| event.audit_id).collect();
    let admin = UserInfo { username: "admin".to_owned(), ..UserInfo::default() };
    let mut unrecorded = 0;
    for line in lines("audit/requests-mixed.jsonl") {
        let request: Value = serde_json::from_str(&line).unwrap();
        let path = request["path"].as_str().unwrap();
        // The event of a server-side apply went to the log before its audit id was known.
        if recorded.contains(request["id"].as_str().unwrap()) || request["method"] != "GET" {
            continue;
        }
        let attributes = match path.strip_prefix("/api/v1/namespaces/") {
            None => RequestInfo { verb: "get", path, ..RequestInfo::default() },
            Some(name) => RequestInfo {
                verb: "get",
                path,
                is_resource: true,
                version: "v1",
                resource: "namespaces",
                namespace: name,
                name,
                ..RequestInfo::default()
            },
        };
        assert_eq!(policy.evaluate(&attributes, Some(&admin)).level, Level::None, "{path}");
        unrecorded += 1;
    }
    assert_eq!(unrecorded, 3);
}
