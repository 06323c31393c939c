//! `MutatingAdmissionWebhook` and `ValidatingAdmissionWebhook`: asks those whom the cluster's configurations name.
//!
//! ```text
//! stored configurations ─► hooks ─► rules ─► request ─► client ─► response ─► the object, or a refusal
//!                                  (which)  (review)   (HTTPS)   (verified)
//! ```
//!
//! [`dispatch`] says who is asked when, [`asking`] how. Everything else but [`client`] and [`source`] is pure.

mod address;
mod annotation;
mod asking;
mod client;
mod dispatch;
pub(super) mod hook;
mod metrics;
pub(super) mod request;
mod response;
pub(super) mod rules;
mod source;
pub(super) mod version;

use std::sync::Arc;

use podsec_apimachinery::schema::Catalog;
use podsec_storage::Store;

use crate::registry::Registry;
use address::Routes;
use client::Clients;
pub(super) use dispatch::{Mutation, validate};
pub(crate) use metrics::Metrics;
use source::Source;

/// The webhooks of a server.
pub(crate) struct Webhooks {
    mutating: Source,
    validating: Source,
    clients: Clients,
}

impl Webhooks {
    /// Those that the objects in `store` name.
    pub(crate) fn over(store: &Arc<dyn Store>, catalog: &Catalog) -> Self {
        let registry = |group: &str, resource: &str| {
            catalog.find(group, "v1", resource).map(|resource| Registry::new(store, resource, None))
        };
        let source = |resource: &str| Source::new(registry("admissionregistration.k8s.io", resource));
        let services = || {
            Some(Routes {
                services: registry("", "services")?,
                endpoints: registry("", "endpoints")?,
                slices: registry("discovery.k8s.io", "endpointslices")?,
            })
        };
        Self {
            mutating: source("mutatingwebhookconfigurations"),
            validating: source("validatingwebhookconfigurations"),
            clients: Clients::new(services()),
        }
    }
}
