//! `podsec webhook manifests`: what installs the webhook.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Args;
use podsec_webhook::{AddressRange, Installation};

/// The flags.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The namespace of the webhook.
    #[arg(long, default_value_t = Installation::default().namespace, value_name = "NAME")]
    namespace: String,
    /// The image of podsec, which deploy/Containerfile builds: nobody publishes one.
    #[arg(long, value_name = "IMAGE")]
    image: String,
    /// How many webhooks answer.
    #[arg(long, default_value_t = Installation::default().replicas, value_name = "NUMBER")]
    replicas: u32,
    /// Namespaces besides its own that the webhook is not asked about.
    #[arg(long, default_values_t = Installation::default().excluded_namespaces, value_delimiter = ',', value_name = "NAMES")]
    exclude_namespaces: Vec<String>,
    /// The Secret of its namespace that holds the serving certificate, and that somebody else looks after, as cert-manager
    /// does; without one the webhook makes its certificates itself.
    #[arg(long, value_name = "NAME")]
    tls_secret: Option<String>,
    /// The addresses of API servers, as 192.0.2.1/32: the NetworkPolicy then lets nobody else reach the webhook.
    #[arg(long, value_delimiter = ',', value_name = "CIDR")]
    api_server_cidr: Vec<AddressRange>,
    /// Add a ServiceMonitor and alerts for the Prometheus operator.
    #[arg(long)]
    monitoring: bool,
}

/// Prints the manifests.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let installation = Installation {
        namespace: arguments.namespace,
        image: arguments.image,
        replicas: arguments.replicas,
        excluded_namespaces: arguments.exclude_namespaces,
        tls_secret: arguments.tls_secret,
        api_server_cidrs: arguments.api_server_cidr,
        monitoring: arguments.monitoring,
    };
    io::stdout().write_all(installation.manifests()?.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
