//! The subcommands, one file each.

pub(crate) mod check;
pub(crate) mod evaluate;
pub(crate) mod serve;
pub(crate) mod webhook;

use std::process::ExitCode;

use crate::cli::Command;

/// Runs a subcommand; its exit code is part of its interface.
pub(crate) fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Check(arguments) => Ok(check::run(&arguments)),
        Command::Evaluate(arguments) => evaluate::run(&arguments),
        Command::Serve(arguments) => serve::run(*arguments),
        Command::Webhook(arguments) => webhook::run(*arguments),
    }
}
