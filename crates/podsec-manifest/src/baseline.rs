//! The violations that are known: silent until they change, and told when they are gone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::finding::{FileReport, Finding, PodReport, Silence, Silenced};

/// The known violations, and how many of each are left to be found again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    known: BTreeMap<Known, usize>,
}

/// A known violation. No line is part of it, so that it stays known while lines move; Kubernetes' sentence is, so that it
/// counts again when it changes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// The name of the source.
    pub file: String,
    /// The kind of the object.
    pub kind: String,
    /// `metadata.namespace`; empty when missing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// `metadata.name`; empty when missing.
    pub name: String,
    /// The path of the pod in the object; empty for a Pod.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// The id of the check.
    pub check: String,
    /// Kubernetes' sentence.
    pub sentence: String,
}

/// A text that is no baseline.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BaselineError {
    /// It is no JSON of the right form.
    #[error("no list of known violations: {0}")]
    Json(#[from] serde_json::Error),
    /// It was written in another version of the format.
    #[error("a list of known violations of version {0}, of which this podsec knows nothing; write it anew")]
    Version(u64),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u64,
    violations: Vec<Known>,
}

impl Baseline {
    /// Reads a baseline.
    ///
    /// # Errors
    /// When the text is none.
    pub fn from_json(text: &str) -> Result<Self, BaselineError> {
        let File { version, violations } = serde_json::from_str(text)?;
        if version != VERSION {
            return Err(BaselineError::Version(version));
        }
        let mut baseline = Self::default();
        for known in violations {
            *baseline.known.entry(known).or_default() += 1;
        }
        Ok(baseline)
    }

    /// Adds every violation of a report.
    pub fn add(&mut self, report: &FileReport) {
        for pod in &report.pods {
            for finding in &pod.findings {
                *self.known.entry(Known::new(report, pod, finding)).or_default() += 1;
            }
        }
    }

    /// Takes the known violations out of a report, each as often as it is known.
    pub fn apply(&mut self, report: &mut FileReport) {
        for index in 0..report.pods.len() {
            let Some(pod) = report.pods.get_mut(index) else { break };
            let findings = std::mem::take(&mut pod.findings);
            let (mut new, mut silenced) = (Vec::new(), Vec::new());
            for finding in findings {
                let known = report.pods.get(index).map(|pod| Known::new(report, pod, &finding));
                let left = known.and_then(|known| self.known.get_mut(&known)).filter(|left| **left > 0);
                match left {
                    Some(left) => {
                        *left -= 1;
                        silenced.push(Silenced { finding, by: Silence::Known });
                    }
                    None => new.push(finding),
                }
            }
            if let Some(pod) = report.pods.get_mut(index) {
                pod.findings = new;
                pod.silenced.append(&mut silenced);
            }
        }
    }

    /// Those that were not found again: they are mended, or have changed, and can go.
    pub fn gone(&self) -> impl Iterator<Item = &Known> {
        self.known.iter().filter(|(_, left)| **left > 0).map(|(known, _)| known)
    }

    /// The text of the baseline: one violation a line, sorted, so that changes read well.
    pub fn to_json(&self) -> String {
        let mut text = format!("{{\"version\": {VERSION}, \"violations\": [");
        let mut separator = "\n";
        for (known, count) in &self.known {
            for _ in 0..*count {
                text.push_str(separator);
                // Strings always have a JSON form.
                text.push_str(&serde_json::to_string(known).unwrap_or_default());
                separator = ",\n";
            }
        }
        text.push_str("\n]}\n");
        text
    }
}

impl Known {
    fn new(report: &FileReport, pod: &PodReport, finding: &Finding) -> Self {
        Self {
            file: report.name.clone(),
            kind: pod.object.kind.clone(),
            namespace: pod.object.namespace.clone(),
            name: pod.object.name.clone(),
            path: pod.path.clone(),
            check: finding.check.id.to_owned(),
            sentence: finding.sentence(),
        }
    }
}

const VERSION: u64 = 1;

#[cfg(test)]
mod tests {
    use podsec_standards::{Level, Policy, Version};

    use super::*;
    use crate::{Source, Templates, check};

    fn judged(spec: &str) -> FileReport {
        let text = format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec: {spec}\n");
        let source = Source { name: "a.yaml".to_owned(), text };
        check(&source, &Templates::default(), &Policy::new(Level::Baseline, Version::Latest))
    }

    fn checks(report: &FileReport) -> Vec<&str> {
        report.pods[0].findings.iter().map(|finding| finding.check.id).collect()
    }

    #[test]
    fn known_violations_are_silent_until_they_change_and_told_when_they_are_gone() {
        let mut baseline = Baseline::default();
        baseline.add(&judged("{hostPID: true, containers: [{name: a, ports: [{hostPort: 80}]}]}"));
        let written = baseline.to_json();
        assert_eq!(
            written,
            r#"{"version": 1, "violations": [
{"file":"a.yaml","kind":"Pod","name":"a","check":"hostNamespaces","sentence":"host namespaces (hostPID=true)"},
{"file":"a.yaml","kind":"Pod","name":"a","check":"hostPorts","sentence":"hostPort (container \"a\" uses hostPort 80)"}
]}
"#
        );
        let mut baseline = Baseline::from_json(&written).unwrap();
        let mut report = judged("{hostPID: true, containers: [{name: a, ports: [{hostPort: 81}]}]}");
        baseline.apply(&mut report);
        assert_eq!(checks(&report), ["hostPorts"]);
        assert_eq!(report.pods[0].silenced.len(), 1);
        assert_eq!(baseline.gone().map(|known| known.check.as_str()).collect::<Vec<_>>(), ["hostPorts"]);
    }

    #[test]
    fn what_is_no_baseline_is_refused() {
        for text in ["", "{}", "[]", r#"{"version": 1, "violations": [{"file": "a"}]}"#] {
            assert!(matches!(Baseline::from_json(text), Err(BaselineError::Json(_))), "{text}");
        }
        let later = r#"{"version": 2, "violations": []}"#;
        assert!(matches!(Baseline::from_json(later), Err(BaselineError::Version(2))));
    }
}
