//! The outcome of an evaluation: what is forbidden and why.

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::check::{Check, Revision, Words};
use crate::field::{Actual, Field, Findings};
use crate::pod::Pod;
use crate::{Level, Version};

/// What a policy says of a pod.
#[derive(Clone, Debug, Default)]
pub struct Evaluation<'p> {
    /// The rules that the pod breaks, in Kubernetes' order. Empty when it is allowed.
    pub violations: Vec<Violation<'p>>,
}

impl Evaluation<'_> {
    /// Whether the policy lets the pod in.
    pub fn is_allowed(&self) -> bool {
        self.violations.is_empty()
    }

    /// The reasons in one line, as Kubernetes writes them: `host namespaces, hostPort`.
    pub fn reason(&self) -> String {
        let mut line = String::new();
        for violation in &self.violations {
            if !line.is_empty() {
                line.push_str(", ");
            }
            line.push_str(violation.words().reason);
        }
        line
    }

    /// The reasons and details in one line, as Kubernetes writes them:
    /// `host namespaces (hostPID=true), hostPort (container "a" uses hostPort 80)`.
    pub fn detail(&self) -> String {
        // A sentence is rarely longer, and rarely much shorter.
        let mut line = String::with_capacity(128 * self.violations.len());
        for violation in &self.violations {
            let Words { reason, detail } = violation.words();
            if !line.is_empty() {
                line.push_str(", ");
            }
            line.push_str(reason);
            if !detail.is_empty() {
                line.push_str(" (");
                line.push_str(&detail);
                line.push(')');
            }
        }
        line
    }
}

/// A rule that a pod breaks. Fields and words are found when they are asked for.
#[derive(Clone, Copy, Debug)]
pub struct Violation<'p> {
    /// The rule.
    pub check: &'static Check,
    /// The form of the rule that is broken.
    pub revision: &'static Revision,
    pod: &'p Pod<'p>,
}

impl<'p> Violation<'p> {
    pub(crate) fn new(check: &'static Check, revision: &'static Revision, pod: &'p Pod<'_>) -> Self {
        Self { check, revision, pod }
    }

    /// The level that asks for the rule.
    pub fn level(&self) -> Level {
        self.check.level
    }

    /// Kubernetes' name for what is wrong: `hostPort`.
    pub fn reason(&self) -> &'static str {
        self.words().reason
    }

    /// Kubernetes' sentence: `container "a" uses hostPort 80`.
    pub fn detail(&self) -> String {
        self.words().detail
    }

    /// The fields that the sentence speaks of; there is at least one.
    pub fn fields(&self) -> Vec<Field<'p>> {
        let mut findings = Findings::Fields(Vec::new());
        (self.revision.find)(self.pod, &mut findings);
        match findings {
            Findings::Fields(fields) => fields,
            Findings::Verdict { .. } => Vec::new(),
        }
    }

    /// [`Violation::reason`], [`Violation::detail`] and [`Violation::fields`], found once for all three.
    pub fn parts(&self) -> (&'static str, String, Vec<Field<'p>>) {
        let fields = self.fields();
        let Words { reason, detail } = (self.revision.say)(&fields);
        (reason, detail, fields)
    }

    fn words(&self) -> Words {
        (self.revision.say)(&self.fields())
    }
}

impl Serialize for Violation<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (reason, detail, fields) = self.parts();
        let mut violation = serializer.serialize_struct("Violation", 6)?;
        violation.serialize_field("check", self.check.id)?;
        violation.serialize_field("revision", &format_args!("{}", self.revision.since))?;
        violation.serialize_field("level", self.level().as_str())?;
        violation.serialize_field("reason", reason)?;
        violation.serialize_field("detail", &detail)?;
        violation.serialize_field("fields", &fields)?;
        violation.end()
    }
}

impl Serialize for Field<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let container = self.container();
        let mut field = serializer.serialize_struct("Field", 3 + usize::from(container.is_some()))?;
        if let Some(name) = container {
            field.serialize_field("container", name)?;
        }
        field.serialize_field("path", &format_args!("{}", self.path()))?;
        field.serialize_field("actual", &self.actual)?;
        field.serialize_field("allowed", self.allowed)?;
        field.end()
    }
}

impl Serialize for Actual<'_> {
    /// The value itself; `null` where there is none, `{}` for an object.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Undefined => serializer.serialize_none(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Integer(value) => serializer.serialize_i64(*value),
            Self::Text(value) => serializer.serialize_str(value),
            Self::List(values) => serializer.collect_seq(values.iter()),
            Self::Object => serializer.collect_map::<&str, &str, _>([]),
        }
    }
}

impl Check {
    /// Judges a pod by this check alone, whatever its level.
    pub fn judge<'p>(&'static self, version: Version, pod: &'p Pod<'_>) -> Option<Violation<'p>> {
        let revision = self.revision(version)?;
        revision.forbids(pod).then(|| Violation::new(self, revision, pod))
    }
}
