//! The subcommands, one file each.

pub(crate) mod audit_log;
pub(crate) mod cel;
pub(crate) mod check;
pub(crate) mod completions;
mod connections;
pub(crate) mod envtest;
mod etcd;
pub(crate) mod evaluate;
pub(crate) mod explain;
pub(crate) mod fix;
mod help;
pub(crate) mod images;
pub(crate) mod inspect;
mod json_lines;
mod log_files;
pub(crate) mod man;
mod oidc;
pub(crate) mod plan;
mod render;
pub(crate) mod replay;
pub(crate) mod report;
pub(crate) mod schema;
pub(crate) mod serve;
mod snapshot;
mod subjects;
pub(crate) mod upgrade_check;
pub(crate) mod values;
pub(crate) mod webhook;

use std::process::ExitCode;

use clap::CommandFactory as _;

use crate::cli::{Cli, Command};

/// Runs a subcommand; its exit code is part of its interface.
pub(crate) fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::AuditLog(arguments) => audit_log::run(&arguments),
        Command::Cel(arguments) => cel::run(&arguments),
        Command::Check(arguments) => Ok(check::run(*arguments)),
        Command::Complete { words } => completions::complete(&words, &Cli::command()),
        Command::Completions(arguments) => Ok(completions::run(&arguments, Cli::command())),
        Command::Envtest(arguments) => envtest::run(arguments),
        Command::Evaluate(arguments) => evaluate::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Fix(arguments) => Ok(fix::run(*arguments)),
        Command::Images(arguments) => images::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Man(arguments) => man::run(&arguments, Cli::command()),
        Command::Plan(arguments) => plan::run(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Report(arguments) => report::run(&arguments),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Serve(arguments) => serve::run(*arguments),
        Command::UpgradeCheck(arguments) => upgrade_check::run(&arguments),
        Command::Webhook(arguments) => webhook::run(*arguments),
    }
}
