//! Objects that are no whole ones: patches of others.

use podsec_standards::Workload;
use podsec_yaml::{Kind, Node, Scalar};

use crate::object::Object;

/// Why an object cannot be a whole one, if so: Kubernetes would refuse it by itself, so that it is a patch of another
/// one. A Pod is taken for whole whatever it lacks: pods are seldom patched, and each must be judged that may be one.
pub(crate) fn incomplete(object: &Object<'_, '_>, workload: Workload) -> Option<String> {
    let node = object.node;
    if present(node, "$patch").is_some() {
        return Some("it says $patch".to_owned());
    }
    if workload == Workload::Pod {
        return None;
    }
    // Only old versions made a selector of the template's labels.
    if object.name.api_version == "apps/v1"
        && present(node, "spec").and_then(|spec| present(spec, "selector")).is_none()
    {
        return Some("it has no spec.selector".to_owned());
    }
    let mut pod = Some(node);
    for name in workload.pod_path() {
        pod = pod.and_then(|node| present(node, name));
    }
    let Some(spec) = pod.and_then(|pod| present(pod, "spec")) else {
        return Some("it has no pod".to_owned());
    };
    if present(spec, "containers").is_none() {
        return Some("its pod has no containers".to_owned());
    }
    let lists = ["initContainers", "containers"].into_iter().filter_map(|list| present(spec, list));
    let without_image = lists
        .flat_map(|list| list.items())
        .find(|container| present(*container, "image").is_none_or(|image| image.as_str() == Some("")))?;
    Some(match present(without_image, "name").and_then(|name| name.as_str()) {
        Some(name) => format!("its container {name:?} has no image"),
        None => "a container has no image".to_owned(),
    })
}

/// A field that is there and not null.
fn present<'d, 't>(node: Node<'d, 't>, name: &str) -> Option<Node<'d, 't>> {
    let is_object = matches!(node.kind(), Kind::Mapping(_));
    node.get(name).filter(|value| is_object && value.scalar() != Some(&Scalar::Null))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::objects;

    fn reason(text: &str) -> Option<String> {
        let document = podsec_yaml::documents(text).next().unwrap().unwrap();
        let object = objects(&document, 0).remove(0);
        let workload = Workload::from_kind(object.name.group(), &object.name.kind).unwrap();
        incomplete(&object, workload)
    }

    #[test]
    fn what_kubernetes_would_refuse_for_a_missing_part_is_a_patch() {
        let deployment = |spec: &str| format!("{{apiVersion: apps/v1, kind: Deployment, spec: {spec}}}");
        for (object, why) in [
            (deployment("{replicas: 2}"), Some("it has no spec.selector")),
            (
                deployment("{selector: ~, template: {spec: {containers: [{image: a}]}}}"),
                Some("it has no spec.selector"),
            ),
            (deployment("{selector: {}, replicas: 2}"), Some("it has no pod")),
            (
                deployment("{selector: {}, template: {spec: {hostPID: true}}}"),
                Some("its pod has no containers"),
            ),
            (
                deployment("{selector: {}, template: {spec: {containers: [{image: a}, {name: b}]}}}"),
                Some("its container \"b\" has no image"),
            ),
            (
                deployment(
                    "{selector: {}, template: {spec: {initContainers: [{image: ''}], containers: [{image: a}]}}}",
                ),
                Some("a container has no image"),
            ),
            (deployment("{selector: {}, template: {spec: {containers: [{image: a}]}}}"), None),
            ("{apiVersion: apps/v1, kind: Deployment, $patch: delete}".to_owned(), Some("it says $patch")),
            (
                "{apiVersion: batch/v1, kind: Job, spec: {template: {spec: {containers: [{image: a}]}}}}"
                    .to_owned(),
                None,
            ),
            (
                "{apiVersion: batch/v1, kind: CronJob, spec: {schedule: '* * * * *'}}".to_owned(),
                Some("it has no pod"),
            ),
            ("{apiVersion: v1, kind: Pod, spec: {containers: [{name: a}]}}".to_owned(), None),
        ] {
            assert_eq!(reason(&object).as_deref(), why, "{object}");
        }
    }
}
