//! From the rules that a pod breaks to the changes that mend it, and the reasons for those that are not made.

use podsec_standards::{Actual, Check, Edit, Field, Pod, Safety, Segment, Violation};
use podsec_yaml::Node;
use serde_json::Value;

use super::change::{Action, Change};
use super::outcome::Options;
use super::tree::Tree;
use super::why::Why;
use crate::images::{Image, Images};
use crate::locate::Step;
use crate::node::Unfit;
use crate::object::given;

/// What can be done for a pod.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) changes: Vec<Change>,
    pub(super) left: Vec<(Vec<Step>, &'static Check, Why)>,
}

/// Plans the changes that mend the violations of a policy by a pod. `base` leads from the root of the document to the
/// pod, which is `node` there.
pub(super) fn plan<'p>(
    violations: &[Violation<'p>],
    pod: &'p Pod<'p>,
    node: Node<'_, '_>,
    base: &[Step],
    number: usize,
    options: Options<'p>,
) -> Plan {
    let mut planner =
        Planner { pod, images: options.images, base, number, plan: Plan::default(), for_pod: Vec::new() };
    let unfit = Unfit::to(node);
    for violation in violations {
        match unfit.advice_on(violation.check) {
            Some(advice) => {
                for field in &violation.fields() {
                    planner.leave(steps(field), violation.check, Why::Unfit(advice.clone()));
                }
            }
            None => planner.violation(violation, options.unsafe_fixes),
        }
    }
    // The pod after the changes so far.
    let mut after = Tree::Kept(node);
    after.apply(base.len(), &planner.plan.changes.iter().collect::<Vec<_>>());
    planner.settle_for_pod(&mut after, node);
    if let Some(images) = options.images {
        planner.settle_users(&mut after, node, images, &unfit, options.unsafe_fixes);
    }
    let os = node.get("spec").and_then(|spec| spec.get("os")).and_then(|os| os.get("name"));
    let windows = os.is_some_and(|name| name.as_str() == Some("windows"));
    planner.withdraw_refused(&after, windows);
    planner.plan
}

pub(super) struct Planner<'p> {
    pub(super) pod: &'p Pod<'p>,
    images: Option<&'p Images>,
    base: &'p [Step],
    number: usize,
    plan: Plan,
    /// Fields of containers that can be set for the pod as a whole.
    for_pod: Vec<Shared>,
}

/// A field that is missing in containers and can be set for the pod as a whole.
struct Shared {
    check: &'static Check,
    value: Value,
    /// The field in each container that lacks it.
    fields: Vec<Vec<Step>>,
    /// How sure it is in all of them.
    safety: Safety,
    /// Whether others that lack it are to stay as they are, so that the pod cannot have it.
    spares_some: bool,
}

impl<'p> Planner<'p> {
    fn violation(&mut self, violation: &Violation<'p>, unsafe_fixes: bool) {
        let check = violation.check;
        let mut shared: Option<Shared> = None;
        let mut spares_some = false;
        for field in &violation.fields() {
            let steps = steps(field);
            let pattern = field.pattern();
            let Some((_, edit)) = check.fix.edits.iter().find(|(of, _)| *of == pattern) else {
                self.leave(steps, check, Why::NoFix);
                continue;
            };
            let mut safety = check.safety(self.pod, field);
            if check.id == "runAsNonRoot" && !safety.is_made_unasked() && self.is_not_root(field) {
                safety = Safety::Checked(BY_IMAGE);
            }
            if !safety.is_made_unasked() && !unsafe_fixes {
                self.leave(steps, check, Why::NeedsUnsafe);
                spares_some = true;
                continue;
            }
            match *edit {
                Edit::Remove => self.change(steps, Action::Remove, check, safety),
                Edit::RemoveElement => {
                    let element = steps.iter().rposition(|step| matches!(step, Step::Element(_)));
                    let steps = element.and_then(|last| steps.get(..=last)).unwrap_or(&steps).to_vec();
                    self.change(steps, Action::Remove, check, safety);
                }
                Edit::Set(json) => self.change(steps, Action::Set(value(json)), check, safety),
                Edit::Replace(name, json) => {
                    self.change(steps, Action::Replace(name, value(json)), check, safety);
                }
                Edit::SetForPod(json) if field.container().is_none() || field.actual != Actual::Undefined => {
                    self.change(steps, Action::Set(value(json)), check, safety);
                }
                Edit::SetForPod(json) => {
                    let shared = shared.get_or_insert_with(|| Shared {
                        check,
                        value: value(json),
                        fields: Vec::new(),
                        safety,
                        spares_some: false,
                    });
                    shared.safety = shared.safety.and(safety);
                    shared.fields.push(steps);
                }
            }
        }
        self.for_pod.extend(shared.map(|shared| Shared { spares_some, ..shared }));
    }

    /// Decides, for fields that pod and containers share, where they go: to the pod when every container lacks them and none
    /// has another shared field of its own that the pod does not have; else to the containers.
    fn settle_for_pod(&mut self, after: &mut Tree<'_, '_>, node: Node<'_, '_>) {
        let for_pod = !self.for_pod.is_empty() && !has_style_of_containers(node);
        let all = self.pod.containers().count();
        for shared in std::mem::take(&mut self.for_pod) {
            let Shared { check, value, fields, safety, spares_some } = shared;
            let split = |field: &[Step]| {
                field.iter().position(|step| *step == Step::Member("securityContext".to_owned()))
            };
            let Some(name) = fields.first().and_then(|field| field.get(split(field)?..)) else { continue };
            let fields = if for_pod && !spares_some && fields.len() == all {
                vec![[Step::Member("spec".to_owned())].into_iter().chain(name.iter().cloned()).collect()]
            } else {
                fields
            };
            for field in fields {
                after.set(&field, &value);
                self.change(field, Action::Set(value.clone()), check, safety);
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

    /// Whether the image of the container that a missing field belongs to runs as another user than root.
    fn is_not_root(&self, field: &Field<'_>) -> bool {
        let (Some(images), Some(name)) = (self.images, field.container()) else { return false };
        let mut named = self.pod.containers().filter(|(_, _, container)| container.name() == name);
        let image = named.next().and_then(|(_, _, container)| images.get(container.image()));
        field.actual == Actual::Undefined && named.next().is_none() && image.is_some_and(Image::is_not_root)
    }

    fn change(&mut self, in_pod: Vec<Step>, action: Action, check: &'static Check, safety: Safety) {
        self.change_noted(in_pod, action, check, safety, None);
    }

    pub(super) fn change_noted(
        &mut self,
        in_pod: Vec<Step>,
        action: Action,
        check: &'static Check,
        safety: Safety,
        note: Option<String>,
    ) {
        let steps = self.base.iter().cloned().chain(in_pod).collect();
        let change = Change { steps, action, check, safety, note, pod: self.number };
        if !self.plan.changes.iter().any(|known| known.is(&change)) {
            self.plan.changes.push(change);
        }
    }

    pub(super) fn leave(&mut self, in_pod: Vec<Step>, check: &'static Check, why: Why) {
        let steps = self.base.iter().cloned().chain(in_pod).collect();
        self.plan.left.push((steps, check, why));
    }
}

/// Whether the containers of a pod have fields of their own that the pod could have for all of them, and does not.
pub(super) fn has_style_of_containers(pod: Node<'_, '_>) -> bool {
    let Some(spec) = given(pod, "spec") else { return false };
    let has = |node| {
        given(node, "securityContext")
            .is_some_and(|context| SHARED.iter().any(|field| given(context, field).is_some()))
    };
    let lists = CONTAINER_LISTS.into_iter().filter_map(|list| given(spec, list));
    !has(spec) && lists.flat_map(|list| list.items()).any(has)
}

/// The lists of containers in a pod.
pub(super) const CONTAINER_LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// The fields of a security context that a pod can have for all of its containers, and that fixes write.
const SHARED: [&str; 4] = ["runAsNonRoot", "runAsUser", "runAsGroup", "seccompProfile"];

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

/// That an image proves a fix.
pub(super) const BY_IMAGE: &str = "the image runs as another user than root by itself";

const ON_WINDOWS: &str =
    "Kubernetes refuses it where os.name is windows; from version 1.25 on it is not asked for there";
