//! `podsec inspect`: what each container really runs with.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use podsec_manifest::input::search;
use podsec_manifest::inspect::{InspectedContainer, InspectedPod, Setting, inspect};
use podsec_manifest::{Problem, Templates};
use serde::Serialize;

/// Prints the effective security settings of each container, and who decides each: the container, the pod, or nobody.
/// Exits with 2 when something could not be read.
#[derive(Clone, Debug, Args)]
pub(crate) struct Arguments {
    /// Files, folders, globs, or - for standard input.
    #[arg(required = true)]
    paths: Vec<PathBuf>,

    /// How to print.
    #[arg(long, default_value = "human")]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table a container.
    Human,
    /// A line of JSON a container.
    Json,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut out = io::stdout().lock();
    let mut code = ExitCode::SUCCESS;
    for input in search(&arguments.paths) {
        let name = input.name();
        let (pods, problems) = match input.source() {
            Ok(source) => inspect(&source, &Templates::default()),
            Err(message) => (Vec::new(), vec![Problem { object: None, position: None, message }]),
        };
        for pod in &pods {
            for container in &pod.containers {
                match arguments.format {
                    Format::Human => print_table(&name, pod, container, &mut out)?,
                    Format::Json => print_line(&name, pod, container, &mut out)?,
                }
            }
        }
        for problem in problems {
            code = ExitCode::from(2);
            complain(&name, &problem);
        }
    }
    Ok(code)
}

fn print_table(
    file: &str,
    pod: &InspectedPod,
    container: &InspectedContainer,
    out: &mut impl Write,
) -> io::Result<()> {
    let object = &pod.object;
    writeln!(out, "{file}: {} {:?}, {} {:?}", object.kind, object.name, container.list, container.name)?;
    let widest = |text: fn(&Setting) -> &str| {
        container.settings.iter().map(|setting| text(setting).chars().count()).max().unwrap_or(0)
    };
    let (name_width, value_width) = (widest(|setting| setting.name), widest(|setting| &setting.value));
    for setting in &container.settings {
        let (name, value, origin) = (setting.name, &setting.value, setting.origin.as_str());
        writeln!(out, "  {name:name_width$}  {value:value_width$}  {origin}")?;
    }
    writeln!(out)
}

fn print_line(
    file: &str,
    pod: &InspectedPod,
    container: &InspectedContainer,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    #[derive(Serialize)]
    struct Line<'a> {
        file: &'a str,
        kind: &'a str,
        namespace: &'a str,
        name: &'a str,
        container: &'a InspectedContainer,
    }
    let object = &pod.object;
    let line = Line { file, kind: &object.kind, namespace: &object.namespace, name: &object.name, container };
    serde_json::to_writer(&mut *out, &line)?;
    writeln!(out)?;
    Ok(())
}

#[expect(clippy::print_stderr, reason = "the table is for standard output, what is wrong is not")]
fn complain(file: &str, problem: &Problem) {
    match problem.position {
        Some(position) => eprintln!("{file}:{position}: {}", problem.message),
        None => eprintln!("{file}: {}", problem.message),
    }
}
