//! The log file, and its older format.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use podsec_audit::sink::{Format, Log, LogOptions, Sink};
use podsec_audit::{Auditor, Event, Policy, Request, RequestInfo, UserInfo};

fn event() -> Event {
    let recorded = podsec_testing::recorded::text("audit/samples.jsonl");
    serde_json::from_str(recorded.lines().next().unwrap()).unwrap()
}

fn options(path: &Path) -> LogOptions {
    LogOptions { path: path.to_owned(), ..LogOptions::default() }
}

#[test]
fn concurrent_requests_lose_and_tear_no_line_while_files_rotate() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("logs/audit.log");
    let log = Log::open(&LogOptions { max_size: 1, ..options(&path) }).unwrap();
    let policy = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: RequestResponse}]\n";
    let auditor = Auditor::new(Policy::parse(policy.as_bytes(), "p".as_ref()).unwrap().policy, log);
    let body = serde_json::json!({"data": "x".repeat(4000)});
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (auditor, body) = (auditor.clone(), &body);
            scope.spawn(move || {
                for number in 0..100 {
                    let id = format!("{thread}-{number}");
                    let request = Request {
                        audit_id: &id,
                        uri: "/",
                        received: jiff::Timestamp::now(),
                        source_ips: Vec::new(),
                        user_agent: b"",
                        attributes: RequestInfo::default(),
                    };
                    let recording = auditor.begin(&request, &UserInfo::default()).unwrap();
                    recording.request_object(body);
                    recording.started(200);
                }
            });
        }
    });
    auditor.flush().unwrap();
    let mut seen = BTreeSet::new();
    let mut files = 0;
    for entry in fs::read_dir(path.parent().unwrap()).unwrap() {
        let content = fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(content.len() <= 1024 * 1024 && content.ends_with('\n'));
        files += 1;
        for line in content.lines() {
            let event: Event = serde_json::from_str(line).unwrap();
            assert!(seen.insert((event.audit_id, event.stage)), "twice: {line}");
        }
    }
    assert_eq!((seen.len(), files), (8 * 100 * 2, 4));
}

#[test]
fn an_unwritable_log_is_an_error_of_start_up() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let refusal = |path: &Path| Log::open(&options(path)).unwrap_err().to_string();
    let below = file.join("audit.log");
    assert_eq!(refusal(&below), format!("ensureLogFile: mkdir {}: file exists", file.display()));
    assert_eq!(
        refusal(folder.path()),
        format!("ensureLogFile: open {}: is a directory", folder.path().display())
    );
}

#[cfg(unix)]
#[test]
fn the_log_is_its_owner_s_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b/audit.log");
    let log = Log::open(&options(&path)).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(path.parent().unwrap()), mode(&path)), (0o700, 0o600));
    log.write(&event()).unwrap();
    drop(log);
    Log::open(&options(&path)).unwrap().write(&event()).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 2);
}

#[test]
fn the_legacy_format_is_kubernetes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    let log = Log::open(&LogOptions { format: Format::Legacy, ..options(&path) }).unwrap();
    let full = r#"{"level":"Metadata","auditID":"L1-legacy","stage":"ResponseComplete","requestURI":"/api/v1/namespaces/default/pods","verb":"list","user":{"username":"admin","groups":["system:masters","system:authenticated"]},"impersonatedUser":{"username":"jane","groups":["system:authenticated"]},"sourceIPs":["127.0.0.1"],"userAgent":"ua \"q\"","objectRef":{"resource":"pods","namespace":"default"},"responseStatus":{"metadata":{},"code":403},"requestReceivedTimestamp":"2026-11-21T19:41:25.011884482Z","stageTimestamp":"2026-11-21T19:41:25.011884482Z"}"#;
    let bare = r#"{"level":"Metadata","auditID":"x","stage":"RequestReceived","requestURI":"/","verb":"","user":{},"requestReceivedTimestamp":"2026-11-21T19:41:25.5Z","stageTimestamp":"2026-11-21T19:41:25Z"}"#;
    for line in [full, bare] {
        log.write(&serde_json::from_str(line).unwrap()).unwrap();
    }
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        r#"2026-11-21T19:41:25.011884482Z AUDIT: id="L1-legacy" stage="ResponseComplete" ip="127.0.0.1" method="list" user="admin" groups="\"system:masters\",\"system:authenticated\"" as="jane" asgroups="\"system:authenticated\"" user-agent="ua \"q\"" namespace="default" uri="/api/v1/namespaces/default/pods" response="403"
2026-11-21T19:41:25.5Z AUDIT: id="x" stage="RequestReceived" ip="<unknown>" method="" user="<none>" groups="<none>" as="<self>" asgroups="<lookup>" user-agent="" namespace="<none>" uri="/" response="<deferred>"
"#
    );
}
