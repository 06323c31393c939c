//! `podsec images`: what is known of container images.

mod lock;

use std::process::ExitCode;

use clap::{Args, Subcommand};

/// Looks at images; see its subcommands.
#[derive(Clone, Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    /// Write what is known of images to a lock file, so that CI can judge without them.
    ///
    /// The file holds what the kubelet looks at, and is found by podsec check and podsec fix beside podsec.toml. Commit it,
    /// and write it again when images change.
    #[command(after_long_help = include_str!("../help/images-lock.txt"))]
    Lock(lock::Arguments),
}

/// Does what the subcommand says.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        Command::Lock(arguments) => lock::run(arguments),
    }
}
