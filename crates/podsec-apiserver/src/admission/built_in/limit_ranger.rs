//! `LimitRanger`: what the LimitRanges of a namespace fill in for a pod, and what they refuse.

use async_trait::async_trait;
use std::collections::BTreeMap;

use podsec_apimachinery::Status;
use podsec_apimachinery::meta::{Meta, MetaMut};
use podsec_go::quantity::Quantity;
use podsec_kinds::object::{Fields, FieldsMut, as_map};
use serde_json::{Map, Value};

use super::resources::{self, Basis, Part, ResourceList, of_pod};
use crate::admission::attributes::{Action, Attributes};
use crate::admission::plugin::Plugin;
use crate::registry::Resources;

/// Fills in and checks requests and limits.
pub(crate) struct LimitRanger {
    pub(crate) resources: Resources,
}

#[async_trait]
impl Plugin for LimitRanger {
    /// Fills in requests and limits.
    async fn admit(&self, attributes: &Attributes<'_>, object: &mut Value) -> Result<(), Status> {
        if bounded(attributes) == Some(Bounded::Pod) {
            for range in &self.ranges(attributes).await? {
                fill(range, object);
            }
        }
        Ok(())
    }

    /// Refuses what is out of a range.
    async fn validate(&self, attributes: &Attributes<'_>, object: &Value) -> Result<(), Status> {
        let Some(bounded) = bounded(attributes) else { return Ok(()) };
        for range in &self.ranges(attributes).await? {
            let errors = match bounded {
                Bounded::Pod => check_pod(range, object),
                Bounded::Claim => check_claim(range, object),
            };
            if let Some(why) = aggregate(&errors) {
                return Err(attributes.forbid(object, &why));
            }
        }
        Ok(())
    }
}

/// What has limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bounded {
    Pod,
    Claim,
}

/// New pods, resized ones and claims; nothing that is on its way out.
fn bounded(attributes: &Attributes<'_>) -> Option<Bounded> {
    if attributes.old.is_some_and(|old| Meta::of(old).is_being_deleted()) {
        return None;
    }
    let is_pod = match attributes.action {
        Action::Create => attributes.is_about("", "pods", ""),
        Action::Update => attributes.is_about("", "pods", "resize"),
        Action::Delete | Action::Connect => return None,
    };
    let is_claim = attributes.is_about("", "persistentvolumeclaims", "");
    if is_pod { Some(Bounded::Pod) } else { is_claim.then_some(Bounded::Claim) }
}

impl LimitRanger {
    async fn ranges(&self, attributes: &Attributes<'_>) -> Result<Vec<Value>, Status> {
        self.resources.list(("", "limitranges"), attributes.namespace()).await
    }
}

/// The limits of a range on one type.
fn limits<'a>(range: &'a Value, kind: &'a str) -> impl Iterator<Item = &'a Value> {
    range.at("spec").list("limits").iter().filter(move |limit| limit.text("type") == kind)
}

/// Gives each container what it has not said itself, and notes it in an annotation.
fn fill(range: &Value, pod: &mut Value) {
    let (mut requests, mut ceilings) = (Map::new(), Map::new());
    for limit in limits(range, "Container") {
        requests.extend(limit.at("defaultRequest").as_object().cloned().unwrap_or_default());
        ceilings.extend(limit.at("default").as_object().cloned().unwrap_or_default());
    }
    let mut notes = Vec::new();
    if let Some(spec) = as_map(pod).object_mut("spec") {
        for (list, word) in [("containers", "container"), ("initContainers", "init container")] {
            for container in spec.objects_mut(list) {
                let name = container.text("name").to_owned();
                for (part, defaults) in [("requests", &requests), ("limits", &ceilings)] {
                    let set = merge(container, part, defaults);
                    if !set.is_empty() {
                        let part = part.trim_end_matches('s');
                        notes.push(format!("{} {part} for {word} {name}", set.join(", ")));
                    }
                }
            }
        }
    }
    if !notes.is_empty() {
        let note = format!("LimitRanger plugin set: {}", notes.join("; "));
        MetaMut::of(pod).set_annotation("kubernetes.io/limit-ranger", &note);
    }
}

/// Adds absent amounts, and says which.
fn merge<'a>(
    container: &mut Map<String, Value>,
    part: &str,
    defaults: &'a Map<String, Value>,
) -> Vec<&'a str> {
    if defaults.is_empty() {
        return Vec::new();
    }
    let amounts = container.ensure("resources").and_then(|resources| resources.ensure(part));
    let Some(amounts) = amounts else { return Vec::new() };
    let mut set = Vec::new();
    for (name, amount) in defaults {
        if !amounts.contains_key(name) {
            amounts.insert(name.clone(), amount.clone());
            set.push(name.as_str());
        }
    }
    set
}

fn check_pod(range: &Value, pod: &Value) -> Vec<String> {
    let mut errors = Vec::new();
    for limit in range.at("spec").list("limits") {
        match limit.text("type") {
            "Container" => {
                for list in ["containers", "initContainers"] {
                    for container in pod.at("spec").list(list) {
                        let own = |part| resources::read(container.at("resources").at(part));
                        check(limit, &own("requests"), &own("limits"), &mut errors);
                    }
                }
            }
            "Pod" => {
                let requests = of_pod(pod, Part::Requests, Basis::Spec);
                let limits = of_pod(pod, Part::Limits, Basis::Spec);
                check(limit, &requests, &limits, &mut errors);
            }
            _ => {}
        }
    }
    errors
}

fn check(limit: &Value, requests: &ResourceList, limits: &ResourceList, errors: &mut Vec<String>) {
    let kind = limit.text("type");
    for (name, bound) in bounds(limit, "min") {
        errors.extend(below(kind, &name, bound, requests, limits));
    }
    for (name, bound) in bounds(limit, "max") {
        errors.extend(above(kind, &name, bound, requests, limits));
    }
    for (name, bound) in bounds(limit, "maxLimitRequestRatio") {
        errors.extend(too_far_apart(kind, &name, bound, requests.get(&name), limits.get(&name)));
    }
}

fn check_claim(range: &Value, claim: &Value) -> Vec<String> {
    let kind = "PersistentVolumeClaim";
    let requests = resources::read(claim.at("spec").at("resources").at("requests"));
    let mut errors = Vec::new();
    for limit in limits(range, kind) {
        for (name, bound) in bounds(limit, "min") {
            errors.extend(below(kind, &name, bound, &requests, &BTreeMap::new()));
        }
        for (name, bound) in bounds(limit, "max") {
            let front = format!("maximum {name} usage per {kind} is {bound}");
            errors.extend(match requests.get(&name) {
                None => Some(format!("{front}.  No request is specified")),
                Some(request) if exceeds(*request, bound) => {
                    Some(format!("{front}, but request is {request}"))
                }
                Some(_) => None,
            });
        }
    }
    errors
}

fn bounds(limit: &Value, field: &str) -> ResourceList {
    resources::read(limit.at(field))
}

fn below(
    kind: &str,
    name: &str,
    bound: Quantity,
    requests: &ResourceList,
    limits: &ResourceList,
) -> Option<String> {
    let front = format!("minimum {name} usage per {kind} is {bound}");
    let Some(request) = requests.get(name) else { return Some(format!("{front}.  No request is specified")) };
    if exceeds(bound, *request) {
        return Some(format!("{front}, but request is {request}"));
    }
    let limit = limits.get(name).filter(|limit| exceeds(bound, **limit))?;
    Some(format!("{front}, but limit is {limit}"))
}

fn above(
    kind: &str,
    name: &str,
    bound: Quantity,
    requests: &ResourceList,
    limits: &ResourceList,
) -> Option<String> {
    let front = format!("maximum {name} usage per {kind} is {bound}");
    let Some(limit) = limits.get(name) else { return Some(format!("{front}.  No limit is specified")) };
    if exceeds(*limit, bound) {
        return Some(format!("{front}, but limit is {limit}"));
    }
    let request = requests.get(name).filter(|request| exceeds(**request, bound))?;
    Some(format!("{front}, but request is {request}"))
}

fn too_far_apart(
    kind: &str,
    name: &str,
    bound: Quantity,
    request: Option<&Quantity>,
    limit: Option<&Quantity>,
) -> Option<String> {
    let front = format!("{name} max limit to request ratio per {kind} is {bound}");
    let Some(request) = request.filter(|request| !request.is_zero()) else {
        return Some(format!("{front}, but no request is specified or request is 0"));
    };
    let Some(limit) = limit.filter(|limit| !limit.is_zero()) else {
        return Some(format!("{front}, but no limit is specified or limit is 0"));
    };
    let ratio = ratio(*limit, *request);
    let is_over = if bound.value() <= MAX_MILLI {
        ratio * 1000.0 > float(bound.milli_value())
    } else {
        ratio > float(bound.value())
    };
    is_over.then(|| format!("{front}, but provided ratio is {ratio:.6}"))
}

/// As Kubernetes compares: in thousandths, or in whole units when an amount is too large for that.
fn exceeds(one: Quantity, other: Quantity) -> bool {
    if one.value() <= MAX_MILLI && other.value() <= MAX_MILLI {
        one.milli_value() > other.milli_value()
    } else {
        one.value() > other.value()
    }
}

fn ratio(limit: Quantity, request: Quantity) -> f64 {
    if limit.value() <= MAX_MILLI && request.value() <= MAX_MILLI {
        float(limit.milli_value()) / float(request.milli_value())
    } else {
        float(limit.value()) / float(request.value())
    }
}

#[expect(clippy::cast_precision_loss, reason = "as Kubernetes computes the ratio")]
fn float(number: i64) -> f64 {
    number as f64
}

/// Several errors as Go writes them, each once.
fn aggregate(errors: &[String]) -> Option<String> {
    let mut distinct: Vec<&str> = Vec::new();
    for error in errors {
        if !distinct.contains(&error.as_str()) {
            distinct.push(error);
        }
    }
    match distinct.as_slice() {
        [] => None,
        [one] => Some((*one).to_owned()),
        several => Some(format!("[{}]", several.join(", "))),
    }
}

/// The largest number of units that is counted in thousandths.
const MAX_MILLI: i64 = i64::MAX / 1000;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn range() -> Value {
        json!({"spec": {"limits": [
            {"type": "Container", "default": {"cpu": "500m", "memory": "256Mi"},
             "defaultRequest": {"cpu": "100m", "memory": "256Mi"},
             "min": {"cpu": "50m", "memory": "16Mi"}, "max": {"cpu": "1", "memory": "1Gi"},
             "maxLimitRequestRatio": {"cpu": "5"}},
            {"type": "Pod", "max": {"cpu": "2"}},
            {"type": "PersistentVolumeClaim", "min": {"storage": "1Gi"}, "max": {"storage": "5Gi"}},
        ]}})
    }

    fn pod(resources: &[Value]) -> Value {
        let containers: Vec<Value> =
            resources.iter().map(|resources| json!({"name": "c", "resources": resources})).collect();
        json!({"spec": {"containers": containers}})
    }

    fn refusal(pod: &mut Value) -> Option<String> {
        fill(&range(), pod);
        aggregate(&check_pod(&range(), pod))
    }

    #[test]
    fn containers_get_what_they_have_not_said_and_the_pod_says_so() {
        let mut pod = json!({"spec": {
            "containers": [
                {"name": "c", "resources": {"requests": {"cpu": "200m"}}},
                {"name": "d", "resources": {"limits": {"memory": "100Mi"}, "requests": {"memory": "100Mi"}}},
            ],
            "initContainers": [{"name": "i"}],
        }});
        assert_eq!(refusal(&mut pod), None);
        assert_eq!(
            pod["metadata"]["annotations"]["kubernetes.io/limit-ranger"],
            "LimitRanger plugin set: memory request for container c; cpu, memory limit for container c; \
             cpu request for container d; cpu limit for container d; cpu, memory request for init container i; \
             cpu, memory limit for init container i"
        );
        assert_eq!(
            pod["spec"]["containers"][1]["resources"],
            json!({"limits": {"cpu": "500m", "memory": "100Mi"}, "requests": {"cpu": "100m", "memory": "100Mi"}})
        );
        let before = pod.clone();
        fill(&range(), &mut pod);
        assert_eq!(pod, before);
    }

    #[test]
    fn what_is_out_of_range_is_refused_in_kubernetes_words() {
        let mut all = pod(&[
            json!({"requests": {"cpu": "10m", "memory": "3Gi"}, "limits": {"cpu": "3", "memory": "3Gi"}}),
        ]);
        assert_eq!(
            refusal(&mut all).unwrap(),
            "[minimum cpu usage per Container is 50m, but request is 10m, maximum cpu usage per Container is 1, but limit is 3, \
             maximum memory usage per Container is 1Gi, but limit is 3Gi, \
             cpu max limit to request ratio per Container is 5, but provided ratio is 300.000000, \
             maximum cpu usage per Pod is 2, but limit is 3]"
        );
        let one = json!({"limits": {"cpu": "1"}, "requests": {"cpu": "1"}});
        assert_eq!(
            refusal(&mut pod(&[one.clone(), one.clone(), one])).unwrap(),
            "maximum cpu usage per Pod is 2, but limit is 3"
        );
        let least = json!({"spec": {"limits": [{"type": "Pod", "min": {"memory": "10Mi"}}]}});
        assert_eq!(
            check_pod(&least, &pod(&[json!({})])),
            ["minimum memory usage per Pod is 10Mi.  No request is specified"]
        );
    }

    #[test]
    fn claims_have_bounds_too() {
        let claim = |size: &str| json!({"spec": {"resources": {"requests": {"storage": size}}}});
        let refusal = |size: &str| aggregate(&check_claim(&range(), &claim(size)));
        assert_eq!(refusal("2Gi"), None);
        assert_eq!(
            refusal("500Mi").unwrap(),
            "minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 500Mi"
        );
        assert_eq!(
            refusal("6Gi").unwrap(),
            "maximum storage usage per PersistentVolumeClaim is 5Gi, but request is 6Gi"
        );
    }
}
