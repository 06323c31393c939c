//! From the rules that a pod breaks to the changes that mend it, and the reasons for those that are not made.

use std::collections::BTreeSet;
use std::fmt;

use podsec_standards::{Actual, CHECKS, Check, Edit, Field, Pod, Policy, Segment, Violation};
use podsec_yaml::Node;
use serde_json::Value;

use super::tree::Tree;
use crate::locate::Step;

/// A change to one field of a document.
#[derive(Clone, Debug)]
pub(super) struct Change {
    /// The field, from the root of the document.
    pub(super) steps: Vec<Step>,
    pub(super) action: Action,
    /// The rule that asks for it.
    pub(super) check: &'static Check,
    pub(super) safe: bool,
    /// The number of the pod in the document.
    pub(super) pod: usize,
}

/// What becomes of a field.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Action {
    Set(Value),
    Remove,
    /// Another member takes its place.
    Replace(&'static str, Value),
}

impl Change {
    /// Whether this does the same, whoever asks for it.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.steps == other.steps && self.action == other.action
    }
}

/// Why a field that breaks a rule stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// Mending it may break the program, and only safe fixes were asked for.
    NeedsUnsafe,
    /// No edit of the manifest mends it without knowing more.
    NoFix,
    /// It would be mended, but for this.
    Refused(String),
}

/// What can be done for a pod.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) changes: Vec<Change>,
    pub(super) left: Vec<(Vec<Step>, &'static Check, Why)>,
}

/// Plans the changes that mend the violations of a policy by a pod. `base` leads from the root of the document to the
/// pod, which is `node` there.
pub(super) fn plan(
    policy: Policy,
    violations: &[Violation<'_>],
    pod: &Pod<'_>,
    node: Node<'_, '_>,
    base: &[Step],
    number: usize,
    unsafe_fixes: bool,
) -> Plan {
    let mut planner = Planner { pod, base, number, plan: Plan::default(), for_pod: Vec::new() };
    for violation in violations {
        planner.violation(policy, violation, unsafe_fixes);
    }
    // The pod after the changes so far.
    let mut after = Tree::Kept(node);
    after.apply(base.len(), &planner.plan.changes.iter().collect::<Vec<_>>());
    planner.settle_for_pod(&mut after);
    let os = node.get("spec").and_then(|spec| spec.get("os")).and_then(|os| os.get("name"));
    let windows = os.is_some_and(|name| name.as_str() == Some("windows"));
    planner.withdraw_refused(&after, windows);
    planner.plan
}

struct Planner<'p> {
    pod: &'p Pod<'p>,
    base: &'p [Step],
    number: usize,
    plan: Plan,
    /// Fields of containers that can be set for the pod as a whole.
    for_pod: Vec<(&'static Check, Value, Vec<Vec<Step>>)>,
}

impl Planner<'_> {
    fn violation(&mut self, policy: Policy, violation: &Violation<'_>, unsafe_fixes: bool) {
        let check = violation.check;
        let unsafe_in_laxer = self.unsafe_in_overridden(policy, violation);
        let mut for_pod: Option<(Value, Vec<Vec<Step>>)> = None;
        for field in &violation.fields() {
            let steps = steps(field);
            let pattern = field.pattern();
            let Some((_, edit)) = check.fix.edits.iter().find(|(of, _)| *of == pattern) else {
                self.leave(steps, check, Why::NoFix);
                continue;
            };
            let is_unsafe_in_laxer =
                || !unsafe_in_laxer.is_empty() && unsafe_in_laxer.contains(&field.path().to_string());
            let safe = check.fix.safe && !is_unsafe_in_laxer();
            if !safe && !unsafe_fixes {
                self.leave(steps, check, Why::NeedsUnsafe);
                continue;
            }
            match *edit {
                Edit::Remove => self.change(steps, Action::Remove, check, safe),
                Edit::RemoveElement => {
                    let element = steps.iter().rposition(|step| matches!(step, Step::Element(_)));
                    let steps = element.and_then(|last| steps.get(..=last)).unwrap_or(&steps).to_vec();
                    self.change(steps, Action::Remove, check, safe);
                }
                Edit::Set(json) => self.change(steps, Action::Set(value(json)), check, safe),
                Edit::Replace(name, json) => {
                    self.change(steps, Action::Replace(name, value(json)), check, safe);
                }
                Edit::SetForPod(json) if field.container().is_none() || field.actual != Actual::Undefined => {
                    self.change(steps, Action::Set(value(json)), check, safe);
                }
                Edit::SetForPod(json) => {
                    for_pod.get_or_insert_with(|| (value(json), Vec::new())).1.push(steps);
                }
            }
        }
        self.for_pod.extend(for_pod.map(|(value, fields)| (check, value, fields)));
    }

    /// The fields that a laxer rule, which this one overrides, complains of too and would mend only as unsafe: there
    /// someone said the opposite and may have meant it.
    fn unsafe_in_overridden(&self, policy: Policy, violation: &Violation<'_>) -> BTreeSet<String> {
        let overridden = CHECKS.iter().filter(|check| violation.revision.overrides.contains(&check.id));
        overridden
            .filter(|check| !check.fix.safe)
            .filter_map(|check| check.judge(policy.version, self.pod))
            .flat_map(|violation| {
                violation.fields().iter().map(|field| field.path().to_string()).collect::<Vec<_>>()
            })
            .collect()
    }

    /// Decides, for fields that pod and containers share, which of both makes the smaller edit: a field counts one, and
    /// a security context that comes to be for it counts another. The pod's wins a draw.
    fn settle_for_pod(&mut self, after: &mut Tree<'_, '_>) {
        for (check, value, fields) in std::mem::take(&mut self.for_pod) {
            let cost = |context: &[Step]| 1 + usize::from(!after.has_object_at(context));
            let split = |field: &[Step]| {
                field.iter().position(|step| *step == Step::Member("securityContext".to_owned()))
            };
            let Some(name) = fields.first().and_then(|field| field.get(split(field)?..)) else { continue };
            let member = |name: &str| Step::Member(name.to_owned());
            let pod_context = [member("spec"), member("securityContext")];
            let for_pod = cost(&pod_context);
            let for_containers: usize =
                fields.iter().filter_map(|field| field.get(..=split(field)?)).map(cost).sum();
            let fields = if for_containers < for_pod {
                fields
            } else {
                vec![[member("spec")].into_iter().chain(name.iter().cloned()).collect()]
            };
            for field in fields {
                after.set(&field, &value);
                self.change(field, Action::Set(value.clone()), check, check.fix.safe);
            }
        }
    }

    /// Takes back what Kubernetes' own validation would refuse: then the pod would be worse off than before.
    fn withdraw_refused(&mut self, after: &Tree<'_, '_>, windows: bool) {
        for change in std::mem::take(&mut self.plan.changes) {
            let in_pod = change.steps.get(self.base.len()..).unwrap_or_default();
            let set = matches!(change.action, Action::Set(_));
            let refusal = match in_pod.split_last() {
                Some((Step::Member(name), context)) if set && name == "allowPrivilegeEscalation" => {
                    if windows { Some(ON_WINDOWS) } else { beside_privileges(after, context) }
                }
                Some(_) if set && windows && is_refused_on_windows(in_pod) => Some(ON_WINDOWS),
                _ => None,
            };
            match refusal {
                Some(reason) => {
                    self.plan.left.push((change.steps, change.check, Why::Refused(reason.to_owned())));
                }
                None => self.plan.changes.push(change),
            }
        }
    }

    fn change(&mut self, in_pod: Vec<Step>, action: Action, check: &'static Check, safe: bool) {
        let steps = self.base.iter().cloned().chain(in_pod).collect();
        let change = Change { steps, action, check, safe, pod: self.number };
        if !self.plan.changes.iter().any(|known| known.is(&change)) {
            self.plan.changes.push(change);
        }
    }

    fn leave(&mut self, in_pod: Vec<Step>, check: &'static Check, why: Why) {
        let steps = self.base.iter().cloned().chain(in_pod).collect();
        self.plan.left.push((steps, check, why));
    }
}

/// Kubernetes refuses allowPrivilegeEscalation=false where the container may do anything all the same.
fn beside_privileges(pod: &Tree<'_, '_>, context: &[Step]) -> Option<&'static str> {
    let context = pod.json_at(context)?;
    let adds_sys_admin =
        context.pointer("/capabilities/add").and_then(Value::as_array).is_some_and(|added| {
            added.iter().any(|capability| capability == "CAP_SYS_ADMIN" || capability == "SYS_ADMIN")
        });
    if context.get("privileged") == Some(&Value::Bool(true)) {
        Some("Kubernetes refuses it beside `privileged: true`, which must go first")
    } else if adds_sys_admin {
        Some("it contradicts the added capability SYS_ADMIN, which must go first")
    } else {
        None
    }
}

/// Fields that Kubernetes' validation forbids where `os.name` is `windows`.
fn is_refused_on_windows(in_pod: &[Step]) -> bool {
    in_pod.iter().any(|step| {
        matches!(step, Step::Member(name)
            if matches!(name.as_str(), "seccompProfile" | "appArmorProfile" | "capabilities"))
    })
}

fn steps(field: &Field<'_>) -> Vec<Step> {
    let step = |segment| match segment {
        Segment::Member(name) => Step::Member(str::to_owned(name)),
        Segment::Element(index) => Step::Element(index),
    };
    field.path().segments().into_iter().map(step).collect()
}

/// The values of edits are JSON, as a test of the standards makes sure.
fn value(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_default()
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set(value) => write!(f, "set to {value}"),
            Self::Remove => f.write_str("removed"),
            Self::Replace(name, value) => write!(f, "replaced by {name}: {value}"),
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeedsUnsafe => f.write_str("needs --unsafe-fixes"),
            Self::NoFix => f.write_str("cannot be mended by an edit"),
            Self::Refused(reason) => f.write_str(reason),
        }
    }
}

const ON_WINDOWS: &str =
    "Kubernetes refuses it where os.name is windows; from version 1.25 on it is not asked for there";
