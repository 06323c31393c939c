//! `Priority`: the number behind the class of a pod, and one default class for the cluster.

use podsec_apimachinery::Status;
use podsec_apimachinery::meta::Meta;
use podsec_kinds::object::Fields;
use serde_json::Value;

use super::lookup;
use super::target::{forbid, is_about};
use crate::admission::{Action, Write};
use crate::verbs::Operation;

/// Sets the priority of a pod.
pub(super) async fn admit(
    operation: &Operation<'_>,
    write: &Write<'_>,
    object: &mut Value,
) -> Result<(), Status> {
    if !is_about(operation, "", "pods", "") {
        return Ok(());
    }
    let class = object.at("spec").text("priorityClassName");
    let classes = match write.action {
        Action::Create if class.is_empty() => lookup::list(operation.api, CLASSES, "").await?,
        Action::Create => lookup::find(operation.api, CLASSES, "", class).await?.into_iter().collect(),
        Action::Update | Action::Delete | Action::Connect => Vec::new(),
    };
    (operation.behaviour.strategy.prioritize)(object, write.old, &classes)
        .map_err(|why| forbid(operation, object, &why))
}

/// Refuses a second default class.
pub(super) async fn validate(
    operation: &Operation<'_>,
    write: &Write<'_>,
    object: &Value,
) -> Result<(), Status> {
    if !is_about(operation, CLASSES.0, CLASSES.1, "")
        || !matches!(write.action, Action::Create | Action::Update)
        || !object.flag("globalDefault")
    {
        return Ok(());
    }
    let classes = lookup::list(operation.api, CLASSES, "").await?;
    // A class that is the default may be updated.
    let name = (write.action == Action::Update).then(|| Meta::of(object).name());
    match other_default(&classes, name) {
        Some(other) => {
            let why =
                format!("PriorityClass {other} is already marked as default. Only one default can exist");
            Err(forbid(operation, object, &why))
        }
        None => Ok(()),
    }
}

/// The default among the classes, unless it is `name`: of several that of the lowest value.
fn other_default<'a>(classes: &'a [Value], name: Option<&str>) -> Option<&'a str> {
    let defaults = classes.iter().filter(|class| class.flag("globalDefault"));
    let default = Meta::of(defaults.min_by_key(|class| class.number("value"))?).name();
    (Some(default) != name).then_some(default)
}

const CLASSES: (&str, &str) = ("scheduling.k8s.io", "priorityclasses");

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_default_class_stands_in_the_way_of_others_only() {
        let class = |name: &str, value: i64, default: bool| json!({"metadata": {"name": name}, "value": value, "globalDefault": default});
        let classes = [class("a", 1, false), class("b", 2, true)];
        assert_eq!(other_default(&classes, None), Some("b"));
        assert_eq!(other_default(&classes, Some("a")), Some("b"));
        assert_eq!(other_default(&classes, Some("b")), None);
        assert_eq!(other_default(&classes[..1], None), None);
    }
}
