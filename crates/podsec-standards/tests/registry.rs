//! The list of checks is sorted, complete, well formed and documented.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use podsec_standards::{CHECKS, Check, ContainerKind, Level, Pod, Policy, Verdict, Version, rules};

#[test]
fn the_list_is_the_folder() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/checks");
    let files: BTreeSet<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "mod.rs")
        .collect();
    let listed: BTreeSet<String> = CHECKS.iter().map(|check| snake_case(check.id) + ".rs").collect();
    assert_eq!(files, listed);
}

#[test]
fn checks_are_sorted_by_level_and_id() {
    assert!(CHECKS.is_sorted_by(|one, next| (one.level, one.id) < (next.level, next.id)));
    assert!(CHECKS.iter().all(|check| check.level != Level::Privileged));
}

#[test]
fn revisions_rise_and_are_numbered() {
    for check in CHECKS {
        let revisions = check.revisions;
        assert!(!revisions.is_empty(), "{}", check.id);
        assert!(revisions.is_sorted_by(|one, next| one.since < next.since), "{}", check.id);
        assert!(revisions.iter().all(|revision| revision.since <= Version::NEWEST_REVISION), "{}", check.id);
    }
    let newest = CHECKS.iter().flat_map(|check| check.revisions).map(|revision| revision.since).max();
    assert_eq!(newest, Some(Version::NEWEST_REVISION));
}

/// Evaluation marks a policy's rules in the bits of a number.
#[test]
fn there_are_no_more_checks_than_bits() {
    assert!(CHECKS.len() <= 32);
}

#[test]
fn only_restricted_checks_override_and_only_baseline_ones_are_overridden() {
    for check in CHECKS {
        for id in check.revisions.iter().flat_map(|revision| revision.overrides) {
            assert_eq!(check.level, Level::Restricted, "{}", check.id);
            assert!(CHECKS.iter().any(|other| other.id == *id && other.level == Level::Baseline), "{id}");
        }
    }
}

#[test]
fn every_check_is_documented() {
    for check in CHECKS {
        let summary = check.docs.trim_start().lines().next().unwrap_or_default();
        assert!(check.docs.starts_with('\n') && check.docs.ends_with(".\n"), "{}", check.id);
        assert!(summary.ends_with('.') && summary.len() <= 100, "{}: {summary}", check.id);
        assert!(check.docs.trim().contains("\n\n"), "{}: a summary, a blank line, the rest", check.id);
        assert!(check.fix.risk.ends_with(['.', ')']), "{}", check.id);
    }
}

#[test]
fn every_fix_edits_a_field_of_its_check_once() {
    for check in CHECKS {
        let edited: BTreeSet<&str> = check.fix.edits.iter().map(|(field, _)| *field).collect();
        assert_eq!(edited.len(), check.fix.edits.len(), "{}", check.id);
        assert!(edited.iter().all(|field| check.fields.contains(field)), "{}", check.id);
    }
}

#[test]
fn every_revision_has_an_example_of_both_verdicts() {
    for check in CHECKS {
        for revision in check.revisions {
            let mut verdicts = check
                .examples
                .iter()
                .filter(|example| (example.since..=example.until).contains(&revision.since))
                .map(|example| example.verdict);
            assert!(verdicts.clone().any(|verdict| verdict == Verdict::Allow), "{}", check.id);
            assert!(verdicts.any(|verdict| verdict != Verdict::Allow), "{}", check.id);
        }
    }
}

#[test]
fn every_field_is_tripped_by_an_example_in_every_kind_of_container() {
    for check in CHECKS {
        for kind in ContainerKind::ALL {
            assert_eq!(
                tripped(check, kind),
                check.fields.iter().copied().map(str::to_owned).collect(),
                "{}",
                check.id
            );
        }
    }
}

#[test]
fn what_is_overridden_is_not_asked_twice() {
    let ids = |policy| rules(policy).iter().map(|(check, _)| check.id).collect::<Vec<_>>();
    assert_eq!(ids(Policy::new(Level::Privileged, Version::Latest)), Vec::<&str>::new());
    assert_eq!(
        ids(Policy::new(Level::Restricted, Version::V1(18))),
        [
            "appArmorProfile",
            "capabilities_baseline",
            "hostNamespaces",
            "hostPorts",
            "privileged",
            "procMount",
            "seLinuxOptions",
            "seccompProfile_baseline",
            "sysctls",
            "windowsHostProcess",
            "allowPrivilegeEscalation",
            "restrictedVolumes",
            "runAsNonRoot",
        ]
    );
    assert_eq!(
        ids(Policy::new(Level::Restricted, Version::Latest)),
        [
            "appArmorProfile",
            "hostNamespaces",
            "hostPorts",
            "hostProbesAndHostLifecycle",
            "privileged",
            "seLinuxOptions",
            "sysctls",
            "windowsHostProcess",
            "allowPrivilegeEscalation",
            "capabilities_restricted",
            "procMount_restricted",
            "restrictedVolumes",
            "runAsNonRoot",
            "runAsUser",
            "seccompProfile_restricted",
        ]
    );
}

/// The fields of a check that its examples trip, with their containers moved to another list.
fn tripped(check: &'static Check, kind: ContainerKind) -> BTreeSet<String> {
    let mut tripped = BTreeSet::new();
    for example in check.examples {
        let moved = example
            .pod
            .replace("\"containers\"", &format!("{:?}", kind.list()))
            .replace("\"initContainers\"", &format!("{:?}", kind.list()));
        let pod = Pod::from_json(moved.as_bytes()).unwrap();
        for violation in
            [example.since, example.until].into_iter().filter_map(|version| check.judge(version, &pod))
        {
            for field in &violation.fields() {
                let list = format!("spec.{}[", kind.list());
                assert!(field.container().is_none() || field.path().to_string().starts_with(&list));
                tripped.insert(field.pattern());
            }
        }
    }
    tripped
}

fn snake_case(id: &str) -> String {
    let mut name = String::new();
    for character in id.chars() {
        if character.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(character.to_ascii_lowercase());
    }
    name
}
