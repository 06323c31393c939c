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
mod caller;
mod client;
mod dispatch;
mod hook;
mod metrics;
mod response;
mod source;

pub(super) use caller::Caller;
pub(crate) use client::{Clients, post};
pub(super) use dispatch::{MutatingAdmissionWebhook, ValidatingAdmissionWebhook};
pub(crate) use hook::Endpoint;
pub(crate) use metrics::Metrics;
pub(super) use source::Source;
