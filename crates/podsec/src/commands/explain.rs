//! `podsec explain`: what a check, a level or a field is about.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use podsec_manifest::explain;
use podsec_standards::CHECKS;

use super::check::ignore_closed_pipe;

/// Prints what a check forbids, since when, in which revisions, with examples and the way out.
#[derive(Clone, Debug, Args)]
pub(crate) struct Arguments {
    /// A check (hostPathVolumes), a level (baseline) or a field (hostNetwork, securityContext.privileged).
    #[arg(value_name = "CHECK|LEVEL|FIELD")]
    subject: String,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let Some(text) = explain::explain(&arguments.subject) else {
        let checks: Vec<&str> = CHECKS.iter().map(|check| check.id).collect();
        bail!(
            "{:?} is no check, no level, and no field that a check reads; the checks are {}",
            arguments.subject,
            checks.join(", ")
        );
    };
    io::stdout().write_all(text.as_bytes()).or_else(ignore_closed_pipe)?;
    Ok(ExitCode::SUCCESS)
}
