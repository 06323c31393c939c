//! The webhook as the API server meets it: real HTTPS on the loopback, in front of an API server of the test's own.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod authentication;
mod conformance;
mod doctor;
mod faults;
mod hostile;
mod load;
mod reload;
mod running;
mod self_signed;
mod tls_secret;
#[cfg(feature = "opentelemetry")]
mod traces;

use podsec_testing::{api_server, authority, client, reviews, until_the_end};
