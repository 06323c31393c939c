//! `podsec report`: what workloads violate, in the forms that other programs read.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, ValueEnum};
use podsec_analysis::PlanOptions;
use podsec_analysis::report::{self, ReportObject, ReportPolicy};
use podsec_policy::Mode;
use podsec_standards::{Level, Policy, Version};
use serde_json::json;

use super::check::ignore_closed_pipe;
use super::check::policies::ModeArgument;
use super::subjects::SubjectArguments;
use super::values::{levels, versions};

/// Exits with 0 when everything was read, 2 when something could not be.
#[derive(Clone, Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    subjects: SubjectArguments,

    /// Judge by this level. Without it, by the labels of the namespaces.
    #[arg(long, value_parser = levels())]
    level: Option<Level>,

    /// The version of the standards. Needs --level.
    #[arg(long, value_name = "VERSION", requires = "level", value_parser = versions(), hide_possible_values = true)]
    version: Option<Version>,

    /// Which of a namespace's three modes to judge by.
    #[arg(long, value_name = "MODE", default_value = "enforce", conflicts_with = "level")]
    mode: ModeArgument,

    /// Of these namespaces only; several with commas, or given several times.
    #[arg(short, long, value_name = "NAME", value_delimiter = ',')]
    namespace: Vec<String>,

    /// How to print.
    #[arg(short, long, default_value = "openreports")]
    format: Format,

    /// Write to this file instead of standard output.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A List of openreports.io/v1alpha1 Reports, for kubectl apply.
    Openreports,
    /// A List of wgpolicyk8s.io/v1alpha2 PolicyReports, for kubectl apply.
    Policyreport,
    /// Metrics for the textfile collector of Prometheus' node exporter.
    Prometheus,
    /// JUnit.
    Junit,
    /// SARIF, whose results are at objects of the cluster.
    Sarif,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let configuration = arguments.subjects.configuration()?;
    let (inventory, cluster) = arguments.subjects.collect()?;
    let cluster = match &cluster {
        Some(cluster) => cluster.version()?.min(Version::NEWEST_REVISION),
        None => Version::NEWEST_REVISION,
    };
    let options = PlanOptions {
        configuration,
        cluster,
        namespaces: arguments.namespace.clone(),
        ..PlanOptions::default()
    };
    let by = match (arguments.level, arguments.mode) {
        (Some(level), _) => {
            ReportPolicy::Given(Policy::new(level, arguments.version.unwrap_or(Version::Latest)))
        }
        (None, ModeArgument::Enforce) => ReportPolicy::Of(Mode::Enforce),
        (None, ModeArgument::Audit) => ReportPolicy::Of(Mode::Audit),
        (None, ModeArgument::Warn) => ReportPolicy::Of(Mode::Warn),
    };
    let found = report::violations(&inventory, by, &options);
    let list = |kind| json!({"apiVersion": "v1", "kind": "List", "items": report::objects(&found, kind)});
    let mut text = String::new();
    match arguments.format {
        Format::Openreports => text = format!("{:#}\n", list(ReportObject::OpenReport)),
        Format::Policyreport => text = format!("{:#}\n", list(ReportObject::PolicyReport)),
        Format::Prometheus => report::prometheus(&found, &mut text)?,
        Format::Junit => report::junit(&found, &mut text)?,
        Format::Sarif => text = format!("{:#}\n", report::sarif(&found)),
    }
    match &arguments.output {
        Some(path) => fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?,
        None => io::stdout().write_all(text.as_bytes()).or_else(ignore_closed_pipe)?,
    }
    for trouble in &inventory.troubles {
        complain(&format!("podsec: {}: {}", trouble.source, trouble.message));
    }
    Ok(if inventory.counts.troubles > 0 { ExitCode::from(2) } else { ExitCode::SUCCESS })
}

#[expect(
    clippy::print_stderr,
    reason = "what is wrong stays out of the report, which may be read by a machine"
)]
fn complain(text: &str) {
    eprintln!("{text}");
}
