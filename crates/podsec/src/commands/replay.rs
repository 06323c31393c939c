//! `podsec replay`: what past requests would have met at another level.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use podsec_analysis::replay::{Replay, ReplayOptions, replay_json, replay_markdown, replay_table};
use podsec_analysis::{Collector, LogReader, labels};
use podsec_policy::Configuration;
use podsec_standards::{Level, Policy, Version};

use super::check::ignore_closed_pipe;
use super::log_files;
use super::subjects::open::decompressed;
use super::values::{levels, versions};

/// Exits with 0 when nothing would have been refused, 1 when something would, 2 when a log could not be read.
#[derive(Clone, Debug, Args)]
pub(crate) struct Arguments {
    /// Audit logs of any shape, compressed or not; folders are read in the order in which they were rotated; - is
    /// standard input.
    #[arg(required = true)]
    logs: Vec<PathBuf>,

    /// The level to judge by. Without it, what the labels of --namespaces and of the log itself say.
    #[arg(long, value_parser = levels())]
    level: Option<Level>,

    /// The version of the standards. Needs --level.
    #[arg(long, value_name = "VERSION", requires = "level", value_parser = versions(), hide_possible_values = true)]
    version: Option<Version>,

    /// The cluster's PodSecurityConfiguration: defaults for namespaces without labels, and exemptions.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// The namespaces as they were, as `kubectl get namespaces -o yaml` prints them.
    #[arg(long, value_name = "FILE")]
    namespaces: Option<PathBuf>,

    /// How to print.
    #[arg(short, long, default_value = "table")]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table, and what could not be known below it.
    Table,
    /// JSON.
    Json,
    /// Markdown.
    Markdown,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut replay = Replay::new(options(arguments)?);
    let mut reader = LogReader::default();
    let mut unread = 0;
    for path in log_files::ordered(&arguments.logs).context("cannot search the logs")? {
        if let Err(error) = log_files::read(&path, false, &mut reader, &mut |event| replay.event(event)) {
            unread += 1;
            complain(&format!("podsec: cannot read {} to its end: {error}", path.display()));
        }
    }
    let mut text = String::new();
    match arguments.format {
        Format::Table => replay_table(&replay, &reader.counts, &mut text)?,
        Format::Json => text = format!("{:#}\n", replay_json(&replay, &reader.counts)),
        Format::Markdown => replay_markdown(&replay, &reader.counts, &mut text)?,
    }
    io::stdout().write_all(text.as_bytes()).or_else(ignore_closed_pipe)?;
    Ok(match (unread, replay.counts.refused) {
        (0, 0) => ExitCode::SUCCESS,
        (0, _) => ExitCode::from(1),
        _ => ExitCode::from(2),
    })
}

fn options(arguments: &Arguments) -> anyhow::Result<ReplayOptions> {
    let configuration = match &arguments.config {
        None => None,
        Some(path) => {
            let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
            Some(Configuration::from_yaml(&text).with_context(|| format!("cannot use {}", path.display()))?)
        }
    };
    let mut namespaces = HashMap::new();
    if let Some(path) = &arguments.namespaces {
        let shown = path.display().to_string();
        let file =
            fs::File::open(path).and_then(decompressed).with_context(|| format!("cannot read {shown}"))?;
        let mut collector = Collector::default();
        collector.feed(&shown, io::BufReader::new(file));
        let inventory = collector.finish();
        if let Some(trouble) = inventory.troubles.first() {
            bail!("cannot use {shown}: {}", trouble.message);
        }
        for (name, contents) in &inventory.namespaces {
            namespaces.insert(name.clone(), labels::read(contents.object.as_ref()));
        }
        if namespaces.is_empty() {
            bail!("there is no Namespace in {shown}");
        }
    }
    let version = arguments.version.unwrap_or(Version::Latest);
    Ok(ReplayOptions {
        policy: arguments.level.map(|level| Policy::new(level, version)),
        configuration,
        namespaces,
    })
}

#[expect(
    clippy::print_stderr,
    reason = "what is wrong stays out of the report, which may be read by a machine"
)]
fn complain(text: &str) {
    eprintln!("{text}");
}
