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

use crate::registry::Resources;
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
    /// Those that the objects of `resources` name.
    pub(crate) fn of(resources: &Resources) -> Self {
        let registry = |group: &str, resource: &str| resources.builtin(group, "v1", resource);
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
