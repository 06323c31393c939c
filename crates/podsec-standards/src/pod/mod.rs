//! The policy's view of a pod: what the checks read, borrowed from the JSON it came in.

mod container;
mod decode;
mod error;
mod features;
mod list;
mod metadata;
mod model;
mod of_workload;
mod owned;
mod plain;
mod reader;
mod security_context;
pub(crate) mod unread;
mod update;
mod volume;

pub use container::{Container, ContainerKind};
pub(crate) use container::{Handler, Lifecycle};
pub(crate) use decode::Object;
pub use error::DecodeError;
pub(crate) use error::read;
pub(crate) use features::{Features, Signs};
pub use model::Pod;
pub(crate) use plain::plain_end;
pub(crate) use reader::{Failure, Reader, Result};
pub(crate) use security_context::{Profile, SeLinuxOptions, WindowsOptions};
pub(crate) use volume::UNRESTRICTED_SOURCES;
