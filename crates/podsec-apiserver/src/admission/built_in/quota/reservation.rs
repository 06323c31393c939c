//! What is held for an object between the check and the store.

use std::sync::Arc;

use podsec_apimachinery::Status;
use podsec_apimachinery::meta::Meta;
use podsec_kinds::object::{Fields, as_map};
use podsec_storage::{Precondition, Revision};
use serde_json::Value;
use tokio::sync::OwnedMutexGuard;

use super::super::resources::{self as amounts, ResourceList};
use super::check::{self, Change};
use super::evaluator::Evaluator;
use super::locks::Quotas;
use super::status::{put_status, quotas, registry};
use crate::admission::attributes::Attributes;
use crate::registry::{Resources, WriteError};

/// What the quotas of a namespace hold for an object until it is stored. Dropped without [`Reservation::keep_while`], it
/// leaves the namespace to be counted again.
#[must_use]
pub(crate) struct Reservation {
    charged: Option<Charged>,
}

struct Charged {
    resources: Resources,
    locks: Arc<Quotas>,
    namespace: String,
    /// The quotas before the charge, and the revision of each after it.
    quotas: Vec<(Value, Revision)>,
    /// Whether a quota may say something else than what is stored.
    is_open: bool,
    _lock: OwnedMutexGuard<()>,
}

impl Reservation {
    /// Nothing is held.
    pub(crate) fn none() -> Self {
        Self { charged: None }
    }

    /// Stores the object, and nobody else counts meanwhile. What is charged is given back when it cannot be stored. The
    /// work is done to its end even when the request ends before it.
    pub(crate) async fn keep_while<T: Send + 'static>(
        self,
        work: impl Future<Output = Result<T, WriteError>> + Send + 'static,
    ) -> Result<T, WriteError> {
        let Some(mut charged) = self.charged else { return work.await };
        let task = tokio::spawn(async move {
            let result = work.await;
            if result.is_ok() {
                charged.close();
            } else {
                charged.undo().await?;
            }
            result
        });
        task.await.unwrap_or_else(|error| Err(WriteError::Fail(Status::internal(&error.to_string()))))
    }
}

impl Charged {
    /// Notes that the quotas say what is stored.
    fn close(&mut self) {
        self.is_open = false;
    }

    /// Brings the quotas back to what they said before.
    async fn undo(&mut self) -> Result<(), Status> {
        let registry = registry(&self.resources)?;
        let mut is_certain = true;
        for (mut before, revision) in std::mem::take(&mut self.quotas) {
            let name = Meta::of(&before).name().to_owned();
            match registry.put(&self.namespace, &name, Precondition::Revision(revision), &mut before).await {
                Ok(_) => {}
                Err(WriteError::Conflict) => is_certain = false,
                Err(WriteError::Fail(status)) => return Err(status),
            }
        }
        self.is_open = !is_certain;
        Ok(())
    }
}

impl Drop for Charged {
    fn drop(&mut self) {
        if self.is_open {
            self.locks.doubt(&self.namespace);
        }
    }
}

/// The plugin. It comes last, for what it charges is given back only when the object cannot be stored.
pub(crate) struct ResourceQuota {
    pub(crate) resources: Resources,
    pub(crate) locks: Arc<Quotas>,
}

impl ResourceQuota {
    /// Charges the quotas of the namespace for a write, the last thing before it is stored.
    ///
    /// # Errors
    /// 403 when it does not fit.
    pub(crate) async fn reserve(
        &self,
        attributes: &Attributes<'_>,
        object: &Value,
    ) -> Result<Reservation, Status> {
        let Attributes { action, old, .. } = *attributes;
        let (subresource, namespace) = (attributes.subresource(), attributes.namespace());
        let resource = attributes.resource();
        let Some(evaluator) = Evaluator::of(&resource.group, &resource.resource) else {
            return Ok(Reservation::none());
        };
        if namespace.is_empty()
            || !evaluator.handles(action, subresource, object, old)
            || quotas(&self.resources, namespace).await?.is_empty()
        {
            return Ok(Reservation::none());
        }
        let change = Change { action, subresource, object, old, now: attributes.request.received };
        let lock = self.locks.lock(namespace).await;
        let mut charged = Charged {
            resources: self.resources.clone(),
            locks: Arc::clone(&self.locks),
            namespace: namespace.to_owned(),
            quotas: Vec::new(),
            is_open: false,
            _lock: lock,
        };
        for _ in 0..ATTEMPTS {
            let quotas = quotas(&self.resources, namespace).await?;
            let after =
                check::check(&quotas, &evaluator, change).map_err(|why| attributes.forbid(object, &why))?;
            if attributes.dry_run {
                return Ok(Reservation::none());
            }
            match charge(&mut charged, quotas, after).await {
                Ok(()) if charged.quotas.is_empty() => return Ok(Reservation::none()),
                Ok(()) => return Ok(Reservation { charged: Some(charged) }),
                // Somebody has changed a quota itself.
                Err(WriteError::Conflict) => charged.undo().await?,
                Err(WriteError::Fail(status)) => {
                    charged.undo().await?;
                    return Err(status);
                }
            }
        }
        Err(attributes.registry.modified(Meta::of(object).name()))
    }
}

async fn charge(
    charged: &mut Charged,
    quotas: Vec<Value>,
    after: Vec<Option<ResourceList>>,
) -> Result<(), WriteError> {
    let registry = registry(&charged.resources)?;
    for (quota, used) in quotas.into_iter().zip(after) {
        let Some(used) = used else { continue };
        charged.is_open = true;
        let mut status = quota.at("status").clone();
        as_map(&mut status).insert("used".to_owned(), amounts::write(&used));
        let revision = put_status(&registry, &quota, status, "kube-apiserver").await?;
        charged.quotas.push((quota, revision));
    }
    Ok(())
}

/// How often a charge is tried again after somebody has changed a quota.
const ATTEMPTS: usize = 8;
