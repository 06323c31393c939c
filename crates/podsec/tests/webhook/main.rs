//! The real `podsec webhook` beside a real `podsec serve`: how it is installed, how it ends, and how it comes back.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod doctor;
mod installation;
mod process;
#[path = "../clients/server.rs"]
mod server;
mod termination;

use podsec_testing::{authority, client, reviews, until_the_end};
