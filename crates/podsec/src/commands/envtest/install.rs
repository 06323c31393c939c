//! `podsec envtest install`: podsec under the names that frameworks look for.

use std::env;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;

use super::Program;

/// The flags.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The folder, which is made when it is absent.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The kubectl to link there; the first of PATH when absent.
    #[arg(long, value_name = "FILE")]
    kubectl: Option<PathBuf>,
}

/// Installs the programs, and prints what makes them be found.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let folder = &arguments.folder;
    let unusable = || format!("cannot use the folder {}", folder.display());
    fs::create_dir_all(folder).with_context(unusable)?;
    let folder = folder.canonicalize().with_context(unusable)?;
    let podsec =
        env::current_exe().and_then(|path| path.canonicalize()).context("cannot find podsec itself")?;
    for program in Program::ALL {
        let target = folder.join(program.name());
        let write = |path: &Path| fs::hard_link(&podsec, path).or_else(|_| fs::copy(&podsec, path).map(drop));
        replace(&target, write).with_context(|| format!("cannot write {}", target.display()))?;
    }
    let target = folder.join(KUBECTL);
    match &arguments.kubectl {
        Some(path) => link(path, &target)?,
        None => match on_path(KUBECTL).filter(|path| *path != target) {
            Some(path) => link(&path, &target)?,
            None if target.exists() => {}
            None => eprint_line("there is no kubectl in PATH: name one with --kubectl if your tests run it"),
        },
    }
    let folder = folder.display().to_string().replace('\'', r"'\''");
    writeln!(io::stdout(), "export KUBEBUILDER_ASSETS='{folder}'")?;
    Ok(ExitCode::SUCCESS)
}

fn link(kubectl: &Path, target: &Path) -> anyhow::Result<()> {
    let kubectl = kubectl.canonicalize().with_context(|| format!("cannot find {}", kubectl.display()))?;
    if kubectl == target {
        return Ok(());
    }
    replace(target, |path| symlink(&kubectl, path))
        .with_context(|| format!("cannot write {}", target.display()))
}

/// Puts what `write` makes in the place of a file, in one step.
fn replace(target: &Path, write: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    let mut temporary = target.as_os_str().to_owned();
    temporary.push(format!(".{}.tmp", std::process::id()));
    let temporary = PathBuf::from(temporary);
    let _ = fs::remove_file(&temporary);
    let written = write(&temporary).and_then(|()| fs::rename(&temporary, target));
    // Two names of one file are left as they are by a rename.
    let _ = fs::remove_file(&temporary);
    written
}

/// The first file of this name in PATH.
fn on_path(name: &str) -> Option<PathBuf> {
    let folders = env::var_os("PATH")?;
    env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file())
}

#[expect(clippy::print_stderr, reason = "a remark beside the line that is to be evaluated")]
fn eprint_line(text: &str) {
    eprintln!("{text}");
}

const KUBECTL: &str = "kubectl";
