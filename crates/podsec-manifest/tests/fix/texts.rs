//! What a fix does to a text, byte for byte.

use jiff::civil::Date;
use podsec_manifest::fix::{Options, Why, fix, unified_diff};
use podsec_manifest::{Source, Templates};

use crate::{BASELINE, RESTRICTED, assert_sound, fixed};

/// The lines that a fix removes and adds.
fn changed(text: &str, policy: podsec_standards::Policy, unsafe_fixes: bool) -> String {
    let fixed = fixed(text, policy, unsafe_fixes);
    assert_sound(text, &fixed).unwrap();
    let diff = unified_diff("x", text, &fixed.text);
    let lines = diff.split_inclusive('\n').filter(|line| line.starts_with(['+', '-', '\\'])).skip(2);
    lines.map(|line| line.replace('\r', "␍")).collect()
}

const POD: &str = "\
apiVersion: v1
kind: Pod
metadata:
  name: a
spec:
  containers:
  - name: one
    image: one
    securityContext:
      privileged: true # for the driver
  # the second
  - name: two
    image: two
    ports:
    - {containerPort: 80, hostPort: 8080}
    # - {containerPort: 81}
  volumes:
  - hostPath: # the cache
      path: /scratch/x
    name: x
";

#[test]
fn comments_of_removed_lines_go_with_them() {
    assert_eq!(
        changed(POD, BASELINE, true),
        "\
-    securityContext:
-      privileged: true # for the driver
-    - {containerPort: 80, hostPort: 8080}
+    - {containerPort: 80}
-  - hostPath: # the cache
-      path: /scratch/x
+  - emptyDir: {}
"
    );
}

#[test]
fn a_field_missing_in_several_containers_is_set_for_the_pod() {
    assert_eq!(
        changed(POD, RESTRICTED, true),
        "\
-      privileged: true # for the driver
+      allowPrivilegeEscalation: false
+      capabilities:
+        drop:
+        - ALL
-    - {containerPort: 80, hostPort: 8080}
+    - {containerPort: 80}
+    securityContext:
+      allowPrivilegeEscalation: false
+      capabilities:
+        drop:
+        - ALL
-  - hostPath: # the cache
-      path: /scratch/x
+  - emptyDir: {}
+  securityContext:
+    runAsNonRoot: true
+    seccompProfile:
+      type: RuntimeDefault
"
    );
}

#[test]
fn what_all_containers_lack_goes_to_the_pod() {
    let text = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n    - name: a\n      command: [\"x\"]";
    assert_eq!(
        changed(text, RESTRICTED, true),
        "\
-      command: [\"x\"]
\\ No newline at end of file
+      command: [\"x\"]
+      securityContext:
+        allowPrivilegeEscalation: false
+        capabilities:
+          drop:
+            - ALL
+  securityContext:
+    runAsNonRoot: true
+    seccompProfile:
+      type: RuntimeDefault
\\ No newline at end of file
"
    );
}

#[test]
fn where_containers_say_themselves_what_the_pod_could_others_get_it_themselves_too() {
    let text = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: a\n    securityContext: {runAsNonRoot: true}\n  - \
                name: b\n    securityContext: {}\n";
    let changed = fixed(text, RESTRICTED, true).text;
    assert!(!changed.contains("\n  securityContext:"), "{changed}");
    assert_eq!(changed.matches("seccompProfile").count(), 2, "{changed}");
    let shared = text.replace("spec:\n", "spec:\n  securityContext: {fsGroup: 1, runAsUser: 5}\n");
    let changed = fixed(&shared, RESTRICTED, true).text;
    assert_eq!(changed.matches("seccompProfile").count(), 1, "{changed}");
}

#[test]
fn only_safe_fixes_are_made_unasked_and_the_others_are_told() {
    let text = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: a\n    securityContext: {}\n";
    assert_eq!(
        changed(text, RESTRICTED, false),
        "\
-    securityContext: {}
+    securityContext:
+      allowPrivilegeEscalation: false
+  securityContext:
+    seccompProfile:
+      type: RuntimeDefault
"
    );
    let fixed = fixed(text, RESTRICTED, false);
    let left: Vec<_> = fixed.left.iter().map(|left| (left.check.id, left.path.as_str(), &left.why)).collect();
    assert_eq!(
        left,
        [
            (
                "capabilities_restricted",
                "spec.containers[0].securityContext.capabilities.drop",
                &Why::NeedsUnsafe
            ),
            ("runAsNonRoot", "spec.containers[0].securityContext.runAsNonRoot", &Why::NeedsUnsafe),
        ]
    );
}

#[test]
fn what_someone_switched_off_is_not_switched_on_as_a_safe_fix() {
    let text = "apiVersion: v1\nkind: Pod\nspec:\n  securityContext:\n    seccompProfile:\n      type: 'Unconfined'\n  containers: []\n";
    assert_eq!(changed(text, RESTRICTED, false), "");
    assert_eq!(changed(text, RESTRICTED, true), "-      type: 'Unconfined'\n+      type: 'RuntimeDefault'\n");
}

#[test]
fn nothing_is_set_that_kubernetes_would_refuse() {
    let text = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: a\n    securityContext: {privileged: yes, seccompProfile: {type: Localhost, localhostProfile: p}}\n";
    assert_eq!(changed(text, RESTRICTED, false), "");
    let allowed = text.replace("p}}", "p}} # podsec: allow privileged because it must");
    let source = Source { name: "a.yaml".to_owned(), text: allowed };
    let options =
        Options { unsafe_fixes: true, today: Some(Date::constant(2026, 1, 1)), ..Options::default() };
    let left = fix(&source, &Templates::default(), &RESTRICTED, options).left;
    let refused = left.into_iter().find(|left| left.check.id == "allowPrivilegeEscalation");
    assert_eq!(
        refused.unwrap().why.to_string(),
        "Kubernetes refuses it beside `privileged: true`, which must go first"
    );
    assert_eq!(
        changed(text, RESTRICTED, true),
        "\
-    securityContext: {privileged: yes, seccompProfile: {type: Localhost, localhostProfile: p}}
+    securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, runAsNonRoot: true, seccompProfile: {type: Localhost, localhostProfile: p}}
"
    );
}

#[test]
fn an_anchor_is_changed_once_for_all_that_change_alike() {
    let text = "\
apiVersion: v1
kind: Pod
spec:
  securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
  containers:
  - name: a
    securityContext: &sc
      capabilities: {drop: [ALL]}
  - name: b
    securityContext: *sc
";
    assert_eq!(changed(text, RESTRICTED, true), "+      allowPrivilegeEscalation: false\n");
}

#[test]
fn an_alias_that_would_change_what_it_should_not_is_written_out() {
    let text = "\
apiVersion: v1
kind: Pod
metadata:
  annotations: {x: &x unconfined, container.apparmor.security.beta.kubernetes.io/a: *x}
spec:
  containers:
  - name: a
    securityContext: &sc
      capabilities: {add: [CHOWN]}
  initContainers:
  - name: b
    securityContext: *sc # as above
    ports: &p
    - containerPort: 1
      hostPort: 1
";
    assert_eq!(
        changed(text, BASELINE, true),
        "\
-  annotations: {x: &x unconfined, container.apparmor.security.beta.kubernetes.io/a: *x}
+  annotations: {x: &x unconfined}
-      hostPort: 1
"
    );
    let text = "\
apiVersion: v1
kind: Pod
x: &sc
  privileged: true
spec:
  containers:
  - name: b
    securityContext: *sc # as above
";
    assert_eq!(changed(text, BASELINE, true), "-    securityContext: *sc # as above\n");
    assert_eq!(
        changed(
            &text.replace("privileged: true", "procMount: x\n  capabilities: {drop: [A]}"),
            BASELINE,
            true
        ),
        "\
-    securityContext: *sc # as above
+    securityContext:
+      capabilities:
+        drop:
+        - A
"
    );
}

#[test]
fn a_merged_field_is_overridden_where_it_is_used() {
    let text = "\
apiVersion: v1
kind: Pod
x-defaults: &d
  allowPrivilegeEscalation: true
spec:
  containers:
  - name: b
    securityContext:
      <<: *d
      capabilities: {drop: [ALL]}
      runAsNonRoot: true
      seccompProfile: {type: RuntimeDefault}
";
    assert_eq!(changed(text, RESTRICTED, true), "+      allowPrivilegeEscalation: false\n");
}

#[test]
fn what_cannot_be_changed_without_guessing_is_refused_with_the_reason() {
    let text = "apiVersion: v1\nkind: Pod\nspec:\n  hostPID: true\n  hostPID: true\n  hostIPC: true\n  containers: []\n";
    assert_eq!(changed(text, BASELINE, true), "-  hostIPC: true\n");
    let left = fixed(text, BASELINE, true).left;
    assert_eq!(left.len(), 1);
    assert_eq!((left[0].path.as_str(), left[0].check.id), ("spec.hostPID", "hostNamespaces"));
    assert_eq!(
        left[0].why,
        Why::Refused(
            "a key is set twice, or overrides a merged one; write it once, then fix again".to_owned()
        )
    );
}

#[test]
fn json_stays_json_and_keeps_its_indentation() {
    let text = "{\n\t\"apiVersion\": \"v1\",\n\t\"kind\": \"Pod\",\n\t\"spec\": {\n\t\t\"hostPID\": true,\n\t\t\"containers\": [\n\t\t\t{\n\t\t\t\t\"name\": \"a\"\n\t\t\t}\n\t\t]\n\t}\n}\n";
    assert_eq!(
        changed(text, RESTRICTED, true),
        "\
-\t\t\"hostPID\": true,
+\t\t\"securityContext\": {
+\t\t\t\"runAsNonRoot\": true,
+\t\t\t\"seccompProfile\": {
+\t\t\t\t\"type\": \"RuntimeDefault\"
+\t\t\t}
+\t\t},
-\t\t\t\t\"name\": \"a\"
+\t\t\t\t\"name\": \"a\",
+\t\t\t\t\"securityContext\": {
+\t\t\t\t\t\"allowPrivilegeEscalation\": false,
+\t\t\t\t\t\"capabilities\": {
+\t\t\t\t\t\t\"drop\": [
+\t\t\t\t\t\t\t\"ALL\"
+\t\t\t\t\t\t]
+\t\t\t\t\t}
+\t\t\t\t}
"
    );
}

#[test]
fn documents_that_cannot_be_read_stay_and_do_not_hide_the_others() {
    let text = "# first\n---\nkind: [\n---\napiVersion: v1\nkind: Pod\nspec:\n  hostPID: true\n  containers: []\n...\nunread\n---\n# last\n";
    let fixed = fixed(text, BASELINE, true);
    assert_eq!(fixed.text, text.replace("  hostPID: true\n", ""));
    assert_eq!(fixed.report.problems.len(), 1);
}

#[test]
fn blank_lines_that_belong_to_a_block_scalar_stay_in_it() {
    let text = "apiVersion: v1\nkind: Pod\nspec:\n  securityContext: {runAsNonRoot: true}\n  containers:\n  - name: a\n    args:\n    - |+\n      x\n\n\n";
    let fixed = fixed(text, RESTRICTED, true);
    assert_sound(text, &fixed).unwrap();
    assert!(fixed.report.is_clean(), "{}", fixed.text);
}

#[test]
fn custom_resources_are_mended_by_their_templates_paths() {
    let text = "\
apiVersion: jobset.x-k8s.io/v1alpha2
kind: JobSet
spec:
  replicatedJobs:
  - name: a
    template: {spec: {template: {spec: {hostPID: true, containers: []}}}}
  - name: b
    template:
      spec:
        template:
          spec:
            hostNetwork: true
            containers: []
";
    assert_eq!(
        changed(text, BASELINE, true),
        "\
-    template: {spec: {template: {spec: {hostPID: true, containers: []}}}}
+    template: {spec: {template: {spec: {containers: []}}}}
-            hostNetwork: true
"
    );
}

#[test]
fn what_an_exemption_allows_stays_while_it_holds() {
    let text = "apiVersion: v1\nkind: Pod\nspec:\n  hostPID: true # podsec: allow hostNamespaces until 2026-01-31 because it counts\n  containers: [{name: a, securityContext: {privileged: true}}]\n";
    let source = Source { name: "a.yaml".to_owned(), text: text.to_owned() };
    let on = |day| {
        let options = Options { unsafe_fixes: true, today: Some(day), ..Options::default() };
        fix(&source, &Templates::default(), &BASELINE, options)
    };
    let without_privileged = text.replace(", securityContext: {privileged: true}", "");
    let held = on(Date::constant(2026, 1, 31));
    assert_eq!(held.text, without_privileged);
    assert!(held.report.is_clean() && held.left.is_empty());
    let line = text.lines().find(|line| line.contains("hostPID")).unwrap();
    assert_eq!(on(Date::constant(2026, 2, 1)).text, without_privileged.replace(&format!("{line}\n"), ""));
}

#[test]
fn one_pod_that_resists_does_not_keep_the_others_from_being_mended() {
    let pod = "- {apiVersion: v1, kind: Pod, spec: {hostPID: true, containers: []}}\n";
    let resisting = "- {apiVersion: v1, kind: Pod, spec: {hostPID: true, hostPID: true, containers: []}}\n";
    let text = format!("items:\n{}{resisting}{}", pod.repeat(150), pod.repeat(150));
    let fixed = fixed(&text, BASELINE, true);
    assert_eq!(fixed.text.matches("hostPID").count(), 2);
    assert_eq!((fixed.applied.len(), fixed.left.len()), (300, 1));
}
