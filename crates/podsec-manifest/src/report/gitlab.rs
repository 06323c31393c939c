//! GitLab's Code Quality report: a JSON list that merge requests show line by line.

use std::collections::HashMap;
use std::io::{self, Write};

use podsec_standards::Level;
use serde::Serialize;

use super::fingerprint::fingerprint;
use super::{Renderer, Summary};
use crate::Source;
use crate::finding::FileReport;

/// The format `gitlab`.
#[derive(Clone, Debug, Default)]
pub struct Gitlab {
    begun: bool,
    /// How often each fingerprint was used, since GitLab wants each once.
    used: HashMap<String, usize>,
}

impl Gitlab {
    fn issue(&mut self, mut issue: Issue<'_>, out: &mut dyn Write) -> io::Result<()> {
        let count = self.used.entry(issue.fingerprint.clone()).or_default();
        *count += 1;
        if *count > 1 {
            issue.fingerprint = format!("{}-{count}", issue.fingerprint);
        }
        out.write_all(if self.begun { b",\n" } else { b"[\n" })?;
        self.begun = true;
        serde_json::to_writer(&mut *out, &issue)?;
        Ok(())
    }
}

impl Renderer for Gitlab {
    fn file(&mut self, _: &Source, report: &FileReport, out: &mut dyn Write) -> io::Result<()> {
        for problem in &report.problems {
            let begin = problem.position.map_or(1, |position| position.line);
            self.issue(
                Issue {
                    description: problem.message.clone(),
                    check_name: "unjudged",
                    fingerprint: format!("{}:{begin}", report.name),
                    severity: "blocker",
                    location: Location { path: &report.name, lines: Lines { begin } },
                },
                out,
            )?;
        }
        for pod in &report.pods {
            for finding in &pod.findings {
                let begin = finding.places.first().map_or(1, |place| place.position.line);
                self.issue(
                    Issue {
                        description: finding.sentence(),
                        check_name: finding.check.id,
                        fingerprint: fingerprint(&report.name, pod, finding),
                        severity: if finding.level == Level::Baseline { "critical" } else { "major" },
                        location: Location { path: &report.name, lines: Lines { begin } },
                    },
                    out,
                )?;
            }
        }
        Ok(())
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
