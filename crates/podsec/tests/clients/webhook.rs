//! `podsec webhook` in front of a `podsec serve` that knows no Pod Security: the tutorial tells the same.
//!
//! The server asks the webhook because of what `podsec webhook manifests` prints, and trusts it because of what
//! `--self-signed` tells it, as in a cluster. Two things differ, as they do in Kubernetes: a refusal says who refuses, and
//! audit annotations carry the webhook's name.

use std::env;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use regex::Regex;

use podsec_testing::own_address::own_address;

use crate::server::Server;

#[test]
#[ignore = "needs kubectl 1.37: make test"]
fn the_tutorial_tells_the_same_when_only_the_webhook_knows_pod_security() {
    let kubectl: PathBuf = env::var_os("KUBECTL_PINNED").expect("KUBECTL_PINNED names a kubectl 1.37").into();
    let story = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/tutorial");
    let policy = story.join("audit-policy.yaml");
    let server = Server::start(&[
        "--node",
        "--disable-admission-plugins=PodSecurity",
        "--audit-policy-file",
        policy.to_str().expect("a path of characters"),
        "--audit-log-path=audit.log",
    ]);
    for pod in ["privileged-pod.yaml", "baseline-pod.yaml", "restricted-pod.yaml"] {
        fs::copy(story.join(pod), server.folder().join(pod)).expect("the tutorial's pod");
    }
    let shell = Shell::start(&server, &kubectl);
    let webhook = Webhook::start(&shell);
    let readme = fs::read_to_string(story.join("README.md")).expect("the tutorial");
    let mut refusals = 0;
    for (command, answer) in steps(&readme) {
        let (command, expected) = (named(&command), steady(&named(&answer)));
        refusals += expected.matches("denied the request").count();
        assert_eq!(steady(&shell.run(&command)), expected, "$ {command}\n{}", webhook.log());
    }
    assert_eq!(refusals, 3, "the tutorial refuses three pods");
}

/// The commands of the tutorial's console blocks, each with its answer.
fn steps(readme: &str) -> Vec<(String, String)> {
    let mut steps: Vec<(String, String)> = Vec::new();
    let mut inside = false;
    for line in readme.lines() {
        match (inside, line.strip_prefix("$ ")) {
            (_, _) if line.starts_with("```") => inside = line == "```console",
            (true, Some(command)) => steps.push((command.to_owned(), String::new())),
            (true, None) => {
                let (_, answer) = steps.last_mut().expect("a command before its answer");
                *answer += line;
                *answer += "\n";
            }
            (false, _) => {}
        }
    }
    assert!(steps.len() > 20, "the tutorial has lost its commands");
    steps
}

/// The tutorial's text where the webhook is named: in refusals, and in the keys of audit annotations.
fn named(text: &str) -> String {
    let refusal = Regex::new(r#"(error when creating "[^"]+": )(pods "[^"]+" is forbidden)"#);
    let refusal = refusal.expect("a regular expression");
    let replacement = format!("${{1}}admission webhook \"{WEBHOOK}\" denied the request: ${{2}}");
    let text = refusal.replace_all(text, replacement.as_str());
    let annotation = Regex::new(r#""pod-security\.kubernetes\.io/(audit-violations|enforce-policy)"#);
    let annotation = annotation.expect("a regular expression");
    annotation.replace_all(&text, format!("\"{WEBHOOK}/$1").as_str()).into_owned()
}

/// An answer without ages and the widths they give a table, and without the webhook's own namespace.
fn steady(answer: &str) -> String {
    let age = Regex::new(r"\b[0-9]+(s|m|m[0-9]+s)\b").expect("a regular expression");
    let lines = answer.lines().filter(|line| !line.starts_with("podsec-system "));
    let words = lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    words.map(|line| age.replace_all(&line, "AGE").into_owned() + "\n").collect()
}

/// A bash whose `kubectl` is the pinned one, in the folder of a server.
struct Shell {
    folder: PathBuf,
    path: std::ffi::OsString,
}

impl Shell {
    fn start(server: &Server, kubectl: &Path) -> Self {
        let folder = server.folder().to_owned();
        let bin = folder.join("bin");
        fs::create_dir(&bin).expect("a folder for kubectl");
        std::os::unix::fs::symlink(kubectl, bin.join("kubectl")).expect("a link to kubectl");
        std::os::unix::fs::symlink(PODSEC, bin.join("podsec")).expect("a link to podsec");
        let found = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths(std::iter::once(bin).chain(env::split_paths(&found)));
        Self { folder, path: path.expect("a search path") }
    }

    /// What a command says, errors among the rest, and its exit status when that is not 0.
    fn run(&self, command: &str) -> String {
        let output = Command::new("bash")
            .args(["-c", &format!("exec 2>&1; {command}")])
            .current_dir(&self.folder)
            .env("KUBECONFIG", "kubeconfig")
            .env("KUBECACHEDIR", "cache")
            .env("PATH", &self.path)
            .stdin(Stdio::null())
            .output()
            .expect("bash");
        let said = String::from_utf8(output.stdout).expect("kubectl prints UTF-8");
        match output.status.code() {
            Some(0) | None => said,
            Some(code) => format!("{said}[exit status: {code}]\n"),
        }
    }
}

/// A `podsec webhook` that the server asks.
struct Webhook {
    process: Child,
    log: PathBuf,
}

impl Webhook {
    /// Installs the webhook's manifests, leads their Service to a process here, and waits until it is asked and trusted.
    fn start(shell: &Shell) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = port.expect("a free port").port();
        let address = own_address();
        let slice = format!(
            "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata:\n  name: here\n  namespace: podsec-system\n  \
             labels: {{kubernetes.io/service-name: podsec-webhook}}\naddressType: IPv4\n\
             endpoints: [{{addresses: [{address}]}}]\nports: [{{name: https, port: {port}}}]\n"
        );
        fs::write(shell.folder.join("slice.yaml"), slice).expect("a manifest");
        let installed =
            shell.run("podsec webhook manifests --image podsec | kubectl apply -f - -f slice.yaml");
        assert!(
            installed.contains(
                "validatingwebhookconfiguration.admissionregistration.k8s.io/podsec-webhook created"
            ),
            "{installed}"
        );
        let log = shell.folder.join("webhook.log");
        let process = Command::new(PODSEC)
            .args(["webhook", "--self-signed", "--kubeconfig", "kubeconfig"])
            .args(["--secure-port", &port.to_string(), "--log-format", "text"])
            .current_dir(&shell.folder)
            .stdin(Stdio::null())
            .stderr(fs::File::create(&log).expect("the webhook's log"))
            .spawn();
        let webhook = Self { process: process.expect("podsec starts"), log };
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            let answer = shell.run("kubectl create namespace ready --dry-run=server");
            if answer.starts_with("namespace/ready created") {
                return webhook;
            }
            assert!(Instant::now() < deadline, "the webhook is not asked: {answer}{}", webhook.log());
            sleep(Duration::from_millis(100));
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Webhook {
    fn drop(&mut self) {
        // Both fail only when the webhook has ended by itself, which the test will have noticed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

const PODSEC: &str = env!("CARGO_BIN_EXE_podsec");
/// The webhook of the manifests that judges pods.
const WEBHOOK: &str = "pods.podsec.internal";
