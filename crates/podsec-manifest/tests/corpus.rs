//! Real manifests, beside the verdicts of Kubernetes' own evaluator on them.
//!
//! They stand in `$PODSEC_SHARED/corpus`; `make conformance` runs the comparison.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use podsec_manifest::{FileReport, ObjectName, PodReport, Source, Templates, check, objects};
use podsec_standards::{Level, Policy, Version};
use podsec_testing::recorded;
use serde::Deserialize;

#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Verdict {
    allowed: bool,
    reasons: Vec<String>,
    details: Vec<String>,
}

#[test]
#[ignore = "needs manifests of other projects: make conformance"]
fn every_pod_of_the_corpus_gets_kubernetes_verdict() {
    let corpus = recorded::corpus();
    let lines = fs::read_to_string(corpus.join("expected.jsonl")).expect("the recorded verdicts");
    let mut by_file: BTreeMap<String, Vec<serde_json::Value>> = BTreeMap::new();
    for line in lines.lines() {
        let expected: serde_json::Value = serde_json::from_str(line).expect("a recorded verdict");
        by_file.entry(expected["file"].as_str().expect("a file").to_owned()).or_default().push(expected);
    }
    let mut pods = 0;
    let mut differences = Vec::new();
    for (file, recorded) in &by_file {
        let source = Source { name: file.clone(), text: read(&corpus.join(file)) };
        let reports = [Level::Baseline, Level::Restricted]
            .map(|level| check(&source, &Templates::default(), &Policy { level, version: Version::Latest }));
        for expected in recorded {
            pods += 1;
            if let Some(difference) = compare(expected, &reports) {
                differences.push(difference);
            }
        }
    }
    eprintln!("{pods} pods compared at two levels");
    assert!(
        pods > 0 && differences.is_empty(),
        "{} differ:\n{}",
        differences.len(),
        differences[..differences.len().min(20)].join("\n")
    );
}

fn compare(recorded: &serde_json::Value, reports: &[FileReport; 2]) -> Option<String> {
    let key = (recorded["doc"].as_u64(), recorded["item"].as_u64());
    let is_this =
        |object: &ObjectName| (Some(object.document as u64), object.item.map(|item| item as u64)) == key;
    for (level, report) in ["baseline", "restricted"].into_iter().zip(reports) {
        // What was recorded of a patch is what the pod in it would be by itself.
        if report.patches.iter().any(|patch| is_this(&patch.object)) {
            continue;
        }
        let pod = report.pods.iter().find(|pod| is_this(&pod.object));
        let problem = report.problems.iter().find(|problem| problem.object.as_ref().is_some_and(is_this));
        let difference = match (serde_json::from_value::<Verdict>(recorded[level].clone()), pod, problem) {
            (Ok(expected), Some(pod), None) if recorded[level].get("allowed").is_some() => {
                (verdict(pod) != expected).then(|| format!("{:?}\n  not {expected:?}", verdict(pod)))
            }
            // What Kubernetes' types cannot hold is no pod for us either.
            (_, None, Some(_)) if recorded[level].get("allowed").is_none() => None,
            (_, pod, problem) => Some(format!("{pod:?} {problem:?}\n  not {recorded}")),
        };
        if let Some(difference) = difference {
            return Some(format!("{} {key:?} {level}: {difference}", report.name));
        }
    }
    None
}

fn verdict(pod: &PodReport) -> Verdict {
    Verdict {
        allowed: pod.findings.is_empty(),
        reasons: pod.findings.iter().map(|finding| finding.reason.to_owned()).collect(),
        details: pod.findings.iter().map(|finding| finding.detail.clone()).collect(),
    }
}

#[test]
#[ignore = "needs manifests of other projects: make conformance"]
fn every_file_holds_as_many_documents_and_pods_as_kubectl_sees() {
    let corpus = recorded::corpus();
    let mut patches = 0;
    let index = fs::read_to_string(corpus.join("index.tsv")).expect("the index");
    let mut differences = Vec::new();
    for line in index.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        let source = Source { name: fields[0].to_owned(), text: read(&corpus.join(fields[0])) };
        let policy = Policy { level: Level::Privileged, version: Version::Latest };
        let report = check(&source, &Templates::default(), &policy);
        patches += report.patches.len();
        let documents = report.documents.to_string();
        if documents != fields[5] {
            differences.push(format!("{}: {documents} documents, not {}", fields[0], fields[5]));
        }
        // A pod may have several faults; kubectl knows no pods in custom resources.
        let refused = || report.problems.iter().filter_map(|problem| problem.object.as_ref());
        let count = |counts: &dyn Fn(&PodReport) -> bool| {
            let pods = report.pods.iter().filter(|pod| counts(pod)).map(|pod| &pod.object);
            let patches = report.patches.iter().map(|patch| &patch.object);
            let built_in =
                pods.chain(refused()).chain(patches).filter(|object| is_built_in(&object.api_version));
            built_in.collect::<BTreeSet<_>>().len().to_string()
        };
        // A patch may have no pod at all.
        let number = |text: &str| text.parse::<usize>().expect("a number");
        let is_patch = !report.patches.is_empty() && number(&count(&|_| true)) >= number(fields[6]);
        if !is_patch && count(&|_| true) != fields[6] && count(&|pod| has_spec(&source, pod)) != fields[6] {
            differences.push(format!("{}: {} pods, not {}", fields[0], count(&|_| true), fields[6]));
        }
    }
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n"));
    assert!((100..600).contains(&patches), "{patches} patches");
}

/// Whether kubectl knows the version. The group `extensions` is of the days before 1.16; the corpus also has a version
/// that never was.
fn is_built_in(api_version: &str) -> bool {
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    ["", "apps", "batch", "extensions"].contains(&group) && api_version != "apps/v1alpha1"
}

/// The index counts no pod that has no spec, as patches and assertions write them.
fn has_spec(source: &Source, pod: &PodReport) -> bool {
    let Some(Ok(document)) = podsec_yaml::documents(&source.text).nth(pod.object.document) else {
        return false;
    };
    objects(&document, pod.object.document).into_iter().any(|object| {
        let steps = pod.path.split('.').filter(|step| !step.is_empty()).chain(["spec"]);
        let spec = steps.into_iter().try_fold(object.node, |node, step| node.get(step));
        object.name == pod.object && spec.is_some_and(|spec| !spec.is_null())
    })
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}
