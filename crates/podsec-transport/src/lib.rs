//! How podsec is reached, and how it reaches others: the HTTPS listener of the API server and the webhook, and the
//! client by which the API server asks webhooks.
//!
//! ```text
//! TCP ─► a slot ─► TLS handshake ─► HTTP/1.1 or HTTP/2 ─► Handler ─► body::read
//! listener  connections         connection                          body
//! ```
//!
//! [`Listener`] is the entry. It decides nothing about requests: a [`Handler`] does. [`Limits`] says what clients may
//! hold; [`ClientAuthorities`] verifies who they are, and [`Authorities`] whom a client believes.

mod authorities;
pub mod body;
mod client_certificate;
mod connection;
mod connections;
mod limits;
mod listener;
mod metrics;
mod stream;
mod usage;

pub use authorities::Authorities;
pub use body::RequestBody;
pub use client_certificate::{ClientAuthorities, Unusable};
pub use connection::Peer;
pub use limits::Limits;
pub use listener::{Handler, Listener, Refusal};
pub use metrics::Metrics;
