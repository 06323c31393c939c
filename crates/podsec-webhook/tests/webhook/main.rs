//! The webhook as the API server meets it: real HTTPS on the loopback, in front of an API server of the test's own.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod api_server;
mod authority;
mod client;
mod conformance;
mod doctor;
mod faults;
mod hostile;
mod load;
mod reload;
mod reviews;
mod running;
mod self_signed;
mod tls_secret;
#[cfg(feature = "opentelemetry")]
mod traces;
mod until_the_end;
