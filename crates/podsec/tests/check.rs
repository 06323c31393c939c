//! `podsec check` as people run it: exit codes, notes, levels and files.

#![expect(clippy::unwrap_used, reason = "a test ends where its own files cannot be written")]

use std::fs;
use std::path::Path;
use std::process::Command;

const BARE: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: shop}\nspec:\n  containers: [{name: a, image: b}]\n";
const HOST: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: shop}\nspec: {hostPID: true, containers: []}\n";

/// What it prints, what it notes, and its exit code.
fn check(folder: &Path, arguments: &[&str]) -> (String, String, i32) {
    let output = Command::new(env!("CARGO_BIN_EXE_podsec"))
        .arg("check")
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code().unwrap())
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn code(files: &[(&str, &str)], arguments: &[&str]) -> i32 {
    check(folder(files).path(), arguments).2
}

#[test]
fn the_exit_code_says_admitted_refused_or_not_judged() {
    assert_eq!(code(&[("a.yaml", BARE)], &["--level", "baseline"]), 0);
    assert_eq!(code(&[("a.yaml", BARE)], &["--level", "restricted"]), 1);
    assert_eq!(code(&[("a.yaml", BARE), ("b.yaml", "apiVersion: [")], &["--level", "baseline"]), 2);
    assert_eq!(code(&[], &["absent.yaml"]), 2);
    assert_eq!(code(&[("c.yaml", "kind: None")], &["--config", "c.yaml"]), 2);
    assert_eq!(code(&[], &["--no-such-flag"]), 2);
}

#[test]
fn the_readme_shows_what_is_said() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let readme = fs::read_to_string(repository.join("README.md")).unwrap();
    let (_, transcript) = readme.split_once("$ podsec check ").unwrap();
    let (file, shown) = transcript.split_once('\n').unwrap();
    let (shown, _) = shown.split_once("…\n").unwrap();
    let (report, _, code) = check(&repository, &[file]);
    assert_eq!((report.get(..shown.len()), code), (Some(shown), 1));
}

#[test]
fn without_a_level_it_falls_back_to_restricted_and_says_so() {
    let (report, notes, code) = check(folder(&[("a.yaml", BARE)]).path(), &["--format", "concise"]);
    assert_eq!((report.lines().count(), code), (5, 1));
    assert!(notes.contains("restricted:latest"), "{notes}");
}

#[test]
fn the_labels_of_a_namespace_among_the_manifests_decide() {
    let namespace = |labels: &str| {
        format!("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n  labels: {{{labels}}}\n")
    };
    let judged = |labels: &str, arguments: &[&str]| {
        check(folder(&[("a.yaml", HOST), ("n.yaml", &namespace(labels))]).path(), arguments)
    };
    let privileged =
        "pod-security.kubernetes.io/enforce: privileged, pod-security.kubernetes.io/warn: baseline";
    let (_, notes, code) = judged(privileged, &[]);
    assert_eq!((notes.as_str(), code), ("", 0));
    assert_eq!(judged(privileged, &["--mode", "warn"]).2, 1);
    let (_, notes, code) = judged("pod-security.kubernetes.io/enforce: strict", &[]);
    assert_eq!(code, 2);
    assert!(notes.contains("n.yaml:5:11: namespace \"shop\": "), "{notes}");
}

#[test]
fn the_cluster_s_configuration_gives_defaults_and_exemptions() {
    let configuration = "apiVersion: pod-security.admission.config.k8s.io/v1\nkind: PodSecurityConfiguration\n\
                         defaults: {enforce: baseline}\nexemptions: {namespaces: [shop]}\n";
    let files = [("a.yaml", HOST), ("config.cfg", configuration)];
    let (report, _, code) = check(folder(&files).path(), &["--config", "config.cfg"]);
    assert_eq!((report.as_str(), code), ("1 pod in 1 file: all would be admitted; 1 exempt\n", 0));
}

#[test]
fn a_baseline_silences_what_is_known_and_names_what_is_gone() {
    let folder = folder(&[("a.yaml", HOST)]);
    let baseline = ["--level", "baseline", "--baseline", "known.json", "--format", "concise", "a.yaml"];
    let write: Vec<&str> = baseline.into_iter().chain(["--write-baseline"]).collect();
    assert_eq!(check(folder.path(), &write).2, 0);
    let (report, notes, code) = check(folder.path(), &baseline);
    assert_eq!(report, "1 pod in 1 file: all would be admitted; 1 violation silenced\n");
    assert_eq!((notes.as_str(), code), ("", 0));
    fs::write(folder.path().join("a.yaml"), BARE).unwrap();
    let (_, notes, code) = check(folder.path(), &baseline);
    assert!(notes.starts_with("note: no longer found, remove it from the baseline: a.yaml: "), "{notes}");
    assert_eq!(code, 0);
}

#[test]
fn settings_above_the_working_directory_hold_and_flags_override_them() {
    let folder = folder(&[("podsec.toml", "level = \"baseline\"\nexclude = [\"vendor/**\"]\n")]);
    let below = folder.path().join("app");
    fs::create_dir_all(below.join("vendor")).unwrap();
    fs::write(below.join("a.yaml"), BARE).unwrap();
    assert_eq!(check(&below, &[]).2, 0);
    assert_eq!(check(&below, &["--level", "restricted"]).2, 1);
    fs::create_dir_all(folder.path().join("vendor")).unwrap();
    fs::write(folder.path().join("vendor/b.yaml"), HOST).unwrap();
    assert_eq!(check(folder.path(), &[]).2, 0);
    assert_eq!(check(folder.path(), &["vendor/b.yaml"]).2, 1);
    assert_eq!(check(folder.path(), &["vendor/b.yaml", "--force-exclude"]).2, 0);
}

#[test]
fn several_reports_are_written_at_once() {
    let folder = folder(&[("a.yaml", HOST)]);
    let (report, ..) = check(
        folder.path(),
        &["--level", "baseline", "--format", "json", "--output", "a.out", "--format", "concise", "a.yaml"],
    );
    assert_eq!(report.lines().count(), 2);
    let json: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.path().join("a.out")).unwrap()).unwrap();
    assert_eq!(json["violations"][0]["check"], "hostNamespaces");
}

#[cfg(unix)]
#[test]
fn as_a_plugin_of_kubectl_it_speaks_as_one() {
    use std::os::unix::fs::symlink;

    let folder = folder(&[]);
    let called_as = |name: &str, arguments: &[&str]| {
        let link = folder.path().join(name);
        symlink(env!("CARGO_BIN_EXE_podsec"), &link).unwrap();
        String::from_utf8(Command::new(link).args(arguments).output().unwrap().stdout).unwrap()
    };
    let help = called_as("kubectl-podsec", &["check", "--help"]);
    assert!(help.contains("Usage: kubectl podsec check [OPTIONS]"), "{help}");
    let candidates = called_as("kubectl_complete-podsec", &["insp"]);
    let (first, directive) = candidates.split_once('\n').unwrap();
    assert!(first.starts_with("inspect\t") && directive == ":4\n", "{candidates}");
}
