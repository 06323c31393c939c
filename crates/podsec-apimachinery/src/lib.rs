//! What every Kubernetes API server does to objects, without doing any I/O.
//!
//! ```text
//! a request's bytes ─► codec ─► object ─► patch, meta, selector ─► object, table ─► an answer's JSON
//!                        ▲                  ▲
//!                       schema: the kinds there are and what their fields mean ─► discovery, openapi
//!
//! whatever is wrong: field::Error ─► Status
//! ```
//!
//! Objects are [`serde_json::Value`]s. [`codec::decode`] makes them of bodies; after it an object has only fields that
//! its kind has, in the form in which Kubernetes stores them.
//!
//! - [`schema`]: the [`Catalog`](schema::Catalog) of resources and the [`Definitions`](schema::Definitions) of their
//!   fields; [`schema::decode`] takes JSON as Go's types do.
//! - [`codec`]: JSON, YAML and protobuf bodies.
//! - [`patch`], [`meta`], [`name`], [`selector`]: what is done to objects.
//! - [`discovery`], [`openapi`], [`table`]: what clients are told.
//! - [`kubernetes`]: the version of Kubernetes that all of it follows.
//! - [`field`], [`status`], [`quote`]: how they are told that something is wrong.

pub mod codec;
pub mod discovery;
pub mod emulation;
pub mod field;
pub mod kubernetes;
pub mod meta;
pub mod name;
pub mod openapi;
pub mod patch;
pub mod schema;
pub mod selector;
pub mod status;
pub mod table;

pub use podsec_go::quote;
pub use status::Status;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
