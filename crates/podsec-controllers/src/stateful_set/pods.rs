//! The pods of a StatefulSet, each with a number of its own, and their claims.

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{
    PersistentVolumeClaim, PersistentVolumeClaimVolumeSource, Pod, PodTemplateSpec, Volume,
};
use kube::ResourceExt as _;

use crate::ownership::controller_reference;
use crate::pods::pod_from_template;

/// The number at the end of a pod's name, if the rest is the name of the StatefulSet.
pub(super) fn ordinal(set: &StatefulSet, pod: &Pod) -> Option<i32> {
    let name = pod.name_any();
    let digits = name.strip_prefix(&set.name_any())?.strip_prefix('-')?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// The first number.
pub(super) fn first(set: &StatefulSet) -> i32 {
    set.spec.ordinals.as_ref().and_then(|ordinals| ordinals.start).unwrap_or(0)
}

/// The pods that are wanted.
pub(super) fn wanted(set: &StatefulSet) -> i32 {
    set.spec.replicas.unwrap_or(1).max(0)
}

/// Whether a pod of this number is wanted.
pub(super) fn is_wanted(set: &StatefulSet, ordinal: i32) -> bool {
    (first(set)..first(set).saturating_add(wanted(set))).contains(&ordinal)
}

/// A pod with a number.
pub(super) fn pod(set: &StatefulSet, template: &PodTemplateSpec, revision: &str, ordinal: i32) -> Pod {
    let namespace = set.namespace().unwrap_or_default();
    let mut pod = pod_from_template(template, &namespace, controller_reference(set));
    let name = format!("{}-{ordinal}", set.name_any());
    pod.metadata.name = Some(name.clone());
    identify(&mut pod, ordinal);
    pod.metadata.labels.get_or_insert_default().insert(REVISION_LABEL.to_owned(), revision.to_owned());
    let spec = pod.spec.get_or_insert_default();
    spec.hostname = Some(name);
    spec.subdomain = set.spec.service_name.clone().filter(|service| !service.is_empty());
    give_claims(set, &mut pod, ordinal);
    pod
}

/// Puts the labels on that say which pod it is.
pub(super) fn identify(pod: &mut Pod, ordinal: i32) {
    let name = pod.name_any();
    let labels = pod.metadata.labels.get_or_insert_default();
    labels.insert(NAME_LABEL.to_owned(), name);
    labels.insert("apps.kubernetes.io/pod-index".to_owned(), ordinal.to_string());
}

/// Whether a pod has the labels and volumes of its number.
pub(super) fn is_consistent(set: &StatefulSet, pod: &Pod, ordinal: i32) -> bool {
    let volumes = pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten());
    let volumes: Vec<&Volume> = volumes.collect();
    let has_claims = set.spec.volume_claim_templates.iter().flatten().all(|template| {
        let claim = volumes.iter().find(|volume| volume.name == template.name_any());
        let claim = claim.and_then(|volume| volume.persistent_volume_claim.as_ref());
        claim.is_some_and(|claim| claim.claim_name == claim_name(set, template, ordinal))
    });
    pod.labels().get(NAME_LABEL) == Some(&pod.name_any()) && has_claims
}

/// Lets a pod use the claims of its number, in the place of volumes of their names.
pub(super) fn give_claims(set: &StatefulSet, pod: &mut Pod, ordinal: i32) {
    let templates = set.spec.volume_claim_templates.as_deref().unwrap_or_default();
    if templates.is_empty() {
        return;
    }
    let claims = templates.iter().map(|template| Volume {
        name: template.name_any(),
        persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
            claim_name: claim_name(set, template, ordinal),
            read_only: None,
        }),
        ..Volume::default()
    });
    let spec = pod.spec.get_or_insert_default();
    let others = spec.volumes.take().unwrap_or_default().into_iter();
    let is_claim = |volume: &Volume| templates.iter().any(|template| template.name_any() == volume.name);
    spec.volumes = Some(claims.chain(others.filter(|volume| !is_claim(volume))).collect());
}

/// The claims of the pod with this number.
pub(super) fn claims(set: &StatefulSet, ordinal: i32) -> Vec<PersistentVolumeClaim> {
    let templates = set.spec.volume_claim_templates.iter().flatten();
    let claim = |template: &PersistentVolumeClaim| {
        let mut claim = template.clone();
        claim.metadata.name = Some(claim_name(set, template, ordinal));
        claim.metadata.namespace = set.namespace();
        let selected = set.spec.selector.match_labels.clone().unwrap_or_default();
        claim.metadata.labels.get_or_insert_default().extend(selected);
        claim
    };
    templates.map(claim).collect()
}

fn claim_name(set: &StatefulSet, template: &PersistentVolumeClaim, ordinal: i32) -> String {
    format!("{}-{}-{ordinal}", template.name_any(), set.name_any())
}

/// The name of the revision of a pod.
pub(super) fn revision(pod: &Pod) -> &str {
    pod.labels().get(REVISION_LABEL).map_or("", String::as_str)
}

const REVISION_LABEL: &str = "controller-revision-hash";
const NAME_LABEL: &str = "statefulset.kubernetes.io/pod-name";
