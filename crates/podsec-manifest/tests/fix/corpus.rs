//! Real manifests: whatever is claimed to be mended is, and nothing else in the text changed.
//!
//! They stand in `$PODSEC_SHARED/corpus`; `make conformance` runs the test. Without optimization every tenth file is taken; the shares in `docs/fix.md` are those of all files:
//! `cargo test --release -p podsec-manifest --test fix corpus -- --nocapture`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use podsec_manifest::fix::{Fixed, Why, patches};
use podsec_manifest::{FileReport, Source, Templates, check};
use podsec_standards::Policy;
use podsec_testing::recorded;

use crate::safety::only_adds;
use crate::{BASELINE, RESTRICTED, assert_sound, fixed};

#[test]
#[ignore = "needs manifests of other projects: make conformance"]
fn every_pod_of_the_corpus_that_is_claimed_to_be_mended_is() {
    let corpus = recorded::corpus();
    let files = files(&corpus);
    let mut table = String::new();
    let mut reasons = BTreeMap::new();
    let mut problems = Vec::new();
    for policy in [BASELINE, RESTRICTED] {
        let mut shares = Shares::default();
        for unsafe_fixes in [false, true] {
            for (file, class) in &files {
                let Ok(text) = fs::read_to_string(corpus.join(file)) else { continue };
                let fixed = fixed(&text, policy, unsafe_fixes);
                let old = verdict(&text, policy);
                if !unsafe_fixes && !adds_only(&text, &fixed) {
                    problems.push(format!("{file} at {policy}: something that was written changed"));
                }
                if let Err(problem) = judge(&text, &fixed, policy, &old) {
                    problems.push(format!("{file} at {policy}, unsafe fixes {unsafe_fixes}: {problem}"));
                }
                if class == "real" {
                    shares.add(&old, &fixed, unsafe_fixes);
                }
                if unsafe_fixes {
                    count_reasons(&fixed, policy, &mut reasons);
                }
            }
        }
        let _ = writeln!(table, "{policy}: {shares:?}");
    }
    eprintln!("{table}");
    for ((level, check, why), count) in &reasons {
        eprintln!("left at {level}: {check}: {why}: {count}");
    }
    assert!(problems.is_empty(), "{}:\n{}", problems.len(), problems[..problems.len().min(20)].join("\n"));
}

fn adds_only(text: &str, fixed: &Fixed) -> bool {
    podsec_yaml::documents(text).zip(podsec_yaml::documents(&fixed.text)).all(|documents| match documents {
        (Ok(old), Ok(new)) => only_adds(&old.to_json(), &new.to_json()),
        _ => true,
    })
}

/// A claim is checked against the text alone.
fn judge(text: &str, fixed: &Fixed, policy: Policy, old: &FileReport) -> Result<(), String> {
    assert_sound(text, fixed)?;
    let report = verdict(&fixed.text, policy);
    if report.problems.len() != old.problems.len() || report.pods.len() != old.pods.len() {
        return Err("pods came, went or became unreadable".to_owned());
    }
    for pod in report.pods.iter().filter(|pod| !pod.findings.is_empty()) {
        for finding in &pod.findings {
            let told = |left: &&podsec_manifest::fix::Left| {
                left.object == pod.object
                    && left.check.id == finding.check.id
                    && left.path.starts_with(&pod.path)
            };
            if !fixed.left.iter().any(|left| told(&left)) {
                return Err(format!("{} is left untold in {:?}", finding.check.id, pod.object));
            }
        }
    }
    for left in &fixed.left {
        let found = report.pods.iter().any(|pod| {
            pod.object == left.object && pod.findings.iter().any(|finding| finding.check.id == left.check.id)
        });
        let unread = report.problems.iter().any(|problem| problem.object.as_ref() == Some(&left.object));
        if !found && !unread {
            return Err(format!("{} is told to be left and is not in {:?}", left.check.id, left.object));
        }
    }
    patch_matches(text, fixed)
}

/// Each object's patch makes of the old tree the new one.
fn patch_matches(text: &str, fixed: &Fixed) -> Result<(), String> {
    let mut patches = patches(text, &fixed.text).into_iter();
    for (number, (old, new)) in
        podsec_yaml::documents(text).zip(podsec_yaml::documents(&fixed.text)).enumerate()
    {
        let (Ok(old), Ok(new)) = (old, new) else { continue };
        let (old, new) = (podsec_manifest::objects(&old, number), podsec_manifest::objects(&new, number));
        for (old, new) in old.iter().zip(&new) {
            let (mut old, new) = (old.node.to_json(), new.node.to_json());
            if old == new {
                continue;
            }
            let patch = patches.next().ok_or("a patch is missing")?;
            let patch: json_patch::Patch =
                serde_json::from_value(patch.patch.into()).map_err(|error| error.to_string())?;
            json_patch::patch(&mut old, &patch).map_err(|error| error.to_string())?;
            if old != new {
                return Err("a patch makes something else of the object".to_owned());
            }
        }
    }
    Ok(())
}

fn verdict(text: &str, policy: Policy) -> FileReport {
    check(&Source { name: String::new(), text: text.to_owned() }, &Templates::default(), &policy)
}

/// How many pods of projects' own manifests reach the level.
#[derive(Debug, Default)]
struct Shares {
    pods: usize,
    at_once: usize,
    by_safe_fixes: usize,
    by_all_fixes: usize,
}

impl Shares {
    fn add(&mut self, old: &FileReport, fixed: &Fixed, unsafe_fixes: bool) {
        let clean = |report: &FileReport| report.pods.iter().filter(|pod| pod.findings.is_empty()).count();
        if unsafe_fixes {
            self.by_all_fixes += clean(&fixed.report);
            return;
        }
        self.pods += fixed.report.pods.len();
        self.at_once += clean(old);
        self.by_safe_fixes += clean(&fixed.report);
    }
}

type Reasons = BTreeMap<(String, &'static str, String), usize>;

fn count_reasons(fixed: &Fixed, policy: Policy, reasons: &mut Reasons) {
    for left in fixed.left.iter().filter(|left| left.why != Why::NeedsUnsafe) {
        let why = match &left.why {
            Why::Unfit(advice) => advice.split('(').next().unwrap_or_default().to_owned(),
            why => why.to_string(),
        };
        *reasons.entry((policy.to_string(), left.check.id, why)).or_default() += 1;
    }
}

/// The files of the corpus and their classes.
fn files(corpus: &Path) -> Vec<(String, String)> {
    let index = fs::read_to_string(corpus.join("index.tsv")).expect("the index");
    let fields = index.lines().skip(1).map(|line| line.split('\t').collect::<Vec<_>>());
    let step = if cfg!(debug_assertions) { 10 } else { 1 };
    fields.map(|fields| (fields[0].to_owned(), fields[8].to_owned())).step_by(step).collect()
}
