//! Every recorded verdict of Kubernetes' own library is ours, to the letter.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails or says that it skips")]

use std::fs;
use std::path::{Path, PathBuf};

use podsec_standards::{Pod, Policy, Violation, evaluate};
use serde::Deserialize;
use serde_json::value::RawValue;

#[test]
fn a_sample_of_recorded_verdicts_is_ours() {
    let sample = include_str!("data/policy.jsonl");
    assert_eq!(compare(sample), sample.lines().count());
}

#[test]
fn every_recorded_verdict_is_ours() {
    let Some(recorded) = shared("conformance/policy.jsonl") else { return };
    assert_eq!(compare(&recorded), 4_000);
}

#[derive(Deserialize)]
struct Case<'a> {
    level: &'a str,
    version: &'a str,
    #[serde(borrow)]
    pod: &'a RawValue,
    expect: Verdict,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Verdict {
    allowed: bool,
    #[serde(default)]
    reasons: Vec<String>,
    #[serde(default)]
    details: Vec<String>,
}

/// The number of verdicts compared.
fn compare(lines: &str) -> usize {
    for (number, line) in (1..).zip(lines.lines()) {
        let case: Case<'_> = serde_json::from_str(line).unwrap();
        let policy = Policy::new(case.level.parse().unwrap(), case.version.parse().unwrap());
        let pod = Pod::from_json(case.pod.get().as_bytes()).unwrap();
        let evaluation = evaluate(policy, &pod);
        let verdict = Verdict {
            allowed: evaluation.is_allowed(),
            reasons: evaluation.violations.iter().map(|violation| violation.reason().to_owned()).collect(),
            details: evaluation.violations.iter().map(Violation::detail).collect(),
        };
        assert_eq!(verdict, case.expect, "line {number}, {policy}: {}", case.pod.get());
        for violation in &evaluation.violations {
            assert!(!violation.fields().is_empty(), "line {number}: {} blames no field", violation.check.id);
        }
    }
    lines.lines().count()
}

/// The text of a file of recorded answers, which a clone does not have to have.
fn shared(file: &str) -> Option<String> {
    let folder = std::env::var_os("PODSEC_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let path = folder.join(file);
    let text = fs::read_to_string(&path);
    if text.is_err() {
        eprintln!("skipped: {} is not there; set PODSEC_SHARED", path.display());
    }
    text.ok()
}
