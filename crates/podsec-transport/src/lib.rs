//! How podsec is reached, and how it reaches others: the HTTPS listener of the API server and the webhook, and the
//! client by which the API server asks webhooks.
//!
//! ```text
//! TCP ─► a slot ─► TLS handshake ─► HTTP/1.1 or HTTP/2 ─► Handler ─► body::read
//! listener  connections         connection                          body
//! ```
//!
//! [`Listener`] is the entry. It decides nothing about requests: a [`Handler`] does. [`Limits`] says what clients may
//! hold, and [`ClientAuthorities`] verifies who they are. [`HttpsClient`] is the other end.

pub mod body;
mod client;
mod client_certificate;
mod connection;
mod connections;
mod handler;
mod limits;
mod listener;
mod metrics;
mod peer;
mod stream;
mod usage;

pub use body::IncomingBody;
pub use client::{Authorities, HttpsClient, Resolve, Unreachable};
pub use client_certificate::{ClientAuthorities, Unusable};
pub use handler::{Handler, Refusal};
pub use limits::Limits;
pub use listener::Listener;
pub use metrics::ConnectionMetrics;
pub use peer::Peer;
