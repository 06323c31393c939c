//! What authorization keeps between requests. The server holds it, and [`super`] asks it on the server's behalf.

use super::modes::{AuthorizationMode, AuthorizationModes};
use super::roles::Roles;

/// The authorizers.
#[derive(Default)]
pub(crate) struct Authorizer {
    pub(super) modes: AuthorizationModes,
    pub(super) roles: Roles,
}

impl Authorizer {
    pub(crate) fn new(modes: AuthorizationModes) -> Self {
        Self { modes, roles: Roles::default() }
    }

    /// Whether everybody may do everything: then nobody is anonymous.
    pub(crate) fn allows_all(&self) -> bool {
        self.modes.contains(AuthorizationMode::AlwaysAllow)
    }
}
