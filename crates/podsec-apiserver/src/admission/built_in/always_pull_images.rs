//! `AlwaysPullImages`: nobody runs an image that only somebody else may pull.

use async_trait::async_trait;
use podsec_apimachinery::Status;
use podsec_apimachinery::field::{Error, Path};
use podsec_kinds::object::{Fields, FieldsMut, as_map};
use serde_json::Value;

use crate::admission::attributes::{Action, Attributes};
use crate::admission::plugin::Plugin;

/// Sets the pull policy of all images.
pub(crate) struct AlwaysPullImages;

#[async_trait]
impl Plugin for AlwaysPullImages {
    /// Sets the policy of all images.
    async fn admit(&self, attributes: &Attributes<'_>, object: &mut Value) -> Result<(), Status> {
        if is_meant(attributes, object)
            && let Some(spec) = as_map(object).object_mut("spec")
        {
            for list in CONTAINERS {
                for container in spec.objects_mut(list) {
                    container.insert("imagePullPolicy".to_owned(), ALWAYS.into());
                }
            }
            for volume in spec.objects_mut("volumes") {
                if let Some(image) = volume.object_mut("image") {
                    image.insert("pullPolicy".to_owned(), ALWAYS.into());
                }
            }
        }
        Ok(())
    }

    /// Refuses another policy, which a webhook may have set.
    async fn validate(&self, attributes: &Attributes<'_>, object: &Value) -> Result<(), Status> {
        if !is_meant(attributes, object) {
            return Ok(());
        }
        check(object).map_err(|why| attributes.forbid(object, &why))
    }
}

fn check(pod: &Value) -> Result<(), String> {
    let (spec, path) = (pod.at("spec"), Path::new("spec"));
    let containers = CONTAINERS.iter().flat_map(|list| {
        let path = &path;
        let items = spec.list(list).iter().enumerate();
        items.map(move |(index, container)| (path.child(list).index(index), container, "imagePullPolicy"))
    });
    let volumes = spec.list("volumes").iter().enumerate().filter_map(|(index, volume)| {
        Some((path.child("volumes").index(index).child("image"), volume.field("image")?, "pullPolicy"))
    });
    for (path, holder, field) in containers.chain(volumes) {
        if holder.text(field) != ALWAYS {
            let error = Error::not_supported(path.child(field), holder.at(field), &[ALWAYS]);
            return Err(error.to_string());
        }
    }
    Ok(())
}

/// New pods, and updates that bring new images.
fn is_meant(attributes: &Attributes<'_>, object: &Value) -> bool {
    let has_new_images =
        || attributes.old.is_none_or(|old| images(object).any(|image| images(old).all(|own| own != image)));
    attributes.is_about("", "pods", "")
        && match attributes.action {
            Action::Create => true,
            Action::Update => has_new_images(),
            Action::Delete | Action::Connect => false,
        }
}

fn images(pod: &Value) -> impl Iterator<Item = &str> {
    CONTAINERS.iter().flat_map(|list| pod.at("spec").list(list)).map(|container| container.text("image"))
}

const CONTAINERS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];
const ALWAYS: &str = "Always";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn any_other_policy_is_refused_where_it_stands() {
        let pod = |policy: &str| json!({"spec": {"containers": [{"imagePullPolicy": policy}]}});
        assert_eq!(check(&pod("Always")), Ok(()));
        assert_eq!(
            check(&pod("Never")).unwrap_err(),
            "spec.containers[0].imagePullPolicy: Unsupported value: \"Never\": supported values: \"Always\""
        );
        let volume = json!({"spec": {"volumes": [{"image": {"pullPolicy": "IfNotPresent"}}]}});
        assert!(check(&volume).unwrap_err().starts_with("spec.volumes[0].image.pullPolicy: "));
    }
}
