//! The addresses and ports of services: who writes one gets them from here.
//!
//! The stored services say what is taken, so nothing has to be repaired when the server starts, and several servers over
//! one store see the same. What is given to a service that is not stored yet is remembered until its write ends.

use std::sync::{Arc, Weak};

use podsec_apimachinery::Status;
use podsec_apimachinery::meta::Meta;
use podsec_kinds::allocation::{self, Pool, Refused, ServiceRange};
use podsec_kinds::object::Fields;
use podsec_storage::{Range, Store};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::error::status;

/// What services that are being written have been given.
#[derive(Default)]
pub(crate) struct ServicePool {
    range: ServiceRange,
    given: Mutex<Vec<Weak<Value>>>,
}

/// What a service has been given, for as long as its write takes.
pub(crate) type Given = Arc<Value>;

impl ServicePool {
    /// Addresses of this range, and Kubernetes' ports.
    pub(crate) fn of(range: ServiceRange) -> Self {
        Self { range, ..Self::default() }
    }

    /// Where the addresses come from.
    pub(crate) fn range(&self) -> ServiceRange {
        self.range
    }

    /// Completes a service that is about to be written, with addresses and ports among the rest. `store` has the other
    /// services.
    ///
    /// # Errors
    /// 422 when it asks for what it cannot have, and 500 when there is nothing left.
    pub(crate) async fn allocate(
        &self,
        store: &dyn Store,
        service: &mut Value,
        stored: Option<&Value>,
        dry_run: bool,
    ) -> Result<Option<Given>, Status> {
        let mut given = self.given.lock().await;
        // Before the store is read: what has been stored by now is there, what has not is here.
        let unstored: Vec<Given> = given.iter().filter_map(Weak::upgrade).collect();
        let mut pool = Pool::of(self.range);
        let page = store.range(Range::prefix(SERVICES)).await.map_err(|error| status(&error))?;
        for entry in &page.entries {
            if let Ok(other) = serde_json::from_slice::<Value>(&entry.value) {
                pool.hold(&other);
            }
        }
        for other in &unstored {
            pool.hold(other);
        }
        if dry_run {
            pool = pool.for_trial();
        }
        let outcome = match stored {
            None => allocation::begin_create(service, pool),
            Some(stored) => allocation::begin_update(service, stored, pool),
        };
        match outcome {
            Ok(()) => {}
            Err(Refused::Invalid(errors)) => {
                return Err(Status::invalid("", "Service", Meta::of(service).name(), &errors));
            }
            Err(Refused::Internal(why)) => return Err(Status::internal(&why)),
            Err(Refused::Plain(why)) => return Err(Status::failure(500, "", why)),
        }
        if dry_run {
            return Ok(None);
        }
        let own = Arc::new(json!({ "spec": service.at("spec") }));
        given.retain(|other| other.strong_count() > 0);
        given.push(Arc::downgrade(&own));
        Ok(Some(own))
    }
}

const SERVICES: &str = "/registry/services/specs/";
