//! The claims of a StatefulSet's pods: made before the pod, and owned by whoever they are to go with.

use std::collections::BTreeSet;

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::ResourceExt as _;

use super::Controller;
use super::pods::{self, is_wanted};
use crate::error::{Error, Result};
use crate::events::EventType;
use crate::key::ObjectKey;
use crate::ownership::controller_reference;

impl Controller {
    /// Makes the claims of a pod that are not there.
    pub(super) async fn make_claims(&self, set: &StatefulSet, pod: &Pod, number: i32) -> Result<()> {
        let mut failures = Vec::new();
        for claim in pods::claims(set, number) {
            let (name, pod, set_name) = (claim.name_any(), pod.name_any(), set.name_any());
            match self.claims.cache().get(&ObjectKey::of(&claim)) {
                Some(known) if known.metadata.deletion_timestamp.is_some() => {
                    failures.push(format!("pvc {name} is being deleted"));
                }
                Some(_) => {}
                None => match self.claims.create(&claim).await {
                    Ok(_) => {
                        let message =
                            format!("Create Claim {name} Pod {pod} in StatefulSet {set_name} success");
                        self.events.event(set, EventType::Normal, "SuccessfulCreate", &message);
                    }
                    Err(error) => {
                        if !error.is_already_exists() {
                            let message = format!(
                                "Create Claim {name} for Pod {pod} in StatefulSet {set_name} failed error: {error}"
                            );
                            self.events.event(set, EventType::Warning, "FailedCreate", &message);
                        }
                        failures.push(format!("failed to create PVC {name}: {error}"));
                    }
                },
            }
        }
        match failures.len() {
            0 => Ok(()),
            1 => Err(Error::Object(failures.remove(0))),
            _ => Err(Error::Object(format!("[{}]", failures.join(", ")))),
        }
    }

    /// Makes the claims of a pod go with the StatefulSet or with the pod, as the retention policy has it.
    pub(super) async fn retain_claims(&self, set: &StatefulSet, pod: &Pod, number: i32) -> Result<()> {
        for claim in pods::claims(set, number) {
            let Some(known) = self.claims.cache().get(&ObjectKey::of(&claim)) else { continue };
            if let Some(owners) = owners(set, pod, number, &known) {
                let mut changed = PersistentVolumeClaim::clone(&known);
                changed.metadata.owner_references = Some(owners).filter(|owners| !owners.is_empty());
                self.claims.replace(&changed).await?;
            }
        }
        Ok(())
    }
}

/// The owners that a claim is to have, if they are others than it has.
fn owners(
    set: &StatefulSet,
    pod: &Pod,
    number: i32,
    claim: &PersistentVolumeClaim,
) -> Option<Vec<OwnerReference>> {
    let policy = set.spec.persistent_volume_claim_retention_policy.clone().unwrap_or_default();
    let deletes = |when: &Option<String>| when.as_deref() == Some("Delete");
    let is_wanted = is_wanted(set, number);
    let owned_by_set = deletes(&policy.when_deleted) && (is_wanted || !deletes(&policy.when_scaled));
    let owned_by_pod = deletes(&policy.when_scaled) && !is_wanted;
    let known = claim.metadata.owner_references.clone().unwrap_or_default();
    let is = |owner: &OwnerReference, kind: &str, name: &str| owner.kind == kind && owner.name == name;
    let (set_name, pod_name) = (set.name_any(), pod.name_any());
    let is_ours = |owner: &OwnerReference| is(owner, "StatefulSet", &set_name) || is(owner, "Pod", &pod_name);
    let uids: BTreeSet<_> = [set.uid(), pod.uid()].into_iter().flatten().collect();
    // Of an object that had the name before: its end is not ours to decide.
    if known.iter().any(|owner| is_ours(owner) && !uids.contains(&owner.uid)) {
        return None;
    }
    let is_foreign = known.iter().any(|owner| !is_ours(owner) && owner.controller == Some(true));
    let mut owners: Vec<OwnerReference> = known.iter().filter(|owner| !is_ours(owner)).cloned().collect();
    if !is_foreign {
        owners.extend(owned_by_set.then(|| controller_reference(set)));
        owners.extend(owned_by_pod.then(|| controller_reference(pod)));
    }
    (owners != known).then_some(owners)
}
