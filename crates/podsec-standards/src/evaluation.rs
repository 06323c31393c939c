//! Which revision of which check applies to a policy, and judging a pod by all of them.

use std::sync::LazyLock;

use crate::check::{Check, Revision};
use crate::checks::CHECKS;
use crate::pod::Pod;
use crate::violation::{Evaluation, Violation};
use crate::{Level, Policy, Version};

/// Judges a pod by a policy.
///
/// Nothing is allocated unless something is forbidden, and nothing composed before it is asked for.
pub fn evaluate<'p>(policy: Policy, pod: &'p Pod<'_>) -> Evaluation<'p> {
    let mut violations = Vec::new();
    for (check, revision) in rules(policy) {
        violations.extend(Violation::find(check, revision, pod));
    }
    Evaluation { violations }
}

/// The checks that make up a policy, each in the revision that holds, in Kubernetes' order.
pub fn rules(policy: Policy) -> &'static [Rule] {
    static RULES: LazyLock<[Vec<Vec<Rule>>; 3]> = LazyLock::new(|| Level::ALL.map(rules_of_level));
    let [_, baseline, restricted] = &*RULES;
    let by_version = match policy.level {
        Level::Privileged => return &[],
        Level::Baseline => baseline,
        Level::Restricted => restricted,
    };
    let Version::V1(newest) = Version::NEWEST_REVISION else { return &[] };
    let minor = match policy.version {
        Version::V1(minor) => minor.min(newest),
        Version::Latest => newest,
    };
    usize::try_from(minor).ok().and_then(|minor| by_version.get(minor)).map_or(&[], Vec::as_slice)
}

/// A check and the revision of it that holds.
pub type Rule = (&'static Check, &'static Revision);

fn rules_of_level(level: Level) -> Vec<Vec<Rule>> {
    let Version::V1(newest) = Version::NEWEST_REVISION else { return Vec::new() };
    (0..=newest).map(|minor| rules_of(level, Version::V1(minor))).collect()
}

fn rules_of(level: Level, version: Version) -> Vec<Rule> {
    let asked: Vec<Rule> = CHECKS
        .iter()
        .filter(|check| check.level <= level)
        .filter_map(|check| Some((*check, check.revision(version)?)))
        .collect();
    let overridden = |id| asked.iter().any(|(_, revision)| revision.overrides.contains(&id));
    asked.iter().copied().filter(|(check, _)| !overridden(check.id)).collect()
}
