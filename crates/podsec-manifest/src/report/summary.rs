//! The counts of a whole check.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::wording::counted;
use crate::finding::FileReport;

/// The counts of a whole check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Sources read.
    pub files: usize,
    /// Documents in them, empty ones left out.
    pub documents: usize,
    /// Pods found, exempt ones among them.
    pub pods: usize,
    /// Pods that no policy binds.
    pub exempt_pods: usize,
    /// Pods that would be refused.
    pub refused_pods: usize,
    /// Rules that they break, each pod's counted.
    pub violations: usize,
    /// The same, by check.
    pub by_check: BTreeMap<&'static str, usize>,
    /// Violations that a comment or the baseline silences.
    pub silenced: usize,
    /// What could not be judged.
    pub problems: usize,
}

impl Summary {
    /// Counts one source.
    pub fn add(&mut self, report: &FileReport) {
        self.files += 1;
        self.documents += report.documents;
        self.problems += report.problems.len();
        for pod in &report.pods {
            self.pods += 1;
            self.exempt_pods += usize::from(pod.policy.is_none());
            self.refused_pods += usize::from(!pod.findings.is_empty());
            self.violations += pod.findings.len();
            self.silenced += pod.silenced.len();
            for finding in &pod.findings {
                *self.by_check.entry(finding.check.id).or_default() += 1;
            }
        }
    }

    /// The exit code: 0 when everything is allowed, 1 when something would be refused, 2 when something could not be
    /// judged.
    pub fn exit_code(&self) -> u8 {
        match (self.problems, self.violations) {
            (0, 0) => 0,
            (0, _) => 1,
            _ => 2,
        }
    }

    /// The counts as a sentence or two.
    pub fn sentence(&self) -> String {
        let mut text = format!("{} in {}: ", counted(self.pods, "pod"), counted(self.files, "file"));
        match (self.refused_pods, self.pods) {
            (0, 0) => text.push_str("nothing to refuse"),
            (0, _) if self.problems > 0 => {
                text.push_str("none of those that could be judged would be refused");
            }
            (0, _) => text.push_str("all would be admitted"),
            (refused, _) => {
                let _ =
                    write!(text, "{refused} would be refused, for {}", counted(self.violations, "violation"));
            }
        }
        if self.exempt_pods > 0 {
            let _ = write!(text, "; {} exempt", self.exempt_pods);
        }
        if self.silenced > 0 {
            let _ = write!(text, "; {} silenced", counted(self.silenced, "violation"));
        }
        if self.problems > 0 {
            let _ = write!(text, "; {} could not be judged", counted(self.problems, "place"));
        }
        text
    }
}
