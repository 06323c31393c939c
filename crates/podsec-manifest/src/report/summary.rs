//! The counts of a whole check.

use std::collections::{BTreeMap, BTreeSet};

use super::wording::counted;
use crate::finding::{AdvisoryMode, FileReport, Start};

/// The counts of a whole check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Sources read.
    pub files: usize,
    /// Documents in them, empty ones left out.
    pub documents: usize,
    /// Pods found, exempt ones among them.
    pub pods: usize,
    /// Pods by what they were judged by, as in `restricted:latest`.
    pub policies: BTreeMap<String, usize>,
    /// Pods that no policy binds.
    pub exempt_pods: usize,
    /// Pods that would be refused.
    pub refused_pods: usize,
    /// Rules that they break, each pod's counted.
    pub violations: usize,
    /// The same, by check.
    pub by_check: BTreeMap<&'static str, usize>,
    /// Violations that a comment or the known ones silence. Kubernetes refuses the pods all the same.
    pub silenced: usize,
    /// Pods all of whose violations are silenced.
    pub silenced_pods: usize,
    /// Pods that would not be refused, and of which their namespace warns.
    pub warned_pods: usize,
    /// Pods that would not be refused, and which the audit log would note.
    pub audited_pods: usize,
    /// Unknown fields and kinds, which Kubernetes refuses when it decodes strictly.
    pub refusals: usize,
    /// Objects that are patches, and were not judged.
    pub patches: usize,
    /// What could not be judged.
    pub problems: usize,
    /// Containers that must not run as root and whose user only their images tell.
    pub left_to_images: usize,
    /// Containers that the kubelet refuses to start on account of their user.
    pub not_started: usize,
    /// The files of which Helm or Kustomize made something, each counted once.
    made_of: BTreeSet<String>,
}

impl Summary {
    /// Counts one source, or one part of it.
    pub fn add(&mut self, report: &FileReport) {
        let is_new = match report.made_by {
            Some(_) => !self.made_of.contains(report.file()) && self.made_of.insert(report.file().to_owned()),
            None => report.start == Start::default(),
        };
        self.files += usize::from(is_new);
        self.documents += report.documents;
        self.problems += report.problems.len();
        self.refusals += report.refusals.len();
        self.patches += report.patches.len();
        for pod in &report.pods {
            self.silenced += pod.silenced.iter().filter(|silenced| !silenced.finding.continued).count();
            for finding in pod.findings.iter().filter(|finding| !finding.continued) {
                self.violations += 1;
                *self.by_check.entry(finding.check.id).or_default() += 1;
            }
            let not_started = pod.image_users.iter().filter(|user| user.refusal.is_some()).count();
            self.not_started += not_started;
            self.left_to_images += pod.image_users.len() - not_started;
            if pod.continued {
                continue;
            }
            self.pods += 1;
            match pod.policy {
                Some(policy) => *self.policies.entry(policy.to_string()).or_default() += 1,
                None => self.exempt_pods += 1,
            }
            self.refused_pods += usize::from(!pod.findings.is_empty());
            self.silenced_pods += usize::from(pod.findings.is_empty() && !pod.silenced.is_empty());
            let is_told = |mode| pod.advice.iter().any(|advice| advice.modes.contains(&mode));
            self.warned_pods += usize::from(pod.findings.is_empty() && is_told(AdvisoryMode::Warn));
            self.audited_pods += usize::from(pod.findings.is_empty() && is_told(AdvisoryMode::Audit));
        }
    }

    /// The exit code: 0 when everything is allowed, 1 when something would be refused or not started, 2 when something could
    /// not be judged.
    pub fn exit_code(&self) -> u8 {
        match (self.problems, self.violations + self.not_started) {
            (0, 0) => 0,
            (0, _) => 1,
            _ => 2,
        }
    }

    /// What is known of whether the kubelet starts what was admitted; nothing when there is nothing to say.
    pub fn started(&self) -> Vec<String> {
        let mut parts = Vec::new();
        if self.not_started > 0 {
            parts.push(format!("the kubelet would not start {}", counted(self.not_started, "container")));
        }
        if self.left_to_images > 0 {
            parts.push(format!(
                "whether the kubelet starts {} with runAsNonRoot and no runAsUser, the {} (CreateContainerConfigError if \
                 that is root or a name)",
                counted(self.left_to_images, "container"),
                if self.left_to_images == 1 { "image's user decides" } else { "images' users decide" },
            ));
        }
        parts
    }

    /// The counts as a sentence or two: what was judged, by what, with which result, and what was not.
    pub fn sentence(&self) -> String {
        let judged = format!("{} in {}{}", counted(self.pods, "pod"), counted(self.files, "file"), self.by());
        let mut parts = Vec::new();
        if self.refused_pods > 0 {
            let violations = counted(self.violations, "violation");
            parts.push(format!("{} would be refused, for {violations}", self.refused_pods));
        }
        if self.silenced_pods > 0 {
            parts.push(format!(
                "{} would be refused for violations that are silenced here",
                self.silenced_pods
            ));
        }
        if parts.is_empty() {
            parts.push(match (self.pods, self.problems) {
                (0, _) => "nothing to judge".to_owned(),
                (_, 0) => "all would be admitted".to_owned(),
                _ => "none of those that could be judged would be refused".to_owned(),
            });
        }
        let mut part = |count: usize, text: String| {
            if count > 0 {
                parts.push(text);
            }
        };
        part(self.exempt_pods, format!("{} exempt", self.exempt_pods));
        part(self.silenced, format!("{} silenced", counted(self.silenced, "violation")));
        part(self.warned_pods, format!("{} with a warning of the namespace", self.warned_pods));
        part(self.audited_pods, format!("{} to be noted in the audit log", self.audited_pods));
        part(
            self.refusals,
            format!("{} that kubectl refuses", counted(self.refusals, "unknown field or kind")),
        );
        part(self.patches, format!("{} not judged", counted(self.patches, "Kustomize patch")));
        part(self.problems, format!("{} could not be judged", counted(self.problems, "place")));
        parts.extend(self.started());
        format!("{judged}: {} (podsec {VERSION})", parts.join("; "))
    }

    /// What was judged by, as far as it fits a line.
    fn by(&self) -> String {
        let mut policies: Vec<&str> = self.policies.keys().map(String::as_str).collect();
        if policies.len() > MOST_POLICIES {
            policies.truncate(MOST_POLICIES - 1);
        }
        let more = match self.policies.len() - policies.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        if policies.is_empty() { String::new() } else { format!(", by {}{more}", policies.join(", ")) }
    }
}

const MOST_POLICIES: usize = 4;
const VERSION: &str = env!("CARGO_PKG_VERSION");

#[cfg(test)]
mod tests {
    use podsec_standards::{Level, Policy, Version};

    use super::*;
    use crate::report::wording::consequence;
    use crate::{Source, Templates, check};

    fn judged(text: &str, level: Level) -> FileReport {
        let source = Source { name: "a.yaml".to_owned(), text: text.to_owned() };
        check(&source, &Templates::default(), &Policy::new(level, Version::V1(30)))
    }

    fn sentence(reports: &[FileReport]) -> String {
        let mut summary = Summary::default();
        for report in reports {
            summary.add(report);
        }
        summary.sentence().replace(VERSION, "VERSION")
    }

    const POD: &str =
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {hostPID: true, containers: []}\n";
    const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  selector: {}\n  template: {spec: \
                              {hostPID: true, containers: []}}\n";

    #[test]
    fn the_closing_sentence_says_by_what_was_judged_and_what_was_not() {
        assert_eq!(
            sentence(&[judged(POD, Level::Privileged), judged("kind: A\n", Level::Restricted)]),
            "1 pod in 2 files, by privileged:v1.30: all would be admitted (podsec VERSION)"
        );
        let patch = DEPLOYMENT.replace("  selector: {}\n", "");
        let broken = "apiVersion: [\n";
        assert_eq!(
            sentence(&[
                judged(POD, Level::Baseline),
                judged(&patch, Level::Baseline),
                judged(broken, Level::Baseline)
            ]),
            "1 pod in 3 files, by baseline:v1.30: 1 would be refused, for 1 violation; 1 Kustomize patch not judged; 1 place \
             could not be judged (podsec VERSION)"
        );
        assert_eq!(sentence(&[]), "0 pods in 0 files: nothing to judge (podsec VERSION)");
        let later = FileReport { start: Start { lines: 9, documents: 3 }, ..judged(POD, Level::Privileged) };
        assert!(sentence(&[judged(POD, Level::Privileged), later]).starts_with("2 pods in 1 file,"));
    }

    #[test]
    fn kubernetes_refuses_pods_and_not_what_makes_them() {
        let said = |text: &str| {
            let report = judged(text, Level::Baseline);
            let told = report.pods[0].told().next().unwrap();
            consequence(&report.pods[0], &told)
        };
        assert_eq!(said(POD), "Pod \"a\" would be refused by baseline:v1.30");
        assert_eq!(
            said(DEPLOYMENT),
            "Deployment \"d\" would be accepted, and its pods refused by baseline:v1.30"
        );
    }
}
