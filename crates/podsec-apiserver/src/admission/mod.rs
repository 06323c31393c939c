//! What a write must pass: mutating admission before validation, validating admission after it. Reads never
//! come here.
//!
//! ```text
//! decoded object ─► namespace lifecycle ─► built-in plugins ─► mutating policies ─► mutating webhooks ─► (validation)
//!     ─► Pod Security and the other built-in plugins ─► validating policies ─► validating webhooks ─► quotas ─► (store)
//! ```
//!
//! [`Chain`] is made when the server starts: each plugin is given then what it needs, and [`Attributes`] at the call.
//! Whatever a mutating policy or webhook changes, the built-in plugins and those policies and webhooks that wish it see
//! again.

mod attributes;
pub(crate) mod built_in;
mod chain;
pub(crate) mod configuration;
mod escalation;
mod matching;
mod parts;
mod plugin;
mod plugins;
mod policy;
mod review;
pub(crate) mod webhook;

pub(crate) use attributes::{Action, Attributes};
pub(crate) use built_in::quota::reservation::Reservation;
pub(crate) use chain::Chain;
pub(crate) use parts::Parts;
pub use plugins::{Plugins, PluginsError};
