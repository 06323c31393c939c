//! `DefaultStorageClass`: a claim that names no class gets the newest default one.

use async_trait::async_trait;
use podsec_apimachinery::Status;
use podsec_apimachinery::meta::Meta;
use podsec_kinds::object::{Fields, FieldsMut, annotation, as_map};
use serde_json::Value;

use crate::admission::attributes::{Action, Attributes};
use crate::admission::plugin::Plugin;
use crate::registry::Resources;

/// Names the class of a claim.
pub(crate) struct DefaultStorageClass {
    pub(crate) resources: Resources,
}

#[async_trait]
impl Plugin for DefaultStorageClass {
    /// Names the class.
    async fn admit(&self, attributes: &Attributes<'_>, object: &mut Value) -> Result<(), Status> {
        if attributes.action != Action::Create
            || !attributes.is_about("", "persistentvolumeclaims", "")
            || annotation(object, CLASS_BEFORE_FIELDS).is_some()
            || object.at("spec").has("storageClassName")
        {
            return Ok(());
        }
        let classes = self.resources.list(CLASSES, "").await?;
        if let Some(name) = newest(&classes, &IS_DEFAULT)
            && let Some(spec) = as_map(object).ensure("spec")
        {
            spec.insert("storageClassName".to_owned(), name.into());
        }
        Ok(())
    }
}

/// The newest object that has one of these annotations as `true`; of equally old ones the first by name.
pub(super) fn newest<'a>(classes: &'a [Value], annotations: &[&str]) -> Option<&'a str> {
    let is_default = |class: &&Value| annotations.iter().any(|name| annotation(class, name) == Some("true"));
    let by_age = |class: &&Value| (std::cmp::Reverse(created(class)), Meta::of(class).name().to_owned());
    classes.iter().filter(is_default).min_by_key(by_age).map(|class| Meta::of(class).name())
}

fn created(class: &Value) -> Option<jiff::Timestamp> {
    Meta::of(class).creation_timestamp()
}

/// The class of a claim, in the annotation of old or in its field; empty for none.
pub(super) fn class_of(claim: &Value) -> &str {
    annotation(claim, CLASS_BEFORE_FIELDS).unwrap_or_else(|| claim.at("spec").text("storageClassName"))
}

pub(super) const CLASSES: (&str, &str) = ("storage.k8s.io", "storageclasses");
const CLASS_BEFORE_FIELDS: &str = "volume.beta.kubernetes.io/storage-class";
const IS_DEFAULT: [&str; 2] =
    ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_newest_default_is_taken_and_of_two_the_first_by_name() {
        let class = |name: &str, created: &str, default: &str| json!({"metadata": {"name": name, "creationTimestamp": created, "annotations": {IS_DEFAULT[0]: default}}});
        let classes = [
            class("c", "2026-01-02T00:00:00Z", "true"),
            class("a", "2026-01-01T00:00:00Z", "true"),
            class("b", "2026-01-02T00:00:00Z", "true"),
            class("d", "2026-01-03T00:00:00Z", "false"),
        ];
        assert_eq!(newest(&classes, &IS_DEFAULT), Some("b"));
        assert_eq!(newest(&classes[3..], &IS_DEFAULT), None);
    }

    #[test]
    fn the_old_annotation_names_the_class_of_a_claim_first() {
        let claim = json!({"metadata": {"annotations": {CLASS_BEFORE_FIELDS: "old"}}, "spec": {"storageClassName": "new"}});
        assert_eq!(class_of(&claim), "old");
        assert_eq!(class_of(&json!({"spec": {"storageClassName": "new"}})), "new");
        assert_eq!(class_of(&json!({})), "");
    }
}
