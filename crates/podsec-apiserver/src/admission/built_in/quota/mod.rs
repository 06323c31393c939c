//! `ResourceQuota`: what a namespace may hold, counted exactly.
//!
//! ```text
//! lock of the namespace ─► check ─► status of the quotas ─► the object ─► unlock
//!                                                              └ fails ─► status as it was
//! ```
//!
//! Only one write of a namespace that has a quota is between check and store, so that no number of them together
//! exceeds it. A quota is charged before the object is stored: a server that dies in between has counted one too many,
//! never one too few, and counts again when it starts. Deletions are counted by a controller, under the same lock.

mod check;
pub(crate) mod evaluator;
pub(crate) mod locks;
pub(crate) mod recount;
pub(crate) mod reservation;
mod scopes;
mod status;
