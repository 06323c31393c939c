//! GitLab's Code Quality report: a JSON list that merge requests show line by line.

use std::collections::HashMap;
use std::io::{self, Write};

use podsec_standards::Level;
use podsec_yaml::Position;
use serde::Serialize;

use super::Summary;
use super::entry::Entry;
use super::fingerprint::fingerprint;
use super::renderer::{Assembly, Renderer, separate};
use super::wording::{IMAGE_USER, not_started, patch};
use crate::Source;
use crate::finding::FileReport;

/// The format `gitlab`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gitlab;

impl Renderer for Gitlab {
    fn source(&self, _: &Source, report: &FileReport, out: &mut Vec<u8>) -> io::Result<()> {
        let start = out.len();
        // GitLab wants each fingerprint once.
        let mut used: HashMap<String, usize> = HashMap::new();
        let mut issue = |mut issue: Issue<'_>| {
            let count = used.entry(issue.fingerprint.clone()).or_default();
            *count += 1;
            if *count > 1 {
                issue.fingerprint = format!("{}-{count}", issue.fingerprint);
            }
            separate(out, start);
            serde_json::to_writer(&mut *out, &issue)
        };
        // GitLab wants a line; of a file of which only the rendered form is known, it gets the first.
        let line = |position: Position| if report.rendered_from.is_some() { 1 } else { position.line };
        for entry in Entry::all(report) {
            let begin = entry.position().map_or(1, line);
            let location = || Location { path: report.file(), lines: Lines { begin } };
            let note = |description: String, check_name, severity| Issue {
                fingerprint: format!("{}:{check_name}:{begin}", report.name),
                description,
                check_name,
                severity,
                location: location(),
            };
            issue(match entry {
                Entry::Problem(problem) => note(problem.message.clone(), "unjudged", "blocker"),
                Entry::Refusal(problem) => note(problem.message.clone(), "strict", "minor"),
                Entry::Patch(object) => note(patch(object), "patch", "info"),
                Entry::Warning(problem) => note(problem.message.clone(), "podsec", "info"),
                Entry::NotStarted(pod, container) => note(not_started(pod, container), IMAGE_USER, "major"),
                Entry::Violation(pod, told) => Issue {
                    description: told.finding.sentence(),
                    check_name: told.finding.check.id,
                    fingerprint: fingerprint(&report.name, pod, told.finding),
                    severity: match (told.refuses(), told.finding.level) {
                        (false, _) => "minor",
                        (_, Level::Baseline) => "critical",
                        _ => "major",
                    },
                    location: location(),
                },
            })?;
        }
        Ok(())
    }

    fn assembly(&self) -> Box<dyn Assembly> {
        Box::new(List::default())
    }
}

/// A list of everything.
#[derive(Default)]
struct List {
    begun: bool,
}

impl Assembly for List {
    fn add(&mut self, _: &FileReport, rendered: &[u8], out: &mut dyn Write) -> io::Result<()> {
        if rendered.is_empty() {
            return Ok(());
        }
        out.write_all(if self.begun { b",\n" } else { b"[\n" })?;
        self.begun = true;
        out.write_all(rendered)
    }

    fn finish(&mut self, _: &Summary, out: &mut dyn Write) -> io::Result<()> {
        if !self.begun {
            out.write_all(b"[")?;
        }
        out.write_all(b"\n]\n")
    }
}

#[derive(Serialize)]
struct Issue<'a> {
    description: String,
    check_name: &'static str,
    fingerprint: String,
    severity: &'static str,
    location: Location<'a>,
}

#[derive(Serialize)]
struct Location<'a> {
    path: &'a str,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: usize,
}
