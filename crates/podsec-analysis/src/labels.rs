//! What is wrong with the labels of a namespace: misspelt, misplaced, invalid, contradictory, without effect.

use podsec_policy::labels::{AUDIT, AUDIT_VERSION, ENFORCE, ENFORCE_VERSION, PREFIX, WARN, WARN_VERSION};
use podsec_policy::{Mode, NamespaceLabels, Policies};
use podsec_standards::Level;
use serde::Serialize;

use crate::collect::{Contents, NamespaceObject, Subject};

/// The six labels that Kubernetes reads.
pub const KEYS: [&str; 6] = [ENFORCE, ENFORCE_VERSION, AUDIT, AUDIT_VERSION, WARN, WARN_VERSION];

/// Something that is wrong with the labels of a namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LabelFault {
    /// What is wrong, in a word that programs can compare.
    pub kind: LabelFaultKind,
    /// The label, as it stands there; empty when none is meant.
    pub label: String,
    /// What is wrong, for people.
    pub message: String,
}

/// What can be wrong with the labels of a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum LabelFaultKind {
    /// Kubernetes does not take the value.
    Invalid,
    /// It is no string in the manifest, and the API server refuses the Namespace.
    Unquoted,
    /// Kubernetes does not read a label of this name.
    Misspelt,
    /// It stands on a pod or workload, or among annotations.
    Misplaced,
    /// Two labels do not go together.
    Contradictory,
    /// The namespace is exempt.
    NoEffect,
}

/// Everything that is wrong with the labels of a namespace and of what stands in it.
pub fn faults(contents: &Contents, defaults: &Policies, exempt: bool) -> Vec<LabelFault> {
    let mut found = Vec::new();
    if let Some(object) = &contents.object {
        of_object(object, defaults, exempt, &mut found);
    }
    for subject in contents.subjects.iter().filter(|subject| !subject.misplaced_labels.is_empty()) {
        found.extend(subject.misplaced_labels.iter().map(|key| misplaced(key, subject)));
    }
    found
}

/// The Pod Security labels of an object, as Kubernetes reads them.
pub fn read(object: Option<&NamespaceObject>) -> NamespaceLabels {
    object.into_iter().flat_map(|object| &object.labels).collect()
}

fn of_object(object: &NamespaceObject, defaults: &Policies, exempt: bool, found: &mut Vec<LabelFault>) {
    let labels = read(Some(object));
    for error in labels.errors() {
        let key = KEYS.iter().find(|key| error.path.to_string().ends_with(&format!("[{key}]")));
        let effect = match key {
            Some(key) if **key == *ENFORCE => "; until it is mended, restricted is enforced",
            Some(key) if key.ends_with("-version") => "; until it is mended, latest counts",
            Some(_) => "; until it is mended, nothing comes of it",
            None => "",
        };
        found.push(LabelFault {
            kind: LabelFaultKind::Invalid,
            label: key.map(|key| (*key).to_owned()).unwrap_or_default(),
            message: format!("{error}{effect}"),
        });
    }
    for key in &object.unquoted {
        let value = object.labels.get(key).map_or("", String::as_str);
        found.push(LabelFault {
            kind: LabelFaultKind::Unquoted,
            label: key.clone(),
            message: format!(
                "{key}: {value} is no string, and the API server refuses it: write \"{value}\" in quotes"
            ),
        });
    }
    for key in object.labels.keys().filter(|key| !KEYS.contains(&key.as_str())) {
        if let Some(meant) = meant(key) {
            found.push(LabelFault {
                kind: LabelFaultKind::Misspelt,
                label: key.clone(),
                message: format!("Kubernetes does not read {key}; {meant} is meant"),
            });
        }
    }
    for key in &object.annotations {
        found.push(LabelFault {
            kind: LabelFaultKind::Misplaced,
            label: key.clone(),
            message: format!("{key} is an annotation, which Kubernetes does not read: make it a label"),
        });
    }
    contradictions(object, &labels, defaults, found);
    if exempt && [Mode::Enforce, Mode::Audit, Mode::Warn].into_iter().any(|mode| labels.set(mode)) {
        found.push(LabelFault {
            kind: LabelFaultKind::NoEffect,
            label: String::new(),
            message: "the namespace is exempt by the configuration, so its labels mean nothing".to_owned(),
        });
    }
}

fn contradictions(
    object: &NamespaceObject,
    labels: &NamespaceLabels,
    defaults: &Policies,
    found: &mut Vec<LabelFault>,
) {
    let has = |key: &str| object.labels.contains_key(key);
    for (level, version) in [(ENFORCE, ENFORCE_VERSION), (AUDIT, AUDIT_VERSION), (WARN, WARN_VERSION)] {
        if has(version) && !has(level) {
            found.push(LabelFault {
                kind: LabelFaultKind::Contradictory,
                label: version.to_owned(),
                message: format!("{version} is set without {level}: it pins whatever level is the default"),
            });
        }
    }
    if !labels.are_valid() {
        return;
    }
    let policies = labels.policies(defaults);
    for (mode, key, policy) in [(Mode::Audit, AUDIT, policies.audit), (Mode::Warn, WARN, policies.warn)] {
        if has(key) && policy.level < policies.enforce.level {
            found.push(LabelFault {
                kind: LabelFaultKind::Contradictory,
                label: key.to_owned(),
                message: format!(
                    "{mode} is laxer ({}) than what is enforced ({}): what it would tell is refused before",
                    policy.level, policies.enforce.level
                ),
            });
        }
    }
    if policies.enforce.level == Level::Privileged && has(ENFORCE_VERSION) && has(ENFORCE) {
        found.push(LabelFault {
            kind: LabelFaultKind::Contradictory,
            label: ENFORCE_VERSION.to_owned(),
            message: format!(
                "{ENFORCE_VERSION} pins the privileged level, which is the same in every version"
            ),
        });
    }
}

/// The label that is meant by a key that Kubernetes does not read.
fn meant(key: &str) -> Option<&'static str> {
    let plain = key.to_ascii_lowercase().replace('_', "-");
    let is_near =
        key.starts_with(PREFIX) || plain.starts_with("pod-security") || plain.starts_with("podsecurity");
    let nearest = KEYS.into_iter().map(|known| (strsim::damerau_levenshtein(&plain, known), known)).min()?;
    (nearest.0 <= NEAR || (is_near && nearest.0 <= FAR)).then_some(nearest.1)
}

fn misplaced(key: &str, subject: &Subject) -> LabelFault {
    LabelFault {
        kind: LabelFaultKind::Misplaced,
        label: key.to_owned(),
        message: format!("{key} stands on {}, where it means nothing: label the Namespace", subject.title()),
    }
}

/// So many letters are a slip of the hand.
const NEAR: usize = 3;
/// So many may differ in what says itself that it is of Pod Security.
const FAR: usize = 14;

#[cfg(test)]
mod tests {
    use super::*;

    fn of(labels: &[(&str, &str)]) -> Vec<(LabelFaultKind, String)> {
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let contents =
            Contents { object: Some(NamespaceObject { labels, ..Default::default() }), subjects: Vec::new() };
        faults(&contents, &Policies::default(), false)
            .into_iter()
            .map(|fault| (fault.kind, fault.message))
            .collect()
    }

    #[test]
    fn a_misspelt_key_is_told_with_what_is_meant() {
        for (key, meant) in [
            ("pod-security.kubernetes.io/enforced", ENFORCE),
            ("pod-security.kubernetes.io/Enforce", ENFORCE),
            ("pod-security.kubernetes.io/enforce_version", ENFORCE_VERSION),
            ("pod-security.kubernetes.io/warning", WARN),
            ("podsecurity.kubernetes.io/audit", AUDIT),
            ("pod-security.kubernates.io/warn", WARN),
        ] {
            assert_eq!(
                of(&[(key, "baseline")]),
                [(LabelFaultKind::Misspelt, format!("Kubernetes does not read {key}; {meant} is meant"))]
            );
        }
        assert!(
            of(&[("app.kubernetes.io/name", "x"), ("team", "enforce"), (ENFORCE, "baseline")]).is_empty()
        );
    }

    #[test]
    fn labels_that_do_not_go_together_are_told() {
        let kinds =
            |labels: &[(&str, &str)]| of(labels).into_iter().map(|(kind, _)| kind).collect::<Vec<_>>();
        assert_eq!(kinds(&[(ENFORCE, "restricted"), (WARN, "baseline")]), [LabelFaultKind::Contradictory]);
        assert_eq!(kinds(&[(ENFORCE_VERSION, "v1.30")]), [LabelFaultKind::Contradictory]);
        assert_eq!(kinds(&[(ENFORCE, "Baseline")]), [LabelFaultKind::Invalid]);
        assert_eq!(kinds(&[(ENFORCE, "baseline"), (WARN, "restricted")]), []);
    }
}
