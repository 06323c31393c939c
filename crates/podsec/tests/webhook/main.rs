//! The real `podsec webhook` beside a real `podsec serve`: how it is installed, how it ends, and how it comes back.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../../../podsec-webhook/tests/webhook/authority.rs"]
mod authority;
#[path = "../../../podsec-webhook/tests/webhook/client.rs"]
#[expect(dead_code, reason = "the webhook's own tests need more of it")]
mod client;
mod doctor;
mod installation;
mod process;
#[path = "../../../podsec-webhook/tests/webhook/reviews.rs"]
mod reviews;
#[path = "../clients/server.rs"]
mod server;
mod termination;
#[path = "../../../podsec-webhook/tests/webhook/until_the_end.rs"]
mod until_the_end;
