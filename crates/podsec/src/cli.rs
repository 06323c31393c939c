//! The command line: one variant a subcommand, its flags in the subcommand's own file.

use clap::{Parser, Subcommand};

use crate::commands::{check, completions, evaluate, explain, fix, inspect, man, schema, serve, webhook};

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
    /// Print what a shell needs to complete podsec's flags.
    Completions(completions::Arguments),
    /// Judge pods given as JSON Lines on standard input.
    Evaluate(evaluate::Arguments),
    /// Explain a check, a level or a field.
    Explain(explain::Arguments),
    /// Mend manifests: the smallest edit after which the API server admits their pods.
    Fix(Box<fix::Arguments>),
    /// Show what each container really runs with, and who decides it.
    Inspect(inspect::Arguments),
    /// Write the manual pages.
    Man(man::Arguments),
    /// Print the JSON Schema of the report or of podsec.toml.
    Schema(schema::Arguments),
    /// Run a Kubernetes API server with Pod Security and auditing, for unmodified kubectl.
    Serve(Box<serve::Arguments>),
    /// Run the admission webhook: the same flags and configuration as upstream's.
    Webhook(Box<webhook::Arguments>),
}
