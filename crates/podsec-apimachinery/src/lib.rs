//! What every Kubernetes API server does to objects, without doing any I/O: schemas, codecs, patches,
//! selectors, Status.

pub mod codec;
pub mod discovery;
pub mod field;
pub mod meta;
pub mod name;
pub mod openapi;
pub mod patch;
pub mod schema;
pub mod selector;
pub mod status;
pub mod table;

pub use status::Status;
