//! The admission plugin Priority: the number behind a pod's priority class.

use serde_json::{Map, Value};

use crate::object::{Fields, FieldsMut, metadata};

/// Sets the priority of a pod: of a new one from its class, of one that is stored (`old`) as it was. `classes` are the
/// PriorityClass objects of the cluster; the two system ones need not be among them.
///
/// # Errors
/// The reason of a 403.
pub fn prioritize(pod: &mut Value, old: Option<&Value>, classes: &[Value]) -> Result<(), String> {
    let Some(spec) = pod.as_object_mut().and_then(|pod| pod.object_mut("spec")) else { return Ok(()) };
    let Some(old) = old else { return admit(spec, classes) };
    for field in ["priority", "preemptionPolicy"] {
        if let Some(value) = old.at("spec").field(field) {
            spec.fill(field, value.clone());
        }
    }
    Ok(())
}

/// Sets the priority of a new pod from its class, or from the class that is the cluster's default.
fn admit(spec: &mut Map<String, Value>, classes: &[Value]) -> Result<(), String> {
    let name = spec.text("priorityClassName").to_owned();
    let mut preemption = "PreemptLowerPriority".to_owned();
    let mut priority = 0;
    if name.is_empty() {
        let default = classes
            .iter()
            .filter(|class| class.flag("globalDefault"))
            .min_by_key(|class| class.number("value"));
        if let Some(class) = default {
            spec.insert("priorityClassName".to_owned(), metadata(class).text("name").into());
            priority = class.number("value");
            preemption = preemption_policy(class);
        }
    } else if let Some((_, value)) = SYSTEM_CLASSES.iter().find(|(class, _)| *class == name) {
        priority = *value;
    } else {
        let class = classes
            .iter()
            .find(|class| metadata(class).text("name") == name)
            .ok_or_else(|| format!("no PriorityClass with name {name} was found"))?;
        priority = class.number("value");
        preemption = preemption_policy(class);
    }
    if let Some(given) = spec.integer("priority").filter(|given| *given != priority) {
        return Err(format!(
            "the integer value of priority ({given}) must not be provided in pod spec; priority admission controller computed {priority} from the given PriorityClass name"
        ));
    }
    let given = spec.text("preemptionPolicy");
    if !given.is_empty() && given != preemption {
        return Err(format!(
            "the string value of PreemptionPolicy ({given}) must not be provided in pod spec; priority admission controller computed {preemption} from the given PriorityClass name"
        ));
    }
    spec.insert("priority".to_owned(), priority.into());
    spec.fill("preemptionPolicy", preemption);
    Ok(())
}

fn preemption_policy(class: &Value) -> String {
    match class.text("preemptionPolicy") {
        "" => "PreemptLowerPriority".to_owned(),
        policy => policy.to_owned(),
    }
}

/// The classes that every cluster has.
pub(crate) const SYSTEM_CLASSES: [(&str, i64); 2] =
    [("system-cluster-critical", 2_000_000_000), ("system-node-critical", 2_000_001_000)];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn admitted(spec: &Value, classes: &[Value]) -> Result<Value, String> {
        let mut spec = spec.as_object().cloned().unwrap();
        admit(&mut spec, classes).map(|()| Value::Object(spec))
    }

    #[test]
    fn a_class_decides_the_priority_and_the_pod_may_not() {
        let high = json!({ "metadata": { "name": "high" }, "value": 1000, "preemptionPolicy": "Never" });
        assert_eq!(
            admitted(&json!({}), &[]),
            Ok(json!({ "priority": 0, "preemptionPolicy": "PreemptLowerPriority" }))
        );
        assert_eq!(
            admitted(&json!({ "priorityClassName": "high" }), std::slice::from_ref(&high)),
            Ok(json!({ "priorityClassName": "high", "priority": 1000, "preemptionPolicy": "Never" }))
        );
        assert_eq!(
            admitted(&json!({ "priorityClassName": "system-node-critical" }), &[])
                .map(|spec| spec.number("priority")),
            Ok(2_000_001_000)
        );
        assert_eq!(
            admitted(&json!({ "priorityClassName": "nope" }), &[high]),
            Err("no PriorityClass with name nope was found".to_owned())
        );
        assert_eq!(
            admitted(&json!({ "priority": 5 }), &[]),
            Err("the integer value of priority (5) must not be provided in pod spec; priority admission controller computed 0 from the given PriorityClass name".to_owned())
        );
    }
}
