//! The outcome of an evaluation: what is forbidden and why.

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::check::{Check, Revision, Words};
use crate::field::{Actual, Field};
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
            line.push_str(violation.reason);
        }
        line
    }

    /// The reasons and details in one line, as Kubernetes writes them:
    /// `host namespaces (hostPID=true), hostPort (container "a" uses hostPort 80)`.
    pub fn detail(&self) -> String {
        let mut line = String::new();
        for violation in &self.violations {
            if !line.is_empty() {
                line.push_str(", ");
            }
            line.push_str(violation.reason);
            if !violation.detail.is_empty() {
                line.push_str(" (");
                line.push_str(&violation.detail);
                line.push(')');
            }
        }
        line
    }
}

/// A rule that a pod breaks.
#[derive(Clone, Debug)]
pub struct Violation<'p> {
    /// The rule.
    pub check: &'static Check,
    /// Since when the rule has had the form that was broken.
    pub revision: Version,
    /// The level that asks for the rule.
    pub level: Level,
    /// Kubernetes' name for what is wrong.
    pub reason: &'static str,
    /// Kubernetes' sentence.
    pub detail: String,
    /// The fields that the sentence speaks of. Never empty.
    pub fields: Vec<Field<'p>>,
}

impl<'p> Violation<'p> {
    pub(crate) fn find(check: &'static Check, revision: &Revision, pod: &'p Pod<'_>) -> Option<Self> {
        let mut fields = Vec::new();
        (revision.find)(pod, &mut fields);
        if fields.is_empty() {
            return None;
        }
        let Words { reason, detail } = (revision.say)(&fields);
        Some(Self { check, revision: revision.since, level: check.level, reason, detail, fields })
    }
}

impl Serialize for Violation<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut violation = serializer.serialize_struct("Violation", 6)?;
        violation.serialize_field("check", self.check.id)?;
        violation.serialize_field("revision", &format_args!("{}", self.revision))?;
        violation.serialize_field("level", self.level.as_str())?;
        violation.serialize_field("reason", self.reason)?;
        violation.serialize_field("detail", &self.detail)?;
        violation.serialize_field("fields", &self.fields)?;
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
