//! The GitHub Action and the pre-commit hooks, as GitHub and pre-commit run them.

#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    reason = "a test ends where the repository's own files are not what they must be"
)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const HOST: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {hostPID: true, containers: []}\n";

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn definition(name: &str) -> Value {
    podsec_yaml::to_json(&fs::read_to_string(repository().join(name)).unwrap()).unwrap()
}

/// A folder with two manifests, and podsec where `place` says.
fn folder(place: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let podsec = folder.path().join(place);
    fs::create_dir_all(podsec.parent().unwrap()).unwrap();
    symlink(env!("CARGO_BIN_EXE_podsec"), podsec).unwrap();
    for name in ["a.yaml", "b.yaml"] {
        fs::write(folder.path().join(name), HOST).unwrap();
    }
    folder
}

/// Runs the action's second step; the first one builds podsec.
fn action(inputs: [(&str, &str); 4]) -> (Output, tempfile::TempDir) {
    let folder = folder("podsec/bin/podsec");
    let step = &definition("action.yml")["runs"]["steps"][1];
    let mut bash = Command::new("bash");
    bash.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"].as_str().unwrap()]);
    for (name, expression) in step["env"].as_object().unwrap() {
        let input = inputs.iter().find(|(input, _)| expression == &format!("${{{{ inputs.{input} }}}}"));
        bash.env(name, input.unwrap().1);
    }
    let summary = folder.path().join("summary.md");
    bash.env("RUNNER_TEMP", folder.path()).env("GITHUB_STEP_SUMMARY", summary).current_dir(folder.path());
    (bash.output().unwrap(), folder)
}

#[test]
fn the_action_annotates_every_named_file_and_writes_its_reports() {
    let inputs =
        [("paths", "a.yaml\nb.*"), ("level", "baseline"), ("version", "v1.30"), ("sarif", "o.sarif")];
    let (output, folder) = action(inputs);
    let log = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(
        log.starts_with("::error file=a.yaml,line=4,col=17,") && log.contains("::error file=b.yaml,"),
        "{log}"
    );
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    assert!(read("summary.md").starts_with("### Pod Security: refused\n"));
    assert!(serde_json::from_str::<Value>(&read("o.sarif")).is_ok());
}

#[test]
fn the_action_without_inputs_judges_everything_and_runs_nothing_of_what_it_is_told() {
    let (output, _folder) = action([("paths", "."), ("level", ""), ("version", ""), ("sarif", "")]);
    assert_eq!(output.status.code(), Some(1));
    let hostile = "$(touch${IFS}broken) `touch broken` ;touch broken";
    let (output, folder) = action([("paths", hostile), ("level", ""), ("version", ""), ("sarif", "")]);
    assert_eq!(output.status.code(), Some(2));
    assert!(!folder.path().join("broken").exists());
}

#[test]
fn each_hook_runs_on_the_files_that_it_is_given() {
    let folder = folder("bin/podsec");
    fs::write(folder.path().join("podsec.toml"), "level = \"restricted\"\nexclude = [\"b.yaml\"]\n").unwrap();
    fs::write(folder.path().join("tsconfig.json"), "{ // no manifest\n").unwrap();
    let hooks = definition(".pre-commit-hooks.yaml");
    let run = |hook: &Value| {
        let mut words = hook["entry"].as_str().unwrap().split(' ');
        let output = Command::new(repository().join(words.next().unwrap()))
            .args(words)
            .args(["a.yaml", "b.yaml", "tsconfig.json"])
            .current_dir(folder.path())
            .env("PATH", format!("{}:/usr/bin:/bin", folder.path().join("bin").display()))
            .output()
            .unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    assert_eq!(hooks.as_array().unwrap().len(), 2);
    let (code, report) = run(&hooks[0]);
    assert_eq!(code, 1, "{report}");
    assert!(report.contains("1 pod in 2 files"), "{report}");
    let (code, report) = run(&hooks[1]);
    assert_eq!(code, 1, "{report}");
    assert!(report.contains("a.yaml: Pod a\n"), "{report}");
    assert_eq!(fs::read_to_string(folder.path().join("b.yaml")).unwrap(), HOST);
}
