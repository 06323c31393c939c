//! A cluster's violations in the forms that other programs read: PolicyReports, OpenReports, Prometheus, JUnit, SARIF.
//!
//! There is one report for each namespace, so that their number is bounded by that of the namespaces; each holds so many
//! results at most, and its summary counts all of them.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use podsec_policy::Mode;
use podsec_standards::{CHECKS, Policy};
use serde_json::{Value, json};

use crate::collect::{Contents, Inventory, Subject};
use crate::plan::{self, Blocker, PlanOptions};
use crate::{Breaches, labels};

/// By which policy a report judges.
#[derive(Clone, Copy, Debug)]
pub enum ReportPolicy {
    /// By this one.
    Given(Policy),
    /// By that of a mode of each namespace.
    Of(Mode),
}

/// What a cluster's workloads violate.
#[derive(Clone, Debug)]
pub struct ViolationReport {
    /// By namespace.
    pub namespaces: Vec<NamespaceViolations>,
}

/// What the workloads of a namespace violate.
#[derive(Clone, Debug)]
pub struct NamespaceViolations {
    /// The namespace.
    pub name: String,
    /// By which policy.
    pub policy: Policy,
    /// What violates it.
    pub blockers: Vec<Blocker>,
    /// What keeps it.
    pub passed: Vec<String>,
    /// What no policy binds.
    pub exempt: usize,
}

/// The objects of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportObject {
    /// `wgpolicyk8s.io/v1alpha2` `PolicyReport`.
    PolicyReport,
    /// `openreports.io/v1alpha1` `Report`.
    OpenReport,
}

/// What the workloads of a cluster violate.
pub fn violations(inventory: &Inventory, by: ReportPolicy, options: &PlanOptions) -> ViolationReport {
    let wanted = |name: &String| options.namespaces.is_empty() || options.namespaces.contains(name);
    let namespaces = inventory.namespaces.iter().filter(|(name, _)| wanted(name));
    ViolationReport {
        namespaces: namespaces.map(|(name, contents)| of_namespace(name, contents, by, options)).collect(),
    }
}

fn of_namespace(
    name: &str,
    contents: &Contents,
    by: ReportPolicy,
    options: &PlanOptions,
) -> NamespaceViolations {
    let (policy, enforces) = match by {
        ReportPolicy::Given(policy) => (policy, true),
        ReportPolicy::Of(mode) => {
            let policies = labels::read(contents.object.as_ref()).policies(&options.configuration.defaults);
            let policy =
                policies.modes().find(|(of, _)| *of == mode).map_or(policies.enforce, |(_, policy)| policy);
            (policy, mode == Mode::Enforce)
        }
    };
    let is_exempt = options.configuration.exemptions.has_namespace(name);
    let bound = |subject: &&Subject| !is_exempt && !plan::is_exempt(subject, options, enforces);
    let subjects: Vec<&Subject> = contents.subjects.iter().filter(bound).collect();
    let known = plan::as_known(policy, options);
    let passed = subjects.iter().filter(|subject| subject.broken().and(Breaches::asked_by(known)).is_empty());
    NamespaceViolations {
        name: name.to_owned(),
        policy,
        blockers: plan::blockers(&subjects, known),
        passed: passed.map(|subject| subject.title()).collect(),
        exempt: contents.subjects.len() - subjects.len(),
    }
}

/// The reports as objects: one for each namespace with workloads.
pub fn objects(report: &ViolationReport, kind: ReportObject) -> Vec<Value> {
    let namespaces = report.namespaces.iter().filter(|namespace| {
        !namespace.blockers.is_empty() || !namespace.passed.is_empty() || namespace.exempt > 0
    });
    namespaces.map(|namespace| object(namespace, kind)).collect()
}

fn object(namespace: &NamespaceViolations, kind: ReportObject) -> Value {
    let (api_version, kind_name, resources) = match kind {
        ReportObject::PolicyReport => ("wgpolicyk8s.io/v1alpha2", "PolicyReport", "resources"),
        ReportObject::OpenReport => ("openreports.io/v1alpha1", "Report", "subjects"),
    };
    let mut results = Vec::new();
    let mut failed = 0;
    for blocker in &namespace.blockers {
        let (kind, name) = blocker.subject.split_once('/').unwrap_or(("", &blocker.subject));
        for rule in &blocker.rules {
            failed += 1;
            if results.len() >= MOST_RESULTS {
                continue;
            }
            let fields: Vec<&str> = rule.rule.saying.fields.iter().map(|field| field.path.as_str()).collect();
            results.push(json!({
                "source": "podsec",
                "policy": format!("pod-security/{}", namespace.policy),
                "rule": rule.rule.check(),
                "category": "Pod Security Standards",
                "severity": "medium",
                "result": "fail",
                "scored": true,
                "message": rule.rule.saying.sentence,
                "properties": {"fields": shortened(&fields.join(",")), "origin": rule.origin.words()},
                (resources): [{"kind": kind, "name": name, "namespace": namespace.name}],
            }));
        }
    }
    json!({
        "apiVersion": api_version,
        "kind": kind_name,
        "metadata": {
            "name": "podsec",
            "namespace": namespace.name,
            "labels": {"app.kubernetes.io/managed-by": "podsec"},
        },
        "summary": {
            "pass": namespace.passed.len(),
            "fail": failed,
            "warn": 0,
            "error": 0,
            "skip": namespace.exempt,
        },
        "results": results,
    })
}

/// Writes the metrics of a textfile that Prometheus' node exporter collects.
///
/// # Errors
/// When nothing can be written.
pub fn prometheus(report: &ViolationReport, out: &mut impl Write) -> fmt::Result {
    writeln!(
        out,
        "# HELP podsec_workloads Workloads, by whether the policy of their namespace allows them."
    )?;
    writeln!(out, "# TYPE podsec_workloads gauge")?;
    for namespace in &report.namespaces {
        let counts = [
            ("allowed", namespace.passed.len()),
            ("violating", namespace.blockers.len()),
            ("exempt", namespace.exempt),
        ];
        for (verdict, count) in counts {
            writeln!(
                out,
                "podsec_workloads{{namespace=\"{}\",policy=\"{}\",verdict=\"{verdict}\"}} {count}",
                label(&namespace.name),
                namespace.policy
            )?;
        }
    }
    writeln!(
        out,
        "# HELP podsec_violating_workloads Workloads that a check of the policy of their namespace forbids."
    )?;
    writeln!(out, "# TYPE podsec_violating_workloads gauge")?;
    for namespace in &report.namespaces {
        let mut by_check: BTreeMap<&str, usize> = BTreeMap::new();
        for rule in namespace.blockers.iter().flat_map(|blocker| &blocker.rules) {
            *by_check.entry(rule.rule.check()).or_default() += 1;
        }
        for (check, count) in by_check {
            writeln!(
                out,
                "podsec_violating_workloads{{check=\"{check}\",namespace=\"{}\",policy=\"{}\"}} {count}",
                label(&namespace.name),
                namespace.policy
            )?;
        }
    }
    Ok(())
}

/// Writes JUnit: a suite for each namespace, a case for each workload.
///
/// # Errors
/// When nothing can be written.
pub fn junit(report: &ViolationReport, out: &mut impl Write) -> fmt::Result {
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"podsec\">")?;
    for namespace in &report.namespaces {
        let all = namespace.passed.len() + namespace.blockers.len();
        let name = xml(&namespace.name);
        writeln!(
            out,
            "  <testsuite name=\"{name}\" tests=\"{all}\" failures=\"{}\">",
            namespace.blockers.len()
        )?;
        for passed in &namespace.passed {
            writeln!(out, "    <testcase classname=\"{name}\" name=\"{}\"/>", xml(passed))?;
        }
        for blocker in &namespace.blockers {
            writeln!(out, "    <testcase classname=\"{name}\" name=\"{}\">", xml(&blocker.subject))?;
            let sentences: Vec<&str> =
                blocker.rules.iter().map(|rule| rule.rule.saying.sentence.as_str()).collect();
            writeln!(
                out,
                "      <failure message=\"violates {}\">{}</failure>",
                namespace.policy,
                xml(&sentences.join(", "))
            )?;
            writeln!(out, "    </testcase>")?;
        }
        writeln!(out, "  </testsuite>")?;
    }
    writeln!(out, "</testsuites>")
}

/// SARIF, whose results are at objects of the cluster and not in files.
pub fn sarif(report: &ViolationReport) -> Value {
    let rules = CHECKS.iter().map(|check| {
        json!({"id": check.id, "shortDescription": {"text": check.docs.lines().next().unwrap_or_default()}})
    });
    let results = report.namespaces.iter().flat_map(|namespace| {
        namespace.blockers.iter().flat_map(move |blocker| {
            blocker.rules.iter().map(move |rule| {
                let name = format!("{}/{}", namespace.name, blocker.subject);
                json!({
                    "ruleId": rule.rule.check(),
                    "level": "error",
                    "message": {"text": format!("{name} violates {}: {}", namespace.policy, rule.rule.saying.sentence)},
                    "locations": [{"logicalLocations": [{"fullyQualifiedName": name, "kind": "resource"}]}],
                    "partialFingerprints": {"podsecWorkload/v1": format!("{name}/{}", rule.rule.check())},
                })
            })
        })
    });
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "podsec", "rules": rules.collect::<Vec<_>>()}},
            "results": results.take(MOST_SARIF).collect::<Vec<_>>(),
        }],
    })
}

/// A property is short: the store of the API server holds the report.
fn shortened(text: &str) -> &str {
    let end = text.char_indices().map(|(at, _)| at).nth(MOST_PROPERTY).unwrap_or(text.len());
    text.get(..end).unwrap_or(text)
}

fn label(text: &str) -> String {
    text.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
}

fn xml(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            // XML has no form for most control characters.
            '\n' | '\t' => escaped.push(' '),
            control if control.is_control() => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

/// A report of so many results is smaller than what etcd stores of an object.
const MOST_RESULTS: usize = 1000;
/// GitHub takes no more results of a run.
const MOST_SARIF: usize = 25_000;
const MOST_PROPERTY: usize = 512;

#[cfg(test)]
mod tests {
    use podsec_standards::{Level, Version};

    use super::*;
    use crate::Collector;

    fn report() -> ViolationReport {
        let text = r#"
{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a", "labels": {"pod-security.kubernetes.io/audit": "baseline"}}}
{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p<", "namespace": "a"}, "spec": {"hostPID": true}}
{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "q", "namespace": "a"}, "spec": {}}
"#;
        let mut collector = Collector::default();
        collector.feed("x", text.as_bytes());
        violations(&collector.finish(), ReportPolicy::Of(Mode::Audit), &PlanOptions::default())
    }

    #[test]
    fn a_namespace_has_one_report_that_counts_everything() {
        for (kind, resources) in
            [(ReportObject::PolicyReport, "resources"), (ReportObject::OpenReport, "subjects")]
        {
            let objects = objects(&report(), kind);
            assert_eq!(objects.len(), 1);
            assert_eq!(
                objects[0]["summary"],
                json!({"pass": 1, "fail": 1, "warn": 0, "error": 0, "skip": 0})
            );
            assert_eq!(
                objects[0]["results"][0][resources],
                json!([{"kind": "Pod", "name": "p<", "namespace": "a"}])
            );
            assert_eq!(objects[0]["results"][0]["rule"], "hostNamespaces");
        }
    }

    #[test]
    fn many_violations_are_counted_and_not_all_held() {
        let mut report = report();
        let policy = Policy::new(Level::Baseline, Version::Latest);
        let blocker = report.namespaces[0].blockers[0].clone();
        report.namespaces[0].blockers = vec![blocker; MOST_RESULTS + 5];
        report.namespaces[0].policy = policy;
        let object = &objects(&report, ReportObject::OpenReport)[0];
        assert_eq!(object["results"].as_array().unwrap().len(), MOST_RESULTS);
        assert_eq!(object["summary"]["fail"], MOST_RESULTS + 5);
    }

    #[test]
    fn the_other_forms_name_the_workload_and_the_check() {
        let (mut metrics, mut xml) = (String::new(), String::new());
        prometheus(&report(), &mut metrics).unwrap();
        assert!(metrics.contains(
            "podsec_violating_workloads{check=\"hostNamespaces\",namespace=\"a\",policy=\"baseline:latest\"} 1\n"
        ));
        junit(&report(), &mut xml).unwrap();
        assert!(xml.contains("<testcase classname=\"a\" name=\"Pod/p&lt;\">"), "{xml}");
        let sarif = sarif(&report());
        let location = &sarif["runs"][0]["results"][0]["locations"][0]["logicalLocations"][0];
        assert_eq!(location["fullyQualifiedName"], "a/Pod/p<");
    }
}
