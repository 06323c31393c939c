//! A revisioned key-value store with watches, as the Kubernetes API needs it.
//!
//! ```text
//!            commit                       apply
//! caller ──────────► Store ─► durable? ──────────► history ─► feeds ─► Watch
//!            get, range                  one revision a change   one a prefix
//! caller ◄────────────────────────────── history
//! ```
//!
//! One counter numbers every change of every key. The history holds the newest entry of each key and the
//! recent changes in order; from the two it answers reads of the present, reads of the recent past and
//! watches that resume. [`Memory`] forgets with the process; [`Redb`] keeps all of it in one file too, which
//! `docs/storage.md` draws byte by byte; [`Etcd`] keeps it in a cluster, and follows what others write there.
//!
//! The entry point is the trait [`Store`].

mod change;
mod error;
mod etcd;
mod feed;
mod history;
mod memory;
mod range;
mod redb;
mod retention;
mod revision;
mod store;

pub use change::{Change, Commit, MAX_REQUEST_BYTES, Precondition};
pub use error::{Error, OpenError};
pub use etcd::{Decode, Etcd, EtcdOptions, EtcdTls};
pub use memory::Memory;
pub use range::{Page, Range};
pub use redb::{Redb, snapshot};
pub use retention::Retention;
pub use revision::{Entry, Event, Revision};
pub use store::{Answer, Store, Watch};
