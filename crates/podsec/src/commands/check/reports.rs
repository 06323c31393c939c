//! The reports of a check: in several formats at once, each to its own file or to standard output.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use podsec_manifest::report::{Concise, Human, Json, Renderer, Summary};
use podsec_manifest::{FileReport, Source};

/// The flags that say how to report.
#[derive(Clone, Debug, Args)]
pub(crate) struct ReportArguments {
    /// How to report. Given several times, each --output belongs to the --format before it.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    format: Vec<Format>,

    /// Where the report goes, instead of standard output.
    #[arg(long, value_name = "FILE")]
    output: Vec<PathBuf>,

    /// When to colour.
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: Colour,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people: the lines, what is wrong with them, the way out.
    Human,
    /// A line a violation.
    Concise,
    /// One document with everything; `podsec schema` describes it.
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// In any case.
    Always,
    /// In no case.
    Never,
}

/// The reports that are being written.
pub(crate) struct Reports(Vec<Report>);

struct Report {
    renderer: Box<dyn Renderer>,
    out: Box<dyn Write>,
}

impl Reports {
    /// Opens every output before anything is judged.
    pub(crate) fn open(arguments: &ReportArguments) -> anyhow::Result<Self> {
        let ReportArguments { format, output, color } = arguments;
        if output.len() > format.len() || output.len() + 1 < format.len() {
            bail!(
                "{} --format but {} --output: only one report can go to standard output",
                format.len(),
                output.len()
            );
        }
        let outputs = output.iter().map(Some).chain([None]);
        let open = |(format, output): (&Format, Option<&PathBuf>)| {
            let out: Box<dyn Write> = match output {
                Some(path) => {
                    let file =
                        File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
                    Box::new(BufWriter::new(file))
                }
                None => Box::new(BufWriter::new(io::stdout())),
            };
            let colour = color.wanted(output.is_none());
            Ok(Report { renderer: format.renderer(colour), out })
        };
        format.iter().zip(outputs).map(open).collect::<anyhow::Result<_>>().map(Self)
    }

    pub(crate) fn file(&mut self, source: &Source, report: &FileReport) -> io::Result<()> {
        self.0.iter_mut().try_for_each(|Report { renderer, out }| renderer.file(source, report, out))
    }

    pub(crate) fn finish(&mut self, summary: &Summary) -> io::Result<()> {
        self.0.iter_mut().try_for_each(|Report { renderer, out }| {
            renderer.finish(summary, out)?;
            out.flush()
        })
    }
}

impl Format {
    fn renderer(self, colour: bool) -> Box<dyn Renderer> {
        match self {
            Self::Human => Box::new(Human::new(colour)),
            Self::Concise => Box::new(Concise),
            Self::Json => Box::new(Json::default()),
        }
    }
}

impl Colour {
    fn wanted(self, standard_output: bool) -> bool {
        let disabled = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => standard_output && io::stdout().is_terminal() && !disabled,
        }
    }
}
