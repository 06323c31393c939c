//! kubectl's and Helm's commands, each beside what a real API server answers: whole outputs, exit codes and warnings.
//!
//! A transcript under `transcripts/` is one shell session against a server of its own:
//!
//! ```text
//! # A remark.
//! $ kubectl apply -f - <<EOF        a command, run by bash
//! > kind: Pod                       its further lines
//! > EOF
//! pod/nginx created                 standard output
//! ! Warning: would violate …        standard error
//! = 1                               the exit code, when it is not 0
//! ```
//!
//! `UPDATE_TRANSCRIPTS=1` writes down what happens now; compare it with a real server before it is kept.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use regex::Regex;

use crate::server::Server;

#[test]
#[ignore = "needs kubectl 1.37: make test"]
fn namespaces_are_labelled_judged_and_ended() {
    replay("namespaces");
}

#[test]
#[ignore = "needs kubectl 1.37: make test"]
fn pods_are_applied_in_every_way() {
    replay("apply");
}

#[test]
#[ignore = "needs kubectl 1.37: make test"]
fn objects_are_changed_in_place() {
    replay("changes");
}

#[test]
#[ignore = "needs kubectl 1.37: make test"]
fn pods_are_read_in_every_form() {
    replay("reading");
}

#[test]
#[ignore = "needs kubectl 1.37: make test"]
fn workloads_warn_and_show_their_columns() {
    replay("workloads");
}

#[test]
#[ignore = "needs kubectl 1.37: make test"]
fn every_kind_is_created_and_shown() {
    replay("kinds");
}

#[test]
#[ignore = "needs kubectl 1.37: make test"]
fn pods_without_a_node_refuse_streams() {
    replay("streams");
}

#[test]
#[ignore = "needs kubectl 1.37: make test"]
fn deletions_wait_and_are_refused() {
    replay("deletion");
}

#[test]
#[ignore = "needs kubectl 1.37: make test"]
fn the_server_describes_itself() {
    replay("discovery");
}

#[test]
#[ignore = "needs kubectl 1.37: make test"]
fn custom_resources_are_defined_used_and_removed() {
    replay("custom");
}

#[test]
#[ignore = "needs kubectl 1.37: make test"]
fn webhooks_are_configured_and_missed() {
    replay("webhooks");
}

#[test]
#[ignore = "needs kubectl 1.37 and Helm 4.3: make test"]
fn helm_installs_changes_and_removes_a_chart() {
    assert!(pinned("HELM_PINNED").is_some(), "HELM_PINNED does not name a helm 4.3");
    replay("helm");
}

/// Runs a transcript's commands and compares all they say with what it says.
fn replay(topic: &str) {
    let kubectl = pinned("KUBECTL_PINNED").expect("KUBECTL_PINNED names a kubectl 1.37");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/clients/transcripts/{topic}.txt"));
    let expected = fs::read_to_string(&file).expect("the transcript");
    let shell = Shell::start(&kubectl, pinned("HELM_PINNED").as_deref());
    let mut actual = String::new();
    for part in parts(&expected) {
        match part {
            Part::Remark(line) => writeln!(actual, "{line}"),
            Part::Command(command) => writeln!(actual, "{}", shell.run(&command)),
        }
        .expect("a string takes all");
    }
    if env::var_os("UPDATE_TRANSCRIPTS").is_some() {
        fs::write(&file, actual.trim_end().to_owned() + "\n").expect("the transcript");
    } else if let Some(difference) = first_difference(&expected, &actual) {
        panic!("{}: {difference}", file.display());
    }
}

fn pinned(client: &str) -> Option<PathBuf> {
    env::var_os(client).map(PathBuf::from)
}

enum Part {
    Remark(String),
    Command(String),
}

/// The transcript without its outputs.
fn parts(transcript: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    for line in transcript.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            parts.push(Part::Command(command.to_owned()));
        } else if let (Some(more), Some(Part::Command(command))) = (line.strip_prefix("> "), parts.last_mut())
        {
            *command += "\n";
            *command += more;
        } else if line.starts_with("# ") {
            parts.push(Part::Remark(line.to_owned()));
        }
    }
    parts
}

/// A bash whose `kubectl` and `helm` are the pinned ones and whose cluster is a fresh server.
struct Shell {
    server: Server,
    path: std::ffi::OsString,
}

impl Shell {
    fn start(kubectl: &Path, helm: Option<&Path>) -> Self {
        // The recorded answers are those of an API server without the controllers of workloads.
        let server = Server::start(&["--controllers="]);
        let bin = server.folder().join("bin");
        fs::create_dir(&bin).expect("a folder for kubectl");
        for (name, client) in [("kubectl", Some(kubectl)), ("helm", helm)] {
            if let Some(client) = client {
                std::os::unix::fs::symlink(client, bin.join(name)).expect("a link to the client");
            }
        }
        let found = env::var_os("PATH").unwrap_or_default();
        let path =
            env::join_paths(std::iter::once(bin).chain(env::split_paths(&found))).expect("a search path");
        Self { server, path }
    }

    /// The command and what became of it, as a transcript writes it down.
    fn run(&self, command: &str) -> String {
        let output = Command::new("bash")
            .args(["-c", command])
            .current_dir(self.server.folder())
            .env("KUBECONFIG", self.server.kubeconfig())
            .env("KUBECACHEDIR", self.server.folder().join("cache"))
            .env("HOME", self.server.folder())
            .env("PATH", &self.path)
            .stdin(Stdio::null())
            .output()
            .expect("bash");
        let mut record = format!("$ {}\n", command.replace('\n', "\n> "));
        record += &steady(&String::from_utf8(output.stdout).expect("kubectl prints UTF-8"));
        for line in steady(&String::from_utf8(output.stderr).expect("kubectl prints UTF-8")).lines() {
            writeln!(record, "! {line}").expect("a string takes all");
        }
        if let Some(code) = output.status.code().filter(|code| *code != 0) {
            writeln!(record, "= {code}").expect("a string takes all");
        }
        record
    }
}

/// An output without what differs between two runs: ages (and the widths they give a table), times, ids, versions.
fn steady(output: &str) -> String {
    let mut steady = String::new();
    let mut in_table = false;
    for line in output.lines() {
        in_table = !line.is_empty() && (in_table || has_ages(line));
        let line = if in_table { narrow(line) } else { line.trim_end().to_owned() };
        steady += &line;
        steady += "\n";
    }
    for (unsteady, replacement) in UNSTEADY {
        let unsteady = Regex::new(unsteady).expect("a regular expression");
        steady = unsteady.replace_all(&steady, *replacement).into_owned();
    }
    steady
}

fn has_ages(header: &str) -> bool {
    header.split_whitespace().any(|column| matches!(column, "AGE" | "SEEN" | "AT"))
}

/// A row of a table with its cells two spaces apart.
fn narrow(row: &str) -> String {
    let age = Regex::new(r"^(\d+[smhdy])+$").expect("a regular expression");
    let cells = row.split("  ").map(str::trim).filter(|cell| !cell.is_empty());
    cells.map(|cell| if age.is_match(cell) { "<age>" } else { cell }).collect::<Vec<_>>().join("  ")
}

fn first_difference(expected: &str, actual: &str) -> Option<String> {
    let (expected, actual) = (expected.trim_end(), actual.trim_end());
    if expected == actual {
        return None;
    }
    let same =
        expected.lines().zip(actual.lines()).take_while(|(expected, actual)| expected == actual).count();
    let command = expected.lines().take(same + 1).filter(|line| line.starts_with("$ ")).last();
    let from = |text: &str| text.lines().skip(same).take(12).collect::<Vec<_>>().join("\n");
    Some(format!(
        "line {}, after {}\nexpected:\n{}\nactual:\n{}",
        same + 1,
        command.unwrap_or_default(),
        from(expected),
        from(actual)
    ))
}

/// What differs from run to run, and what stands in its place.
const UNSTEADY: &[(&str, &str)] = &[
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<uid>"),
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| \+0000)", "<time>"),
    (r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d \+0000", "<time>"),
    (r"[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}", "<time>"),
    (r"(?m)^I\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ ", "I<time> "),
    (r#"(resourceVersion"?: )"\d+""#, "$1<version>"),
    (r"eyJ[\w-]+\.[\w-]+\.[\w-]+", "<token>"),
    (r"127\.0\.0\.1:\d+", "<server>"),
    (r"(gen|debugger|kube-api-access)-[a-z0-9]{5}\b", "$1-<random>"),
    (r"(LIVE|MERGED|kubectl-edit)-\d+", "$1-<random>"),
    (r"(?m)^(Server Version|  gitVersion): v1\.\d+\.\d+.*$", "$1: <version>"),
    (r"10\.\d+\.\d+\.\d+", "<cluster IP>"),
    (r":3[0-2]\d{3}/", ":<node port>/"),
    (r"(Resource Version: +)\d+", "$1<version>"),
    (r"\(lasts \w+\)", "(lasts <age>)"),
    (r"(?m)^podsec-[0-9a-f]{64}$", "<token>"),
];
