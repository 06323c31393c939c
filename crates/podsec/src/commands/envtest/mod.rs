//! `podsec envtest`: the programs that tests of controllers start instead of kube-apiserver and etcd.
//!
//! ```text
//! podsec envtest install DIR ─► DIR/kube-apiserver, DIR/etcd: this program under other names
//! kube-apiserver FLAGS ─► flags ─► those of podsec serve ─► the API server, in memory
//! etcd FLAGS ─────────► flags ─► /health and /version, and nothing else
//! ```

mod etcd;
mod flags;
mod install;
mod kube_apiserver;
mod program;

use std::process::ExitCode;

use clap::{Args, Subcommand};

pub(crate) use program::Program;

/// The flags.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum Command {
    /// Put programs named kube-apiserver and etcd, which are podsec, into a folder.
    ///
    /// Prints the line of shell that makes frameworks find them: evaluate it, or set KUBEBUILDER_ASSETS yourself. A kubectl
    /// is linked beside them when there is one.
    #[command(after_long_help = include_str!("../help/envtest-install.txt"))]
    Install(install::Arguments),
}

/// Does what the subcommand says.
pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    match arguments.command {
        Command::Install(arguments) => install::run(&arguments),
    }
}
