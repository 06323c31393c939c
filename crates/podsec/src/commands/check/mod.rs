//! `podsec check`: what would be refused, before anything is deployed.

mod policies;
mod reports;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use podsec_manifest::input::{check_inputs, search};
use podsec_manifest::report::Summary;
use podsec_manifest::{Template, Templates};

use policies::{Policies, PolicyArguments};
use reports::{ReportArguments, Reports};

/// The flags of `podsec check`.
#[derive(Clone, Debug, Args)]
pub(crate) struct Arguments {
    /// Files, folders (searched for .yaml, .yml and .json as git sees them), globs, or - for standard input.
    #[arg(default_value = ".")]
    paths: Vec<PathBuf>,

    #[command(flatten)]
    policy: PolicyArguments,

    #[command(flatten)]
    report: ReportArguments,

    /// Judge the pods of a custom kind, too: GROUP/KIND=PATH, as in argoproj.io/Rollout=spec.template.
    #[arg(long, value_name = "GROUP/KIND=PATH")]
    template: Vec<Template>,
}

/// Exits with 0 when everything would be admitted, 1 when something would be refused, 2 when something could not be
/// judged.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    match check(arguments) {
        Ok(summary) => ExitCode::from(summary.exit_code()),
        Err(error) => {
            note(&format!("podsec: {error:#}"));
            ExitCode::from(2)
        }
    }
}

fn check(arguments: &Arguments) -> anyhow::Result<Summary> {
    let mut templates = Templates::default();
    for template in &arguments.template {
        templates.add(template.clone());
    }
    let inputs = search(&arguments.paths);
    let policies = Policies::new(&arguments.policy, &inputs)?;
    let mut reports = Reports::open(&arguments.report)?;
    let mut summary = Summary::default();
    check_inputs(&inputs, &templates, &policies, |source, report| {
        summary.add(&report);
        reports.file(source, &report)
    })
    .and_then(|()| reports.finish(&summary))
    .or_else(ignore_closed_pipe)
    .context("cannot write the report")?;
    if inputs.is_empty() {
        note("warning: there is no .yaml, .yml or .json file to judge");
    }
    if policies.fell_back() {
        note(
            "note: judged by restricted:latest where neither --level, nor the labels of a namespace, nor --config says otherwise",
        );
    }
    Ok(summary)
}

/// A reader that has seen enough, as `head`, is no failure.
fn ignore_closed_pipe(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) }
}

#[expect(clippy::print_stderr, reason = "notes stay out of the report, which may be read by a machine")]
fn note(text: &str) {
    eprintln!("{text}");
}
