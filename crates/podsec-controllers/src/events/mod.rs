//! Events: what controllers tell people about objects.

mod correlator;
mod event;
mod recent;
mod recorder;

pub use event::{EventType, reference};
pub use recorder::Recorder;
