//! The subcommands, one file each.

pub(crate) mod evaluate;

use std::process::ExitCode;

use crate::cli::Command;

/// Runs a subcommand; its exit code is part of its interface.
pub(crate) fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Evaluate(arguments) => evaluate::run(&arguments),
    }
}
