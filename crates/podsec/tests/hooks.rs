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

/// Runs the action's step that checks; those before it install podsec.
fn action(inputs: [(&str, &str); 4]) -> (Output, tempfile::TempDir) {
    let folder = folder("podsec/bin/podsec");
    let definition = definition("action.yml");
    let steps = definition["runs"]["steps"].as_array().unwrap();
    let step = steps.iter().find(|step| step["name"] == "Check").unwrap();
    let mut bash = Command::new("bash");
    bash.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"].as_str().unwrap()]);
    for (name, expression) in step["env"].as_object().unwrap() {
        // An input that is not given is empty; the expression of the report names one first.
        let is_of = |input: &str| {
            let word = expression.as_str().unwrap().split_whitespace().nth(1);
            word.is_some_and(|word| word == format!("inputs.{input}"))
        };
        bash.env(name, inputs.iter().find(|(input, _)| is_of(input)).map_or("", |(_, value)| *value));
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

/// Runs what installs podsec for the action from a release that is there as files, and says how it ended.
fn install(release: &Path, room: &Path) -> Output {
    Command::new("bash")
        .arg(repository().join("tools/action-install.sh"))
        .env("RUNNER_TEMP", room)
        .env("RUNNER_OS", "Linux")
        .env("RUNNER_ARCH", "X64")
        .env("GITHUB_SERVER_URL", format!("file://{}", release.display()))
        .env("ACTION_REPOSITORY", "o/podsec")
        .env("ACTION_REF", "v0.1.0")
        .output()
        .unwrap()
}

#[test]
fn the_action_installs_the_binary_of_a_release_only_with_its_checksum() {
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("o/podsec/releases/download/v0.1.0");
    let stem = "podsec-0.1.0-x86_64-unknown-linux-gnu";
    fs::create_dir_all(files.join(stem)).unwrap();
    fs::write(files.join(stem).join("podsec"), "#!/bin/sh\necho released\n").unwrap();
    let shell = |script: &str| {
        assert!(Command::new("bash").args(["-ec", script]).current_dir(&files).status().unwrap().success());
    };
    shell(&format!("tar czf {stem}.tar.gz {stem} && sha256sum {stem}.tar.gz > SHA256SUMS"));
    let room = tempfile::tempdir().unwrap();
    let output = install(folder.path(), room.path());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let installed = room.path().join("podsec/bin/podsec");
    assert_eq!(Command::new(&installed).output().unwrap().stdout, b"released\n");

    for broken in ["echo x >> podsec-*.tar.gz", "sed -i s/podsec/other/ SHA256SUMS"] {
        fs::remove_file(&installed).ok();
        shell(broken);
        assert!(!install(folder.path(), room.path()).status.success(), "{broken}");
        assert!(!installed.exists(), "{broken}");
    }
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
