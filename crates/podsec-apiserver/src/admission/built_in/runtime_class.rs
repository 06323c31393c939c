//! `RuntimeClass`: what a pod needs besides its containers, and the nodes that can run it, come from its class.

use async_trait::async_trait;
use podsec_apimachinery::Status;
use podsec_apimachinery::quote::quoted;
use podsec_kinds::object::{Fields, FieldsMut, as_map, same};
use serde_json::{Map, Value, json};

use super::resources;
use crate::admission::attributes::{Action, Attributes};
use crate::admission::plugin::Plugin;
use crate::registry::Resources;

/// Brings what a class says to its pods.
pub(crate) struct RuntimeClass {
    pub(crate) resources: Resources,
}

#[async_trait]
impl Plugin for RuntimeClass {
    /// Sets overhead, node selector and tolerations.
    async fn admit(&self, attributes: &Attributes<'_>, object: &mut Value) -> Result<(), Status> {
        if attributes.action != Action::Create || !attributes.is_about("", "pods", "") {
            return Ok(());
        }
        let Some(class) = self.class_of(attributes, object).await? else { return Ok(()) };
        set(&class, object).map_err(|why| attributes.forbid(object, &why))
    }

    /// Refuses an overhead that is not that of the class.
    async fn validate(&self, attributes: &Attributes<'_>, object: &Value) -> Result<(), Status> {
        if attributes.action != Action::Create || !attributes.is_about("", "pods", "") {
            return Ok(());
        }
        let class = self.class_of(attributes, object).await?;
        check(class.as_ref(), object).map_err(|why| attributes.forbid(object, why))
    }
}

impl RuntimeClass {
    async fn class_of(&self, attributes: &Attributes<'_>, pod: &Value) -> Result<Option<Value>, Status> {
        let Some(name) = pod.at("spec").field("runtimeClassName").and_then(Value::as_str) else {
            return Ok(None);
        };
        let found = self.resources.find(("node.k8s.io", "runtimeclasses"), "", name).await?;
        let why = || format!("pod rejected: RuntimeClass {} not found", quoted(name));
        found.map(Some).ok_or_else(|| attributes.forbid(pod, &why()))
    }
}

fn set(class: &Value, pod: &mut Value) -> Result<(), String> {
    let Some(spec) = as_map(pod).ensure("spec") else { return Ok(()) };
    if class.has("overhead") {
        let overhead = class.at("overhead").at("podFixed");
        if spec.entries("overhead").next().is_some() && !is_same_overhead(overhead, spec.at("overhead")) {
            return Err(OTHER_OVERHEAD.to_owned());
        }
        if overhead.is_null() {
            spec.remove("overhead");
        } else {
            spec.insert("overhead".to_owned(), overhead.clone());
        }
    }
    if class.has("scheduling") {
        let scheduling = class.at("scheduling");
        select(scheduling.at("nodeSelector"), spec)?;
        tolerate(scheduling.list("tolerations"), spec);
    }
    Ok(())
}

fn select(selector: &Value, spec: &mut Map<String, Value>) -> Result<(), String> {
    let Some(selector) = selector.as_object().filter(|selector| !selector.is_empty()) else { return Ok(()) };
    let own = spec.ensure("nodeSelector");
    let Some(own) = own else { return Ok(()) };
    for (key, value) in selector {
        let wanted = value.as_str().unwrap_or_default();
        if own.has(key) && own.text(key) != wanted {
            return Err(format!(
                "conflict: runtimeClass.scheduling.nodeSelector[{key}] = {wanted}; pod.spec.nodeSelector[{key}] = {}",
                own.text(key)
            ));
        }
        own.insert(key.clone(), value.clone());
    }
    Ok(())
}

/// Adds the tolerations of the class. Of all of them, each goes that another one makes superfluous.
fn tolerate(tolerations: &[Value], spec: &mut Map<String, Value>) {
    let all: Vec<Value> = spec.list("tolerations").iter().chain(tolerations).cloned().collect();
    let mut merged: Vec<Value> = Vec::new();
    for (index, toleration) in all.iter().enumerate() {
        let is_covered = merged.iter().any(|kept| is_superset(kept, toleration))
            || all
                .iter()
                .skip(index + 1)
                .any(|later| !same(later, toleration) && is_superset(later, toleration));
        if !is_covered {
            merged.push(toleration.clone());
        }
    }
    if !merged.is_empty() {
        spec.insert("tolerations".to_owned(), json!(merged));
    }
}

/// Whether one toleration tolerates all that another does.
fn is_superset(one: &Value, other: &Value) -> bool {
    let (key, effect, operator) = (one.text("key"), one.text("effect"), one.text("operator"));
    if same(one, other) {
        return true;
    }
    // An empty key with Exists tolerates every taint.
    if key != other.text("key") && !(key.is_empty() && operator == "Exists") {
        return false;
    }
    if !effect.is_empty() && effect != other.text("effect") {
        return false;
    }
    if effect == "NoExecute" {
        let is_shorter = match (one.integer("tolerationSeconds"), other.integer("tolerationSeconds")) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(one), Some(other)) => one < other,
        };
        if is_shorter {
            return false;
        }
    }
    match operator {
        "Exists" => true,
        "" | "Equal" => other.text("operator") == "Equal" && one.text("value") == other.text("value"),
        _ => false,
    }
}

fn check(class: Option<&Value>, pod: &Value) -> Result<(), &'static str> {
    let overhead = pod.at("spec").at("overhead");
    match class.filter(|class| class.has("overhead")) {
        Some(class) if is_same_overhead(class.at("overhead").at("podFixed"), overhead) => Ok(()),
        Some(_) => Err(OTHER_OVERHEAD),
        None if overhead.is_null() => Ok(()),
        None => Err("pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"),
    }
}

fn is_same_overhead(one: &Value, other: &Value) -> bool {
    resources::read(one) == resources::read(other)
}

const OTHER_OVERHEAD: &str = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";

#[cfg(test)]
mod tests {
    use super::*;

    fn kata() -> Value {
        json!({
            "overhead": {"podFixed": {"cpu": "250m"}},
            "scheduling": {"nodeSelector": {"kata": "yes"}, "tolerations": [{"key": "kata", "operator": "Exists"}]},
        })
    }

    #[test]
    fn a_class_adds_overhead_selector_and_tolerations_once() {
        let mut pod = json!({"spec": {"nodeSelector": {"zone": "a"}, "tolerations": [
            {"key": "kata", "operator": "Equal", "value": "x", "effect": "NoSchedule"}, {"key": "b", "operator": "Exists"},
        ]}});
        let expected = json!({"spec": {
            "overhead": {"cpu": "250m"}, "nodeSelector": {"kata": "yes", "zone": "a"},
            "tolerations": [{"key": "b", "operator": "Exists"}, {"key": "kata", "operator": "Exists"}],
        }});
        assert_eq!(set(&kata(), &mut pod), Ok(()));
        assert_eq!(pod, expected);
        assert_eq!(set(&kata(), &mut pod), Ok(()));
        assert_eq!((pod, check(Some(&kata()), &expected)), (expected.clone(), Ok(())));
    }

    #[test]
    fn what_contradicts_the_class_is_refused() {
        let mut pod = json!({"spec": {"overhead": {"cpu": "1"}}});
        assert_eq!(set(&kata(), &mut pod), Err(OTHER_OVERHEAD.to_owned()));
        assert!(check(None, &pod).unwrap_err().contains("without corresponding RuntimeClass"));
        assert!(check(Some(&json!({})), &pod).is_err());
        let mut pod = json!({"spec": {"nodeSelector": {"kata": "no"}}});
        assert_eq!(
            set(&kata(), &mut pod).unwrap_err(),
            "conflict: runtimeClass.scheduling.nodeSelector[kata] = yes; pod.spec.nodeSelector[kata] = no"
        );
    }
}
