//! Every pod of the real manifests gets Kubernetes' verdict at both levels.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use podsec_standards::{Level, Policy, Version, Violation, Workload, evaluate};
use podsec_testing::recorded;
use serde::Deserialize;
use serde_json::Value;

#[test]
#[ignore = "needs manifests of other projects: make conformance"]
fn every_pod_of_the_corpus_is_judged_as_kubernetes_judges_it() {
    let folder = recorded::corpus();
    let expected = fs::read_to_string(folder.join("expected.jsonl")).unwrap();
    let mut documents_of = HashMap::new();
    for line in expected.lines() {
        let case: Case = serde_json::from_str(line).unwrap();
        let documents =
            documents_of.entry(case.file.clone()).or_insert_with(|| documents(&folder.join(&case.file)));
        let object = case.item.map_or(&documents[case.doc], |item| &documents[case.doc]["items"][item]);
        // Groups that Kubernetes no longer serves had the same kinds.
        let workload = Workload::ALL.into_iter().find(|workload| workload.kind() == case.kind).unwrap();
        let json = object.to_string();
        for (level, expected) in [(Level::Baseline, &case.baseline), (Level::Restricted, &case.restricted)] {
            let judged = match workload.pod_from_json(json.as_bytes()) {
                Ok(pod) => {
                    let evaluation = evaluate(Policy::new(level, Version::Latest), pod.as_ref().unwrap());
                    Verdict::Judged {
                        allowed: evaluation.is_allowed(),
                        reasons: evaluation
                            .violations
                            .iter()
                            .map(|violation| violation.reason().to_owned())
                            .collect(),
                        details: evaluation.violations.iter().map(Violation::detail).collect(),
                    }
                }
                Err(error) => Verdict::Undecodable { error: error.to_string() },
            };
            assert!(same(&judged, expected), "{line}\n{judged:?}");
        }
    }
}

/// Where Kubernetes could not decode a pod, our words differ.
fn same(judged: &Verdict, expected: &Verdict) -> bool {
    judged == expected
        || matches!((judged, expected), (Verdict::Undecodable { .. }, Verdict::Undecodable { .. }))
}

#[derive(Deserialize)]
struct Case {
    file: String,
    doc: usize,
    item: Option<usize>,
    kind: String,
    baseline: Verdict,
    restricted: Verdict,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(untagged)]
enum Verdict {
    Judged {
        allowed: bool,
        #[serde(default)]
        reasons: Vec<String>,
        #[serde(default)]
        details: Vec<String>,
    },
    Undecodable {
        error: String,
    },
}

fn documents(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    podsec_yaml::documents(&text)
        .map(|document| document.unwrap().to_json())
        .filter(|document| !document.is_null())
        .collect()
}
