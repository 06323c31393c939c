//! The command line: one variant a subcommand, its flags in the subcommand's own file.

use std::ffi::OsString;
use std::path::Path;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::commands::{
    cel, check, completions, evaluate, explain, fix, inspect, man, schema, serve, webhook,
};

/// Kubernetes Pod Security: exact, fast, pleasant.
#[derive(Debug, Parser)]
#[command(name = "podsec", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Reads the command line, or ends the process with what is wrong with it.
pub(crate) fn parse() -> Cli {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let name = arguments.first().and_then(|path| Path::new(path).file_stem());
    let command = match name.and_then(|name| name.to_str()) {
        // kubectl asks a program of this name how to complete a line, and calls the plugin by this other name.
        Some("kubectl_complete-podsec") => return Cli { command: Command::kubectl_completions(&arguments) },
        Some(KUBECTL_PLUGIN) => as_kubectl_plugin(Cli::command()),
        _ => Cli::command(),
    };
    command
        .try_get_matches_from(arguments)
        .and_then(|mut matches| Cli::from_arg_matches_mut(&mut matches))
        .unwrap_or_else(|error| error.exit())
}

/// The command as it reads when kubectl calls it.
fn as_kubectl_plugin(command: clap::Command) -> clap::Command {
    command.bin_name("kubectl podsec").display_name("kubectl podsec")
}

const KUBECTL_PLUGIN: &str = "kubectl-podsec";

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Evaluate CEL expressions given as JSON Lines on standard input.
    Cel(cel::Arguments),
    /// Judge manifests as the API server would, at file, line and column.
    Check(Box<check::Arguments>),
    /// Print what a shell needs to complete podsec's flags.
    Completions(completions::Arguments),
    /// Complete a line for kubectl, whose words these are.
    #[command(name = "__complete", hide = true, disable_help_flag = true)]
    Complete {
        /// The words behind `kubectl podsec`; the last is the one to complete.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
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

impl Command {
    fn kubectl_completions(arguments: &[OsString]) -> Self {
        let words = arguments.iter().skip(1);
        Self::Complete { words: words.map(|word| word.to_string_lossy().into_owned()).collect() }
    }
}
