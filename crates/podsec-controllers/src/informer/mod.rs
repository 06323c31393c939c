//! What the API server holds, kept up to date in memory: one list and one watch a kind for all controllers.

mod cache;
mod follow;
mod informers;
mod object;

pub use cache::{Cache, Change};
pub use informers::Informers;
pub use object::Object;
