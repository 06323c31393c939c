//! The command line: one variant a subcommand, its flags in the subcommand's own file.

use clap::{Parser, Subcommand};

use crate::commands::{check, evaluate, serve, webhook};

/// Kubernetes Pod Security: exact, fast, pleasant.
#[derive(Debug, Parser)]
#[command(name = "podsec", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Judge manifests as the API server would, at file, line and column.
    Check(Box<check::Arguments>),
    /// Judge pods given as JSON Lines on standard input.
    Evaluate(evaluate::Arguments),
    /// Run a Kubernetes API server with Pod Security and auditing, for unmodified kubectl.
    Serve(Box<serve::Arguments>),
    /// Run the admission webhook: the same flags and configuration as upstream's.
    Webhook(Box<webhook::Arguments>),
}
