//! Objects in the store: which resources there are, where their objects are kept, and how they are read and written there.
//!
//! ```text
//! Resources ─► Registry (the objects of one resource) ─► podsec-storage
//! ```

pub(crate) mod conversion;
mod error;
mod objects;
mod resources;
mod service_pool;
pub(crate) mod stored_json;

pub(crate) use error::{WriteError, status, too_large_resource_version};
pub(crate) use objects::{Convert, Registry, Stored, custom_directory};
pub(crate) use resources::{Converters, Resources};
pub(crate) use service_pool::Given;
