//! The controllers of a cluster: they see what objects ask for and write what is to be done, as clients of an API server.
//!
//! ```text
//!             ┌────────────── Informers: one list and one watch a kind ◄──── API server
//!             ▼                                                                  ▲
//! Cache ─► handlers ─► Queue ─► work ─► Reconcile ─► pure functions ─► writes ───┘
//!             ▲                            │ (objects, now) -> what to write     │
//!             └── what was written ────────┴─► Recorder ─► events ───────────────┘
//! ```
//!
//! [`Controllers::start`] is the entry. Whoever calls it says how to reach the API server as a given user
//! ([`Clients`]); nothing here knows more of it than [`kube::Client`] does, so that the same controllers run against
//! any API server, and kube-controller-manager can run in their place.
//!
//! # Add a controller
//!
//! 1. Make a folder named after it, with `mod.rs` and one file for each pure function: objects and the time in, what to
//!    write out. Test those as tables.
//! 2. In `mod.rs` write a struct with its client, the caches it reads and its [`Recorder`]; implement [`Reconcile`] for
//!    it: read the caches, ask the pure functions, send the writes through [`Objects`], which gives each answer to the
//!    cache, so that the next look at an object sees them.
//! 3. Write `pub(crate) fn start(context: &Context)`: take the caches with [`Context::cache`], subscribe to them with
//!    handlers that add keys to a [`Queue`], and call [`Context::run`].
//! 4. Add one line to `ALL` in `catalog.rs`: its name and its service account, as kube-controller-manager has them.

mod catalog;
mod claims;
mod clients;
mod clock;
mod context;
mod controller_revisions;
mod controllers;
mod cron_job;
mod daemon_set;
mod deployment;
mod disruption;
mod error;
mod events;
mod informer;
mod int_or_percent;
mod job;
mod key;
mod leader_election;
mod nodes;
mod objects;
mod ownership;
mod pods;
mod queue;
mod replicas;
mod selection;
mod selectors;
mod stateful_set;
mod tasks;
mod template_hash;
mod ttl_after_finished;
mod wake;
mod work;

pub use clients::Clients;
pub use clock::{Clock, time};
pub use context::Context;
pub use controllers::Controllers;
pub use error::{Error, Result};
pub use events::{EventType, Recorder, reference};
pub use informer::{Cache, Change, Informers, Object};
pub use key::ObjectKey;
pub use leader_election::LeaderElection;
pub use objects::{Objects, with_uid};
pub use ownership::{controller_of, controller_reference};
pub use queue::{Backoff, Queue};
pub use selection::{Selection, SelectionError};
pub use work::Reconcile;
