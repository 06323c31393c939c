//! `plan`, `upgrade-check`, `replay`, `audit-log` and `report` as people call them; and every command of their pages.

#![expect(clippy::unwrap_used, reason = "what cannot be read fails the test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use podsec_testing::recorded;

const CLUSTER: &str = r"
apiVersion: v1
items:
- apiVersion: v1
  kind: Namespace
  metadata:
    name: shop
    labels: {pod-security.kubernetes.io/enforce: baseline, pod-security.kubernetes.io/warn: privileged}
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: web, namespace: shop}
  spec:
    replicas: 0
    template:
      spec:
        securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
        containers:
        - name: a
          livenessProbe: {tcpSocket: {port: 80, host: localhost}}
          securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
kind: List
";

/// A folder with a cluster and a log.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("cluster.yaml"), CLUSTER).unwrap();
    let log = recorded::text("audit/real-mixed.jsonl").replace("<time>", "2026-12-01T00:00:00Z");
    fs::write(folder.path().join("audit.log"), log).unwrap();
    folder
}

fn podsec(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_podsec"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .expect("podsec was built")
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn a_plan_tells_the_level_what_is_refused_now_and_what_is_in_the_way() {
    let folder = folder();
    let output = podsec(folder.path(), &["plan", "cluster.yaml", "--oldest", "v1.30"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let plan = text(&output);
    assert!(plan.contains("restricted:v1.33"), "{plan}");
    assert!(plan.contains("refused by baseline:latest if it were made again now:"), "{plan}");
    assert!(plan.contains("Deployment/web  (one field away), no pod now"), "{plan}");
}

#[test]
fn what_cannot_be_read_shows_in_the_exit_code() {
    let folder = folder();
    fs::write(folder.path().join("broken.yaml"), "apiVersion: v1\nkind: [").unwrap();
    assert_eq!(podsec(folder.path(), &["plan", "cluster.yaml", "broken.yaml"]).status.code(), Some(2));
    assert_eq!(
        podsec(folder.path(), &["replay", "--level", "baseline", "absent.log"]).status.code(),
        Some(2)
    );
    assert_eq!(podsec(folder.path(), &["plan"]).status.code(), Some(1));
}

#[test]
fn an_upgrade_that_refuses_something_ends_with_1_and_names_the_revision() {
    let folder = folder();
    let output =
        podsec(folder.path(), &["upgrade-check", "--from", "v1.33", "--to", "v1.34", "cluster.yaml"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(text(&output).contains("hostProbesAndHostLifecycle v1.34"), "{}", text(&output));
    let output =
        podsec(folder.path(), &["upgrade-check", "--from", "v1.35", "--to", "v1.36", "cluster.yaml"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn a_log_is_replayed_and_told() {
    let folder = folder();
    let output = podsec(folder.path(), &["replay", "--level", "restricted", "audit.log"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(text(&output).contains("4 would be refused"), "{}", text(&output));
    let output = podsec(folder.path(), &["replay", "--level", "privileged", "audit.log"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let output = podsec(folder.path(), &["audit-log", "--by", "check", "--format", "json", "audit.log"]);
    let told: serde_json::Value = serde_json::from_str(&text(&output)).unwrap();
    assert!(told["decisions"].as_u64().unwrap() > 5, "{told}");
}

#[test]
fn every_command_of_the_pages_can_be_carried_out() {
    let folder = folder();
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    for page in ["plan.md", "upgrade-check.md", "replay.md", "audit-log.md", "report.md"] {
        let path: PathBuf = docs.join(page);
        let page_text = fs::read_to_string(&path).unwrap();
        let shell = page_text.split("```sh\n").skip(1).filter_map(|part| part.split("```").next());
        let commands: Vec<&str> = shell.flat_map(str::lines).filter(|line| !line.trim().is_empty()).collect();
        assert!(!commands.is_empty(), "{page}");
        for command in commands {
            let words: Vec<&str> = command.split('#').next().unwrap().split_whitespace().skip(1).collect();
            let output = podsec(folder.path(), &words);
            let code = output.status.code();
            assert!(matches!(code, Some(0 | 1)) && output.stderr.is_empty(), "{command}: {output:?}");
        }
    }
}
