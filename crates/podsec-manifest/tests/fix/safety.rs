//! What is made unasked keeps its promise: it only adds what nobody wrote, where nothing in the manifest asks for what it
//! takes away, or where the manifest proves that nothing can notice.

use podsec_manifest::fix::{Fixed, Why};
use podsec_standards::{CHECKS, Safety, Verdict};
use serde_json::Value;

use crate::written::Written;
use crate::{RESTRICTED, fixed};

fn container(context: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: a\n    image: a\n    securityContext: {context}\n"
    )
}

/// The kind of each fix that was made, by check.
fn kinds(fixed: &Fixed) -> Vec<(&'static str, &'static str)> {
    fixed.applied.iter().map(|applied| (applied.check.id, applied.safety.as_str())).collect()
}

/// What is made unasked for a container with this security context.
fn unasked(context: &str) -> Vec<(&'static str, &'static str)> {
    kinds(&fixed(&container(context), RESTRICTED, false))
}

const ESCALATION: (&str, &str) = ("allowPrivilegeEscalation", "safe");
const SECCOMP: (&str, &str) = ("seccompProfile_restricted", "safe");

#[test]
fn what_is_written_stays_whatever_it_says() {
    assert_eq!(unasked("{allowPrivilegeEscalation: true}"), [SECCOMP]);
    assert_eq!(unasked("{allowPrivilegeEscalation: true, seccompProfile: {type: Unconfined}}"), []);
    assert_eq!(unasked("{runAsNonRoot: false, runAsUser: 1000, capabilities: {drop: [NET_RAW]}}"), [SECCOMP]);
}

#[test]
fn privilege_escalation_is_switched_off_unasked_only_where_nothing_shows_a_need() {
    assert_eq!(unasked("{}"), [ESCALATION, SECCOMP]);
    assert_eq!(unasked("{allowPrivilegeEscalation: null}"), [ESCALATION, SECCOMP]);
    assert_eq!(unasked("{runAsUser: 0}"), [ESCALATION, SECCOMP]);
    // A program that is not root gets an added capability through the file's alone, and becomes root by set-user-ID.
    assert_eq!(unasked("{capabilities: {add: [NET_BIND_SERVICE]}}"), []);
    assert_eq!(unasked("{capabilities: {add: [CHOWN], drop: [ALL]}}"), []);
    assert_eq!(unasked("{runAsUser: 1000}"), [("runAsNonRoot", "checked"), SECCOMP]);
    assert_eq!(unasked("{runAsNonRoot: true}"), [SECCOMP]);
    // Without any capability left there is nothing to gain.
    assert_eq!(unasked("{runAsNonRoot: true, capabilities: {drop: [ALL]}}"), [ESCALATION, SECCOMP]);
}

#[test]
fn what_the_manifest_proves_is_made_unasked_as_checked() {
    assert_eq!(
        unasked("{runAsUser: 1000, allowPrivilegeEscalation: false}"),
        [("capabilities_restricted", "checked"), ("runAsNonRoot", "checked"), SECCOMP]
    );
    assert_eq!(
        unasked(
            "{runAsUser: 1000, allowPrivilegeEscalation: false, capabilities: {add: [NET_BIND_SERVICE]}}"
        ),
        [("runAsNonRoot", "checked")]
    );
}

#[test]
fn a_profile_named_in_an_older_annotation_counts_as_written() {
    let text = container("{}").replace(
        "spec:",
        "metadata: {annotations: {seccomp.security.alpha.kubernetes.io/pod: unconfined}}\nspec:",
    );
    assert_eq!(kinds(&fixed(&text, RESTRICTED, false)), [ESCALATION]);
}

#[test]
fn a_container_that_shows_a_need_keeps_the_pod_from_setting_it_for_all() {
    let text = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - {name: a}\n  - {name: b}\n  - {name: c, securityContext: {privileged: true}}\n";
    let fixed = fixed(text, RESTRICTED, false);
    assert!(!fixed.text.contains("\n  securityContext:"), "{}", fixed.text);
    assert!(fixed.text.contains("- {name: c, securityContext: {privileged: true}}"), "{}", fixed.text);
    let left = fixed.left.iter().filter(|left| left.check.id == "seccompProfile_restricted");
    assert_eq!(left.map(|left| &left.why).collect::<Vec<_>>(), [&Why::NeedsUnsafe]);
}

#[test]
fn whatever_is_made_unasked_only_adds() {
    let mut added = 0;
    for check in CHECKS {
        for example in check.examples.iter().filter(|example| example.verdict != Verdict::Allow) {
            let mut object: Value = serde_json::from_str(example.pod).unwrap();
            object["apiVersion"] = "v1".into();
            object["kind"] = "Pod".into();
            let text = Written::Wide.text(&object);
            let fixed = fixed(&text, RESTRICTED, false);
            let new = podsec_yaml::to_json(&fixed.text).unwrap();
            assert!(only_adds(&object, &new), "{} {:?}: {}", check.id, example.name, fixed.text);
            assert!(fixed.applied.iter().all(|applied| applied.safety != Safety::Unsafe));
            added += fixed.applied.len();
        }
    }
    assert!(added > 50, "{added}");
}

/// Whether everything that was there still is; null counts as nothing.
pub(crate) fn only_adds(old: &Value, new: &Value) -> bool {
    match (old, new) {
        (Value::Null, _) => true,
        (Value::Object(old), Value::Object(new)) => {
            old.iter().all(|(name, old)| new.get(name).map_or(old.is_null(), |new| only_adds(old, new)))
        }
        (Value::Array(old), Value::Array(new)) => {
            old.len() == new.len() && old.iter().zip(new).all(|(old, new)| only_adds(old, new))
                || old.is_empty()
        }
        _ => old == new,
    }
}

#[test]
fn a_pod_made_for_its_node_is_told_so_and_not_mended() {
    let text = "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: a}\nspec:\n  selector: {matchLabels: {a: b}}\n  template:\n    spec:\n      hostPID: true\n      containers: [{name: a, image: b}]\n      volumes: [{name: dev, hostPath: {path: /dev}}]\n";
    for unsafe_fixes in [false, true] {
        let fixed = fixed(text, RESTRICTED, unsafe_fixes);
        assert_eq!((fixed.text.as_str(), fixed.applied.len()), (text, 0));
        assert!(fixed.left.iter().all(|left| left.why.to_string()
            == "needs the host (volume \"dev\" is /dev of the node): not for this level; keep it in a namespace at the privileged level"));
        assert!(!fixed.report.is_clean());
    }
}

#[test]
fn a_pod_that_selects_windows_is_told_what_is_missing_and_gets_no_fields_of_linux() {
    let text = "apiVersion: v1\nkind: Pod\nspec:\n  nodeSelector: {kubernetes.io/os: windows}\n  containers:\n  - name: a\n";
    let fixed = fixed(text, RESTRICTED, true);
    assert_eq!(fixed.text, format!("{text}  securityContext:\n    runAsNonRoot: true\n"));
    let left: Vec<_> = fixed.left.iter().map(|left| left.check.id).collect();
    assert_eq!(left, ["allowPrivilegeEscalation", "capabilities_restricted", "seccompProfile_restricted"]);
    assert!(fixed.left.iter().all(|left| left.why.to_string().contains("spec.os.name is missing")));
}
