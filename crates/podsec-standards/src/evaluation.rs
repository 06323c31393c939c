//! Which revision of which check applies to a policy, and judging a pod by all of them.

use std::sync::LazyLock;

use crate::check::{Check, Revision};
use crate::checks::CHECKS;
use crate::pod::{Features, Pod, Signs};
use crate::violation::{Evaluation, Violation};
use crate::{Level, Policy, Version};

/// Judges a pod by a policy.
///
/// ```
/// use podsec_standards::{Level, Pod, Policy, Version, evaluate};
///
/// let pod = Pod::from_json(br#"{"spec": {"hostPID": true, "containers": [{"name": "web"}]}}"#)?;
/// let evaluation = evaluate(Policy::new(Level::Baseline, Version::Latest), &pod);
/// assert!(!evaluation.is_allowed());
/// assert_eq!(evaluation.detail(), "host namespaces (hostPID=true)");
/// # Ok::<(), podsec_standards::DecodeError>(())
/// ```
///
/// Nothing is allocated unless something is forbidden, and nothing composed before it is asked for. Pods differ too
/// much for a processor to predict what holds of them, so there is little to branch on until all is known.
#[expect(clippy::missing_panics_doc, reason = "every sign stands beside its rule")]
pub fn evaluate<'p>(policy: Policy, pod: &'p Pod<'_>) -> Evaluation<'p> {
    let Some(RuleSet { rules, signs }) = rule_set(policy) else { return Evaluation::default() };
    let features = Features::of(pod);
    let (mut broken, mut possible) = (Places::default(), Places::default());
    for (place, signs) in signs.iter().enumerate() {
        broken.insert(place, signs.is_certain(features));
        possible.insert(place, signs.is_possible(features));
    }
    for place in possible.without(&broken) {
        let (_, revision) = rules.get(place).expect("there is a rule beside all signs");
        let is_broken = revision.forbids(pod);
        broken.insert(place, is_broken);
    }
    debug_assert!(
        rules.iter().enumerate().all(|(place, (_, revision))| broken.has(place) == revision.forbids(pod)),
        "signs tell what the rules do not find"
    );
    let mut violations = Vec::with_capacity(broken.len());
    for (check, revision) in broken.map(|place| rules.get(place).expect("there is a rule beside all signs")) {
        violations.push(Violation::new(check, revision, pod));
    }
    Evaluation { violations }
}

/// The checks that make up a policy, each in the revision that holds, in Kubernetes' order.
pub fn rules(policy: Policy) -> &'static [Rule] {
    rule_set(policy).map_or(&[], |set| &set.rules)
}

/// A check and the revision of it that holds.
pub type Rule = (&'static Check, &'static Revision);

/// The rules of a policy, and beside each what features tell of it.
struct RuleSet {
    rules: Vec<Rule>,
    signs: Vec<Signs>,
}

/// Some of up to 32 places in a list, from the first to the last.
#[derive(Default)]
struct Places(u32);

impl Places {
    fn insert(&mut self, place: usize, really: bool) {
        self.0 |= u32::from(really) << place;
    }

    fn has(&self, place: usize) -> bool {
        self.0 >> place & 1 == 1
    }

    fn without(self, other: &Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl Iterator for Places {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let place = (self.0 != 0).then_some(self.0.trailing_zeros() as usize);
        self.0 &= self.0.wrapping_sub(1);
        place
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let length = self.0.count_ones() as usize;
        (length, Some(length))
    }
}

impl ExactSizeIterator for Places {}

/// The rules of a policy, worked out once for every version. There are none at the privileged level.
fn rule_set(policy: Policy) -> Option<&'static RuleSet> {
    static RULES: LazyLock<[Vec<RuleSet>; 3]> = LazyLock::new(|| Level::ALL.map(rules_of_level));
    let [_, baseline, restricted] = &*RULES;
    let by_version = match policy.level {
        Level::Privileged => return None,
        Level::Baseline => baseline,
        Level::Restricted => restricted,
    };
    let minor = match policy.version {
        Version::V1(minor) => minor.min(NEWEST_MINOR),
        Version::Latest => NEWEST_MINOR,
    };
    let index = usize::try_from(minor).expect("no more than the newest minor version");
    Some(by_version.get(index).expect("there is a set for every minor version up to the newest"))
}

fn rules_of_level(level: Level) -> Vec<RuleSet> {
    let set = |minor| {
        let rules = rules_of(level, Version::V1(minor));
        let signs = rules.iter().map(|(check, revision)| revision.signs.of_rule(check.fields)).collect();
        RuleSet { rules, signs }
    };
    (0..=NEWEST_MINOR).map(set).collect()
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

const NEWEST_MINOR: u64 = match Version::NEWEST_REVISION {
    Version::V1(minor) => minor,
    Version::Latest => panic!("the newest revision has a number"),
};
