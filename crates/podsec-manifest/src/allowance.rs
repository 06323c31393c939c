//! Allowances in the source itself: comments that allow a violation, for a reason and perhaps for a time.
//!
//! ```yaml
//! # podsec: allow hostPathVolumes, privileged until 2027-01-31 because the agent reads the node's logs
//! ```
//!
//! Before the first line of a document such a comment holds for the whole document; elsewhere for its own line, or
//! when it stands alone for the next line that is no comment. It is one line, so that nobody can break it by wrapping.

use jiff::civil::Date;
use podsec_standards::{CHECKS, rules};
use podsec_yaml::{Document, Position};

use crate::Source;
use crate::check::documents;
use crate::finding::{FileReport, Finding, Problem, Silence, Silenced};

/// Takes what the comments of a source allow out of its report. An allowance that is none becomes a [`Problem`]; one that
/// has ended, or that nothing needs, a warning.
pub fn apply_allowances(source: &Source, report: &mut FileReport, today: Date) {
    apply(source, report, today, true);
}

/// [`apply_allowances`] of a source that is one of several forms of a text: what is not needed in it may be in another.
pub(crate) fn apply_allowances_of_form(source: &Source, report: &mut FileReport, today: Date) {
    apply(source, report, today, false);
}

fn apply(source: &Source, report: &mut FileReport, today: Date, tells_unused: bool) {
    if !source.text.contains(MARK) {
        return;
    }
    let mut allowances = Vec::new();
    for (number, document) in documents(&source.text, report.start).enumerate() {
        let Ok(document) = document else { continue };
        read(&document, report.start.documents + number, today, &mut allowances, report);
    }
    for pod in &mut report.pods {
        let document = pod.object.document;
        for finding in std::mem::take(&mut pod.findings) {
            match allowed(&mut allowances, document, &finding) {
                Some(reason) => pod.silenced.push(Silenced { finding, by: Silence::Comment(reason) }),
                None => pod.findings.push(finding),
            }
        }
        // What is only talked about is not kept as silenced: nothing would come of it.
        for advice in &mut pod.advice {
            advice.findings.retain(|finding| allowed(&mut allowances, document, finding).is_none());
        }
        pod.advice.retain(|advice| !advice.findings.is_empty());
    }
    for Allowance { document, position, unused, .. } in allowances.into_iter().filter(|_| tells_unused) {
        // A check that no pod here is held to may be meant for another level.
        let is_asked = |check: &&str| {
            let here = report.pods.iter().filter(|pod| pod.object.document == document);
            here.flat_map(|pod| pod.policy.into_iter().chain(pod.advice.iter().map(|advice| advice.policy)))
                .any(|policy| rules(policy).iter().any(|(rule, _)| rule.id == *check))
        };
        for check in unused.into_iter().filter(is_asked).collect::<Vec<_>>() {
            report.warnings.push(Problem {
                object: None,
                position: Some(position),
                message: format!("this allowance allows {check}, which nothing here violates: remove it"),
            });
        }
    }
}

/// An allowance that holds.
struct Allowance {
    document: usize,
    /// The line that it holds for; none for the whole document.
    line: Option<usize>,
    checks: Vec<&'static str>,
    reason: String,
    position: Position,
    /// Those of its checks that have silenced nothing.
    unused: Vec<&'static str>,
}

fn read(
    document: &Document<'_>,
    number: usize,
    today: Date,
    allowances: &mut Vec<Allowance>,
    report: &mut FileReport,
) {
    let text = document.text();
    for comment in document.comments() {
        let Some(content) = text.get(comment.span.range()) else { continue };
        let Some(content) = content.trim_start_matches('#').trim().strip_prefix(MARK) else { continue };
        let position = comment.position;
        let problem = |message: String| Problem { object: None, position: Some(position), message };
        match parse(content) {
            Ok(Parsed { until: Some(until), .. }) if until < today => {
                report.warnings.push(problem(format!("this allowance ended on {until}")));
            }
            Ok(Parsed { checks, reason, .. }) => {
                let opens = position.line < document.root().position().line;
                let line = (!opens).then(|| line_meant(text, comment.span.start, position.line));
                allowances.push(Allowance {
                    document: number,
                    line,
                    unused: checks.clone(),
                    checks,
                    reason,
                    position,
                });
            }
            Err(message) => report.problems.push(problem(message)),
        }
    }
}

/// The line that a comment in a document speaks of.
fn line_meant(text: &str, offset: usize, line: usize) -> usize {
    let before = text.get(..offset).unwrap_or("");
    let own = before.rsplit('\n').next().unwrap_or("");
    if !own.trim().is_empty() {
        return line;
    }
    let following = text.get(offset..).unwrap_or("").lines().skip(1);
    let is_content = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    (line + 1..).zip(following).find(|(_, content)| is_content(content)).map_or(line, |(line, _)| line)
}

/// Whether allowances allow every place of a finding; their reasons then.
fn allowed(allowances: &mut [Allowance], document: usize, finding: &Finding) -> Option<String> {
    let mut reasons: Vec<String> = Vec::new();
    let mut used = Vec::new();
    for place in &finding.places {
        let (index, allowance) = allowances.iter().enumerate().find(|(_, allowance)| {
            allowance.document == document
                && allowance.checks.contains(&finding.check.id)
                && allowance.line.is_none_or(|line| line == place.position.line)
        })?;
        used.push(index);
        if !reasons.contains(&allowance.reason) {
            reasons.push(allowance.reason.clone());
        }
    }
    for index in used {
        if let Some(allowance) = allowances.get_mut(index) {
            allowance.unused.retain(|check| *check != finding.check.id);
        }
    }
    Some(reasons.join("; "))
}

#[derive(Debug, PartialEq)]
struct Parsed {
    checks: Vec<&'static str>,
    until: Option<Date>,
    reason: String,
}

fn parse(content: &str) -> Result<Parsed, String> {
    let form = "write it as \"# podsec: allow CHECK, CHECK until YYYY-MM-DD because REASON\"";
    let content =
        content.trim().strip_prefix("allow ").ok_or_else(|| format!("this allowance is none: {form}"))?;
    let (subject, reason) = content.split_once(" because ").unwrap_or((content, ""));
    if reason.trim().is_empty() {
        return Err(format!("this allowance has no reason: {form}"));
    }
    let (checks, until) = match subject.split_once(" until ") {
        Some((checks, until)) => {
            let until = until.trim();
            let date = until.parse::<Date>().map_err(|_| format!("{until:?} is no date: {form}"))?;
            (checks, Some(date))
        }
        None => (subject, None),
    };
    let known = |name: &str| {
        let check = CHECKS.iter().find(|check| check.id == name).map(|check| check.id);
        check.ok_or_else(|| format!("there is no check {name:?}; `podsec explain restricted` lists them"))
    };
    let checks = checks.split(',').map(str::trim).map(known).collect::<Result<_, _>>()?;
    Ok(Parsed { checks, until, reason: reason.trim().to_owned() })
}

const MARK: &str = "podsec:";

#[cfg(test)]
mod tests {
    use podsec_standards::{Level, Policy, Version};

    use super::*;
    use crate::{Templates, check};

    fn judged(text: &str) -> (FileReport, Vec<String>) {
        let source = Source { name: "a.yaml".to_owned(), text: text.to_owned() };
        let policy = Policy::new(Level::Baseline, Version::Latest);
        let mut report = check(&source, &Templates::default(), &policy);
        apply_allowances(&source, &mut report, Date::constant(2026, 11, 21));
        let silenced = report.pods.iter().flat_map(|pod| &pod.silenced);
        let silenced = silenced
            .map(|silenced| match &silenced.by {
                Silence::Comment(reason) => format!("{}: {reason}", silenced.finding.check.id),
                Silence::Known | Silence::Setting => silenced.finding.check.id.to_owned(),
            })
            .collect();
        (report, silenced)
    }

    fn messages(problems: &[Problem]) -> Vec<&str> {
        problems.iter().map(|problem| problem.message.as_str()).collect()
    }

    const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n";

    #[test]
    fn an_allowance_holds_for_its_line_and_for_no_other() {
        let text = format!(
            "{POD}  hostPID: true # podsec: allow hostNamespaces because it counts processes\n  containers:\n  # podsec: allow \
             hostPorts until 2026-11-21 because the port is fixed\n  # since 2020\n  - {{name: a, ports: [{{hostPort: \
             1}}]}}\n  - {{name: b, securityContext: {{privileged: true}}}}\n"
        );
        let (report, silenced) = judged(&text);
        assert_eq!(silenced, ["hostNamespaces: it counts processes", "hostPorts: the port is fixed"]);
        assert_eq!(report.pods[0].findings[0].check.id, "privileged");
        assert_eq!((report.problems, report.warnings), (vec![], vec![]));
    }

    #[test]
    fn before_the_first_line_an_allowance_holds_for_the_document() {
        let allowance = "# podsec: allow privileged, hostPorts because it is the CNI\n";
        let container = "  containers: [{name: a, securityContext: {privileged: true}}]\n";
        let (report, silenced) = judged(&format!("{allowance}{POD}{container}---\n{POD}{container}"));
        assert_eq!(silenced, ["privileged: it is the CNI"]);
        assert_eq!(report.pods[1].findings.len(), 1);
        assert_eq!(
            messages(&report.warnings),
            ["this allowance allows hostPorts, which nothing here violates: remove it"]
        );
    }

    #[test]
    fn one_place_that_is_not_exempt_keeps_the_violation() {
        let text = format!(
            "{POD}  hostPID: true # podsec: allow hostNamespaces because it counts\n  hostIPC: true\n  containers: []\n"
        );
        assert_eq!(judged(&text).1, Vec::<String>::new());
    }

    #[test]
    fn an_allowance_that_has_ended_or_is_none_is_told() {
        let with = |comment: &str| {
            judged(&format!("{POD}  hostPID: true # podsec: {comment}\n  containers: []\n")).0
        };
        let ended = with("allow hostNamespaces until 2026-11-20 because of X");
        assert_eq!(messages(&ended.warnings), ["this allowance ended on 2026-11-20"]);
        assert_eq!(ended.pods[0].findings.len(), 1);
        for (comment, message) in [
            ("ignore", "this allowance is none: "),
            ("allow hostNamespaces", "this allowance has no reason: "),
            ("allow hostNamespaces because ", "this allowance has no reason: "),
            ("allow hostNamespaces until soon because of X", "\"soon\" is no date: "),
            ("allow hostNames because of X", "there is no check \"hostNames\"; "),
        ] {
            let report = with(comment);
            assert!(messages(&report.problems)[0].starts_with(message), "{:?}", report.problems);
            assert_eq!(report.pods[0].findings.len(), 1);
        }
    }
}
