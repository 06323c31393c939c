//! The reports of a check: in several formats at once, each to its own file or to standard output.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::error::ErrorKind;
use clap::{ArgMatches, Args, Command, FromArgMatches, ValueEnum};
use podsec_manifest::report::{
    Assembly, Concise, Github, Gitlab, Html, Human, Json, Junit, Markdown, Renderer, Sarif, Summary,
};
use podsec_manifest::{FileReport, Kept, Source, Templates};

/// How to report: each format with the file it goes to, or none for standard output.
#[derive(Clone, Debug)]
pub(crate) struct ReportArguments {
    formats: Vec<(Format, Option<PathBuf>)>,
    colour: Colour,
}

/// The flags as they are written; which --output belongs to which --format follows from their order.
#[derive(Clone, Debug, Args)]
struct Flags {
    /// How to report; human when left out. May be given several times.
    #[arg(short, long, value_name = "FORMAT")]
    format: Vec<Format>,

    /// Where the report of the --format before it goes, instead of standard output. Without a --format before it, the
    /// name of the file says the format: .html, .json, .sarif, .md, .xml (junit).
    #[arg(short, long, value_name = "FILE")]
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
    /// For code scanning: SARIF 2.1.0.
    Sarif,
    /// For Jenkins and other test reports.
    Junit,
    /// Annotations of a GitHub workflow.
    Github,
    /// GitLab's Code Quality report.
    Gitlab,
    /// For a comment on a merge request.
    Markdown,
    /// A page for the browser.
    Html,
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

impl Args for ReportArguments {
    fn augment_args(command: Command) -> Command {
        Flags::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Flags::augment_args_for_update(command)
    }
}

impl FromArgMatches for ReportArguments {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let Flags { format, output, color } = Flags::from_arg_matches(matches)?;
        let places = |id: &str| matches.indices_of(id).into_iter().flatten().collect::<Vec<_>>();
        let mut formats: Vec<(usize, Format, Option<PathBuf>)> =
            places("format").into_iter().zip(format).map(|(place, format)| (place, format, None)).collect();
        let refuse = |message: &str| clap::Error::raw(ErrorKind::ArgumentConflict, format!("{message}\n"));
        for (place, path) in places("output").into_iter().zip(output) {
            match formats.iter_mut().rfind(|(format_place, ..)| *format_place < place) {
                Some((.., taken @ None)) => *taken = Some(path),
                // The file itself says its format.
                _ => match Format::of_file(&path) {
                    Some(format) => formats.push((place, format, Some(path))),
                    None if formats.is_empty() => formats.push((place, Format::Human, Some(path))),
                    None => {
                        let message =
                            "an --output needs a --format before it of its own, or a file name that says one";
                        return Err(refuse(message));
                    }
                },
            }
        }
        if formats.is_empty() {
            formats.push((0, Format::Human, None));
        }
        if formats.iter().filter(|(.., path)| path.is_none()).count() > 1 {
            return Err(refuse("only one --format can go to standard output: give the others an --output"));
        }
        Ok(Self {
            formats: formats.into_iter().map(|(_, format, path)| (format, path)).collect(),
            colour: color,
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// The formats that sources are rendered in, each on its own.
pub(crate) struct Renderers(Vec<Box<dyn Renderer + Send + Sync>>);

/// The reports that are being written, in the order of the formats.
pub(crate) struct Reports {
    reports: Vec<(Box<dyn Assembly>, Box<dyn Write + Send>)>,
    /// Whether someone looks at one as it is written, in whole lines then.
    watched: bool,
}

impl ReportArguments {
    /// Opens every output, before anything is judged.
    pub(crate) fn open(&self, templates: &Templates) -> anyhow::Result<(Renderers, Reports)> {
        let (mut renderers, mut reports) = (Vec::new(), Vec::new());
        for (format, output) in &self.formats {
            let out: Box<dyn Write + Send> = match output {
                Some(path) => {
                    let file =
                        File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
                    Box::new(BufWriter::with_capacity(BUFFER, file))
                }
                None => Box::new(BufWriter::with_capacity(BUFFER, io::stdout())),
            };
            let renderer = format.renderer(self.colour.wanted(output.is_none()), templates);
            reports.push((renderer.assembly(), out));
            renderers.push(renderer);
        }
        let watched = self.formats.iter().any(|(_, output)| output.is_none()) && io::stdout().is_terminal();
        Ok((Renderers(renderers), Reports { reports, watched }))
    }
}

impl Renderers {
    /// Whether the documents in which something was found spare one of them some work.
    pub(crate) fn want_documents(&self) -> bool {
        self.0.iter().any(|renderer| renderer.wants_documents())
    }

    /// What a source adds to each report.
    pub(crate) fn source(
        &self,
        source: &Source,
        report: &FileReport,
        documents: &[Kept<'_>],
    ) -> io::Result<Vec<Vec<u8>>> {
        let mut parts = Vec::with_capacity(self.0.len());
        for renderer in &self.0 {
            let mut part = Vec::new();
            renderer.source_with(source, report, documents, &mut part)?;
            parts.push(part);
        }
        Ok(parts)
    }
}

impl Reports {
    /// Adds a source, of which the renderers made these parts.
    pub(crate) fn add(&mut self, report: &FileReport, parts: &[Vec<u8>]) -> io::Result<()> {
        let watched = self.watched;
        self.reports.iter_mut().zip(parts).try_for_each(|((assembly, out), part)| {
            assembly.add(report, part, out)?;
            if watched { out.flush() } else { Ok(()) }
        })
    }

    pub(crate) fn finish(&mut self, summary: &Summary) -> io::Result<()> {
        self.reports.iter_mut().try_for_each(|(assembly, out)| {
            assembly.finish(summary, out)?;
            out.flush()
        })
    }
}

impl Format {
    /// The format that the name of a file says.
    fn of_file(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        let formats = [
            (".html", Self::Html),
            (".htm", Self::Html),
            (".json", Self::Json),
            (".sarif", Self::Sarif),
            (".sarif.json", Self::Sarif),
            (".md", Self::Markdown),
            (".xml", Self::Junit),
        ];
        let fits = formats.into_iter().filter(|(ending, _)| name.ends_with(ending));
        fits.max_by_key(|(ending, _)| ending.len()).map(|(_, format)| format)
    }

    fn renderer(self, colour: bool, templates: &Templates) -> Box<dyn Renderer + Send + Sync> {
        match self {
            Self::Human => Box::new(Human::new(colour)),
            Self::Concise => Box::new(Concise),
            Self::Json => Box::new(Json),
            Self::Sarif => Box::new(Sarif::new(templates.clone())),
            Self::Junit => Box::new(Junit),
            Self::Github => Box::new(Github),
            Self::Gitlab => Box::new(Gitlab),
            Self::Markdown => Box::new(Markdown),
            Self::Html => Box::new(Html),
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

const BUFFER: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn formats(line: &str) -> Result<Vec<(Format, Option<PathBuf>)>, String> {
        let command = ReportArguments::augment_args(Command::new("check").no_binary_name(true));
        let matches =
            command.try_get_matches_from(line.split_whitespace()).map_err(|error| error.to_string())?;
        let read = ReportArguments::from_arg_matches(&matches);
        read.map(|arguments| arguments.formats).map_err(|error| error.to_string())
    }

    #[test]
    fn each_output_belongs_to_the_format_before_it() {
        let file = |name: &str| Some(PathBuf::from(name));
        assert_eq!(formats(""), Ok(vec![(Format::Human, None)]));
        assert_eq!(formats("--output a"), Ok(vec![(Format::Human, file("a"))]));
        assert_eq!(
            formats("--format human --format sarif --output a --format junit --output b"),
            Ok(vec![(Format::Human, None), (Format::Sarif, file("a")), (Format::Junit, file("b"))])
        );
    }

    #[test]
    fn an_output_without_a_format_has_the_one_that_its_name_says() {
        for (name, format) in [
            ("x.html", Format::Html),
            ("x.json", Format::Json),
            ("a.sarif.json", Format::Sarif),
            ("x.sarif", Format::Sarif),
            ("x.md", Format::Markdown),
            ("x.xml", Format::Junit),
            ("x", Format::Human),
        ] {
            assert_eq!(
                formats(&format!("-o {name}")),
                Ok(vec![(format, Some(PathBuf::from(name)))]),
                "{name}"
            );
        }
        let file = |name: &str| Some(PathBuf::from(name));
        assert_eq!(
            formats("-f human -f gitlab -o a.json -o b.html"),
            Ok(vec![(Format::Human, None), (Format::Gitlab, file("a.json")), (Format::Html, file("b.html"))])
        );
    }

    #[test]
    fn what_cannot_be_paired_is_refused() {
        for line in
            ["--format human --format json", "--format json --output a --output b", "--output a --output b"]
        {
            assert!(formats(line).is_err(), "{line}");
        }
    }
}
