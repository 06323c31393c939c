//! `Priority`: the number behind the class of a pod, and one default class for the cluster.

use async_trait::async_trait;
use podsec_apimachinery::Status;
use podsec_apimachinery::meta::Meta;
use podsec_kinds::object::Fields;
use podsec_kinds::priority;
use serde_json::Value;

use crate::admission::attributes::{Action, Attributes};
use crate::admission::plugin::Plugin;
use crate::registry::Resources;

/// Sets priorities and guards the default class.
pub(crate) struct Priority {
    pub(crate) resources: Resources,
}

#[async_trait]
impl Plugin for Priority {
    /// Sets the priority of a pod.
    async fn admit(&self, attributes: &Attributes<'_>, object: &mut Value) -> Result<(), Status> {
        if !attributes.is_about("", "pods", "") {
            return Ok(());
        }
        let class = object.at("spec").text("priorityClassName");
        let classes = match attributes.action {
            Action::Create if class.is_empty() => self.resources.list(CLASSES, "").await?,
            Action::Create => self.resources.find(CLASSES, "", class).await?.into_iter().collect(),
            Action::Update | Action::Delete | Action::Connect => Vec::new(),
        };
        priority::prioritize(object, attributes.old, &classes).map_err(|why| attributes.forbid(object, &why))
    }

    /// Refuses a second default class.
    async fn validate(&self, attributes: &Attributes<'_>, object: &Value) -> Result<(), Status> {
        if !attributes.is_about(CLASSES.0, CLASSES.1, "")
            || !matches!(attributes.action, Action::Create | Action::Update)
            || !object.flag("globalDefault")
        {
            return Ok(());
        }
        let classes = self.resources.list(CLASSES, "").await?;
        // A class that is the default may be updated.
        let name = (attributes.action == Action::Update).then(|| Meta::of(object).name());
        match other_default(&classes, name) {
            Some(other) => {
                let why =
                    format!("PriorityClass {other} is already marked as default. Only one default can exist");
                Err(attributes.forbid(object, &why))
            }
            None => Ok(()),
        }
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
