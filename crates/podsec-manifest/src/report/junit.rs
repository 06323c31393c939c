//! JUnit's XML, as Jenkins and GitLab read it: a file is a suite, a pod a test, a refusal a failure.

use std::io::{self, Write};

use podsec_standards::Safety;

use super::Summary;
use super::renderer::{Assembly, Renderer};
use super::wording::{IMAGE_USER, not_started, object, policy};
use crate::Source;
use crate::finding::{FileReport, PodReport};

/// The format `junit`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Junit;

impl Renderer for Junit {
    fn source(&self, _: &Source, report: &FileReport, out: &mut Vec<u8>) -> io::Result<()> {
        let tests = report.pods.len() + report.problems.len();
        if tests == 0 {
            return Ok(());
        }
        let file = escape(&report.name);
        let fails = |pod: &&PodReport| !pod.findings.is_empty() || pod.not_started().next().is_some();
        let failures = report.pods.iter().filter(fails).count();
        let errors = report.problems.len();
        writeln!(
            out,
            "  <testsuite name=\"{file}\" file=\"{file}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\">"
        )?;
        for problem in &report.problems {
            let place = problem.position.map_or_else(String::new, |position| format!(" at {position}"));
            let message = escape(&problem.message);
            writeln!(out, "    <testcase classname=\"{file}\" name=\"readable{place}\">")?;
            writeln!(out, "      <error type=\"unjudged\" message=\"{message}\"/>\n    </testcase>")?;
        }
        for pod in &report.pods {
            testcase(report, &file, pod, out)?;
        }
        writeln!(out, "  </testsuite>")
    }

    fn assembly(&self) -> Box<dyn Assembly> {
        Box::new(Suites::default())
    }
}

#[derive(Default)]
struct Suites {
    begun: bool,
}

impl Suites {
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if !self.begun {
            self.begun = true;
            writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"podsec\">")?;
        }
        Ok(())
    }
}

impl Assembly for Suites {
    fn add(&mut self, _: &FileReport, rendered: &[u8], out: &mut dyn Write) -> io::Result<()> {
        self.begin(out)?;
        out.write_all(rendered)
    }

    fn finish(&mut self, _: &Summary, out: &mut dyn Write) -> io::Result<()> {
        self.begin(out)?;
        writeln!(out, "</testsuites>")
    }
}

fn testcase(report: &FileReport, file: &str, pod: &PodReport, out: &mut Vec<u8>) -> io::Result<()> {
    let name = escape(&format!("{} under {}", object(&pod.object), policy(pod.policy)));
    write!(out, "    <testcase classname=\"{file}\" name=\"{name}\"")?;
    if pod.policy.is_none() {
        return writeln!(out, ">\n      <skipped/>\n    </testcase>");
    }
    let not_started: Vec<String> = pod
        .not_started()
        .map(|container| format!("{}:{}: {}", report.name, container.position, not_started(pod, container)))
        .collect();
    if pod.findings.is_empty() && not_started.is_empty() {
        return writeln!(out, "/>");
    }
    if pod.findings.is_empty() {
        writeln!(out, ">\n      <failure type=\"notStarted\" message=\"{IMAGE_USER}\">")?;
        not_started.iter().try_for_each(|line| writeln!(out, "{}", escape(line)))?;
        return writeln!(out, "</failure>\n    </testcase>");
    }
    let checks: Vec<&str> = pod.findings.iter().map(|finding| finding.check.id).collect();
    writeln!(out, ">\n      <failure type=\"refused\" message=\"{}\">", escape(&checks.join(", ")))?;
    for finding in &pod.findings {
        for place in finding.places.iter().take(1) {
            let (id, sentence) = (finding.check.id, finding.sentence());
            let kind = finding.safety().map_or("none", Safety::as_str);
            let line = format!("{}:{}: [{id}] {sentence}; fix: {kind}", report.name, place.position);
            writeln!(out, "{}", escape(&line))?;
        }
    }
    not_started.iter().try_for_each(|line| writeln!(out, "{}", escape(&format!("[{IMAGE_USER}] {line}"))))?;
    writeln!(out, "</failure>\n    </testcase>")
}

/// Text for XML: what has a meaning there is escaped, what cannot stand there at all is replaced.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\r' | '\t' => escaped.push(' '),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push(char::REPLACEMENT_CHARACTER),
            _ => escaped.push(character),
        }
    }
    escaped
}
