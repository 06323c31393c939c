//! Carries out what was planned for a Deployment.

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};

use super::planner::Action;
use super::{Controller, conditions, new_replica_set, sizes};
use crate::error::{Error, Result};
use crate::events::EventType;
use crate::key::ObjectKey;
use crate::ownership::controller_of;

impl Controller {
    /// Writes until something fails.
    pub(super) async fn execute(&self, deployment: &Deployment, actions: Vec<Action>) -> Result<()> {
        for action in actions {
            match action {
                Action::WriteStatus(changed) => {
                    self.deployments.replace_status(&changed).await?;
                }
                Action::Create(set) => {
                    if let Err(error) = self.replica_sets.create(&set).await {
                        self.not_created(deployment, &set, &error).await?;
                        return Err(error);
                    }
                }
                Action::Update(set, told) => {
                    self.replica_sets.replace(&set).await?;
                    if let Some(told) = told {
                        self.events.event(deployment, EventType::Normal, "ScalingReplicaSet", &told);
                    }
                }
                Action::Delete(set) => match self.replica_sets.delete(&set).await {
                    Err(error) if !error.is_not_found() => return Err(error),
                    _ => {}
                },
                Action::Tell(event_type, reason, message) => {
                    self.events.event(deployment, event_type, reason, &message);
                }
            }
        }
        Ok(())
    }

    /// Tells why there is no new ReplicaSet, or has it made under another name next time.
    async fn not_created(&self, deployment: &Deployment, set: &ReplicaSet, error: &Error) -> Result<()> {
        if error.is_namespace_terminating() {
            return Ok(());
        }
        let mut changed = deployment.clone();
        let status = changed.status.get_or_insert_default();
        if error.is_already_exists() {
            let existing = self.replica_sets.get(&ObjectKey::of(set)).await?;
            if is_ours(deployment, &existing) {
                // Made before, and not seen yet.
                return Ok(());
            }
            status.collision_count = Some(status.collision_count.unwrap_or(0).saturating_add(1));
            return self.deployments.replace_status(&changed).await.map(drop);
        }
        let name = set.metadata.name.as_deref().unwrap_or_default();
        let message = format!("Failed to create new replica set {name:?}: {error}");
        if sizes::has_deadline(deployment) {
            let now = self.clock.now();
            let condition =
                conditions::new(conditions::PROGRESSING, "False", "ReplicaSetCreateError", &message, now);
            conditions::set(status, condition);
            if changed != *deployment
                && let Err(error) = self.deployments.replace_status(&changed).await
            {
                tracing::debug!(%error, "the reason is told in an event alone");
            }
        }
        self.events.event(deployment, EventType::Warning, "ReplicaSetCreateError", &message);
        Ok(())
    }
}

/// Whether a ReplicaSet of the name that the new one was to have is the new one.
fn is_ours(deployment: &Deployment, set: &ReplicaSet) -> bool {
    let is_controlled =
        controller_of(set).is_some_and(|owner| Some(&owner.uid) == deployment.metadata.uid.as_ref());
    let template = set.spec.template.as_ref();
    is_controlled
        && template.is_some_and(|template| new_replica_set::is_same(template, &deployment.spec.template))
}
