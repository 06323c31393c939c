//! The flags of an OpenID provider, named as kube-apiserver's.

use std::path::PathBuf;

use clap::Args;
use podsec_apiserver::OidcOptions;

/// Who signs ID tokens, and how their claims name users.
#[derive(Debug, Args)]
#[expect(clippy::struct_field_names, reason = "the names are the flags'")]
pub(super) struct OidcArguments {
    /// The OpenID provider whose ID tokens name users; only https.
    #[arg(long, value_name = "URL")]
    oidc_issuer_url: Option<String>,
    /// The client ID that ID tokens must be for.
    #[arg(long, value_name = "ID")]
    oidc_client_id: Option<String>,
    /// Whose certificates the provider may have, as PEM; the system's authorities when absent.
    #[arg(long, value_name = "FILE")]
    oidc_ca_file: Option<PathBuf>,
    /// The claim that names the user.
    #[arg(long, default_value_t = OidcOptions::default().username_claim, value_name = "CLAIM")]
    oidc_username_claim: String,
    /// What stands before user names; '-' for nothing. Without it, the issuer and '#', unless the claim is email.
    #[arg(long, default_value = "", value_name = "PREFIX", allow_hyphen_values = true)]
    oidc_username_prefix: String,
    /// The claim that names the user's groups, a string or a list of them.
    #[arg(long, value_name = "CLAIM")]
    oidc_groups_claim: Option<String>,
    /// What stands before the names of groups.
    #[arg(long, default_value = "", value_name = "PREFIX")]
    oidc_groups_prefix: String,
    /// A claim that ID tokens must have, with its value; may be given more than once.
    #[arg(long, value_name = "KEY=VALUE")]
    oidc_required_claim: Vec<String>,
    /// The algorithms that ID tokens may be signed with.
    #[arg(long, value_delimiter = ',', default_value = "RS256", value_name = "NAMES")]
    oidc_signing_algs: Vec<String>,
}

impl OidcArguments {
    pub(super) fn options(self) -> OidcOptions {
        OidcOptions {
            issuer_url: self.oidc_issuer_url,
            client_id: self.oidc_client_id,
            ca_file: self.oidc_ca_file,
            username_claim: self.oidc_username_claim,
            username_prefix: self.oidc_username_prefix,
            groups_claim: self.oidc_groups_claim,
            groups_prefix: self.oidc_groups_prefix,
            required_claims: self.oidc_required_claim,
            signing_algs: self.oidc_signing_algs,
        }
    }
}
