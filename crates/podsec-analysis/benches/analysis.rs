//! Plans of a large dump and replays of a large log, each in a process of its own, beside naive programs of the same
//! libraries.
//!
//! `cargo bench -p podsec-analysis`; a factor makes everything smaller: `-- 0.01`.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::env;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use podsec_analysis::audit_log::{AuditSummary, audit_json};
use podsec_analysis::replay::{ReplayOptions, replay_json};
use podsec_analysis::{Collector, LogReader, PlanOptions, Replay, upgrade};
use podsec_standards::{Level, Pod, Policy, Version, evaluate};
use serde_json::Value;

const PODS: usize = 1_000_000;
const NAMESPACES: usize = 10_000;
const LOG_BYTES: usize = 1_000_000_000;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--child") {
        return child(&arguments[at + 1], Path::new(&arguments[at + 2]));
    }
    let factor: f64 = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(1.0);
    let folder = env::temp_dir().join(format!("podsec-analysis-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder for the inputs");
    let dump = folder.join("pods.json");
    let bytes = write_dump(&dump, scaled(PODS, factor), scaled(NAMESPACES, factor));
    println!(
        "{} pods in {} namespaces, {} MB of kubectl get -o json",
        scaled(PODS, factor),
        scaled(NAMESPACES, factor),
        bytes / 1_000_000
    );
    for what in ["plan", "upgrade", "naive plan"] {
        run(what, &dump);
    }
    fs::remove_file(&dump).expect("the dump was written");
    let log = folder.join("audit.log");
    let bytes = write_log(&log, scaled(LOG_BYTES, factor));
    println!("{} MB of audit events", bytes / 1_000_000);
    for what in ["replay", "audit-log", "naive replay"] {
        run(what, &log);
    }
    fs::remove_dir_all(&folder).expect("the folder was made");
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a size"
)]
fn scaled(number: usize, factor: f64) -> usize {
    ((number as f64 * factor) as usize).max(1)
}

/// Runs this program to its end and prints its time and the most memory that it held.
fn run(what: &str, path: &Path) {
    let begun = Instant::now();
    let mut child = Command::new(env::current_exe().expect("this program"))
        .args(["--child", what])
        .arg(path)
        .stdout(Stdio::null())
        .spawn()
        .expect("this program runs");
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut peak = 0;
    while child.try_wait().expect("a child").is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with("VmHWM:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
        peak = peak.max(kilobytes.unwrap_or(0));
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    println!("{what:14} {:6.1} s  {:6} MB", begun.elapsed().as_secs_f64(), peak / 1024);
}

/// What is measured: the file is read and the answer made.
fn child(what: &str, path: &Path) {
    let reader = BufReader::with_capacity(256 << 10, File::open(path).expect("the input was written"));
    match what {
        "plan" | "upgrade" => {
            let mut collector = Collector::default();
            collector.feed("dump", reader);
            let inventory = collector.finish();
            let options = PlanOptions::default();
            if what == "plan" {
                println!("{}", podsec_analysis::plan::json(&podsec_analysis::plan(&inventory, &options)));
            } else {
                let report = upgrade(&inventory, Version::V1(33), Version::V1(37), &options);
                println!("{}", podsec_analysis::upgrade::upgrade_json(&report));
            }
        }
        "replay" => {
            let policy = Some(Policy::new(Level::Restricted, Version::Latest));
            let mut replay = Replay::new(ReplayOptions { policy, ..ReplayOptions::default() });
            let mut log = LogReader::default();
            log.read(reader, &mut |event| replay.event(event)).expect("a log");
            println!("{}", replay_json(&replay, &log.counts));
        }
        "audit-log" => {
            let mut summary = AuditSummary::default();
            let mut log = LogReader::default();
            log.read(reader, &mut |event| summary.event(event)).expect("a log");
            println!("{}", audit_json(&summary, &log.counts));
        }
        _ => naive_program(what, path),
    }
}

/// Reads everything at once, and judges each pod by each level and version.
fn naive_program(what: &str, path: &Path) {
    let policies = || {
        let versions = (25..=37).map(Version::V1);
        versions
            .flat_map(|version| [Level::Baseline, Level::Restricted].map(|level| Policy::new(level, version)))
    };
    let mut refused = 0usize;
    let reader = BufReader::new(File::open(path).expect("the input was written"));
    if what == "naive plan" {
        let list: Value = serde_json::from_reader(reader).expect("the input is JSON");
        for pod in list["items"].as_array().expect("a list") {
            let pod = Pod::from_value(pod).expect("a pod");
            refused += policies().filter(|policy| !evaluate(*policy, &pod).is_allowed()).count();
        }
    } else {
        for line in reader.lines() {
            let event: Value = serde_json::from_str(&line.expect("a line")).expect("an event");
            if event["objectRef"]["resource"] == "pods" && event["verb"] == "create" {
                let pod = Pod::from_value(&event["requestObject"]).expect("a pod");
                let policy = Policy::new(Level::Restricted, Version::Latest);
                refused += usize::from(!evaluate(policy, &pod).is_allowed());
            }
        }
    }
    println!("{refused}");
}

fn pod(number: usize, namespace: usize) -> String {
    let owner = number / 5;
    let context = match owner % 4 {
        0 => "",
        1 => r#","securityContext":{"privileged":true}"#,
        2 => r#","securityContext":{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]}}"#,
        _ => {
            r#","securityContext":{"allowPrivilegeEscalation":false,"runAsNonRoot":true,"capabilities":{"drop":["ALL"]},"seccompProfile":{"type":"RuntimeDefault"}}"#
        }
    };
    format!(
        r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"app-{owner}-5d4f8-{number}","namespace":"team-{namespace}","uid":"00000000-0000-0000-0000-{number:012}","labels":{{"app":"app-{owner}","pod-template-hash":"5d4f8"}},"ownerReferences":[{{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"app-{owner}-5d4f8","uid":"u{owner}","controller":true,"blockOwnerDeletion":true}}]}},"spec":{{"containers":[{{"name":"app","image":"registry.example/app:1.{owner}","env":[{{"name":"A","value":"{number}"}},{{"name":"B","valueFrom":{{"fieldRef":{{"apiVersion":"v1","fieldPath":"metadata.name"}}}}}}],"resources":{{"limits":{{"cpu":"1","memory":"256Mi"}},"requests":{{"cpu":"10m","memory":"64Mi"}}}},"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File","imagePullPolicy":"IfNotPresent","volumeMounts":[{{"name":"token","readOnly":true,"mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}}]{context}}}],"volumes":[{{"name":"token","projected":{{"sources":[{{"serviceAccountToken":{{"expirationSeconds":3607,"path":"token"}}}},{{"configMap":{{"name":"kube-root-ca.crt","items":[{{"key":"ca.crt","path":"ca.crt"}}]}}}}],"defaultMode":420}}}}],"restartPolicy":"Always","terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst","serviceAccountName":"default","nodeName":"node-1","securityContext":{{}},"schedulerName":"default-scheduler","tolerations":[{{"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute","tolerationSeconds":300}}],"priority":0,"enableServiceLinks":true,"preemptionPolicy":"PreemptLowerPriority"}},"status":{{"phase":"Running","podIP":"10.0.0.1","qosClass":"Burstable"}}}}"#
    )
}

fn write_dump(path: &Path, pods: usize, namespaces: usize) -> u64 {
    let mut out = BufWriter::new(File::create(path).expect("a file for the dump"));
    out.write_all(b"{\"apiVersion\":\"v1\",\"items\":[").expect("room for the dump");
    for number in 0..pods {
        let separator = if number == 0 { "" } else { "," };
        write!(out, "{separator}{}", pod(number, (number / 5) % namespaces)).expect("room for the dump");
    }
    out.write_all(b"],\"kind\":\"List\"}\n").expect("room for the dump");
    out.flush().expect("room for the dump");
    fs::metadata(path).expect("the dump was written").len()
}

/// Of six events one makes a pod, as in a busy cluster.
fn write_log(path: &Path, bytes: usize) -> usize {
    let mut out = BufWriter::new(File::create(path).expect("a file for the log"));
    let (mut written, mut number) = (0, 0);
    while written < bytes {
        let namespace = number % 500;
        let (verb, code, resource, body) = match number % 6 {
            0 => ("create", 201, "pods", pod(number, namespace)),
            1 => {
                ("patch", 200, "leases", r#"{"spec":{"renewTime":"2026-12-01T00:00:00.000000Z"}}"#.to_owned())
            }
            2 => (
                "update",
                200,
                "endpointslices",
                format!(r#"{{"metadata":{{"name":"e{number}"}},"endpoints":[]}}"#),
            ),
            _ => ("get", 200, "configmaps", "null".to_owned()),
        };
        let line = format!(
            r#"{{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse","auditID":"00000000-0000-0000-0000-{number:012}","stage":"ResponseComplete","requestURI":"/api/v1/namespaces/team-{namespace}/{resource}","verb":"{verb}","user":{{"username":"system:serviceaccount:kube-system:replicaset-controller","uid":"1","groups":["system:serviceaccounts","system:authenticated"]}},"sourceIPs":["10.0.0.1"],"userAgent":"kube-controller-manager/v1.36.2","objectRef":{{"resource":"{resource}","namespace":"team-{namespace}","name":"x{number}","apiVersion":"v1"}},"responseStatus":{{"metadata":{{}},"code":{code}}},"requestObject":{body},"requestReceivedTimestamp":"2026-12-01T00:00:00.000000Z","stageTimestamp":"2026-12-01T00:00:00.000001Z","annotations":{{"authorization.k8s.io/decision":"allow","authorization.k8s.io/reason":""}}}}"#
        );
        writeln!(out, "{line}").expect("room for the log");
        written += line.len() + 1;
        number += 1;
    }
    out.flush().expect("room for the log");
    written
}
