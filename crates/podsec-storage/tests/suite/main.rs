//! The laws of a store, each of them one test, run over every implementation.

#![expect(clippy::unwrap_used, reason = "a law that does not get its answer has failed")]

mod compaction;
mod concurrency;
mod etcd;
mod model;
mod reads;
mod subject;
mod watches;
mod writes;
