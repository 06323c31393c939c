//! `podsec man`: the manual pages, one a subcommand.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;

/// Writes the manual pages into a folder: podsec.1, podsec-check.1 and so on.
#[derive(Clone, Debug, Args)]
pub(crate) struct Arguments {
    /// The folder, which must exist.
    folder: PathBuf,
}

/// `command` is podsec's own.
pub(crate) fn run(arguments: &Arguments, command: clap::Command) -> anyhow::Result<ExitCode> {
    let command = command.disable_help_subcommand(true);
    clap_mangen::generate_to(command, &arguments.folder)
        .with_context(|| format!("cannot write into {}", arguments.folder.display()))?;
    Ok(ExitCode::SUCCESS)
}
