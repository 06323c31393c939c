//! What a check of a source finds: violations with places, and what could not be judged.

use podsec_standards::{Check, Edit, Level, Policy, Safety, Version};
use podsec_yaml::{Position, Span};
use serde_json::Value;

use crate::object::ObjectName;

/// What was found in one source.
#[derive(Clone, Debug, Default)]
pub struct FileReport {
    /// The source's name.
    pub name: String,
    /// The file that Helm or Kustomize made the source of. Then places are places in what they made, and not in the
    /// file.
    pub rendered_from: Option<String>,
    /// What Helm or Kustomize made the judged document by, as in `charts/web with values-prod.yaml`.
    pub made_by: Option<String>,
    /// Where the source begins in its file: a long file is read in several parts, each with a report of its own.
    pub start: Start,
    /// How many documents it holds, empty ones left out.
    pub documents: usize,
    /// Every pod that was judged, in the order of the source.
    pub pods: Vec<PodReport>,
    /// The objects that are no whole ones, but patches, and were not judged.
    pub patches: Vec<PartialObject>,
    /// What could not be judged, in the order of the source.
    pub problems: Vec<Problem>,
    /// What Kubernetes refuses when it decodes strictly, as kubectl asks it to: unknown fields, and kinds that do not
    /// exist. The verdicts are on what is left without them.
    pub refusals: Vec<Problem>,
    /// What is worth knowing and changes no verdict.
    pub warnings: Vec<Problem>,
}

/// Where a part of a file begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Start {
    /// How many lines come before it.
    pub lines: usize,
    /// How many documents come before it, empty ones left out.
    pub documents: usize,
}

/// An object that is no whole one: Kustomize lays it over another, and only what that makes can be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartialObject {
    /// The object, as far as the patch says it.
    pub object: ObjectName,
    /// Where it is.
    pub position: Position,
    /// How it is known: `it has no spec.selector`.
    pub why: String,
}

/// The verdict on one pod.
#[derive(Clone, Debug)]
pub struct PodReport {
    /// The object that carries the pod.
    pub object: ObjectName,
    /// The bytes of the source that are the object's document.
    pub document: Span,
    /// The path of the pod in the object, as in `spec.template`; empty for a Pod.
    pub path: String,
    /// What it was judged by; none when it is exempt.
    pub policy: Option<Policy>,
    /// The rules that it breaks, in Kubernetes' order; empty when it is allowed.
    pub findings: Vec<Finding>,
    /// What is said of it beyond that, and refuses nothing.
    pub advice: Vec<Advice>,
    /// Those that someone decided to live with.
    pub silenced: Vec<Silenced>,
    /// Whether the pod stands in the report of another file too, and is counted there: a patch set some of what is wrong
    /// with it.
    pub continued: bool,
    /// The containers that the kubelet does not start after the pod was admitted, or of which their images decide.
    pub image_users: Vec<ImageUser>,
}

/// A container that must not run as root, and whose user the manifest does not make sure of.
///
/// The kubelet looks at it when it starts the container; no check of Kubernetes does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageUser {
    /// The container's name.
    pub container: String,
    /// Its image, as the manifest names it; empty when it names none.
    pub image: String,
    /// The path in the object: of the container's image, or of its user where that is the reason.
    pub path: String,
    /// Where that is.
    pub position: Position,
    /// The bytes to point at.
    pub span: Span,
    /// Why the kubelet refuses to start the container, in its words; none as long as the image is not known.
    pub refusal: Option<String>,
}

/// What the modes warn and audit of a namespace say of a pod that is not refused.
#[derive(Clone, Debug)]
pub struct Advice {
    /// The modes that say it.
    pub modes: Vec<AdvisoryMode>,
    /// What they judge by.
    pub policy: Policy,
    /// The rules that the pod breaks, those aside for which it is refused already.
    pub findings: Vec<Finding>,
}

/// A mode of Pod Security that refuses nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AdvisoryMode {
    /// Whoever creates the object is told.
    Warn,
    /// The audit log notes it.
    Audit,
}

/// A violation with its places.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule.
    pub check: &'static Check,
    /// Since when the rule has had the form that is broken.
    pub revision: Version,
    /// The level that asks for the rule.
    pub level: Level,
    /// Kubernetes' name for what is wrong.
    pub reason: &'static str,
    /// Kubernetes' sentence.
    pub detail: String,
    /// Every field that is to blame, in the order of the source. Never empty.
    pub places: Vec<Place>,
    /// Why no edit is right for this pod, and what is.
    pub advice: Option<String>,
    /// The value of a chart that its line is made of, and where that stands.
    pub origin: Option<String>,
    /// Whether it stands in the report of another file too, and is counted there: this one has the places in this file.
    pub continued: bool,
}

/// A field that is to blame, and where it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// The container that it belongs to, if it does.
    pub container: Option<String>,
    /// Its path in the object, as in `spec.template.spec.containers[0].image`.
    pub path: String,
    /// What it holds; null where it is missing, `{}` for an object.
    pub actual: Value,
    /// What it may hold, as JSON; `undefined` where it may be left out.
    pub allowed: &'static [&'static str],
    /// The bytes to point at, all in one line: the value, or its key when it is longer, or where it is missing the
    /// place where it belongs.
    pub span: Span,
    /// Where they start.
    pub position: Position,
    /// The fields that are missing on the way, as in `securityContext.privileged`; empty when the field is there.
    pub missing: String,
    /// What to do with the field; none when no edit mends it.
    pub edit: Option<Edit>,
    /// How sure that is.
    pub safety: Safety,
}

/// A violation that does not count.
#[derive(Clone, Debug)]
pub struct Silenced {
    /// The violation.
    pub finding: Finding,
    /// Who decided so.
    pub by: Silence,
}

/// Why a violation does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Silence {
    /// A comment in the source allows it, for this reason.
    Comment(String),
    /// It is among the known ones.
    Known,
    /// The settings leave the check out.
    Setting,
}

/// Something that could not be judged. It never counts as clean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The object, as far as it is known.
    pub object: Option<ObjectName>,
    /// Where it is, if that is known.
    pub position: Option<Position>,
    /// Why.
    pub message: String,
}

impl FileReport {
    /// The file that the source is, or was made of.
    pub fn file(&self) -> &str {
        self.rendered_from.as_deref().unwrap_or(&self.name)
    }

    /// Whether everything was judged, patches aside, and nothing is forbidden.
    pub fn is_clean(&self) -> bool {
        self.problems.is_empty() && self.pods.iter().all(|pod| pod.findings.is_empty())
    }
}

impl PodReport {
    /// The containers that the kubelet would not start, as far as it is known.
    pub fn not_started(&self) -> impl Iterator<Item = &ImageUser> {
        self.image_users.iter().filter(|container| container.refusal.is_some())
    }

    /// All that is said of the pod: what it is refused for, and what warn and audit say.
    pub fn told(&self) -> impl Iterator<Item = Told<'_>> {
        let refused = self.findings.iter().map(|finding| Told { finding, policy: self.policy, modes: &[] });
        let advised = self.advice.iter().flat_map(|advice| {
            let told = |finding| Told { finding, policy: Some(advice.policy), modes: &advice.modes };
            advice.findings.iter().map(told)
        });
        refused.chain(advised)
    }
}

/// A violation, and who says it.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// The violation.
    pub finding: &'a Finding,
    /// What was judged by.
    pub policy: Option<Policy>,
    /// The modes that only talk about it; none when the pod is refused for it.
    pub modes: &'a [AdvisoryMode],
}

impl Told<'_> {
    /// Whether the pod is refused for it.
    pub fn refuses(&self) -> bool {
        self.modes.is_empty()
    }
}

impl AdvisoryMode {
    /// Its name in labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::Audit => "audit",
        }
    }
}

impl Finding {
    /// How sure its fix is, in all places; none when there is no fix.
    pub fn safety(&self) -> Option<Safety> {
        let mended = self.places.iter().filter(|place| place.edit.is_some());
        mended.map(|place| place.safety).reduce(Safety::and)
    }

    /// What its fix may break, and how to find out; none when there is no fix, or the manifest proves that nothing can
    /// break.
    pub fn risk(&self) -> Option<&'static str> {
        self.safety().filter(|safety| safety.may_be_noticed()).map(|_| self.check.fix.risk)
    }

    /// Kubernetes' words as one sentence: `hostPort (container "a" uses hostPort 80)`.
    pub fn sentence(&self) -> String {
        let mut sentence = String::new();
        self.push_sentence(&mut sentence);
        sentence
    }

    /// Appends the sentence.
    pub(crate) fn push_sentence(&self, text: &mut String) {
        text.push_str(self.reason);
        if !self.detail.is_empty() {
            text.push_str(" (");
            text.push_str(&self.detail);
            text.push(')');
        }
    }
}
