//! Renderers of findings, one a file.
//!
//! ```text
//!                   on any core                      one after the other
//! Source, FileReport ─► Renderer::source ─► bytes ─► Assembly::add ─► … ─► Assembly::finish
//! ```
//!
//! Sources are rendered as they are judged and then forgotten, so that a report of any length takes little memory.

mod concise;
mod entry;
mod excerpt;
mod fingerprint;
mod github;
mod gitlab;
mod html;
mod human;
mod json;
mod junit;
mod markdown;
mod renderer;
mod replacement;
mod sarif;
mod summary;
pub(crate) mod wording;

pub use concise::Concise;
pub use github::Github;
pub use gitlab::Gitlab;
pub use html::Html;
pub use human::Human;
pub use json::{Json, SCHEMA, SCHEMA_VERSION};
pub use junit::Junit;
pub use markdown::Markdown;
pub use renderer::{Assembly, Renderer};
pub use sarif::Sarif;
pub use summary::Summary;
