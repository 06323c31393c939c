//! Events of real API servers, and the fully populated one, byte for byte.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use podsec_audit::Event;
use podsec_testing::recorded;

/// Every field, with everything that Go's encoder escapes.
const POPULATED: &str = r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse","auditID":"id","stage":"ResponseComplete","requestURI":"/a?b=c\u0026d","verb":"get","user":{"username":"u","uid":"uid","groups":["g"],"extra":{"a":["2","3"],"z":["1"]}},"impersonatedUser":{"username":"i","uid":"iuid","groups":["ig"],"extra":{"k":["v"]}},"authenticationMetadata":{"impersonationConstraint":"impersonate:user-info"},"sourceIPs":["1.1.1.1"],"userAgent":"ua\u003c\u003e\u0026\u2028é\u0001\ufffd","objectRef":{"resource":"r","namespace":"ns","name":"n","uid":"ou","apiGroup":"g","apiVersion":"v","resourceVersion":"rv","subresource":"s"},"responseStatus":{"metadata":{},"status":"Failure","message":"m","reason":"Forbidden","details":{"name":"n","group":"g","kind":"k","uid":"u","causes":[{"reason":"t","message":"m","field":"f"}],"retryAfterSeconds":3},"code":403},"requestObject":{"b":1.50,"a":"\u003c\u003e\u0026"},"responseObject":[1,2],"requestReceivedTimestamp":"2024-01-02T02:04:05.678999Z","stageTimestamp":"2024-01-02T03:04:05.000000Z","annotations":{"a":"","z":"1"}}"#;

#[track_caller]
fn rewritten(line: &str) {
    let event: Event = serde_json::from_str(line).unwrap();
    assert_eq!(String::from_utf8(event.to_line().unwrap()).unwrap(), format!("{line}\n"));
}

#[test]
fn the_fully_populated_event_has_kubernetes_bytes() {
    rewritten(POPULATED);
}

#[test]
fn raw_bodies_are_escaped_on_the_way_out() {
    let unescaped = POPULATED.replace(r#""a":"\u003c\u003e\u0026""#, "\"a\":\"<>&\"");
    let event: Event = serde_json::from_str(&unescaped).unwrap();
    assert_eq!(String::from_utf8(event.to_line().unwrap()).unwrap(), format!("{POPULATED}\n"));
}

#[test]
fn times_are_cut_to_microseconds() {
    let line = POPULATED.replace("05.678999Z", "05.678999999Z").replace("05.000000Z", "05+01:00");
    let event: Event = serde_json::from_str(&line).unwrap();
    let line = String::from_utf8(event.to_line().unwrap()).unwrap();
    assert!(line.contains(r#""requestReceivedTimestamp":"2024-01-02T02:04:05.678999Z""#), "{line}");
    assert!(line.contains(r#""stageTimestamp":"2024-01-02T02:04:05.000000Z""#), "{line}");
}

#[test]
fn every_recorded_event_of_kubernetes_is_written_again_byte_for_byte() {
    for file in ["audit/samples.jsonl", "tutorial/real-audit.jsonl"] {
        // One token was replaced by hand after it was recorded.
        recorded::text(file).replace("<redacted-lab-jwt>", "token").lines().for_each(rewritten);
    }
}
