//! `podsec completions`: what a shell needs to complete podsec's flags; and what kubectl asks its plugin.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Arg, Args, Command};
use clap_complete::Shell;

/// Prints the completions for a shell.
#[derive(Clone, Debug, Args)]
pub(crate) struct Arguments {
    /// The shell.
    shell: Shell,
}

/// `command` is podsec's own.
pub(crate) fn run(arguments: &Arguments, mut command: Command) -> ExitCode {
    clap_complete::generate(arguments.shell, &mut command, "podsec", &mut io::stdout());
    ExitCode::SUCCESS
}

/// Answers kubectl, which runs `kubectl_complete-podsec WORDS…` and reads candidates, one a line, and at the end whether
/// files come into question too.
pub(crate) fn complete(words: &[String], command: &Command) -> anyhow::Result<ExitCode> {
    let (candidates, files) = candidates(command, words);
    let mut out = io::stdout().lock();
    for candidate in candidates {
        writeln!(out, "{candidate}")?;
    }
    writeln!(out, "{}", if files { FILES_TOO } else { NO_FILES })?;
    Ok(ExitCode::SUCCESS)
}

/// The words that could stand for the last one, each with a tab and its meaning, and whether a file could.
fn candidates(root: &Command, words: &[String]) -> (Vec<String>, bool) {
    let (last, before) = words.split_last().map_or(("", &[][..]), |(last, before)| (last.as_str(), before));
    let command = before.iter().fold(root, |command, word| command.find_subcommand(word).unwrap_or(command));
    let described = |name: &str, about: Option<String>| match about {
        Some(about) => format!("{name}\t{}", about.lines().next().unwrap_or_default()),
        None => name.to_owned(),
    };
    let flag = before.last().and_then(|word| word.strip_prefix("--"));
    let takes_value = |arg: &&Arg| arg.get_long() == flag && arg.get_action().takes_values();
    if let Some(arg) = flag.and_then(|_| command.get_arguments().find(takes_value)) {
        let values = arg.get_possible_values();
        let fits = values.iter().filter(|value| value.get_name().starts_with(last));
        let candidates =
            fits.map(|value| described(value.get_name(), value.get_help().map(ToString::to_string)));
        return (candidates.collect(), values.is_empty());
    }
    let mut found = Vec::new();
    if last.starts_with('-') {
        for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
            let long = arg.get_long().map(|long| format!("--{long}")).filter(|long| long.starts_with(last));
            found.extend(long.map(|long| described(&long, arg.get_help().map(ToString::to_string))));
        }
        return (found, false);
    }
    for subcommand in command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set()) {
        if subcommand.get_name().starts_with(last) {
            found.push(described(subcommand.get_name(), subcommand.get_about().map(ToString::to_string)));
        }
    }
    (found, command.get_positionals().next().is_some())
}

/// Cobra's directives, which kubectl understands: what the shell does by default, and no files.
const FILES_TOO: &str = ":0";
const NO_FILES: &str = ":4";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    fn completed(line: &str) -> (Vec<String>, bool) {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let (candidates, files) = candidates(&Cli::command(), &words);
        let name = |line: String| line.split('\t').next().unwrap_or_default().to_owned();
        (candidates.into_iter().map(name).collect(), files)
    }

    #[test]
    fn subcommands_flags_and_their_values_are_completed() {
        let words = |words: &[&str], files| (words.iter().map(|word| (*word).to_owned()).collect(), files);
        assert_eq!(completed("ch"), words(&["check"], false));
        assert_eq!(completed("check --na"), words(&["--namespaces"], false));
        assert_eq!(completed("check --format gi"), words(&["github", "gitlab"], false));
        assert_eq!(completed("check --level b"), words(&["baseline"], false));
        assert_eq!(completed("fix --level p"), words(&["privileged"], false));
        assert_eq!(completed("check --version v1.37"), words(&["v1.37"], false));
        assert_eq!(completed("check --version l"), words(&["latest"], false));
        assert_eq!(
            completed("check --ignore hostP"),
            words(&["hostPathVolumes", "hostPorts", "hostProbesAndHostLifecycle"], false)
        );
        assert_eq!(completed("check --fail-on w"), words(&["warn"], false));
        assert_eq!(completed("check --namespaces x"), words(&[], true));
        assert_eq!(completed("fix a"), words(&[], true));
    }
}
