//! The tutorial's commands through real kubectl, beside what a real API server answered.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use podsec_testing::recorded;

use crate::server::Server;

#[test]
#[ignore = "needs kubectl 1.37: make test"]
fn kubectl_1_37_sees_what_a_real_server_shows() {
    compare("KUBECTL_PINNED", "1.37");
}

#[test]
#[ignore = "needs kubectl 1.32: make conformance"]
fn kubectl_1_32_sees_what_a_real_server_shows() {
    compare("KUBECTL_1_32", "1.32");
}

/// `variable` names the kubectl of this version.
fn compare(variable: &str, version: &str) {
    let kubectl = env::var_os(variable).unwrap_or_else(|| panic!("{variable} names no kubectl {version}"));
    let expected = recorded::text(&format!("tutorial/real-answers-kubectl-{version}.txt"));
    let tutorial = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/tutorial");
    // No controller ran beside the recorded server, and so its plugin of service accounts was off.
    let server = Server::start(&["--disable-admission-plugins=ServiceAccount"]);
    for manifest in ["privileged-pod.yaml", "baseline-pod.yaml", "restricted-pod.yaml"] {
        fs::copy(tutorial.join(manifest), server.folder().join(manifest)).expect("the tutorial's pod");
    }
    let bin = server.folder().join("bin");
    fs::create_dir(&bin).expect("a folder for kubectl");
    std::os::unix::fs::symlink(kubectl, bin.join("kubectl")).expect("a link to kubectl");
    let path = env::join_paths(
        std::iter::once(bin).chain(env::split_paths(&env::var_os("PATH").unwrap_or_default())),
    )
    .expect("a search path");
    let output = Command::new("bash")
        .args(["-c", "exec 2>&1; source \"$0\""])
        .arg(recorded::path("tutorial/commands.sh"))
        .current_dir(server.folder())
        .env("KUBECONFIG", server.kubeconfig())
        .env("KUBECACHEDIR", server.folder().join("cache"))
        .env("PATH", path)
        .output()
        .expect("bash");
    let actual = String::from_utf8(output.stdout).expect("kubectl prints UTF-8");
    assert_eq!(steady(&actual), steady(&expected));
}

/// The transcript without what differs between two runs: the version's lines, ages, times and ids.
fn steady(transcript: &str) -> String {
    let mut lines = Vec::new();
    let mut in_version = false;
    for line in transcript.lines() {
        in_version = line == "$ kubectl version" || (in_version && !line.starts_with("rc="));
        // Kubernetes counts the generations of pods since 1.35; the recording is older.
        if !in_version && line.trim_start() != "generation: 1" {
            lines.push(steady_line(line));
        }
    }
    lines.join("\n")
}

fn steady_line(line: &str) -> String {
    let unsteady = ["creationTimestamp: ", "uid: ", "resourceVersion: "];
    if let Some(field) = unsteady.into_iter().find(|field| line.trim_start().starts_with(field)) {
        return format!("  {field}...");
    }
    if line.contains(" Active ") || line.contains(" Pending ") {
        // A table: its widths follow the ages in it.
        let words = line.split_whitespace().map(|word| if is_age(word) { "AGE" } else { word });
        return words.collect::<Vec<_>>().join(" ");
    }
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_age(word: &str) -> bool {
    word.strip_suffix(['s', 'm']).is_some_and(|number| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'm')
    })
}
