//! `podsec check` of charts and overlays with the real programs: `HELM_PINNED` and `KUBECTL_PINNED` name them, as `make
//! test` does.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test ends where its own files cannot be written")]

use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

const FILES: [(&str, &str); 18] = [
    (
        "base/deploy.yaml",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  selector: {}\n  template:\n    spec:\n      \
         containers: [{name: web, image: nginx}]\n      hostPID: true\n",
    ),
    ("base/kustomization.yaml", "resources: [deploy.yaml]\n"),
    (
        "overlay/kustomization.yaml",
        "resources: [../base]\nnamePrefix: prod-\npatches:\n- path: port.yaml\n- target: {kind: Deployment}\n  patch: |-\n    - op: add\n      \
         path: /spec/template/spec/hostIPC\n      value: true\n",
    ),
    (
        "overlay/port.yaml",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    spec:\n      containers:\n      - \
         name: web\n        ports:\n        - {containerPort: 80, hostPort: 81}\n",
    ),
    ("broken/kustomization.yaml", "resources: [absent.yaml, ok.yaml]\n"),
    (
        "broken/ok.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: ok}\nspec: {hostPID: true, containers: []}\n",
    ),
    ("chart/Chart.yaml", "apiVersion: v2\nname: app\nversion: 0.1.0\n"),
    ("chart/values.yaml", "host: false\n"),
    ("chart/values-host.yaml", "host: true\n"),
    ("chart/values-same.yaml", "other: 1\n"),
    (
        "chart/templates/web.yaml",
        "{{- /* Two pods,\nin one file. */ -}}\napiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  hostPID: {{ \
         .Values.host }}\n  containers: [{name: c, image: x}]\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: b}\nspec:\n  \
         hostIPC: {{ .Values.host }} # podsec: allow hostNamespaces because it is a test\n  containers: [{name: c, image: x}]\n",
    ),
    ("chart/templates/NOTES.txt", "hostNetwork: true\n"),
    (
        "chart/examples/pod.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: c}\nspec: {hostPID: true, containers: []}\n",
    ),
    (
        "apps/app.yaml",
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: app}\nspec:\n  source: {path: needs, helm: \
         {valuesObject: {a: b, host: true}}}\n",
    ),
    ("library/Chart.yaml", "apiVersion: v2\nname: library\nversion: 0.1.0\ntype: library\n"),
    ("library/templates/_a.yaml", "{{ define \"a\" }}{{ end }}\n"),
    ("needs/Chart.yaml", "apiVersion: v2\nname: needs\nversion: 0.1.0\n"),
    (
        "needs/templates/a.yaml",
        "a: {{ required \"a is needed\" .Values.a }}\n{{- if .Values.host }}\n---\napiVersion: v1\nkind: Pod\nspec:\n  hostPID: true\n{{- end }}\n",
    ),
];

/// The files, and the programs that are the only ones on the path.
fn folder(programs: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in FILES {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    fs::create_dir(folder.path().join("bin")).unwrap();
    for (variable, program) in programs {
        let binary = env::var_os(variable).unwrap_or_else(|| panic!("{variable} names no {program}"));
        symlink(Path::new(&binary), folder.path().join("bin").join(program)).unwrap();
    }
    folder
}

/// Runs `podsec check` in the folder; what it prints, what it notes, its exit code.
fn check_in(folder: &Path, arguments: &[&str]) -> (String, String, i32) {
    let output = Command::new(env!("CARGO_BIN_EXE_podsec"))
        .args(["check", "--level", "baseline"])
        .args(arguments)
        .current_dir(folder)
        .env("PATH", folder.join("bin"))
        .env("HOME", folder)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code().unwrap())
}

fn check(variable: &str, program: &str, arguments: &[&str]) -> (String, String, i32) {
    check_in(folder(&[(variable, program)]).path(), arguments)
}

fn report(lines: &str) -> String {
    lines.replace("VERSION", env!("CARGO_PKG_VERSION"))
}

#[test]
#[ignore = "needs Helm 4.3: make test"]
fn what_helm_renders_is_judged_and_told_at_the_line_of_its_template() {
    let helm = |arguments: &[&str]| check("HELM_PINNED", "helm", arguments);
    let refused = helm(&["--helm", "chart", "--values", "chart/values-host.yaml", "--format", "concise"]);
    let told = report(
        "chart/templates/web.yaml:7:3: error[hostNamespaces]: host namespaces (hostPID=true), in chart with values-host.yaml\n\
         2 pods in 1 file, by baseline:latest: 1 would be refused, for 1 violation; 1 would be refused for violations that are \
         silenced here; 1 violation silenced (podsec VERSION)\n",
    );
    assert_eq!(refused, (told, String::new(), 1));
    let (human, ..) = helm(&["--helm", "chart", "--set", "host=true"]);
    assert!(human.contains("; the line is made of .Values.host, chart/values.yaml:1:7"), "{human}");
    assert_eq!(helm(&["--helm", "chart", "--format", "concise"]).2, 0);
    let (_, notes, code) = helm(&["--helm", "absent"]);
    assert!(code == 2 && notes.starts_with("podsec: helm template failed: "), "{notes}");
}

#[test]
#[ignore = "needs Helm 4.3: make test"]
fn a_chart_that_is_found_is_rendered_with_each_of_its_values_and_no_template_is_judged_alone() {
    let (told, _, code) = check("HELM_PINNED", "helm", &["--format", "concise", "chart", "library"]);
    let expected = report(
        "chart/examples/pod.yaml:4:17: error[hostNamespaces]: host namespaces (hostPID=true)\n\
         library/Chart.yaml: warning: a library: charts that use it are judged, and it makes nothing by itself\n\
         chart/templates/web.yaml:7:3: error[hostNamespaces]: host namespaces (hostPID=true), in chart with values-host.yaml\n\
         5 pods in 3 files, by baseline:latest: 2 would be refused, for 2 violations; 1 would be refused for violations that are \
         silenced here; 1 violation silenced (podsec VERSION)\n",
    );
    assert_eq!((told, code), (expected, 1));
    let (told, _, code) = check("HELM_PINNED", "helm", &["--format", "concise", "needs"]);
    assert!(code == 2 && told.contains("a is needed"), "{told}");
    let (_, _, code) = check("HELM_PINNED", "helm", &["--set", "a=1", "--kube-version", "1.30", "needs"]);
    assert_eq!(code, 0);
}

#[test]
#[ignore = "needs Helm 4.3: make test"]
fn a_chart_is_rendered_with_the_values_of_the_application_that_deploys_it() {
    let (told, _, code) = check("HELM_PINNED", "helm", &["--format", "concise", "apps", "needs"]);
    let place = "needs/templates/a.yaml:7:12: error[hostNamespaces]: host namespaces (hostPID=true), in needs with apps/app.yaml";
    assert!(told.contains(place) && code == 1, "{told}");
    assert!(told.contains("needs: warning: not rendered with its defaults alone"), "{told}");
}

#[test]
#[ignore = "needs kubectl 1.37: make test"]
fn what_kustomize_makes_is_judged_and_told_where_it_was_set() {
    let kubectl = |arguments: &[&str]| check("KUBECTL_PINNED", "kubectl", arguments);
    let refused = kubectl(&["--format", "concise", "base", "overlay"]);
    let told = report(
        "base/deploy.yaml:9:16: error[hostNamespaces]: host namespaces (hostPID=true, hostIPC=true), in overlay\n\
         overlay/kustomization.yaml:9:14: error[hostNamespaces]: host namespaces (hostPID=true, hostIPC=true), in overlay\n\
         overlay/port.yaml:10:41: error[hostPorts]: hostPort (container \"web\" uses hostPort 81), in overlay\n\
         1 pod in 3 files, by baseline:latest: 1 would be refused, for 2 violations (podsec VERSION)\n",
    );
    assert_eq!(refused, (told, String::new(), 1));
    let (_, notes, code) = kubectl(&["--kustomize", "broken"]);
    assert!(code == 2 && notes.starts_with("podsec: kubectl kustomize failed: "), "{notes}");
}

#[test]
#[ignore = "needs kubectl 1.37: make test"]
fn an_overlay_that_cannot_be_built_is_an_error_and_its_resources_are_judged_as_they_are() {
    let (told, _, code) = check("KUBECTL_PINNED", "kubectl", &["--format", "concise", "broken"]);
    let mut lines = told.lines();
    assert_eq!(
        lines.next(),
        Some("broken/ok.yaml:4:17: error[hostNamespaces]: host namespaces (hostPID=true)")
    );
    let failed = "broken/kustomization.yaml: error: kubectl kustomize failed: error: accumulating resources";
    assert!(lines.next().is_some_and(|line| line.starts_with(failed)), "{told}");
    assert_eq!(code, 2);
}

#[test]
#[ignore = "needs kubectl 1.37: make test"]
fn a_report_for_machines_names_the_file_and_line_that_set_the_field() {
    let report =
        |format: &str| check("KUBECTL_PINNED", "kubectl", &["--kustomize", "overlay", "--format", format]).0;
    let json: Value = serde_json::from_str(&report("json")).unwrap();
    let violation = &json["violations"][0];
    assert_eq!(violation["file"], "base/deploy.yaml");
    assert_eq!((&violation["rendered"], &violation["renderedBy"]), (&Value::Null, &Value::from("overlay")));

    let sarif: Value = serde_json::from_str(&report("sarif")).unwrap();
    let result = &sarif["runs"][0]["results"][0];
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "base/deploy.yaml");
    assert_eq!((&place["region"]["startLine"], &result["fixes"]), (&Value::from(9), &Value::Null));

    let github = report("github");
    assert!(github.starts_with("::error file=base/deploy.yaml,line=9,"), "{github}");
    let gitlab: Value = serde_json::from_str(&report("gitlab")).unwrap();
    assert_eq!(gitlab[0]["location"], serde_json::json!({"path": "base/deploy.yaml", "lines": {"begin": 9}}));
}

#[test]
#[ignore = "needs Helm 4.3 and kubectl 1.37: make test"]
fn what_is_found_and_rendered_is_what_the_programs_print() {
    let folder = folder(&[("HELM_PINNED", "helm"), ("KUBECTL_PINNED", "kubectl")]);
    let violations = |report: &str, made_by: Option<&str>| {
        let json: Value = serde_json::from_str(report).unwrap();
        let mut found: Vec<String> = json["violations"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|violation| violation["renderedBy"].as_str() == made_by)
            .map(|violation| format!("{} {} {}", violation["name"], violation["check"], violation["path"]))
            .collect();
        found.sort();
        found
    };
    let restricted = ["--level", "restricted", "--format", "json"];
    let run = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_podsec"))
            .arg("check")
            .args(restricted)
            .args(arguments)
            .current_dir(folder.path())
            .env("PATH", folder.path().join("bin"))
            .env("HOME", folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let printed = |output: std::process::Output| String::from_utf8(output.stdout).unwrap();
    let found = printed(run(&["."]).wait_with_output().unwrap());
    for (program, verb, name) in [("helm", "template", "chart"), ("kubectl", "kustomize", "overlay")] {
        let text = Command::new(folder.path().join("bin").join(program))
            .args([verb, name])
            .current_dir(folder.path())
            .env("HOME", folder.path())
            .output()
            .unwrap();
        let mut piped = run(&["-"]);
        std::io::Write::write_all(&mut piped.stdin.take().unwrap(), &text.stdout).unwrap();
        let piped = printed(piped.wait_with_output().unwrap());
        let expected = violations(&piped, None);
        assert!(!expected.is_empty());
        assert_eq!(violations(&found, Some(name)), expected, "{name}");
    }
}

#[test]
fn without_the_programs_it_says_what_installs_them_and_judges_the_rest() {
    let folder = folder(&[]);
    let (told, _, code) = check_in(folder.path(), &["--format", "concise", "base", "chart", "overlay"]);
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(
        lines.first(),
        Some(&"chart/examples/pod.yaml:4:17: error[hostNamespaces]: host namespaces (hostPID=true)")
    );
    assert!(told.contains("\nbase/deploy.yaml:9:16: error[hostNamespaces]"), "{told}");
    assert!(
        told.contains("\nchart/Chart.yaml: warning: a chart, and not judged: helm is not on the PATH; `"),
        "{told}"
    );
    assert!(told.contains("\noverlay/kustomization.yaml: warning: an overlay, and not built: "), "{told}");
    assert!(!told.contains("templates/web.yaml"), "{told}");
    assert_eq!(code, 1);
    assert_eq!(check_in(folder.path(), &["--strict", "chart"]).2, 2);
    assert_eq!(check_in(folder.path(), &["needs"]).2, 0);
    let (told, _, code) = check_in(folder.path(), &["--no-render", "--format", "concise", "base", "needs"]);
    assert!(told.contains("--no-render keeps it from being rendered") && code == 1, "{told}");
}
