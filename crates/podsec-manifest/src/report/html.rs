//! One HTML file that needs nothing else: the counts drawn, then every pod that would be refused, with its lines.

use std::collections::BTreeMap;
use std::io::{self, Write};

use askama::Template;
use podsec_standards::CHECKS;

use super::Summary;
use super::excerpt::Excerpt;
use super::fingerprint::fingerprint;
use super::renderer::{Assembly, Renderer};
use super::wording::{documentation, expectation, not_started, object, policy, remedies, title};
use crate::Source;
use crate::finding::{FileReport, Finding, Place, PodReport};

/// The format `html`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Html;

impl Renderer for Html {
    /// The pods that would be refused.
    fn source(&self, source: &Source, report: &FileReport, out: &mut Vec<u8>) -> io::Result<()> {
        for pod in report.pods.iter().filter(|pod| !pod.findings.is_empty()) {
            Pod::new(source, report, pod).write_into(out).map_err(io::Error::other)?;
            out.push(b'\n');
        }
        Ok(())
    }

    fn assembly(&self) -> Box<dyn Assembly> {
        Box::new(Pods::default())
    }
}

/// What comes below the counts, which are known last, as far as a browser can show it.
#[derive(Default)]
struct Pods {
    rendered: Vec<u8>,
    not_started: Vec<Problem>,
    problems: Vec<Problem>,
    /// The bytes of both.
    bytes: usize,
    unshown: usize,
    unshown_problems: usize,
    /// Where each check's findings are, up to a number of each check, and how many there are.
    findings: BTreeMap<&'static str, (Vec<Link>, usize)>,
}

impl Pods {
    fn has_room(&mut self, bytes: usize) -> bool {
        let has_room = self.bytes + bytes <= MOST_BYTES;
        self.bytes += if has_room { bytes } else { 0 };
        has_room
    }
}

impl Assembly for Pods {
    fn add(&mut self, report: &FileReport, rendered: &[u8], _: &mut dyn Write) -> io::Result<()> {
        for pod in &report.pods {
            for container in pod.not_started() {
                let message = not_started(pod, container);
                if self.has_room(message.len() + report.name.len()) {
                    let place = format!("{}:{}", report.name, container.position);
                    self.not_started.push(Problem { place, message });
                } else {
                    self.unshown_problems += 1;
                }
            }
        }
        for problem in report.problems.iter().chain(&report.refusals) {
            if self.has_room(problem.message.len() + report.name.len()) {
                let place = match problem.position {
                    Some(position) => format!("{}:{position}", report.name),
                    None => report.name.clone(),
                };
                self.problems.push(Problem { place, message: problem.message.clone() });
            } else {
                self.unshown_problems += 1;
            }
        }
        if self.has_room(rendered.len()) {
            self.rendered.extend_from_slice(rendered);
            for pod in &report.pods {
                for finding in &pod.findings {
                    let (links, count) = self.findings.entry(finding.check.id).or_default();
                    *count += 1;
                    if links.len() < MOST_LINKS {
                        links.push(Link::new(report, pod, finding));
                    }
                }
            }
        } else {
            self.unshown += report.pods.iter().filter(|pod| !pod.findings.is_empty()).count();
        }
        Ok(())
    }

    fn finish(&mut self, summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
        let most = summary.by_check.values().copied().max().unwrap_or(1).max(1);
        let admitted = summary.pods - summary.refused_pods - summary.exempt_pods;
        let share = |count: usize| count * WIDTH / summary.pods.max(1);
        let mut bars: Vec<Bar> = summary
            .by_check
            .iter()
            .map(|(check, count)| Bar {
                check,
                title: check_title(check),
                count: *count,
                width: count * 100 / most,
            })
            .collect();
        bars.sort_by_key(|bar| std::cmp::Reverse(bar.count));
        let page = Page {
            sentence: summary.sentence(),
            summary,
            admitted,
            admitted_width: share(admitted),
            refused_width: share(summary.refused_pods),
            bars,
            problems: &self.problems,
            not_started: &self.not_started,
        };
        page.write_into(out).map_err(io::Error::other)?;
        if summary.refused_pods <= FEW_PODS {
            // Nothing else is so written, as everything that stands in a pod is escaped.
            let pods = String::from_utf8_lossy(&self.rendered).replace("<details>", "<details open>");
            out.write_all(pods.as_bytes())?;
        } else {
            out.write_all(&self.rendered)?;
        }
        for (count, what) in
            [(self.unshown, "pods that would be refused"), (self.unshown_problems, "problems")]
        {
            if count > 0 {
                writeln!(out, "<p>{count} more {what} are left out here; the other formats tell all.</p>")?;
            }
        }
        if !summary.by_check.is_empty() {
            let checks = CHECKS.iter().filter(|check| summary.by_check.contains_key(check.id));
            let checks = checks.map(|check| {
                let (findings, count) = self.findings.remove(check.id).unwrap_or_default();
                About {
                    id: check.id,
                    level: check.level.as_str(),
                    docs: paragraphs(check.docs),
                    risk: check.fix.risk,
                    documentation: documentation(check),
                    more: count - findings.len(),
                    findings,
                }
            });
            Checks { checks: checks.collect() }.write_into(out).map_err(io::Error::other)?;
        }
        out.write_all(END.as_bytes())
    }
}

/// The page up to the pods.
#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    sentence: String,
    summary: &'a Summary,
    admitted: usize,
    admitted_width: usize,
    refused_width: usize,
    bars: Vec<Bar>,
    problems: &'a [Problem],
    not_started: &'a [Problem],
}

struct Bar {
    check: &'static str,
    title: String,
    count: usize,
    width: usize,
}

/// What the checks ask that were broken, and where.
#[derive(Template)]
#[template(path = "checks.html")]
struct Checks {
    checks: Vec<About>,
}

struct About {
    id: &'static str,
    level: &'static str,
    /// As HTML.
    docs: String,
    risk: &'static str,
    documentation: &'static str,
    findings: Vec<Link>,
    more: usize,
}

/// The way to a finding.
struct Link {
    anchor: String,
    place: String,
}

impl Link {
    fn new(report: &FileReport, pod: &PodReport, finding: &Finding) -> Self {
        let line = finding.places.first().map_or(1, |place| place.position.line);
        Self { anchor: anchor(report, pod, finding), place: format!("{}:{line}", report.name) }
    }
}

struct Problem {
    place: String,
    message: String,
}

#[derive(Template)]
#[template(path = "pod.html")]
struct Pod<'a> {
    object: String,
    file: &'a str,
    line: usize,
    policy: String,
    violations: Vec<Violation>,
}

struct Violation {
    anchor: String,
    check: &'static str,
    level: &'static str,
    sentence: String,
    remedies: Vec<String>,
    /// How sure the fix is; empty when there is none.
    kind: String,
    /// What it may break.
    risk: &'static str,
    places: Vec<Line>,
    more: usize,
}

/// A line of the source, cut where the mark begins and ends.
struct Line {
    number: usize,
    before: String,
    marked: String,
    after: String,
    note: String,
}

impl<'a> Pod<'a> {
    fn new(source: &'a Source, report: &'a FileReport, pod: &'a PodReport) -> Self {
        let first =
            pod.findings.iter().flat_map(|finding| &finding.places).map(|place| place.position.line).min();
        let mut findings: Vec<&Finding> = pod.findings.iter().collect();
        findings.sort_by_key(|finding| finding.places.first().map(|place| place.position));
        Self {
            object: object(&pod.object),
            file: &report.name,
            line: first.unwrap_or(1),
            policy: policy(pod.policy),
            violations: findings
                .into_iter()
                .map(|finding| Violation::new(source, report, pod, finding))
                .collect(),
        }
    }
}

impl Violation {
    fn new(source: &Source, report: &FileReport, pod: &PodReport, finding: &Finding) -> Self {
        let places = finding.places.iter().take(MOST_PLACES).map(|place| Line::new(source, place)).collect();
        let mut remedies = remedies(pod, finding);
        remedies.truncate(MOST_PLACES);
        Self {
            anchor: anchor(report, pod, finding),
            kind: finding.safety().map_or_else(String::new, |safety| format!("{safety} fix")),
            risk: finding.risk().unwrap_or("The manifest proves that no program can notice."),
            check: finding.check.id,
            level: finding.level.as_str(),
            sentence: finding.sentence(),
            remedies,
            places,
            more: finding.places.len().saturating_sub(MOST_PLACES),
        }
    }
}

impl Line {
    fn new(source: &Source, place: &Place) -> Self {
        let Excerpt { before, marked, after, cut } = Excerpt::of(&source.text, &place.span.range());
        let [begins_before, marks_less, goes_on] = cut.map(|cut| if cut { "…" } else { "" });
        Self {
            number: place.position.line,
            before: [begins_before, before].concat(),
            marked: [marked, marks_less].concat(),
            after: [after, goes_on].concat(),
            note: expectation(place),
        }
    }
}

/// What a finding is called in links: the same in every report, as long as it is the same.
fn anchor(report: &FileReport, pod: &PodReport, finding: &Finding) -> String {
    format!("finding-{}", fingerprint(&report.name, pod, finding))
}

/// A check's documentation as HTML: its paragraphs, and code between backticks.
fn paragraphs(docs: &str) -> String {
    let mut html = String::new();
    for paragraph in docs.trim().split("\n\n") {
        html.push_str("<p>");
        for (index, part) in paragraph.split('`').enumerate() {
            let part = part.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            if index % 2 == 1 {
                html.extend(["<code>", &part, "</code>"]);
            } else {
                html.push_str(&part);
            }
        }
        html.push_str("</p>\n");
    }
    html
}

fn check_title(id: &str) -> String {
    let check = CHECKS.iter().find(|check| check.id == id);
    check.map_or_else(String::new, |check| title(check).replace('`', ""))
}

/// What follows the pods.
const END: &str = "\n</main>\n</body>\n</html>";

/// A page beyond this is too long to be opened, and would have to be held as a whole until its counts are known.
const MOST_BYTES: usize = 32 << 20;

/// Of the drawn bar, in its own units.
const WIDTH: usize = 1000;

const MOST_PLACES: usize = 4;

/// So many findings of a check are linked to.
const MOST_LINKS: usize = 200;

/// So many pods are shown unfolded.
const FEW_PODS: usize = 20;
