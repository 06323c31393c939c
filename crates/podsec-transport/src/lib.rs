//! The HTTPS listener that the API server and the webhook share: bounded connections, bounded bodies, and an end
//! that answers what was begun.
//!
//! ```text
//! TCP ─► room for a connection? ─► TLS handshake ─► HTTP/1.1 or HTTP/2 ─► Handler ─► body::read
//! socket  server                                stream   connection, requests
//! ```
//!
//! [`serve`] is the entry. It decides nothing about requests: a [`Handler`] does. [`Authorities`] is for the other end.

mod authorities;
pub mod body;
mod connection;
mod requests;
mod server;
mod socket;
mod stream;

pub use authorities::Authorities;
pub use server::{Handler, Limits, Peer, serve};
