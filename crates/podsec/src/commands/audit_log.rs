//! `podsec audit-log`: Pod Security in an audit log, for people.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use podsec_analysis::LogReader;
use podsec_analysis::audit_log::{
    AuditFilter, AuditGrouping, AuditSummary, audit_html, audit_json, audit_markdown, audit_table,
};
use podsec_policy::Mode;

use super::check::ignore_closed_pipe;
use super::log_files;
use super::values::{CheckId, checks};

/// Exits with 0 when all logs were read, 2 when one could not be.
#[derive(Clone, Debug, Args)]
pub(crate) struct Arguments {
    /// Audit logs of any shape, compressed or not; folders are read in the order in which they were rotated; - is
    /// standard input.
    #[arg(required = true)]
    logs: Vec<PathBuf>,

    /// Go on when the last log grows or is rotated, and print each decision as it comes.
    #[arg(short = 'F', long)]
    follow: bool,

    /// What to count by.
    #[arg(long, default_value = "everything")]
    by: By,

    /// Of these namespaces only; several with commas, or given several times.
    #[arg(short, long, value_name = "NAME", value_delimiter = ',')]
    namespace: Vec<String>,

    /// Of these users only.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    user: Vec<String>,

    /// Of these checks only.
    #[arg(long, value_name = "CHECK", value_delimiter = ',', value_parser = checks(), hide_possible_values = true)]
    check: Vec<CheckId>,

    /// Of this mode only: enforce for refusals, audit for notes.
    #[arg(long, value_name = "MODE")]
    mode: Option<LogMode>,

    /// Not before this time: 2026-12-01, 2026-12-01T10:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<String>,

    /// Not after this time.
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<String>,

    /// How to print.
    #[arg(short, long, default_value = "table")]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table.
    Table,
    /// JSON.
    Json,
    /// Markdown.
    Markdown,
    /// One HTML file with a line of time.
    Html,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum By {
    /// Namespace, workload, user, mode and policy together.
    Everything,
    /// Who asked.
    User,
    /// The namespace.
    Namespace,
    /// The workload.
    Workload,
    /// The check.
    Check,
    /// The mode.
    Mode,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogMode {
    /// Refusals.
    Enforce,
    /// Notes.
    Audit,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    if arguments.follow && arguments.format != Format::Table {
        bail!("--follow prints lines as they come, in no other format");
    }
    let filter = AuditFilter {
        namespaces: arguments.namespace.clone(),
        users: arguments.user.clone(),
        checks: arguments.check.iter().map(|check| check.0.to_owned()).collect(),
        mode: arguments.mode.map(|mode| match mode {
            LogMode::Enforce => Mode::Enforce,
            LogMode::Audit => Mode::Audit,
        }),
        since: arguments.since.clone(),
        until: arguments.until.clone(),
    };
    let grouping = match arguments.by {
        By::Everything => AuditGrouping::Everything,
        By::User => AuditGrouping::User,
        By::Namespace => AuditGrouping::Namespace,
        By::Workload => AuditGrouping::Workload,
        By::Check => AuditGrouping::Check,
        By::Mode => AuditGrouping::Mode,
    };
    let mut summary = AuditSummary::new(filter.clone(), grouping);
    let mut reader = LogReader::default();
    let mut unread = 0;
    let files = log_files::ordered(&arguments.logs).context("cannot search the logs")?;
    for (number, path) in files.iter().enumerate() {
        let is_last = number + 1 == files.len();
        let mut each = |event: &podsec_analysis::log::LoggedEvent<'_>| {
            if arguments.follow {
                follow(event, &filter);
            } else {
                summary.event(event);
            }
        };
        if let Err(error) = log_files::read(path, arguments.follow && is_last, &mut reader, &mut each) {
            unread += 1;
            complain(&format!("podsec: cannot read {} to its end: {error}", path.display()));
        }
    }
    let mut text = String::new();
    match arguments.format {
        _ if arguments.follow => {}
        Format::Table => audit_table(&summary, &reader.counts, &mut text)?,
        Format::Json => text = format!("{:#}\n", audit_json(&summary, &reader.counts)),
        Format::Markdown => audit_markdown(&summary, &reader.counts, &mut text)?,
        Format::Html => text = audit_html(&summary, &reader.counts)?,
    }
    io::stdout().write_all(text.as_bytes()).or_else(ignore_closed_pipe)?;
    Ok(if unread > 0 { ExitCode::from(2) } else { ExitCode::SUCCESS })
}

/// Prints the decisions of one event.
#[expect(clippy::exit, reason = "a log that is followed has no end but this")]
fn follow(event: &podsec_analysis::log::LoggedEvent<'_>, filter: &AuditFilter) {
    let mut one = AuditSummary::new(filter.clone(), AuditGrouping::Everything);
    one.event(event);
    let mut out = io::stdout().lock();
    for (key, row) in &one.rows {
        let checks: Vec<&str> = row.checks.iter().map(String::as_str).collect();
        let line = format!(
            "{} {} {} {} {} {} {}",
            row.last,
            key.mode,
            key.policy,
            key.namespace,
            key.workload,
            key.user,
            checks.join(",")
        );
        let plain: String =
            line.chars().map(|shown| if shown.is_control() { '\u{fffd}' } else { shown }).collect();
        if writeln!(out, "{plain}").and_then(|()| out.flush()).is_err() {
            // Nobody reads any more.
            std::process::exit(0);
        }
    }
}

/// A time as logs write it, or the beginning of one.
fn time(text: &str) -> Result<String, String> {
    let is_date = |text: &str| text.parse::<jiff::civil::Date>().is_ok();
    if is_date(text) {
        return Ok(text.to_owned());
    }
    let parsed = text.parse::<jiff::Timestamp>();
    parsed
        .map(|time| time.to_string())
        .map_err(|_| "write it as 2026-12-01 or 2026-12-01T10:00:00Z".to_owned())
}

#[expect(
    clippy::print_stderr,
    reason = "what is wrong stays out of the report, which may be read by a machine"
)]
fn complain(text: &str) {
    eprintln!("{text}");
}
