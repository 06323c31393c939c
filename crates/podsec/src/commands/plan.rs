//! `podsec plan`: the strictest level that fits each namespace, and what is in the way of the next.

use std::fs;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, anyhow, bail};
use clap::{Args, ValueEnum};
use podsec_analysis::plan::{self, Plan, PlanOptions};
use podsec_standards::Version;

use super::check::ignore_closed_pipe;
use super::subjects::{Cluster, SubjectArguments};
use super::values::versions;

/// Exits with 0 when a plan was made, 2 when something could not be read.
#[derive(Clone, Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct Arguments {
    #[command(flatten)]
    subjects: SubjectArguments,

    /// Plan these namespaces only; several with commas, or given several times.
    #[arg(short, long, value_name = "NAME", value_delimiter = ',')]
    namespace: Vec<String>,

    /// What latest means: the cluster's own version. Asked of the cluster with --live, else the newest.
    #[arg(long, value_name = "VERSION", value_parser = versions(), hide_possible_values = true)]
    cluster_version: Option<Version>,

    /// Suggest no version that is older.
    #[arg(long, value_name = "VERSION", default_value = "v1.25", value_parser = versions(), hide_possible_values = true)]
    oldest: Version,

    /// Write the cluster's version in the place of latest, so that an upgrade of the cluster changes no verdict.
    #[arg(long)]
    pin: bool,

    /// How to print.
    #[arg(short, long, default_value = "table")]
    format: Format,

    /// Print the way back to the labels as they are now, in the formats kubectl, kustomize and manifests.
    #[arg(long)]
    rollback: bool,

    /// Tell everything that is in the way, not the first few of each namespace.
    #[arg(long)]
    all: bool,

    /// Write to this file instead of standard output.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Set the labels in the cluster of --live: those of warn and audit first, then those of enforce. Asks before, and
    /// stops at the first refusal.
    #[arg(long, requires = "live")]
    apply: bool,

    /// Do not ask before --apply.
    #[arg(long, requires = "apply")]
    yes: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table, and what is in the way below it.
    Table,
    /// JSON; `podsec schema plan` describes it.
    Json,
    /// Markdown.
    Markdown,
    /// One HTML file with a map of the namespaces.
    Html,
    /// The labels as commands of kubectl, with the way back.
    Kubectl,
    /// The labels as a Component of Kustomize.
    Kustomize,
    /// The labels as Namespaces for server-side apply.
    Manifests,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let labels = matches!(arguments.format, Format::Kubectl | Format::Kustomize | Format::Manifests);
    if arguments.rollback && !labels {
        bail!("--rollback needs --format kubectl, kustomize or manifests");
    }
    let configuration = arguments.subjects.configuration()?;
    let (inventory, cluster) = arguments.subjects.collect()?;
    let version = match (arguments.cluster_version, &cluster) {
        (Some(version), _) => version,
        (None, Some(cluster)) => cluster.version()?.min(Version::NEWEST_REVISION),
        (None, None) => Version::NEWEST_REVISION,
    };
    let options = PlanOptions {
        configuration,
        cluster: version,
        oldest: arguments.oldest,
        pin: arguments.pin,
        namespaces: arguments.namespace.clone(),
    };
    let plan = podsec_analysis::plan(&inventory, &options);
    for name in arguments.namespace.iter().filter(|name| !inventory.namespaces.contains_key(*name)) {
        note(&format!("warning: there is no namespace {name:?} in what was read"));
    }
    print(&plan, arguments)?;
    if let (true, Some(cluster)) = (arguments.apply, &cluster) {
        apply(&plan, cluster, arguments.yes)?;
    }
    Ok(if plan.counts.troubles > 0 { ExitCode::from(2) } else { ExitCode::SUCCESS })
}

fn print(plan: &Plan, arguments: &Arguments) -> anyhow::Result<()> {
    let mut text = String::new();
    match arguments.format {
        Format::Table => plan::table(plan, arguments.all, &mut text)?,
        Format::Json => text = format!("{:#}\n", plan::json(plan)),
        Format::Markdown => plan::markdown(plan, &mut text)?,
        Format::Html => text = plan::html(plan)?,
        Format::Kubectl => plan::kubectl(plan, arguments.rollback, &mut text)?,
        Format::Kustomize => plan::kustomize(plan, arguments.rollback, &mut text)?,
        Format::Manifests => plan::manifests(plan, arguments.rollback, &mut text)?,
    }
    match &arguments.output {
        Some(path) => fs::write(path, text).with_context(|| format!("cannot write {}", path.display())),
        None => Ok(io::stdout().write_all(text.as_bytes()).or_else(ignore_closed_pipe)?),
    }
}

fn apply(plan: &Plan, cluster: &Cluster, unasked: bool) -> anyhow::Result<()> {
    if plan.counts.troubles > 0 {
        bail!("nothing is labelled: something could not be read, and might be refused by the labels");
    }
    let steps = plan::steps(plan);
    if steps.is_empty() {
        note("Every namespace has its labels already.");
        return Ok(());
    }
    for step in &steps {
        for change in &step.changes {
            let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "absent".to_owned());
            note(&format!(
                "{}: {}: {} -> {}",
                step.namespace,
                change.label,
                shown(&change.from),
                shown(&change.to)
            ));
        }
    }
    if !unasked {
        if !io::stdin().is_terminal() {
            bail!("nothing is labelled: there is nobody to ask; --yes labels without asking");
        }
        note("Label? [y/N]");
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer)?;
        if !answer.trim().eq_ignore_ascii_case("y") {
            bail!("nothing is labelled");
        }
    }
    for (done, step) in steps.iter().enumerate() {
        let set = cluster.label(&step.namespace, &step.changes);
        set.map_err(|error| {
            anyhow!(
                "{done} of {} steps are done, and namespace {} is refused: {error:#}",
                steps.len(),
                step.namespace
            )
        })?;
    }
    note(&format!("{} steps are done.", steps.len()));
    Ok(())
}

#[expect(clippy::print_stderr, reason = "notes stay out of the plan, which may be read by a machine")]
fn note(text: &str) {
    eprintln!("{text}");
}
