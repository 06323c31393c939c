//! The ReplicaSet with the Deployment's template: which one it is, and how it is made.

use std::sync::Arc;

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet, ReplicaSetSpec};
use k8s_openapi::api::core::v1::PodTemplateSpec;
use kube::core::ObjectMeta;

use super::planner::{Action, Planner, Sets};
use super::{conditions, revisions, sizes};
use crate::events::EventType;
use crate::ownership::controller_reference;
use crate::template_hash::template_hash;

/// Tells the new ReplicaSet from the old ones: the oldest one with the Deployment's template.
pub(super) fn sort(deployment: &Deployment, sets: Vec<Arc<ReplicaSet>>) -> Sets {
    let mut sets: Vec<ReplicaSet> = sets.into_iter().map(Arc::unwrap_or_clone).collect();
    sets.sort_by(|a, b| created(a).cmp(&created(b)));
    let is_new = |set: &ReplicaSet| {
        let template = set.spec.template.as_ref();
        template.is_some_and(|template| is_same(template, &deployment.spec.template))
    };
    let new = sets.iter().position(is_new).map(|index| sets.remove(index));
    Sets { new, old: sets }
}

/// The order of creation.
pub(super) fn created(set: &ReplicaSet) -> impl Ord {
    let meta = &set.metadata;
    (meta.creation_timestamp.as_ref().map(|time| time.0), meta.name.clone())
}

/// Whether two templates say the same, but for the label that tells ReplicaSets apart.
pub(super) fn is_same(first: &PodTemplateSpec, second: &PodTemplateSpec) -> bool {
    first.spec == second.spec && without_hash(first) == without_hash(second)
}

fn without_hash(template: &PodTemplateSpec) -> ObjectMeta {
    let mut metadata = template.metadata.clone().unwrap_or_default();
    if let Some(labels) = &mut metadata.labels {
        labels.remove(HASH_LABEL);
    }
    metadata.labels.take_if(|labels| labels.is_empty());
    metadata.annotations.take_if(|annotations| annotations.is_empty());
    metadata
}

impl Planner {
    /// Brings the annotations of the new ReplicaSet and the Deployment's revision up to date.
    pub(super) fn sync_revision(&mut self, sets: &mut Sets) {
        let Some(new) = &mut sets.new else { return };
        let is_annotated = revisions::annotate_new(new, &self.deployment, revisions::highest(&sets.old) + 1);
        let min_ready_seconds = self.deployment.spec.min_ready_seconds.unwrap_or(0);
        if is_annotated || new.spec.min_ready_seconds.unwrap_or(0) != min_ready_seconds {
            new.spec.min_ready_seconds = self.deployment.spec.min_ready_seconds;
            let changed = Box::new(new.clone());
            self.push(Action::Update(changed, None));
            return;
        }
        let revision = revisions::annotation(new, revisions::REVISION).unwrap_or_default();
        let mut is_changed = revisions::set_on_deployment(&mut self.deployment, revision);
        if sizes::has_deadline(&self.deployment) && conditions::progressing(&self.deployment).is_none() {
            let message = format!("Found new replica set {:?}", name(new));
            self.note_progress("FoundNewReplicaSet", &message);
            is_changed = true;
        }
        if is_changed {
            self.write();
        }
    }

    /// Makes the new ReplicaSet, as large as the others let it be.
    pub(super) fn create_new(&mut self, sets: &mut Sets) {
        let deployment = &self.deployment;
        let status = deployment.status.as_ref();
        let hash = template_hash(&deployment.spec.template, status.and_then(|status| status.collision_count));
        let mut template = deployment.spec.template.clone();
        let labels = template.metadata.get_or_insert_default().labels.get_or_insert_default();
        labels.insert(HASH_LABEL.to_owned(), hash.clone());
        let labels = labels.clone();
        let mut selector = deployment.spec.selector.clone();
        selector.match_labels.get_or_insert_default().insert(HASH_LABEL.to_owned(), hash.clone());
        let size = sizes::new_size(deployment, sizes::total(&sets.old), 0);
        let mut new = ReplicaSet {
            metadata: ObjectMeta {
                name: Some(replica_set_name(name(deployment), &hash)),
                namespace: deployment.metadata.namespace.clone(),
                labels: Some(labels),
                owner_references: Some(vec![controller_reference(deployment)]),
                ..ObjectMeta::default()
            },
            spec: ReplicaSetSpec {
                replicas: Some(size),
                min_ready_seconds: deployment.spec.min_ready_seconds.filter(|seconds| *seconds != 0),
                selector,
                template: Some(template),
            },
            status: None,
        };
        let revision = revisions::highest(&sets.old) + 1;
        revisions::annotate_new(&mut new, deployment, revision);
        revisions::set_sizes(&mut new, deployment);
        self.push(Action::Create(Box::new(new.clone())));
        if size > 0 {
            let message = format!("Scaled up replica set {} from 0 to {size}", name(&new));
            self.push(Action::Tell(EventType::Normal, "ScalingReplicaSet", message));
        }
        let mut is_changed = revisions::set_on_deployment(&mut self.deployment, &revision.to_string());
        if sizes::has_deadline(&self.deployment) {
            self.note_progress("NewReplicaSetCreated", &format!("Created new replica set {:?}", name(&new)));
            is_changed = true;
        }
        if is_changed {
            self.write();
        }
        sets.new = Some(new);
    }

    fn note_progress(&mut self, reason: &str, message: &str) {
        let condition = conditions::new(conditions::PROGRESSING, "True", reason, message, self.now);
        conditions::set(self.deployment.status.get_or_insert_default(), condition);
    }
}

fn name<K: kube::Resource>(object: &K) -> &str {
    object.meta().name.as_deref().unwrap_or_default()
}

/// The Deployment's name and the hash, as much of the name as there is room for.
fn replica_set_name(deployment: &str, hash: &str) -> String {
    let room = LONGEST_NAME - hash.len() - 1;
    let prefix = deployment.get(..room).unwrap_or(deployment);
    format!("{prefix}-{hash}")
}

/// The label that tells the pods of one template from those of another.
pub(crate) const HASH_LABEL: &str = "pod-template-hash";
const LONGEST_NAME: usize = 253;
