//! `podsec check --helm` and `--kustomize` with the real programs: `HELM_PINNED` and `KUBECTL_PINNED` name them, as `make
//! test` does.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test ends where its own files cannot be written")]

use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

const FILES: [(&str, &str); 9] = [
    (
        "base/deploy.yaml",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    spec:\n      \
         containers: [{name: web, image: nginx}]\n      hostPID: true\n",
    ),
    ("base/kustomization.yaml", "resources: [deploy.yaml]\n"),
    (
        "overlay/kustomization.yaml",
        "resources: [../base]\nnamePrefix: prod-\nbuildMetadata: [originAnnotations]\n",
    ),
    ("broken/kustomization.yaml", "resources: [absent.yaml]\n"),
    ("chart/Chart.yaml", "apiVersion: v2\nname: app\nversion: 0.1.0\n"),
    ("chart/values.yaml", "host: false\n"),
    (
        "chart/templates/web.yaml",
        "{{- /* Two pods,\nin one file. */ -}}\napiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  hostPID: {{ \
         .Values.host }}\n  containers: []\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: b}\nspec:\n  \
         hostIPC: {{ .Values.host }}\n  containers: []\n",
    ),
    ("chart/templates/NOTES.txt", "hostNetwork: true\n"),
    ("values.yaml", "host: true\n"),
];

/// Runs `podsec check` where `program` is the only one on the path; what it prints, what it notes, its exit code.
fn check(variable: &str, program: &str, arguments: &[&str]) -> (String, String, i32) {
    let binary = env::var_os(variable).unwrap_or_else(|| panic!("{variable} names no {program}"));
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in FILES {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    fs::create_dir(folder.path().join("bin")).unwrap();
    symlink(Path::new(&binary), folder.path().join("bin").join(program)).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_podsec"))
        .args(["check", "--level", "baseline"])
        .args(arguments)
        .current_dir(folder.path())
        .env("PATH", folder.path().join("bin"))
        .env("HOME", folder.path())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code().unwrap())
}

#[test]
#[ignore = "needs Helm 4.3: make test"]
fn what_helm_renders_is_judged_and_named_by_its_template() {
    let helm = |arguments: &[&str]| check("HELM_PINNED", "helm", arguments);
    let refused = helm(&["--helm", "chart", "--values", "values.yaml", "--format", "concise"]);
    let report = "\
chart/templates/web.yaml (rendered):6:12: error[hostNamespaces]: host namespaces (hostPID=true)
chart/templates/web.yaml (rendered):6:12: error[hostNamespaces]: host namespaces (hostIPC=true)
2 pods in 2 files, by baseline:latest: 2 would be refused, for 2 violations (podsec VERSION)
";
    let report = report.replace("VERSION", env!("CARGO_PKG_VERSION"));
    assert_eq!(refused, (report, String::new(), 1));
    let admitted = helm(&["--helm", "chart", "--format", "concise"]);
    assert_eq!(admitted.2, 0, "{}", admitted.0);
    let (_, notes, code) = helm(&["--helm", "absent"]);
    assert!(code == 2 && notes.starts_with("podsec: helm template failed: "), "{notes}");
}

#[test]
#[ignore = "needs kubectl 1.37: make test"]
fn what_kustomize_makes_is_judged_and_named_by_its_origin() {
    let kubectl = |arguments: &[&str]| check("KUBECTL_PINNED", "kubectl", arguments);
    let refused = kubectl(&["--kustomize", "overlay", "--kustomize", "base", "--format", "concise"]);
    let report = "\
base/deploy.yaml (rendered):14:16: error[hostNamespaces]: host namespaces (hostPID=true)
base/kustomization.yaml (rendered):11:16: error[hostNamespaces]: host namespaces (hostPID=true)
2 pods in 2 files, by baseline:latest: 2 would be refused, for 2 violations (podsec VERSION)
";
    let report = report.replace("VERSION", env!("CARGO_PKG_VERSION"));
    assert_eq!(refused, (report, String::new(), 1));
    let (_, notes, code) = kubectl(&["--kustomize", "broken"]);
    assert!(code == 2 && notes.starts_with("podsec: kubectl kustomize failed: "), "{notes}");
}

#[test]
#[ignore = "needs kubectl 1.37: make test"]
fn a_report_for_machines_names_the_file_and_no_line_that_it_does_not_have() {
    let report =
        |format: &str| check("KUBECTL_PINNED", "kubectl", &["--kustomize", "overlay", "--format", format]).0;
    let json: Value = serde_json::from_str(&report("json")).unwrap();
    let violation = &json["violations"][0];
    assert_eq!(violation["file"], "base/deploy.yaml");
    assert_eq!(violation["rendered"], true);

    let sarif: Value = serde_json::from_str(&report("sarif")).unwrap();
    let result = &sarif["runs"][0]["results"][0];
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "base/deploy.yaml");
    assert_eq!((&place["region"], &result["fixes"]), (&Value::Null, &Value::Null));
    assert!(result["message"]["text"].as_str().unwrap().contains("line 14 of what was rendered"), "{result}");

    let github = report("github");
    assert!(github.starts_with("::error file=base/deploy.yaml,title="), "{github}");
    let gitlab: Value = serde_json::from_str(&report("gitlab")).unwrap();
    assert_eq!(gitlab[0]["location"], serde_json::json!({"path": "base/deploy.yaml", "lines": {"begin": 1}}));
}
