//! Everything that a pod breaks, at every level and version, in one number.
//!
//! The standards have fewer than 64 revisions of checks. A pod is judged by each of them once; then any policy is a mask:
//!
//! ```text
//! revisions   … sysctls v1.0 │ sysctls v1.27 │ hostPorts v1.0 │ seccompProfile_restricted v1.25 …
//! a pod         1              0               0                1
//! a policy      0              1               1                1      baseline rules at v1.27, restricted ones
//!               ─────────────────────────────────────────────────────
//! broken        0              0               0                1      the policy refuses the pod
//! ```

use std::sync::LazyLock;

use podsec_standards::{CHECKS, Level, Pod, Policy, Rule, Version, Violation, rules};

/// A set of revisions of checks: those that a pod breaks, or those that a policy asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Breaches(u64);

impl Breaches {
    /// The empty set.
    pub const NONE: Self = Self(0);

    /// The revisions that a pod breaks, and what each says of it.
    pub fn of<'p>(pod: &'p Pod<'_>, mut each: impl FnMut(u8, Violation<'p>)) -> Self {
        let mut broken = 0;
        for (number, (check, revision)) in (0u8..).zip(revisions()) {
            if let Some(violation) = check.judge(revision.since, pod) {
                broken |= 1 << number;
                each(number, violation);
            }
        }
        Self(broken)
    }

    /// The revisions that a policy asks for.
    #[expect(clippy::missing_panics_doc, reason = "there is a mask for every minor version")]
    pub fn asked_by(policy: Policy) -> Self {
        static MASKS: LazyLock<[Vec<Breaches>; 3]> = LazyLock::new(|| Level::ALL.map(masks));
        let minor = match policy.version {
            Version::V1(minor) => minor.min(newest()),
            Version::Latest => newest(),
        };
        let [privileged, baseline, restricted] = &*MASKS;
        let masks = match policy.level {
            Level::Privileged => privileged,
            Level::Baseline => baseline,
            Level::Restricted => restricted,
        };
        let index = usize::try_from(minor).unwrap_or(usize::MAX);
        *masks.get(index).expect("there is a mask for every minor version up to the newest")
    }

    /// Those that are in both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Those that are in either.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether all of these are in the other.
    pub fn is_within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// Whether the revision of this number is in it.
    pub fn has(self, number: u8) -> bool {
        self.0 >> number & 1 == 1
    }

    /// Whether the policy would refuse a pod that breaks these.
    pub fn are_refused_by(self, policy: Policy) -> bool {
        !self.and(Self::asked_by(policy)).is_empty()
    }
}

/// Every revision of every check, in the order of their numbers.
pub fn revisions() -> &'static [Rule] {
    static REVISIONS: LazyLock<Vec<Rule>> = LazyLock::new(|| {
        let of = |check: &&'static podsec_standards::Check| {
            let check = *check;
            check.revisions.iter().map(move |revision| (check, revision))
        };
        CHECKS.iter().flat_map(of).collect()
    });
    &REVISIONS
}

/// The newest minor version in which a check changed.
pub fn newest() -> u64 {
    match Version::NEWEST_REVISION {
        Version::V1(minor) => minor,
        Version::Latest => 0,
    }
}

fn masks(level: Level) -> Vec<Breaches> {
    let mask = |minor| {
        let asked = rules(Policy::new(level, Version::V1(minor)));
        let numbered = (0u8..).zip(revisions());
        let is_asked = |(check, revision): &Rule| {
            asked.iter().any(|(of, asked)| of.id == check.id && asked.since == revision.since)
        };
        let bits = numbered.filter(|(_, rule)| is_asked(rule)).map(|(number, _)| 1 << number);
        Breaches(bits.fold(0, |all: u64, bit: u64| all | bit))
    };
    (0..=newest()).map(mask).collect()
}

#[cfg(test)]
mod tests {
    use podsec_standards::evaluate;

    use super::*;

    #[test]
    fn all_revisions_have_room_in_one_number() {
        assert!(revisions().len() <= 64, "{}", revisions().len());
    }

    #[test]
    fn the_masks_say_of_every_example_what_evaluation_says_at_every_level_and_version() {
        let examples = CHECKS.iter().flat_map(|check| check.examples);
        for example in examples {
            let pod = Pod::from_json(example.pod.as_bytes()).unwrap();
            let broken = Breaches::of(&pod, |_, _| ());
            for level in Level::ALL {
                for version in (0..=newest() + 2).map(Version::V1).chain([Version::Latest]) {
                    let policy = Policy::new(level, version);
                    let expected = evaluate(policy, &pod);
                    assert_eq!(
                        broken.are_refused_by(policy),
                        !expected.is_allowed(),
                        "{} {policy}",
                        example.name
                    );
                    let asked = broken.and(Breaches::asked_by(policy));
                    let ids: Vec<&str> = (0u8..)
                        .zip(revisions())
                        .filter(|(number, _)| asked.has(*number))
                        .map(|(_, (check, _))| check.id)
                        .collect();
                    let mut expected: Vec<&str> =
                        expected.violations.iter().map(|violation| violation.check.id).collect();
                    expected.sort_by_key(|id| CHECKS.iter().position(|check| check.id == *id));
                    assert_eq!(ids, expected);
                }
            }
        }
    }
}
