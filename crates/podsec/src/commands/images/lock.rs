//! `podsec images lock`: writes down whom images run as.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;

use crate::images::{LOCK, Origin, read, written};

/// Exits with 2 when an image cannot be read.
#[derive(Clone, Debug, Args)]
pub(crate) struct Arguments {
    /// OCI layouts, archives of docker save, folders of both; or REFERENCE=PATH for an image that does not say its name.
    #[arg(required = true, value_name = "FROM")]
    images: Vec<Origin>,

    /// The lock file to write.
    #[arg(short, long, value_name = "FILE", default_value = LOCK)]
    output: PathBuf,
}

#[expect(clippy::print_stderr, reason = "what was done is told beside what was written")]
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let images = match read(&arguments.images) {
        Ok(images) => images,
        Err(error) => {
            eprintln!("podsec: {error:#}");
            return Ok(ExitCode::from(2));
        }
    };
    let all = images.all();
    fs::write(&arguments.output, written(&all))
        .with_context(|| format!("cannot write {}", arguments.output.display()))?;
    let noun = if all.len() == 1 { "image" } else { "images" };
    eprintln!("{} {noun} in {}", all.len(), arguments.output.display());
    Ok(ExitCode::SUCCESS)
}
