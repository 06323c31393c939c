//! Where events go.

mod contract;
mod log;
mod memory;
mod options;
mod rotation;

pub use contract::{Error, Sink};
pub use log::{Log, OpenError};
pub use memory::Memory;
pub use options::{Format, LogOptions};
