//! Reading request bodies within bounds: a limit for each, a pace, and a budget for all that are in memory together.

mod budget;
mod error;
mod incoming;
mod reading;

pub use budget::BodyBudget;
pub use error::{BODY_LIMIT, BodyError};
pub(crate) use incoming::Given;
pub use incoming::IncomingBody;
pub use reading::{Held, Pace, discard, read};
