//! `podsec check`: what would be refused, before anything is deployed.

pub(crate) mod policies;
pub(crate) mod progress;
mod reports;
pub(crate) mod selection;
pub(crate) mod settings;

use std::fs;
use std::io;
use std::path::{self, Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::Context;
use clap::Args;
use globset::{Glob, GlobSetBuilder};
use jiff::Zoned;
use podsec_manifest::images::apply_images;
use podsec_manifest::input::{
    Discovery, Input, Judgement, Kustomizations, check_inputs, forget_names, search,
};
use podsec_manifest::report::Summary;
use podsec_manifest::{Baseline, FileReport, Kept, Source, Start, Template, Templates};

use policies::{ModeArgument, Policies, PolicyArguments};
use progress::Progress;
use reports::ReportArguments;
use selection::SelectionArguments;
use settings::Settings;

use super::render::RenderArguments;
use crate::images::ImageArguments;

/// Exits with 0 when everything would be admitted, 1 when something would be refused, 2 when something could not be
/// judged.
#[derive(Clone, Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct Arguments {
    /// Files, folders (searched for .yaml, .yml and .json as git sees them), globs, or - for standard input. The
    /// working directory when left out.
    paths: Vec<PathBuf>,

    #[command(flatten)]
    policy: PolicyArguments,

    #[command(flatten)]
    report: ReportArguments,

    #[command(flatten)]
    render: RenderArguments,

    #[command(flatten)]
    selection: SelectionArguments,

    #[command(flatten)]
    images: ImageArguments,

    /// Judge the pods of a custom kind, too: GROUP/KIND=PATH, as in argoproj.io/Rollout=spec.template.
    #[arg(long, value_name = "GROUP/KIND=PATH")]
    template: Vec<Template>,

    /// The file of known violations, which do not count.
    #[arg(long, value_name = "FILE", alias = "baseline")]
    known: Option<PathBuf>,

    /// Write all violations to the --known file, so that only new ones count from now on.
    #[arg(long, alias = "write-baseline")]
    write_known: bool,

    /// Count it as an error what Kubernetes refuses when it decodes strictly, as kubectl asks it to: unknown fields, and
    /// kinds that do not exist.
    #[arg(long)]
    strict: bool,

    /// Exit with 1, too, when a namespace would warn of a pod (warn), or the audit log note one (audit).
    #[arg(long, value_name = "MODE")]
    fail_on: Option<ModeArgument>,

    /// Exit with 0 whatever would be refused; with 2 when something could not be judged.
    #[arg(long)]
    exit_zero: bool,

    /// Report what would be refused or could not be judged, and nothing else: no warnings, no patches, no notes.
    #[arg(short, long)]
    quiet: bool,

    /// Treat files that are named as those that are found: what podsec.toml excludes is left out, and what mentions no
    /// apiVersion is no manifest. For hooks, which name every file.
    #[arg(long)]
    force_exclude: bool,

    /// The podsec.toml to use, instead of the nearest one above the working directory.
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
}

/// Judges, reports, and says in the exit code what was found. An error means that something could not be judged.
pub(crate) fn run(arguments: Arguments) -> ExitCode {
    match check(arguments) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            note(&format!("podsec: {error:#}"));
            ExitCode::from(2)
        }
    }
}

fn check(mut arguments: Arguments) -> anyhow::Result<u8> {
    let settings = Settings::find(arguments.settings.as_deref())?;
    settings.complete(&mut arguments.policy).context("cannot use podsec.toml")?;
    let selections = settings.selections(&arguments.selection)?;
    arguments.strict |= settings.strict();
    arguments.fail_on = match arguments.fail_on {
        None => settings.fail_on().context("cannot use podsec.toml")?,
        given => given,
    };
    let templates = settings.templates(&arguments.template).context("cannot use podsec.toml")?;
    // Meanwhile manifests are searched.
    thread::spawn(podsec_manifest::prepare);
    settings.complete_render(&mut arguments.render);
    let Inputs { inputs, kustomizations } = inputs(&arguments, &settings, &templates)?;
    let images = arguments.images.read(&settings.images())?;
    let policies = Policies::new(&arguments.policy, &inputs)?;
    let known_path = arguments.known.clone().or_else(|| settings.known());
    let mut ledger = Ledger { writes: arguments.write_known, ..Ledger::default() };
    match &known_path {
        Some(path) if !ledger.writes => ledger.known = read_baseline(path)?,
        None if ledger.writes => anyhow::bail!("--write-known needs a --known file to write"),
        _ => {}
    }
    let ledger = Mutex::new(ledger);
    let (renderers, mut reports) = arguments.report.open(&templates)?;
    let mut summary = Summary::default();
    let mut progress = Progress::new(inputs.len());
    let today = Zoned::now().date();
    let Arguments { strict, quiet, fail_on, .. } = arguments;
    let render = |source: &Source, mut report: FileReport, documents: &[Kept<'_>]| {
        if !images.is_empty() {
            apply_images(&images, &mut report);
        }
        if strict {
            report.problems.append(&mut report.refusals);
        }
        for selection in &selections {
            selection.apply(&mut report);
        }
        if known_path.is_some() {
            ledger.lock().unwrap_or_else(PoisonError::into_inner).apply(&mut report);
        }
        if quiet {
            report.warnings.clear();
            report.refusals.clear();
            report.patches.clear();
            if !matches!(fail_on, Some(ModeArgument::Warn | ModeArgument::Audit)) {
                report.pods.iter_mut().for_each(|pod| pod.advice.clear());
            }
        }
        let parts = renderers.source(source, &report, documents);
        let rendered: usize = parts.iter().flatten().map(Vec::len).sum();
        ((report, parts), rendered)
    };
    let add = |(report, parts): &(FileReport, io::Result<Vec<Vec<u8>>>)| {
        summary.add(report);
        progress.clear();
        let parts = parts.as_ref().map_err(|error| io::Error::new(error.kind(), error.to_string()))?;
        reports.add(report, parts)?;
        if report.start == Start::default() {
            progress.advance();
        }
        Ok(())
    };
    let judgement = Judgement {
        templates: &templates,
        policies: &policies,
        kustomizations: &kustomizations,
        today,
        keeps: renderers.want_documents(),
    };
    check_inputs(&inputs, &judgement, render, add)
        .and_then(|()| {
            progress.clear();
            reports.finish(&summary)
        })
        .or_else(ignore_closed_pipe)
        .context("cannot write the report")?;
    let Ledger { known, found, .. } = ledger.into_inner().unwrap_or_else(PoisonError::into_inner);

    if inputs.is_empty() {
        note("warning: there is no .yaml, .yml or .json file to judge");
    }
    if policies.fell_back() && !quiet {
        note(
            "note: judged by restricted:latest where neither --level, nor the labels of a namespace, nor --config says \
             otherwise",
        );
    }
    for gone in known.gone().filter(|_| !quiet) {
        note(&format!(
            "note: no longer found, remove it from the known ones: {}: {} {:?}: {}: {}",
            gone.file, gone.kind, gone.name, gone.check, gone.sentence
        ));
    }
    if let Some(path) = known_path.filter(|_| arguments.write_known) {
        fs::write(&path, found.to_json()).with_context(|| format!("cannot write {}", path.display()))?;
        return Ok(if summary.problems > 0 { 2 } else { 0 });
    }
    Ok(exit_code(&summary, &arguments))
}

/// The exit code that the flags ask for.
fn exit_code(summary: &Summary, arguments: &Arguments) -> u8 {
    let told = match arguments.fail_on {
        None | Some(ModeArgument::Enforce) => 0,
        Some(ModeArgument::Warn) => summary.warned_pods,
        Some(ModeArgument::Audit) => summary.warned_pods + summary.audited_pods,
    };
    match summary.exit_code() {
        0 if told > 0 && !arguments.exit_zero => 1,
        1 if arguments.exit_zero => 0,
        code => code,
    }
}

/// What the baseline knows, and what it is to know.
#[derive(Default)]
struct Ledger {
    known: Baseline,
    found: Baseline,
    /// Whether all that is found becomes known.
    writes: bool,
}

impl Ledger {
    fn apply(&mut self, report: &mut FileReport) {
        if self.writes {
            self.found.add(report);
            self.known.add(report);
        }
        self.known.apply(report);
    }
}

/// What to judge.
struct Inputs {
    inputs: Vec<Input>,
    kustomizations: Kustomizations,
}

fn inputs(arguments: &Arguments, settings: &Settings, templates: &Templates) -> anyhow::Result<Inputs> {
    let mut inputs = arguments.render.named()?;
    let mut found = Vec::new();
    if !arguments.paths.is_empty() {
        found = search(&arguments.paths);
    } else if arguments.render.is_empty() {
        found = search(&[PathBuf::from(".")]);
    }
    if arguments.force_exclude {
        forget_names(&mut found);
    }
    leave_out_excluded(&mut found, settings)?;
    let kustomizations = Kustomizations::near(&found);
    inputs.extend(arguments.render.found(Discovery::of(found), templates, arguments.strict));
    Ok(Inputs { inputs, kustomizations })
}

/// Forgets the files that the settings exclude. What is named is wanted, whatever is excluded.
pub(super) fn leave_out_excluded(inputs: &mut Vec<Input>, settings: &Settings) -> anyhow::Result<()> {
    let folder = path::absolute(settings.folder.join(".")).context("cannot tell the working directory")?;
    let mut excluded = GlobSetBuilder::new();
    for glob in &settings.exclude {
        let glob = format!("{}/{glob}", globset::escape(&folder.to_string_lossy()));
        excluded.add(Glob::new(&glob).context("cannot use podsec.toml: exclude")?);
    }
    let excluded = excluded.build().context("cannot use podsec.toml: exclude")?;
    let is_excluded = |path: &Path| path::absolute(path).is_ok_and(|path| excluded.is_match(path));
    inputs.retain(|input| !matches!(input, Input::File { path, named: false } if is_excluded(path)));
    Ok(())
}

fn read_baseline(path: &Path) -> anyhow::Result<Baseline> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Baseline::from_json(&text).with_context(|| format!("cannot use {}", path.display()))
}

/// A reader that has seen enough, as `head`, is no failure.
pub(crate) fn ignore_closed_pipe(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) }
}

#[expect(clippy::print_stderr, reason = "notes stay out of the report, which may be read by a machine")]
fn note(text: &str) {
    eprintln!("{text}");
}
