//! `podsec upgrade-check`: what another version of the cluster changes.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use podsec_analysis::PlanOptions;
use podsec_analysis::upgrade::{upgrade, upgrade_json, upgrade_markdown, upgrade_table};
use podsec_standards::Version;

use super::check::ignore_closed_pipe;
use super::subjects::SubjectArguments;
use super::values::versions;

/// Exits with 0 when no verdict becomes stricter, 1 when one does, 2 when something could not be read.
#[derive(Clone, Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    subjects: SubjectArguments,

    /// The version of the cluster before. Asked of the cluster with --live.
    #[arg(long, value_name = "VERSION", value_parser = versions(), hide_possible_values = true, required_unless_present = "live")]
    from: Option<Version>,

    /// The version of the cluster after.
    #[arg(long, value_name = "VERSION", default_value = "latest", value_parser = versions(), hide_possible_values = true)]
    to: Version,

    /// Compare these namespaces only; several with commas, or given several times.
    #[arg(short, long, value_name = "NAME", value_delimiter = ',')]
    namespace: Vec<String>,

    /// How to print.
    #[arg(short, long, default_value = "table")]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table, and the pins to set and to drop.
    Table,
    /// JSON.
    Json,
    /// Markdown.
    Markdown,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let configuration = arguments.subjects.configuration()?;
    let (inventory, cluster) = arguments.subjects.collect()?;
    let from = match (arguments.from, &cluster) {
        (Some(version), _) => version,
        (None, Some(cluster)) => cluster.version()?,
        (None, None) => anyhow::bail!("--from is missing: the version of the cluster before"),
    };
    let options =
        PlanOptions { configuration, namespaces: arguments.namespace.clone(), ..PlanOptions::default() };
    let report = upgrade(&inventory, from, arguments.to, &options);
    let mut text = String::new();
    match arguments.format {
        Format::Table => upgrade_table(&report, &mut text)?,
        Format::Json => text = format!("{:#}\n", upgrade_json(&report)),
        Format::Markdown => upgrade_markdown(&report, &mut text)?,
    }
    for trouble in &inventory.troubles {
        complain(&format!("podsec: {}: {}", trouble.source, trouble.message));
    }
    io::stdout().write_all(text.as_bytes()).or_else(ignore_closed_pipe)?;
    let is_stricter = report.changed.iter().any(|changed| !changed.is_allowed);
    Ok(match (inventory.counts.troubles, is_stricter) {
        (1.., _) => ExitCode::from(2),
        (0, true) => ExitCode::from(1),
        (0, false) => ExitCode::SUCCESS,
    })
}

#[expect(
    clippy::print_stderr,
    reason = "what is wrong stays out of the report, which may be read by a machine"
)]
fn complain(text: &str) {
    eprintln!("{text}");
}
