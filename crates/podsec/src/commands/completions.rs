//! `podsec completions`: what a shell needs to complete podsec's flags.

use std::io;
use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::cli::Cli;

/// Prints the completions for a shell.
#[derive(Clone, Debug, Args)]
pub(crate) struct Arguments {
    /// The shell.
    shell: Shell,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    clap_complete::generate(arguments.shell, &mut Cli::command(), "podsec", &mut io::stdout());
    ExitCode::SUCCESS
}
