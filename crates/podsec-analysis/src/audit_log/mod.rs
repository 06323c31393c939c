//! What Pod Security did, read out of an audit log: who, what, where, by which policy, which checks, how often.

mod report;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use podsec_policy::Mode;
use podsec_standards::{CHECKS, Level, Pod, Verdict, Workload};
use serde::Serialize;

pub use report::{audit_html, audit_json, audit_markdown, audit_table};

use crate::log::LoggedEvent;
use crate::replay::title;

/// Which of the events are wanted.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// These namespaces; all when empty.
    pub namespaces: Vec<String>,
    /// These users; all when empty.
    pub users: Vec<String>,
    /// These checks; all when empty.
    pub checks: Vec<String>,
    /// This mode.
    pub mode: Option<Mode>,
    /// Not before this time, in RFC 3339 and UTC.
    pub since: Option<String>,
    /// Not after it.
    pub until: Option<String>,
}

/// What rows are counted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AuditGrouping {
    /// By everything.
    #[default]
    Everything,
    /// By user.
    User,
    /// By namespace.
    Namespace,
    /// By workload.
    Workload,
    /// By check.
    Check,
    /// By mode.
    Mode,
}

/// What Pod Security did, counted.
#[derive(Debug, Default)]
pub struct AuditSummary {
    filter: AuditFilter,
    grouping: AuditGrouping,
    /// By what they are counted by.
    pub rows: BTreeMap<AuditKey, AuditRow>,
    /// How many of each hour, for the time line: `2026-12-01T00`.
    pub hours: BTreeMap<String, usize>,
    /// How many decisions of Pod Security were read.
    pub decisions: usize,
    /// Requests that were exempt.
    pub exempt: usize,
    /// Requests that could not be judged, as the annotation `error` says.
    pub errors: usize,
    /// Told together with others, since there are too many to tell each.
    pub folded: usize,
}

/// What is counted together; what it is not counted by is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct AuditKey {
    /// The namespace.
    pub namespace: String,
    /// `Deployment/web`, as far as the request tells.
    pub workload: String,
    /// Who asked.
    pub user: String,
    /// `enforce` for a refusal, `audit` for a note.
    pub mode: String,
    /// The policy, as in `restricted:latest`.
    pub policy: String,
    /// The id of the check.
    pub check: String,
}

/// How often, and since when.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AuditRow {
    /// How many requests.
    pub count: usize,
    /// The first.
    pub first: String,
    /// The last.
    pub last: String,
    /// The ids of the checks that were broken.
    pub checks: BTreeSet<String>,
    /// What Kubernetes said of the last.
    pub sentence: String,
}

impl AuditSummary {
    /// Counts what the filter lets through.
    pub fn new(filter: AuditFilter, grouping: AuditGrouping) -> Self {
        Self { filter, grouping, ..Self::default() }
    }

    /// Takes an event; those that are no end of a request are passed over.
    pub fn event(&mut self, event: &LoggedEvent<'_>) {
        if !event.is_end() || !self.is_wanted(event) {
            return;
        }
        self.exempt += usize::from(event.annotation("exempt").is_some());
        self.errors += usize::from(event.annotation("error").is_some());
        if event.code == Some(403)
            && let Some(start) = event.message.find("violates PodSecurity ")
        {
            self.decision(event, Mode::Enforce, event.message.get(start..).unwrap_or_default());
        }
        if let Some(violations) = event.annotation("audit-violations") {
            self.decision(event, Mode::Audit, violations);
        }
    }

    fn is_wanted(&self, event: &LoggedEvent<'_>) -> bool {
        let AuditFilter { namespaces, users, since, until, .. } = &self.filter;
        let among =
            |names: &[String], name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
        among(namespaces, &event.namespace)
            && among(users, &event.user)
            && since.as_ref().is_none_or(|since| *event.time >= **since)
            && until.as_ref().is_none_or(|until| *event.time <= **until)
    }

    fn decision(&mut self, event: &LoggedEvent<'_>, mode: Mode, message: &str) {
        if self.filter.mode.is_some_and(|wanted| wanted != mode) {
            return;
        }
        // …PodSecurity "restricted:latest": reason (detail), reason (detail)
        let mut parts = message.splitn(3, '"');
        let (_, policy, reasons) =
            (parts.next(), parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let reasons = reasons.trim_start_matches(':').trim();
        let level =
            policy.split(':').next().and_then(|level| level.parse().ok()).unwrap_or(Level::Restricted);
        let checks: BTreeSet<String> = split(reasons).iter().map(|reason| check_of(reason, level)).collect();
        let wanted = &self.filter.checks;
        if !wanted.is_empty() && !wanted.iter().any(|check| checks.contains(check)) {
            return;
        }
        self.decisions += 1;
        let hour = event.time.get(.."2026-12-01T00".len()).unwrap_or_default();
        if self.hours.len() < MOST_HOURS || self.hours.contains_key(hour) {
            *self.hours.entry(hour.to_owned()).or_default() += 1;
        }
        let each: Vec<Option<&String>> = match self.grouping {
            AuditGrouping::Check => checks.iter().map(Some).collect(),
            _ => vec![None],
        };
        for check in each {
            let key = self.key(event, mode, policy, check);
            let row = self.rows.entry(key).or_default();
            row.count += 1;
            row.checks.extend(check.map_or_else(|| checks.clone(), |check| BTreeSet::from([check.clone()])));
            if row.first.is_empty() || *event.time < *row.first {
                row.first = event.time.clone().into_owned();
            }
            if *event.time >= *row.last {
                row.last = event.time.clone().into_owned();
                reasons.clone_into(&mut row.sentence);
            }
        }
    }

    fn key(&mut self, event: &LoggedEvent<'_>, mode: Mode, policy: &str, check: Option<&String>) -> AuditKey {
        let none = AuditKey::default();
        let namespace = event.namespace.clone().into_owned();
        let workload = || {
            let json = event.request.as_deref().or(event.response.as_deref()).unwrap_or("{}");
            match Workload::from_resource(&event.group, &event.resource) {
                Some(workload) => title(event, workload, json),
                None => format!("{}/{}", event.resource, event.name),
            }
        };
        let key = match self.grouping {
            AuditGrouping::Everything => AuditKey {
                namespace,
                workload: workload(),
                user: event.user.clone().into_owned(),
                mode: mode.to_string(),
                policy: policy.to_owned(),
                ..none
            },
            AuditGrouping::User => AuditKey { user: event.user.clone().into_owned(), ..none },
            AuditGrouping::Namespace => AuditKey { namespace, ..none },
            AuditGrouping::Workload => AuditKey { namespace, workload: workload(), ..none },
            AuditGrouping::Check => AuditKey { check: check.cloned().unwrap_or_default(), ..none },
            AuditGrouping::Mode => AuditKey { mode: mode.to_string(), ..none },
        };
        if self.rows.len() < MOST_ROWS || self.rows.contains_key(&key) {
            return key;
        }
        self.folded += 1;
        AuditKey { workload: "(others)".to_owned(), mode: mode.to_string(), ..AuditKey::default() }
    }
}

/// The reasons of a sentence: what is in brackets may hold commas.
fn split(reasons: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let (mut start, mut depth, mut quoted) = (0, 0usize, false);
    let bytes = reasons.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'"' if at == 0 || bytes.get(at - 1) != Some(&b'\\') => quoted = !quoted,
            _ if quoted => {}
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                found.extend(reasons.get(start..at).map(str::trim));
                start = at + 1;
            }
            _ => {}
        }
    }
    found.extend(reasons.get(start..).map(str::trim).filter(|reason| !reason.is_empty()));
    found
}

/// The check that gives this reason at a level; the reason itself when none does.
fn check_of(reason: &str, level: Level) -> String {
    let words = reason.split(" (").next().unwrap_or(reason);
    let mut fitting = REASONS.iter().filter(|(known, of, _)| *known == words && *of <= level);
    let strictest = fitting.clone().max_by_key(|(_, of, _)| *of).or_else(|| fitting.next());
    strictest.map_or_else(|| words.to_owned(), |(_, _, id)| (*id).to_owned())
}

/// What each check calls what it forbids, found by asking it about its own examples.
static REASONS: LazyLock<Vec<(&'static str, Level, &'static str)>> = LazyLock::new(|| {
    let mut found = Vec::new();
    for check in CHECKS {
        for example in check.examples.iter().filter(|example| matches!(example.verdict, Verdict::Forbid(_))) {
            let Ok(pod) = Pod::from_json(example.pod.as_bytes()) else { continue };
            if let Some(violation) = check.judge(example.until, &pod) {
                let entry = (violation.reason(), check.level, check.id);
                if !found.contains(&entry) {
                    found.push(entry);
                }
            }
        }
    }
    found
});

const MOST_ROWS: usize = 20_000;
const MOST_HOURS: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_of_a_sentence_leads_to_its_check() {
        let sentence = "host namespaces (hostNetwork=true, hostPID=true), unrestricted capabilities (container \"a, b\" \
                        must set securityContext.capabilities.drop=[\"ALL\"]), seccompProfile (pod or container)";
        let checks = |level| split(sentence).iter().map(|reason| check_of(reason, level)).collect::<Vec<_>>();
        assert_eq!(
            checks(Level::Restricted),
            ["hostNamespaces", "capabilities_restricted", "seccompProfile_restricted"]
        );
        assert_eq!(checks(Level::Baseline)[2], "seccompProfile_baseline");
    }

    #[test]
    fn every_check_has_a_reason_that_leads_back_to_it() {
        for check in CHECKS {
            assert!(REASONS.iter().any(|(_, _, id)| *id == check.id), "{}", check.id);
        }
    }
}
