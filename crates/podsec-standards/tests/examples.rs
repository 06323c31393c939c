//! Every example of every check is judged as it says, at every version, and every fix mends what it says.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use podsec_standards::{Actual, CHECKS, Check, Edit, Field, Pod, Segment, Verdict, Version};
use serde_json::Value;

#[test]
fn every_example_is_judged_as_it_says_at_every_version() {
    for check in CHECKS {
        for example in check.examples {
            let pod = Pod::from_json(example.pod.as_bytes()).unwrap();
            for version in versions().filter(|version| (example.since..=example.until).contains(version)) {
                let violation = check.judge(version, &pod);
                let expected = match example.verdict {
                    Verdict::Allow => None,
                    Verdict::Forbid(detail) => Some(detail),
                };
                let detail = violation.map(|violation| violation.detail());
                assert_eq!(detail.as_deref(), expected, "{} at {version}: {}", check.id, example.name);
            }
        }
    }
}

/// Kinds of volumes that hold data, and unknown ones, cannot be mended by an edit.
#[test]
fn every_fix_mends_every_example() {
    for check in CHECKS {
        for example in check.examples {
            for version in [example.since, example.until] {
                let mut pod: Value = serde_json::from_str(example.pod).unwrap();
                let mended = mend(check, version, &mut pod);
                let beyond_repair =
                    check.id == "restrictedVolumes" && !example.pod.contains(r#""hostPath": {"path""#);
                let left = judged(check, version, &pod, |fields| fields.len());
                assert!(left.is_none() || beyond_repair, "{}: {}: {pod}", check.id, example.name);
                assert!(mended || beyond_repair || example.verdict == Verdict::Allow, "{}", example.name);
            }
        }
    }
}

#[test]
fn a_fix_for_the_pod_is_made_once() {
    let check = CHECKS.iter().find(|check| check.id == "runAsNonRoot").unwrap();
    let mut pod = serde_json::json!({"spec": {"containers": [{"name": "a"}, {"name": "b"}]}});
    mend(check, Version::Latest, &mut pod);
    assert_eq!(
        pod,
        serde_json::json!({"spec": {
            "containers": [{"name": "a"}, {"name": "b"}],
            "securityContext": {"runAsNonRoot": true}}})
    );
}

fn versions() -> impl Iterator<Item = Version> {
    (0..=38).map(Version::V1).chain([Version::Latest])
}

/// Applies the check's edits until they change nothing more; says whether they changed anything.
fn mend(check: &'static Check, version: Version, pod: &mut Value) -> bool {
    let mut changed = false;
    loop {
        let before = pod.clone();
        let edits = judged(check, version, pod, |fields| {
            // From last to first: what is removed moves what follows.
            fields.iter().rev().filter_map(|field| edit(check, field)).collect::<Vec<_>>()
        });
        for (steps, edit) in edits.unwrap_or_default() {
            apply(pod, &steps, edit);
        }
        if *pod == before {
            return changed;
        }
        changed = true;
    }
}

fn judged<T>(
    check: &'static Check,
    version: Version,
    pod: &Value,
    then: impl Fn(&[Field<'_>]) -> T,
) -> Option<T> {
    let json = pod.to_string();
    let pod = Pod::from_json(json.as_bytes()).unwrap();
    check.judge(version, &pod).map(|violation| then(&violation.fields()))
}

/// What to do, and where.
fn edit(check: &Check, field: &Field<'_>) -> Option<(Vec<Step>, Edit)> {
    let pattern = field.pattern();
    let (_, edit) = check.fix.edits.iter().find(|(edited, _)| *edited == pattern)?;
    let mut steps = steps(field);
    if matches!(edit, Edit::SetForPod(_)) && field.actual == Actual::Undefined {
        steps.drain(1..3);
    }
    Some((steps, *edit))
}

enum Step {
    Member(String),
    Element(usize),
}

fn steps(field: &Field<'_>) -> Vec<Step> {
    let step = |segment| match segment {
        Segment::Member(name) => Step::Member(String::from(name)),
        Segment::Element(index) => Step::Element(index),
    };
    field.path().segments().into_iter().map(step).collect()
}

fn apply(pod: &mut Value, steps: &[Step], edit: Edit) {
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    match edit {
        Edit::Remove => remove(pod, steps),
        Edit::RemoveElement => {
            let last = steps.iter().rposition(|step| matches!(step, Step::Element(_))).unwrap();
            remove(pod, &steps[..=last]);
        }
        Edit::Set(value) | Edit::SetForPod(value) => *at(pod, steps) = json(value),
        Edit::Replace(name, value) => {
            remove(pod, steps);
            at(pod, &steps[..steps.len() - 1])[name] = json(value);
        }
    }
}

fn remove(pod: &mut Value, steps: &[Step]) {
    let (last, parents) = steps.split_last().unwrap();
    match (at(pod, parents), last) {
        (Value::Object(members), Step::Member(name)) => drop(members.remove(name)),
        (Value::Array(elements), Step::Element(index)) => drop(elements.remove(*index)),
        (other, _) => panic!("nothing to remove from {other}"),
    }
}

fn at<'v>(value: &'v mut Value, steps: &[Step]) -> &'v mut Value {
    steps.iter().fold(value, |value, step| match step {
        Step::Member(name) => &mut value[name],
        Step::Element(index) => &mut value[index],
    })
}
