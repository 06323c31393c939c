//! Who may do what: the authorizers of `--authorization-mode`, one after the other, after the administrators.

mod authorizer;
mod decision;
mod modes;
mod node;
mod refusal;
mod roles;
pub(crate) mod webhook;

pub(crate) use authorizer::Authorizer;
pub(crate) use decision::{Decision, rbac_user};
pub use modes::{AuthorizationMode, AuthorizationModes, AuthorizationModesError};
pub(crate) use refusal::refusal;
