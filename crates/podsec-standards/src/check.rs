//! What a check is: a value that holds its rule, its documentation, its examples and its fix.

use crate::field::{Actual, Field, Findings};
use crate::pod::{Pod, Signs};
use crate::safety::{Ground, Safety};
use crate::{Level, Version};

/// One rule of the Pod Security Standards.
#[derive(Debug)]
pub struct Check {
    /// The name that Kubernetes gives the rule.
    pub id: &'static str,
    /// The level that first asks for it.
    pub level: Level,
    /// What is forbidden, why, and what to do instead. Markdown; the first line is a summary.
    pub docs: &'static str,
    /// Every field that can break the rule. `spec.containers[*]` stands for init and ephemeral
    /// containers too.
    pub fields: &'static [&'static str],
    /// The rule as it changed over Kubernetes' versions, the oldest first. A shipped revision is never
    /// edited.
    pub revisions: &'static [Revision],
    /// How to mend a pod that breaks the rule.
    pub fix: Fix,
    /// Pods that keep the rule and pods that break it.
    pub examples: &'static [Example],
}

/// A rule from one version on.
#[derive(Debug)]
pub struct Revision {
    /// The first version with this form of the rule.
    pub since: Version,
    /// What makes it unnecessary to look for what breaks the rule; `Signs::NONE` is always right.
    pub(crate) signs: Signs,
    /// Finds the fields that break the rule.
    pub(crate) find: for<'p> fn(&'p Pod<'p>, &mut Findings<'p>),
    /// Says what is wrong with them, in Kubernetes' words.
    pub(crate) say: fn(&[Field<'_>]) -> Words,
    /// Ids of laxer checks that this one makes superfluous.
    pub overrides: &'static [&'static str],
}

/// Kubernetes' words for a violation.
pub(crate) struct Words {
    pub(crate) reason: &'static str,
    pub(crate) detail: String,
}

impl Check {
    /// How sure the fix of a field that breaks this check is. What someone wrote is never changed as safe or checked.
    pub fn safety<'p>(&self, pod: &'p Pod<'p>, field: &Field<'p>) -> Safety {
        if field.actual != Actual::Undefined {
            return Safety::Unsafe;
        }
        let ground = self.fix.grounds.iter().find(|ground| (ground.holds)(pod, field));
        ground.map_or(Safety::Unsafe, |ground| ground.safety)
    }

    /// The revision that holds at a version, if the rule existed then.
    pub fn revision(&self, version: Version) -> Option<&'static Revision> {
        self.revisions.iter().rfind(|revision| version.includes(revision.since))
    }
}

impl Revision {
    pub(crate) fn forbids(&self, pod: &Pod<'_>) -> bool {
        let mut findings = Findings::Verdict { forbidden: false };
        (self.find)(pod, &mut findings);
        !findings.is_empty()
    }
}

/// How a pod that breaks a rule can be made to keep it.
#[derive(Debug)]
pub struct Fix {
    /// The grounds on which the fix of a missing field is safe or checked, the first that holds counting; elsewhere it
    /// is unsafe.
    pub grounds: &'static [Ground],
    /// What to do with each of the check's fields.
    pub edits: &'static [(&'static str, Edit)],
    /// What may break, and how to find out before it does.
    pub risk: &'static str,
}

/// A change to one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Remove the field, or the element if the path ends in one.
    Remove,
    /// Remove the element of the list that the field is in.
    RemoveElement,
    /// Give the field this JSON value.
    Set(&'static str),
    /// Give the field this JSON value where it is defined; where it is not, give it to the field of the
    /// same name in the pod's security context, once for all containers.
    SetForPod(&'static str),
    /// Put this member, with this JSON value, in the place of the field.
    Replace(&'static str, &'static str),
}

/// A pod and what the check says of it.
#[derive(Debug)]
pub struct Example {
    /// What it shows.
    pub name: &'static str,
    /// The pod, as JSON with `metadata` and `spec`.
    pub pod: &'static str,
    /// The first version for which the verdict holds.
    pub since: Version,
    /// The last version for which the verdict holds.
    pub until: Version,
    /// What the check says.
    pub verdict: Verdict,
}

/// What a check says of a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The pod keeps the rule.
    Allow,
    /// The pod breaks it; this is Kubernetes' sentence.
    Forbid(&'static str),
}

impl Example {
    pub(crate) const fn allow(name: &'static str, pod: &'static str) -> Self {
        Self { name, pod, since: Version::V1(0), until: Version::Latest, verdict: Verdict::Allow }
    }

    pub(crate) const fn forbid(name: &'static str, pod: &'static str, detail: &'static str) -> Self {
        Self { name, pod, since: Version::V1(0), until: Version::Latest, verdict: Verdict::Forbid(detail) }
    }

    pub(crate) const fn since(self, minor: u64) -> Self {
        Self { since: Version::V1(minor), ..self }
    }

    pub(crate) const fn until(self, minor: u64) -> Self {
        Self { until: Version::V1(minor), ..self }
    }
}
