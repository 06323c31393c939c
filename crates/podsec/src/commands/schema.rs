//! `podsec schema`: the JSON Schemas of what podsec writes and reads.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use podsec_manifest::report;

use super::check::{ignore_closed_pipe, settings};

/// Prints a JSON Schema.
#[derive(Clone, Debug, Args)]
pub(crate) struct Arguments {
    /// Of what.
    #[arg(default_value = "report")]
    subject: Subject,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Subject {
    /// `podsec check --format json`
    Report,
    /// `podsec plan --format json`
    Plan,
    /// `podsec.toml`
    Settings,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let schema = match arguments.subject {
        Subject::Report => report::SCHEMA,
        Subject::Plan => podsec_analysis::plan::SCHEMA,
        Subject::Settings => settings::SCHEMA,
    };
    io::stdout().write_all(schema.as_bytes()).or_else(ignore_closed_pipe)?;
    Ok(ExitCode::SUCCESS)
}
