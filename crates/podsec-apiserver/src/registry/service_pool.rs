//! The addresses and ports of services: who writes one gets them from here.
//!
//! ```text
//! start, or a gap ─► all stored services ─► Pool ◄─ each later change ◄─ watch
//!                                            └─► what a service is given, beside what others are being given
//! ```
//!
//! The stored services say what is taken, and several servers over one store see the same: before anything is given, the
//! pool has taken in every change up to the store's newest revision. What is given to a service that is not stored yet is
//! remembered until its write ends.

use std::sync::{Arc, Weak};
use std::time::Duration;

use podsec_apimachinery::Status;
use podsec_apimachinery::meta::Meta;
use podsec_kinds::allocation::{self, Pool, Refused, ServiceRange};
use podsec_kinds::object::Fields;
use podsec_storage::{Entry, Error, Event, Range, Store, Watch};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::error::status;

/// What services have been given.
#[derive(Default)]
pub(crate) struct ServicePool {
    range: ServiceRange,
    state: Mutex<State>,
}

/// What a service has been given, for as long as its write takes.
pub(crate) type Given = Arc<Value>;

#[derive(Default)]
struct State {
    /// What the stored services have; none before the first write, and after a gap.
    stored: Option<StoredServices>,
    /// What services that are being written have been given.
    unstored: Vec<Weak<Value>>,
}

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
        let mut state = self.state.lock().await;
        // Before the store is asked: what has been stored by now is there, what has not is here.
        let unstored: Vec<Given> = state.unstored.iter().filter_map(Weak::upgrade).collect();
        let mut pool = state.pool(store, self.range).await.map_err(|error| status(&error))?;
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
        state.unstored.retain(|other| other.strong_count() > 0);
        state.unstored.push(Arc::downgrade(&own));
        Ok(Some(own))
    }
}

impl State {
    /// What the stored services have by now.
    async fn pool(&mut self, store: &dyn Store, range: ServiceRange) -> Result<Pool, Error> {
        // It is put back when it has everything; a request that ends meanwhile leaves a gap, which is a reason to read.
        let mut stored = match self.stored.take() {
            Some(stored) => stored,
            None => StoredServices::read(store, range).await?,
        };
        if !stored.catch_up(store).await? {
            stored = StoredServices::read(store, range).await?;
        }
        let pool = stored.pool.clone();
        self.stored = Some(stored);
        Ok(pool)
    }
}

/// What the stored services have, and where the changes of it come from.
struct StoredServices {
    pool: Pool,
    changes: Box<dyn Watch>,
}

impl StoredServices {
    /// Reads all services.
    async fn read(store: &dyn Store, range: ServiceRange) -> Result<Self, Error> {
        let mut pool = Pool::of(range);
        let page = store.range(Range::prefix(SERVICES)).await?;
        for entry in &page.entries {
            if let Some(service) = service(entry) {
                pool.hold(&service);
            }
        }
        Ok(Self { pool, changes: store.watch(SERVICES, page.revision).await? })
    }

    /// Takes in the changes up to the store's newest revision; false when they do not come.
    async fn catch_up(&mut self, store: &dyn Store) -> Result<bool, Error> {
        let newest = store.revision().await?;
        while self.changes.progress() < newest {
            let Ok(Ok(events)) = timeout(LONGEST_WAIT, self.changes.next()).await else { return Ok(false) };
            for event in events {
                let (before, now) = match &*event {
                    Event::Create(entry) => (None, Some(entry)),
                    Event::Modify { entry, previous } => (Some(previous), Some(entry)),
                    Event::Delete { previous, .. } => (Some(previous), None),
                };
                if let Some(service) = before.and_then(service) {
                    self.pool.release(&service);
                }
                if let Some(service) = now.and_then(service) {
                    self.pool.hold(&service);
                }
            }
        }
        Ok(true)
    }
}

fn service(entry: &Entry) -> Option<Value> {
    serde_json::from_slice(&entry.value).ok()
}

const SERVICES: &str = "/registry/services/specs/";
/// For a change that is stored and has not come yet; then all services are read.
const LONGEST_WAIT: Duration = Duration::from_millis(200);
