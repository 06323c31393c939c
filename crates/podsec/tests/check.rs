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

/// The line that closes a report.
fn closing(text: &str) -> String {
    format!("{text} (podsec {})\n", env!("CARGO_PKG_VERSION"))
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
    let (report, notes, code) = judged(privileged, &["--format", "concise"]);
    assert_eq!((notes.as_str(), code), ("", 0));
    let told = "a.yaml:4:17: warning[hostNamespaces]: host namespaces (hostPID=true)\n1 pod in 2 files, by privileged:latest: all would \
                be admitted; 1 with a warning of the namespace";
    assert_eq!(report, closing(told));
    assert_eq!(judged(privileged, &["--fail-on", "warn"]).2, 1);
    assert_eq!(judged(privileged, &["--fail-on", "warn", "--exit-zero"]).2, 0);
    assert_eq!(judged(privileged, &["--mode", "warn"]).2, 1);
    let (report, _, code) = judged("pod-security.kubernetes.io/audit: restricted", &["--fail-on", "warn"]);
    assert!(
        report.contains("and noted in the audit log, as its namespace asks by restricted:latest"),
        "{report}"
    );
    assert_eq!(code, 0);
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
    assert_eq!((report, code), (closing("1 pod in 1 file: all would be admitted; 1 exempt"), 0));
}

#[test]
fn known_violations_are_silent_and_those_that_are_gone_are_named() {
    let folder = folder(&[("a.yaml", HOST)]);
    let known = ["--level", "baseline", "--known", "known.json", "--format", "concise", "a.yaml"];
    let write: Vec<&str> = known.into_iter().chain(["--write-known"]).collect();
    assert_eq!(check(folder.path(), &write).2, 0);
    let (report, notes, code) = check(folder.path(), &known);
    // The name that the flags once had.
    let old = ["--level", "baseline", "--baseline", "known.json", "--format", "concise", "a.yaml"];
    assert_eq!(check(folder.path(), &old).2, 0);
    let told = "1 pod in 1 file, by baseline:latest: 1 would be refused for violations that are silenced here; 1 violation silenced";
    assert_eq!(report, closing(told));
    assert_eq!((notes.as_str(), code), ("", 0));
    fs::write(folder.path().join("a.yaml"), BARE).unwrap();
    let (_, notes, code) = check(folder.path(), &known);
    assert!(notes.starts_with("note: no longer found, remove it from the known ones: a.yaml: "), "{notes}");
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
fn checks_are_chosen_by_flags_and_settings_and_what_is_left_out_is_counted() {
    let settings = "[per-file-ignores]\n\"agents/**\" = [\"hostNamespaces\"]\n[[levels]]\npath = \"lax/**\"\nlevel = \"privileged\"\n";
    let folder = folder(&[("podsec.toml", settings), ("a.yaml", HOST)]);
    for name in ["agents", "lax"] {
        fs::create_dir(folder.path().join(name)).unwrap();
        fs::write(folder.path().join(name).join("b.yaml"), HOST).unwrap();
    }
    let closes = |arguments: &[&str], code: i32, text: &str| {
        let (report, _, found) = check(folder.path(), &[arguments, &["--format", "concise"]].concat());
        assert!(report.ends_with(&closing(text)), "{arguments:?}: {report}");
        assert_eq!(found, code, "{arguments:?}");
    };
    let silenced = "1 would be refused for violations that are silenced here; 1 violation silenced";
    let refused = "1 pod in 1 file, by baseline:latest: 1 would be refused, for 1 violation";
    closes(&["a.yaml", "--level", "baseline"], 1, refused);
    closes(&["a.yaml", "--level", "baseline", "--exit-zero"], 0, refused);
    let ignored = format!("1 pod in 1 file, by baseline:latest: {silenced}");
    closes(&["a.yaml", "--level", "baseline", "--ignore", "hostNamespaces"], 0, &ignored);
    closes(&["a.yaml", "--level", "baseline", "--select", "hostPorts,privileged"], 0, &ignored);
    closes(&["a.yaml", "--level", "baseline", "--per-file-ignores", "*.yaml:hostNamespaces"], 0, &ignored);
    closes(&["agents", "--level", "baseline"], 0, &ignored);
    closes(&["lax"], 0, "1 pod in 1 file, by privileged:latest: all would be admitted");
    closes(&["lax", "--level", "baseline"], 1, refused);
    assert_eq!(check(folder.path(), &["--ignore", "hostNames"]).2, 2);
}

#[test]
fn a_quiet_run_tells_what_would_be_refused_and_nothing_else() {
    let text = BARE.replace("spec:", "spec:\n  hostPid: true");
    let folder = folder(&[("a.yaml", &text)]);
    let (report, notes, code) = check(folder.path(), &["-q", "--format", "concise"]);
    assert!(!report.contains("warning") && notes.is_empty(), "{report}{notes}");
    assert_eq!((report.lines().count(), code), (5, 1));
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

#[test]
fn what_kubectl_would_be_refused_for_is_a_warning_and_an_error_when_asked_for() {
    let files = [("a.yaml", BARE.replace("spec:", "spec:\n  hostPid: true"))];
    let folder =
        folder(&[("a.yaml", &files[0].1), ("b.yaml", "apiVersion: v1\nkind: pod\nmetadata: {name: a}\n")]);
    let arguments = ["--level", "baseline", "--format", "concise"];
    let (report, _, code) = check(folder.path(), &arguments);
    let told = "a.yaml:5:3: warning[strict]: unknown field \"spec.hostPid\": the field is hostPID\nb.yaml:2:7: warning[strict]: no \
                matches for kind \"pod\" in version \"v1\": it is apiVersion v1, kind Pod\n1 pod in 2 files, by baseline:latest: all \
                would be admitted; 2 unknown fields or kinds that kubectl refuses";
    assert_eq!((report, code), (closing(told), 0));
    let (report, _, code) = check(folder.path(), &[&arguments[..], &["--strict"]].concat());
    assert!(report.starts_with("a.yaml:5:3: error: unknown field \"spec.hostPid\""), "{report}");
    assert_eq!(code, 2);
}

#[test]
fn patches_are_told_and_neither_judged_nor_mended() {
    let patch = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {template: {spec: {hostPID: true}}}\n";
    let named = "apiVersion: v1\nkind: Pod\nmetadata: {name: b}\nspec: {hostPID: true}\n";
    let kustomization =
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\npatches: [{path: b.yaml}]\n";
    let folder = folder(&[("a.yaml", patch), ("b.yaml", named), ("kustomization.yaml", kustomization)]);
    let arguments = ["--level", "baseline", "--format", "concise"];
    for paths in [&["--no-render"][..], &["a.yaml", "b.yaml", "kustomization.yaml"]] {
        let (report, _, code) = check(folder.path(), &[&arguments[..], paths].concat());
        let mut lines = report.lines();
        let line = lines.next().unwrap();
        assert!(
            line.starts_with("a.yaml:1:1: note: Deployment \"a\" is a patch, as it has no spec.selector;"),
            "{report}"
        );
        let line = lines.next().unwrap();
        assert!(
            line.starts_with("b.yaml:1:1: note: Pod \"b\" is a patch, as ")
                && line.contains("--kustomize DIR")
        );
        assert!(
            report.ends_with(&closing("0 pods in 3 files: nothing to judge; 2 Kustomize patches not judged"))
        );
        assert_eq!(code, 0);
    }
    let mend = ["fix", "--level", "baseline", "--unsafe-fixes", "."];
    let fixed =
        Command::new(env!("CARGO_BIN_EXE_podsec")).args(mend).current_dir(folder.path()).output().unwrap();
    let notes = String::from_utf8(fixed.stdout).unwrap();
    assert!(
        notes.contains("0 fixes in 0 files; 0 violations left; 2 Kustomize patches not judged"),
        "{notes}"
    );
    assert_eq!(fs::read_to_string(folder.path().join("b.yaml")).unwrap(), named);
}

#[test]
fn a_list_on_one_line_is_told_in_little_more_than_its_own_length() {
    let pod = r#"{"metadata":{"name":"a","annotations":{"a":"LONG"}},"spec":{"hostPID":true,"containers":[{"name":"c","image":"x"}]}}"#;
    let pods = vec![pod.replace("LONG", &"x".repeat(5000)); 100].join(",");
    let list = format!("{{\"apiVersion\":\"v1\",\"kind\":\"PodList\",\"items\":[{pods}]}}\n");
    let folder = folder(&[("a.json", &list)]);
    for format in ["human", "html", "concise", "json"] {
        for colour in ["never", "always"] {
            let arguments = ["--level", "restricted", "--color", colour, "--format", format, "a.json"];
            let (report, _, code) = check(folder.path(), &arguments);
            assert_eq!(code, 1);
            assert!(report.len() < 4 * list.len(), "{format}: {} of {}", report.len(), list.len());
        }
    }
    let (report, ..) = check(folder.path(), &["--level", "baseline", "--color", "never", "a.json"]);
    let message = report.split("\n\n").nth(1).unwrap();
    let column = list.match_indices("true").nth(1).unwrap().0 + 1;
    assert!(message.contains(&format!(" --> a.json:1:{column}\n")), "{message}");
    let lines: Vec<&str> = message.lines().collect();
    let mark = lines.iter().position(|line| line.contains('^')).unwrap();
    let start = lines[mark].find('^').unwrap();
    assert_eq!(&lines[mark - 1][start..start + 4], "true");
    assert!(lines.iter().all(|line| line.len() < 300), "{message}");
}

#[test]
fn the_documents_of_a_long_stream_keep_their_lines_and_numbers() {
    let stream = format!("{HOST}---\n").repeat(30_000);
    let folder = folder(&[("a.yaml", &stream)]);
    let (report, ..) = check(folder.path(), &["--level", "baseline", "--format", "json", "a.yaml"]);
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["summary"]["files"], 1);
    assert_eq!(report["summary"]["pods"], 30_000);
    for (number, violation) in report["violations"].as_array().unwrap().iter().enumerate() {
        assert_eq!(violation["document"], number);
        assert_eq!((&violation["line"], &violation["column"]), (&(number * 5 + 4).into(), &17.into()));
    }
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
