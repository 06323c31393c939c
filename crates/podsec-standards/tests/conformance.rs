//! Every recorded verdict of Kubernetes' own library is ours, to the letter.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use podsec_standards::{Pod, Policy, Violation, evaluate};
use podsec_testing::recorded;
use serde::Deserialize;
use serde_json::value::RawValue;

#[test]
fn every_recorded_verdict_is_ours() {
    assert_eq!(compare(&recorded::text("pod-security/policy.jsonl")), 4_000);
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
