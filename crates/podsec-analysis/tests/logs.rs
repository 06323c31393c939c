//! A log that a real API server wrote, wrapped in every shape that clouds and collectors give it: the same decisions.

#![expect(clippy::unwrap_used, reason = "what cannot be read fails the test")]
#![expect(clippy::format_collect, reason = "the texts are short")]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::LazyLock;

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use podsec_analysis::audit_log::{
    AuditFilter, AuditGrouping, AuditSummary, audit_html, audit_json, audit_markdown, audit_table,
};
use podsec_analysis::log::{LogCounts, LogReader};
use podsec_analysis::replay::{
    Met, MetKey, Replay, ReplayCounts, ReplayOptions, replay_json, replay_markdown, replay_table,
};
use podsec_standards::{Level, Policy, Version};
use podsec_testing::recorded;
use proptest::prelude::*;
use serde_json::{Value, json};

type Replayed = (BTreeMap<MetKey, Met>, ReplayCounts);

fn replayed(text: &[u8], options: ReplayOptions) -> (Replayed, LogCounts) {
    let mut replay = Replay::new(options);
    let mut reader = LogReader::default();
    reader.read(text, &mut |event| replay.event(event)).unwrap();
    ((replay.met, replay.counts), reader.counts)
}

fn at_restricted() -> ReplayOptions {
    ReplayOptions {
        policy: Some(Policy::new(Level::Restricted, Version::Latest)),
        ..ReplayOptions::default()
    }
}

fn replay(text: &str) -> (Replayed, LogCounts) {
    replayed(text.as_bytes(), at_restricted())
}

/// The ends of requests in a recorded log.
fn events() -> Vec<Value> {
    // Times are replaced in the recording.
    let text = recorded::text("audit/real-mixed.jsonl").replace("<time>", "2026-12-01T00:00:00Z");
    let events = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut events: Vec<Value> = events.filter(|event| event["stage"] == "ResponseComplete").collect();
    for (second, event) in events.iter_mut().enumerate() {
        event["requestReceivedTimestamp"] =
            format!("2026-12-01T00:{:02}:{:02}.000000Z", second / 60, second % 60).into();
    }
    events
}

fn lines(values: impl Iterator<Item = Value>) -> String {
    values.map(|value| format!("{value}\n")).collect()
}

fn text_of(event: &Value) -> String {
    event.to_string()
}

#[test]
fn a_real_log_meets_restricted_as_its_own_annotations_say() {
    let (replayed, log) = replay(&lines(events().into_iter()));
    let (met, counts) = &replayed;
    assert_eq!((log.events, log.other, log.cut), (events().len(), 0, 0));
    // Two pods were created and one more by apply, one was refused, a Deployment was written twice. What was tried once
    // more, or without a change, is no request that was met; the refusal of an ephemeral container holds only a patch.
    let judged = (counts.judged, counts.refused, counts.warned, counts.failed, counts.dry_runs);
    assert_eq!(judged, (6, 4, 2, 6, 2), "{counts:?} {met:#?}");
    assert_eq!((counts.insignificant, counts.without_body, counts.unreadable), (6, 1, 0));
    assert!(met.keys().all(|key| key.namespace == "aud"));
    // The log's namespace audits at restricted, too, so each of these was noted then.
    let mut noted = 0;
    let mut reader = LogReader::default();
    let mut count = |event: &podsec_analysis::log::LoggedEvent<'_>| {
        noted += usize::from(
            event.is_end()
                && event.annotation("audit-violations").is_some()
                && event.code != Some(409)
                && !event.uri.contains("dryRun")
                && event.subresource.is_empty(),
        );
    };
    reader.read(lines(events().into_iter()).as_bytes(), &mut count).unwrap();
    assert_eq!(noted, counts.refused + counts.warned);
}

/// Every shape with its name.
fn shapes() -> Vec<(&'static str, String)> {
    let events = events();
    let each = |wrap: &dyn Fn(&Value) -> Value| lines(events.iter().map(wrap));
    let messages = || -> Vec<Value> {
        events
            .iter()
            .enumerate()
            .map(|(id, event)| json!({"id": id.to_string(), "timestamp": 1, "message": text_of(event)}))
            .collect()
    };
    let subscription = |events: &[Value]| json!({"messageType": "DATA_MESSAGE", "owner": "1", "logGroup": "/aws/eks/c/cluster", "logStream": "kube-apiserver-audit-1", "subscriptionFilters": ["f"], "logEvents": events});
    let messages = messages();
    let quoted = |event: &Value| format!("\"{}\"", text_of(event).replace('"', "\"\""));
    let columns = |event: &Value| {
        let text = |name: &str| match &event[name] {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        [
            ("Level", "level"),
            ("AuditId", "auditID"),
            ("Stage", "stage"),
            ("RequestUri", "requestURI"),
            ("Verb", "verb"),
            ("User", "user"),
            ("ObjectRef", "objectRef"),
            ("ResponseStatus", "responseStatus"),
            ("RequestObject", "requestObject"),
            ("ResponseObject", "responseObject"),
            ("RequestReceivedTime", "requestReceivedTimestamp"),
            ("Annotations", "annotations"),
        ]
        .map(|(column, member)| (column, text(member)))
    };
    let table = |event: &Value| -> Value {
        columns(event)
            .into_iter()
            .map(|(name, value)| (name.to_owned(), Value::from(value)))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let mut csv = format!("{}\n", columns(&events[0]).map(|(name, _)| name).join(","));
    for event in &events {
        csv += &*format!(
            "{}\n",
            columns(event).map(|(_, value)| format!("\"{}\"", value.replace('"', "\"\""))).join(",")
        );
    }
    let entries: Vec<Value> = events.iter().map(gke).collect();
    vec![
        ("EventList", json!({"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "metadata": {}, "items": events}).to_string()),
        ("EventList, indented", format!("{:#}", json!({"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": events}))),
        ("a subscription of CloudWatch", subscription(&messages).to_string()),
        ("Firehose, without line ends", messages.chunks(7).map(|part| subscription(part).to_string()).collect()),
        ("GetLogEvents", format!("{:#}", json!({"events": messages, "nextForwardToken": "f/1"}))),
        ("FilterLogEvents", json!({"events": messages, "searchedLogStreams": []}).to_string()),
        ("exported lines", events.iter().map(|event| format!("2026-12-01T00:00:00.000Z {}\n", text_of(event))).collect()),
        ("CloudWatch Insights as CSV", std::iter::once("@timestamp,@message\n".to_owned()).chain(events.iter().map(|event| format!("2026-12-01,{}\n", quoted(event)))).collect()),
        ("GKE in lines", lines(entries.iter().cloned())),
        ("GKE in a list", format!("{:#}", Value::from(entries))),
        ("AKS in records", json!({"records": events.iter().map(|event| json!({"category": "kube-audit", "properties": {"log": text_of(event), "stream": "stdout"}})).collect::<Vec<_>>()}).to_string()),
        ("AKS in lines", each(&|event| json!({"time": "t", "category": "kube-audit-admin", "properties": {"log": text_of(event)}}))),
        ("Log Analytics, log_s", format!("{:#}", events.iter().map(|event| json!({"Category": "kube-audit", "log_s": text_of(event)})).collect::<Value>())),
        ("Log Analytics, log_s as CSV", std::iter::once("TimeGenerated [UTC],log_s,Category\r\n".to_owned()).chain(events.iter().map(|event| format!("\"12/1/2026, 1:00\",{},kube-audit\r\n", quoted(event)))).collect()),
        ("Log Analytics, tables", json!({"tables": [{"name": "PrimaryResult", "columns": [{"name": "log_s", "type": "string"}, {"name": "n", "type": "int"}], "rows": events.iter().map(|event| json!([text_of(event), 1])).collect::<Vec<_>>()}]}).to_string()),
        ("AKSAudit as JSON", events.iter().map(table).collect::<Value>().to_string()),
        ("AKSAudit as CSV", csv),
        ("OVH", each(&|event| json!({"message": text_of(event), "host": "h"}))),
        ("Fluentd, an object", each(&|event| json!({"log": event, "stream": "stdout"}))),
        ("Fluentd, a string and a tag", events.iter().map(|event| format!("2026-12-01T00:00:00+00:00\tkube.audit\t{}\n", json!({"log": text_of(event)}))).collect()),
        ("Elastic", each(&|event| json!({"_index": "i", "_source": {"@timestamp": "t", "message": text_of(event)}}))),
        ("an answer of Elastic", json!({"took": 1, "hits": {"total": 1, "hits": events.iter().map(|event| json!({"_source": event})).collect::<Vec<_>>()}}).to_string()),
        ("Loki's push", json!({"streams": [{"stream": {"job": "a"}, "values": events.iter().map(|event| json!(["1", text_of(event)])).collect::<Vec<_>>()}]}).to_string()),
        ("Loki's answer", json!({"status": "success", "data": {"resultType": "streams", "result": [{"stream": {}, "values": events.iter().map(|event| json!(["1", text_of(event)])).collect::<Vec<_>>()}]}}).to_string()),
        ("logcli", each(&|event| json!({"labels": {}, "line": text_of(event), "timestamp": "t"}))),
    ]
}

/// An event as Google's LogEntry.
fn gke(event: &Value) -> Value {
    let reference = &event["objectRef"];
    let text = |name: &str| reference[name].as_str().unwrap_or_default();
    let group = if text("apiGroup").is_empty() { "core" } else { text("apiGroup") };
    let version = if text("apiVersion").is_empty() { "v1" } else { text("apiVersion") };
    let mut parts = vec![group.to_owned(), version.to_owned()];
    if !text("namespace").is_empty() {
        parts.extend(["namespaces".to_owned(), text("namespace").to_owned()]);
    }
    parts.extend(
        ["resource", "name", "subresource"]
            .map(text)
            .into_iter()
            .filter(|part| !part.is_empty())
            .map(str::to_owned),
    );
    let code = match event["responseStatus"]["code"].as_u64() {
        Some(200..300) | None => 0,
        Some(401) => 16,
        Some(403) => 7,
        Some(404) => 5,
        Some(409) => 10,
        _ => 3,
    };
    json!({
        "insertId": event["auditID"],
        "logName": "projects/p/logs/cloudaudit.googleapis.com%2Factivity",
        "labels": event["annotations"],
        "timestamp": event["requestReceivedTimestamp"],
        "protoPayload": {
            "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
            "serviceName": "k8s.io",
            "methodName": format!("io.k8s.{group}.{version}.{}.{}", text("resource"), event["verb"].as_str().unwrap()),
            "resourceName": parts.join("/"),
            "authenticationInfo": {"principalEmail": event["user"]["username"]},
            "request": event["requestObject"],
            "response": event["responseObject"],
            "status": {"code": code, "message": event["responseStatus"]["message"].as_str().unwrap_or_default()},
        },
    })
}

#[test]
fn every_shape_holds_the_same_decisions() {
    let as_recorded = replay(&lines(events().into_iter())).0;
    // Google's entries have no query, so that a dry run is not told from any other request.
    let without_query = events().into_iter().map(|mut event| {
        event["requestURI"] = "/".into();
        event
    });
    let without_query = replay(&lines(without_query)).0;
    assert_ne!(as_recorded, without_query);
    let number = events().len();
    for (name, text) in shapes() {
        let (met, counts) = if name.starts_with("GKE") { &without_query } else { &as_recorded };
        let ((found, found_counts), log) = replay(&text);
        assert_eq!((log.events, log.cut, log.too_long), (number, 0, 0), "{name}: {log:?}");
        assert_eq!((&found_counts, &found), (counts, met), "{name}");
    }
}

#[test]
fn compressed_parts_that_follow_each_other_are_one_log() {
    let ((met, _), _) = replay(&lines(events().into_iter()));
    let mut compressed = Vec::new();
    for part in events().chunks(20) {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(lines(part.iter().cloned()).as_bytes()).unwrap();
        compressed.extend(encoder.finish().unwrap());
    }
    let mut replay = Replay::new(at_restricted());
    let reader = std::io::BufReader::new(MultiGzDecoder::new(compressed.as_slice()));
    LogReader::default().read(reader, &mut |event| replay.event(event)).unwrap();
    assert_eq!(replay.met, met);
}

#[test]
fn what_was_cut_is_counted_and_the_rest_is_read() {
    let events = events();
    for (name, text) in shapes() {
        if !matches!(name, "exported lines" | "OVH" | "AKS in lines" | "Elastic") {
            continue;
        }
        let cut: String = text
            .lines()
            .enumerate()
            .map(|(number, line)| match number {
                3 => format!("{}[Truncated...]\n", &line[..line.len() / 2]),
                _ => format!("{line}\n"),
            })
            .collect();
        let (_, log) = replay(&cut);
        assert_eq!((log.events, log.cut), (events.len() - 1, 1), "{name}: {log:?}");
    }
    // Cut by CloudWatch: the message itself is valid JSON around it.
    let start = text_of(&events[1]);
    let message = format!("{}[Truncated...]", &start[..start.len() / 2]);
    let (_, log) = replay(&json!({"logEvents": [{"message": message}, {"message": start}]}).to_string());
    assert_eq!((log.events, log.cut), (1, 1));
}

#[test]
fn what_cannot_be_known_is_counted() {
    let pod = json!({"kind": "Pod", "spec": {"containers": [{"name": "a"}]}});
    let event = |change: Value| {
        let mut event = json!({"kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Request", "stage": "ResponseComplete",
            "verb": "create", "requestURI": "/x", "user": {"username": "u"}, "objectRef": {"resource": "pods", "namespace": "n"},
            "responseStatus": {"code": 201}, "requestReceivedTimestamp": "2026-12-01T00:00:00.0Z", "requestObject": pod});
        for (key, value) in change.as_object().unwrap() {
            event[key] = value.clone();
        }
        event
    };
    let one = |change: Value| replay(&event(change).to_string()).0.1;
    assert_eq!(one(json!({})).refused, 1);
    assert_eq!(one(json!({"requestObject": null})).without_body, 1);
    assert_eq!(one(json!({"requestObject": "skipped-too-big-size-object"})).without_body, 1);
    assert_eq!(one(json!({"requestObject": {"spec": {"hostPID": 3}}})).unreadable, 1);
    assert_eq!(one(json!({"requestURI": "/x?dryRun=All"})).dry_runs, 1);
    assert_eq!(one(json!({"responseStatus": {"code": 409}})).failed, 1);
    assert_eq!(one(json!({"stage": "RequestReceived"})).requests, 0);
    assert_eq!(one(json!({"verb": "patch", "responseStatus": {"code": 200}})).insignificant, 1);
    let patch = json!({"verb": "patch", "objectRef": {"resource": "deployments", "apiGroup": "apps", "namespace": "n"}, "requestObject": {"spec": {}}});
    assert_eq!(one(patch).without_body, 1);
    // Without a level, the labels that the log tells count from then on.
    let namespace = |level: &str| {
        event(json!({"objectRef": {"resource": "namespaces", "name": "n"}, "requestObject":
        {"metadata": {"name": "n", "labels": {"pod-security.kubernetes.io/enforce": level}}}}))
    };
    let text = lines(
        [
            event(json!({})),
            namespace("restricted"),
            event(json!({})),
            namespace("baseline"),
            event(json!({})),
        ]
        .into_iter(),
    );
    let ((met, counts), _) = replayed(text.as_bytes(), ReplayOptions::default());
    assert_eq!((counts.namespace_unknown, counts.judged, counts.refused), (1, 2, 1));
    assert_eq!(met.len(), 4);
}

fn audited(grouping: AuditGrouping, filter: AuditFilter) -> (AuditSummary, LogCounts) {
    let mut summary = AuditSummary::new(filter, grouping);
    let mut reader = LogReader::default();
    reader.read(lines(events().into_iter()).as_bytes(), &mut |event| summary.event(event)).unwrap();
    (summary, reader.counts)
}

#[test]
fn the_decisions_of_a_real_log_are_told_and_can_be_asked_for() {
    let (all, _) = audited(AuditGrouping::Everything, AuditFilter::default());
    let modes: Vec<&str> = all.rows.keys().map(|key| key.mode.as_str()).collect();
    assert!(modes.contains(&"enforce") && modes.contains(&"audit"), "{modes:?}");
    let (by_check, _) = audited(AuditGrouping::Check, AuditFilter::default());
    let checks: Vec<&str> = by_check.rows.keys().map(|key| key.check.as_str()).collect();
    assert!(
        checks.iter().all(|check| podsec_standards::CHECKS.iter().any(|known| known.id == *check)),
        "{checks:?}"
    );
    let one = AuditFilter { mode: Some(podsec_policy::Mode::Enforce), ..AuditFilter::default() };
    let (enforced, _) = audited(AuditGrouping::Mode, one);
    assert_eq!(enforced.rows.len(), 1);
    assert!(enforced.decisions < all.decisions);
    let none = AuditFilter { since: Some("2027".to_owned()), ..AuditFilter::default() };
    assert_eq!(audited(AuditGrouping::Everything, none).0.decisions, 0);
}

#[test]
fn every_report_of_a_log_tells_the_user_and_the_workload() {
    let (summary, counts) = audited(AuditGrouping::Everything, AuditFilter::default());
    let mut text = String::new();
    audit_table(&summary, &counts, &mut text).unwrap();
    audit_markdown(&summary, &counts, &mut text).unwrap();
    text += &*audit_html(&summary, &counts).unwrap();
    text += &*audit_json(&summary, &counts).to_string();
    let mut replay = Replay::new(at_restricted());
    let mut reader = LogReader::default();
    reader.read(lines(events().into_iter()).as_bytes(), &mut |event| replay.event(event)).unwrap();
    replay_table(&replay, &reader.counts, &mut text).unwrap();
    replay_markdown(&replay, &reader.counts, &mut text).unwrap();
    text += &*replay_json(&replay, &reader.counts).to_string();
    assert!(text.matches("admin").count() >= 7);
}

/// Every shape, made once.
static SHAPES: LazyLock<Vec<(&'static str, String)>> = LazyLock::new(shapes);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_log_that_was_mutilated_anywhere_is_read_without_a_panic_and_its_other_lines_are_known(
        shape in 0usize..25, at in 0.0..1.0f64, with in "[\\[\\]{}\",:a\\\\\n]{0,3}", length in 0usize..40,
    ) {
        let mut bytes = SHAPES[shape].1.clone().into_bytes();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a place in a text")]
        let start = (bytes.len() as f64 * at) as usize;
        let end = (start + length).min(bytes.len());
        bytes.splice(start..end, with.bytes());
        let events = SHAPES[0].1.matches("audit.k8s.io/v1").count();
        let (_, log) = replayed(&bytes, at_restricted());
        prop_assert!(log.events <= events + 1);
    }

    #[test]
    fn any_text_is_read_as_a_log_without_a_panic(text in "(?s).{0,200}") {
        replay(&text);
    }
}
